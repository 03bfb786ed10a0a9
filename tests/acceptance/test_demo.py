"""`muniment demo`, as `make demo` and `make demo-production` run it.

Every step of the story, and its numbers everywhere; the same on a file and on servers.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sysconfig
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pyotp
import pytest

from tests.servers import __main__ as servers
from tests.servers.once import alone, of_this_run
from tests.servers.postgresql import APP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.postgresql import Cluster

ROOT = Path(__file__).resolve().parents[2]
MUNIMENT = Path(sysconfig.get_path("scripts")) / "muniment"
VERSIONS = ("1", "2", "3")
STEPS = (
    "What is fixed before anything is measured",
    "A log is founded",
    "Four people come in",
    "The pipeline gets a token",
    "Two people put the policy into force",
    "The data is registered and approved",
    "Version 1 is refused",
    "Version 2 is mended, and not enough",
    "Version 3 is mended by a method",
    "The pipeline waits for people",
    "The author may not approve",
    "A validator and the compliance officer sign",
    "It is deployed",
    "Where did the data go, and why?",
    "A report for the auditor",
    "A stranger verifies",
    "Somebody improves the past",
    "Somebody forges a bundle",
    "Done in",
)
ALTERED = 10
DUMP = "database.dump"


@dataclass(frozen=True, slots=True)
class Told:
    """A demo that has run. ``record``: demo.json; ``pages``: the text of the PDF."""

    folder: Path
    transcript: str
    record: dict[str, Any]
    pages: str

    @property
    def dump(self) -> Path:
        """Where the database is, if it was on a server."""
        return self.folder / DUMP

    def step(self, title: str) -> str:
        """Cut one step out of the transcript."""
        following = STEPS[STEPS.index(title) + 1]
        return self.transcript.split(title, 1)[1].split(following, 1)[0]


def muniment(
    *words: str | Path, cwd: Path, environ: dict[str, str] | None = None, given: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [MUNIMENT, *words],
        cwd=cwd,
        env=_environ() | (environ or {}),
        input=given,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


def _environ() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("MUNIMENT_")}


@pytest.fixture(scope="module", params=["embedded", "production"])
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Tell the story once for all workers, and give each of them what it left behind."""
    once = of_this_run(tmp_path_factory) / f"demo-{request.param}"
    with alone(once) as missing:
        if missing:
            telling = tmp_path_factory.mktemp("telling")
            tell = tell_on_servers if request.param == "production" else tell_in_folder
            tell(telling)
            telling.rename(once)
    folder = tmp_path_factory.mktemp("demo")
    shutil.copytree(once, folder, dirs_exist_ok=True)
    pages = subprocess.run(
        ["pdftotext", "-layout", folder / "model-audit.pdf", "-"],
        capture_output=True,
        text=True,
        check=True,
    )
    transcript = (folder / "transcript.txt").read_text("utf-8")
    record = json.loads((folder / "demo.json").read_text("utf-8"))
    return Told(folder, transcript, record, pages.stdout)


def tell_in_folder(folder: Path) -> None:
    subprocess.run(["make", "--silent", "demo-data"], cwd=ROOT, check=True)
    done = muniment("demo", "--folder", folder, cwd=folder)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    assert (folder / "transcript.txt").read_text("utf-8") == done.stdout


def tell_on_servers(folder: Path) -> None:
    subprocess.run(["make", "--silent", "demo-data"], cwd=ROOT, check=True)
    with servers.running() as running:
        done = muniment(
            "demo", "--folder", folder, "--owner-url", running.owner,
            cwd=folder, environ=running.variables,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr
        running.cluster.dump(running.database, folder / DUMP)


@contextmanager
def serving(folder: Path, variables: dict[str, str]) -> Iterator[str]:
    """Serve the demo's log once more."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    state = {**variables, "MUNIMENT_SIGNER_STATE": str(folder / "signer-state.json")}
    words = ("serve", "--data-dir", folder / "log", "--port", str(port))
    server = subprocess.Popen([MUNIMENT, *words], env=_environ() | state)
    try:
        url = f"http://localhost:{port}"
        while not _ready(url):
            assert server.poll() is None
            time.sleep(0.1)
        yield url
    finally:
        server.terminate()
        server.wait(60)


def _ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz").is_success
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def api(told: Told, request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    """Ask the demo's log again, as Paul: his authenticator has a code he has not used."""
    variables = {}
    if told.dump.exists():
        cluster: Cluster = request.getfixturevalue("postgresql")
        request.getfixturevalue("prepared")  # the roles are there
        variables["MUNIMENT_DATABASE_URL"] = cluster.url(cluster.restored(told.dump), APP)
    paul = json.loads((told.folder / "people.json").read_text("utf-8"))["paul"]
    factor = pyotp.parse_uri(paul["otpauth"])
    assert isinstance(factor, pyotp.TOTP)
    with (
        serving(told.folder, variables) as url,
        httpx.Client(base_url=f"{url}/api/v1", timeout=60) as client,
    ):
        body = {"name": "paul", "password": paul["password"], "totp": factor.now()}
        session = client.post("/sessions", json=body).raise_for_status().json()["session"]
        client.headers["Authorization"] = f"Bearer {session}"
        yield client


def test_every_step_of_the_story_is_told_in_order(told: Told) -> None:
    numbered = re.findall(r"^ ?(\d+)\. (.*)$", told.transcript, re.MULTILINE)
    assert [int(number) for number, _ in numbered] == list(range(1, len(STEPS) + 1))
    for (_, title), expected in zip(numbered, STEPS, strict=True):
        assert title.startswith(expected)


def test_what_could_be_tuned_is_said_before_anything_is_measured(told: Told) -> None:
    fixed = told.step(STEPS[0])
    for said in ("seed 1994", "folds: 5", "at least 0.7", "demo-credit", "0.80", "0.10"):
        assert said in fixed


def test_version_1_is_denied_with_reason_and_remedy(told: Told) -> None:
    first = told.record["version-1"]
    assert (first["exit"], first["decision"]["gate"]) == (1, "DENY")
    failed = [rule for rule in first["decision"]["rules"] if rule["outcome"] == "FAIL"]
    assert "demo-credit/fair.impact" in {rule["id"] for rule in failed}
    said = _words(told.step("Version 1 is refused"))
    for rule in failed:
        assert _words(rule["message"]) in said
        assert _words(rule["remedy"]) in said


def test_version_2_is_not_let_through(told: Told) -> None:
    assert told.record["version-2"]["exit"] in {1, 3}
    assert "allowed" not in told.record["version-2"]


def test_what_the_numbers_leave_open_a_validator_takes_on_by_name(told: Told) -> None:
    third = told.record["version-3"]
    asked = {
        rule["id"]
        for rule in third["decision"]["rules"]
        if (rule["outcome"], rule["raw_outcome"]) == ("AWAITING", "INCONCLUSIVE")
    }
    taken = {
        rule["id"]
        for rule in third["allowed"]["rules"]
        if (rule["outcome"], rule["raw_outcome"]) == ("PASS_BY_REVIEW", "INCONCLUSIVE")
    }
    assert asked == taken
    signed = told.step("A validator and the compliance officer sign")
    assert set(re.findall(r"--accept (\S+)", signed)) == asked


def test_the_author_is_refused_for_being_the_author(told: Told) -> None:
    assert told.record["author_refused"].startswith("Self approval")
    assert told.record["author_refused"].splitlines()[0] in told.step("The author may not approve")


def test_the_pipeline_goes_on_when_two_people_have_signed(told: Told) -> None:
    third = told.record["version-3"]
    assert (third["exit"], third["decision"]["gate"]) == (3, "PENDING")
    assert third["allowed"]["gate"] == "ALLOW"
    signed = told.step("A validator and the compliance officer sign")
    waited = signed.split("The pipeline's waiting command goes on:", 1)[1]
    assert "ALLOW" in waited
    assert "exit 0" in waited


def test_the_data_leads_to_the_live_deployment_and_says_why(told: Told) -> None:
    (live,) = told.record["impact"]["result"]["affected"]
    assert (live["subject"], live["state"]) == ("deployment/production/credit-scoring", "live")
    assert live["why"][0]["src"] == "dataset_version:german-credit/1"
    assert live["why"][-1]["dst"] == live["gid"]
    assert live["subject"] in told.step("Where did the data go, and why?")
    assert told.record["impact"]["source"] == ("neo4j" if told.dump.exists() else "sql")


def test_the_deployment_used_up_the_decision(told: Told, api: httpx.Client) -> None:
    decision_id = told.record["version-3"]["allowed"]["decision_id"]
    answer = api.get(f"/decisions/{decision_id}").raise_for_status().json()
    assert answer["used_by"] == "deployment/production/credit-scoring"
    (live,) = api.get("/deployments").raise_for_status().json()["items"]
    assert (live["model_version"], live["gated"]) == ("model/credit-risk/3", True)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_api_says_the_numbers_of_the_record(
    told: Told, api: httpx.Client, version: str
) -> None:
    kept = told.record[f"version-{version}"]
    decision_id = kept["decision"]["decision_id"]
    decision = api.get(f"/decisions/{decision_id}").raise_for_status().json()
    assert decision["rules"] == kept["decision"]["rules"]
    known = api.get(f"/models/credit-risk/versions/{version}").raise_for_status().json()
    assert [one["metrics"] for one in known["evaluations"]] == [kept["metrics"]]
    (counted,) = known["predictions"]
    assert counted["digest"] == kept["evidence"]["digest"]
    entry = api.get(f"/events/{kept['evidence']['index']}").raise_for_status().json()
    assert entry["data"]["rows"] == 1000
    cells = entry["data"]["cells"]
    for table in kept["tables"]:
        assert _selected(cells, table["attributes"]) == {
            tuple(group["group"][name] for name in table["attributes"]): (
                group["n"],
                group["selected"],
            )
            for group in table["groups"]
        }


@pytest.mark.parametrize("version", VERSIONS)
def test_transcript_and_pdf_say_the_numbers_of_the_record(told: Told, version: str) -> None:
    kept = told.record[f"version-{version}"]
    title = next(one for one in STEPS if one.startswith(f"Version {version}"))
    said = _words(told.step(title))
    (metric,) = kept["metrics"]
    assert f"roc_auc {metric['value']:.4f}" in said
    assert re.search(rf"roc_auc +all +1,000 +{metric['value']:.4f}", told.pages)
    for group in (one for table in kept["tables"] for one in table["groups"]):
        rate, ratio = _four(group["selection_rate"]["value"]), group["impact_ratio"]
        assert f"{group['selected']} of {group['n']} = {rate}" in said
        row = rf"\b{group['n']} +{group['selected']} +{rate} .*{_four(ratio['value'])} "
        assert re.search(row, told.pages), row
        if ratio["low"] is not None:
            interval = f"{_four(ratio['low'])} to {_four(ratio['high'])}"
            assert f"{_four(ratio['value'])} (95 % {interval})" in said
            assert interval in told.pages


def test_the_bundle_verifies_with_nothing_but_the_key(told: Told, tmp_path: Path) -> None:
    bundle = shutil.copy(told.folder / "model-audit.bundle.zip", tmp_path)
    done = muniment("verify", bundle, "--vkey", told.record["vkey"], cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "VALID" in told.step("A stranger verifies")


def test_what_it_runs_on_is_healthy(told: Told) -> None:
    engine = "PostgreSQL" if told.dump.exists() else "SQLite"
    founded = told.step("A log is founded")
    assert re.search(rf"engine +{engine} \d+", founded)
    checked = founded.split("muniment doctor", 1)[1].split("operator", 1)[0]
    assert "exit 0" in checked


def test_an_altered_byte_is_found_by_index_and_member(told: Told) -> None:
    altered = told.record["altered"]
    assert altered["index"] == told.record["version-1"]["evidence"]["index"]
    said = told.step("Somebody improves the past")
    assert f"ALTERED: entry {altered['index']}, member cells" in said
    assert f"exit {ALTERED}" in said


def test_a_forged_bundle_is_exposed(told: Told) -> None:
    said = told.step("Somebody forges a bundle")
    assert f"ALTERED: entry {told.record['forged']['index']}, member decision" in said
    assert f"exit {ALTERED}" in said


def test_no_secret_stands_in_the_transcript_or_the_record(told: Told) -> None:
    written = told.transcript + json.dumps(told.record)
    people = json.loads((told.folder / "people.json").read_text("utf-8"))
    for person in people.values():
        assert person["password"] not in written
        assert pyotp.parse_uri(person["otpauth"]).secret not in written
    assert "gvs_" not in written
    assert "/invitations/" not in written


def test_without_its_data_the_demo_says_how_to_get_it(tmp_path: Path) -> None:
    done = muniment("demo", cwd=tmp_path, environ={"XDG_CACHE_HOME": str(tmp_path)})
    assert done.returncode == 2
    assert "german.csv" in done.stderr
    assert "make demo" in done.stderr


def test_other_data_is_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "muniment" / "demo" / "german.csv"
    path.parent.mkdir(parents=True)
    path.write_text("risk,sex,age\n1,male,67\n")
    done = muniment("demo", cwd=tmp_path, environ={"XDG_CACHE_HOME": str(tmp_path)})
    assert done.returncode == 2
    assert "not the file" in done.stderr


def test_without_a_database_there_is_no_story_on_servers(tmp_path: Path) -> None:
    done = muniment("demo", "--owner-url", "postgresql+psycopg://owner@/log", cwd=tmp_path)
    assert done.returncode == 2
    assert "MUNIMENT_DATABASE_URL" in done.stderr
    assert "make demo-production" in done.stderr


def test_without_scikit_learn_the_demo_says_how_to_get_it(tmp_path: Path) -> None:
    (tmp_path / "sklearn.py").write_text("raise ImportError")
    done = muniment("demo", cwd=tmp_path, environ={"PYTHONPATH": str(tmp_path)})
    assert done.returncode == 2
    assert "scikit-learn" in done.stderr
    assert "make demo" in done.stderr


def test_a_step_that_goes_otherwise_ends_the_demo_and_is_named(told: Told, tmp_path: Path) -> None:
    environ = {
        "MUNIMENT_DATA_DIR": str(tmp_path / "log"),
        "MUNIMENT_SIGNER_STATE": str(tmp_path / "signer-state.json"),
    }
    words = ("init", "--admin", "somebody", "--password-stdin")
    begun = muniment(*words, cwd=tmp_path, environ=environ, given="somebody was here before us")
    assert begun.returncode == 0, begun.stderr
    done = muniment("demo", "--folder", tmp_path, cwd=tmp_path)
    assert done.returncode == 1
    assert "Step 2 did not go as it has to" in done.stdout


def _four(written: str) -> str:
    return str(Decimal(written).quantize(Decimal("0.0001")))


def _words(text: str) -> str:
    """Take the folding out of text."""
    return " ".join(text.replace("|", " ").split())


def _selected(
    cells: list[dict[str, Any]], attributes: list[str]
) -> dict[tuple[str, ...], tuple[int, int]]:
    """Sum the stored cells by some of their attributes: (n, selected) of each group."""
    people: Counter[tuple[str, ...]] = Counter()
    selected: Counter[tuple[str, ...]] = Counter()
    for cell in cells:
        group = tuple(cell["group"][name] for name in attributes)
        people[group] += cell["n"]
        selected[group] += cell["selected"]
    return {group: (n, selected[group]) for group, n in people.items()}
