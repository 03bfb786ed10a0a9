"""Recording commands: what is sent is what lies there, and a refusal is exit 1."""

from __future__ import annotations

import hashlib
import sys
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.slices.cli.conftest import problem

if TYPE_CHECKING:
    from pathlib import Path

    from tests.slices.cli.conftest import Command, Server

EVENTS = "/api/v1/events"
ROWS = "id,name,score\n1,Ann,0.5\n2,Bo,0.7\n"


@pytest.fixture(autouse=True)
def recorded(server: Server) -> None:
    server.on("POST", EVENTS, (201, {"index": 7, "subject": "it"}))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    file = tmp_path / "rows.csv"
    file.write_text(ROWS)
    return file


def test_a_dataset_version_is_hashed_and_looked_at(
    command: Command, server: Server, table: Path
) -> None:
    words = ("dataset", "version", "add", str(table), "rows", "1", "--pii", "name")
    ended = command(*words, "--derived-from", "dataset/raw/1", "--label", "a=b")
    assert ended.out == "recorded as entry 7: it\n"
    sent = server.body()
    assert sent["type"] == "dataset.version_registered"
    assert sent["subject"] == "dataset/rows/1"
    data = sent["data"]
    assert data["digest"] == f"sha256:{hashlib.sha256(ROWS.encode()).hexdigest()}"
    assert (data["size"], data["rows"]) == (len(ROWS), 2)
    assert data["schema"]["columns"] == [
        {"name": "id", "type": "BIGINT", "tags": []},
        {"name": "name", "type": "VARCHAR", "tags": ["pii"]},
        {"name": "score", "type": "DOUBLE", "tags": []},
    ]
    assert data["derived_from"] == ["dataset/raw/1"]
    assert data["labels"] == {"a": "b"}
    assert "row_fingerprints" not in data


def test_a_row_s_fingerprint_is_the_digest_of_its_values(
    command: Command, server: Server, table: Path
) -> None:
    command("dataset", "version", "add", str(table), "rows", "1", "--fingerprints")
    prints = server.body()["data"]["row_fingerprints"]
    assert prints[0] == hashlib.sha256(b'["1", "Ann", "0.5"]').hexdigest()[:16]
    assert len(prints) == 2


def test_what_is_no_table_is_refused_before_anything_is_sent(
    command: Command, server: Server, tmp_path: Path, table: Path
) -> None:
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1 and nothing else")
    ended = command("dataset", "version", "add", str(broken), "rows", "1")
    assert ended.code == 1
    assert "CSV" in ended.err
    words = ("dataset", "version", "add", str(table), "rows", "1", "--pii", "nobody")
    assert command(*words).code == 2
    assert command("dataset", "version", "add", "nowhere.csv", "rows", "1").code == 2
    assert server.asked == []


def test_a_model_version_may_be_a_folder(command: Command, server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.bin").write_bytes(b"a")
    (folder / "sub" / "b.bin").write_bytes(b"b")
    words = ("model", "version", "add", str(folder), "credit", "1", "--framework", "sklearn")
    command(*words, "--trained-on", "dataset/rows/1")
    lines = "".join(
        f"{hashlib.sha256(content).hexdigest()}  {name}\n"
        for content, name in ((b"a", "a.bin"), (b"b", "sub/b.bin"))
    )
    artifact = server.body()["data"]["artifact"]
    assert artifact["digest"] == f"sha256:{hashlib.sha256(lines.encode()).hexdigest()}"


def test_an_evaluation_is_bound_to_both_digests(
    command: Command, server: Server, tmp_path: Path
) -> None:
    server.on("GET", "/api/v1/models/credit/versions/1", (200, {"digest": "sha256:aa"}))
    file = tmp_path / "data.bin"
    file.write_bytes(b"data")
    words = ("evaluation", "add", "model/credit/1", "--dataset", "dataset/rows/1", "--metric",
             "auc=0.81", "--n", "9", "--producer", "ci", "--dataset-file", str(file))  # fmt: skip
    assert command(*words).code == 0
    data = server.body()["data"]
    assert data["model_digest"] == "sha256:aa"
    assert data["dataset_digest"] == f"sha256:{hashlib.sha256(b'data').hexdigest()}"
    assert data["metrics"] == [{"name": "auc", "value": 0.81, "n": 9}]


@pytest.mark.parametrize("metric", [(), ("--metric", "auc"), ("--metric", "auc=high")])
def test_an_evaluation_without_numbers_is_2(command: Command, metric: tuple[str, ...]) -> None:
    words = ("evaluation", "add", "model/c/1", "--dataset", "dataset/r/1", "--producer", "ci")
    assert command(*words, *metric).code == 2


def test_metrics_come_from_a_file_too(command: Command, server: Server, tmp_path: Path) -> None:
    for kind, name in (("models", "c"), ("datasets", "r")):
        server.on("GET", f"/api/v1/{kind}/{name}/versions/1", (200, {"digest": "sha256:aa"}))
    file = tmp_path / "metrics.json"
    file.write_text('[{"name": "auc", "value": 0.8, "slice": "sex=F"}]')
    words = ("evaluation", "add", "c/1", "--dataset", "r/1", "--producer", "ci", "--metrics")
    assert command(*words, str(file)).code == 0
    assert server.body()["data"]["metrics"] == [{"name": "auc", "value": 0.8, "slice": "sex=F"}]
    file.write_text("{}")
    assert command(*words, str(file)).code == 2


def test_counts_that_have_no_value_are_dashes_and_never_zero(
    command: Command, server: Server, table: Path
) -> None:
    few = {"group": {"sex": "F"}, "n": None, "selected": None, "selection_rate": None,
           "impact_ratio": None}  # fmt: skip
    many = {
        "group": {"sex": "M"},
        "n": 100,
        "selected": 60,
        "selection_rate": {"value": "0.600000000"},
        "impact_ratio": {"value": "1.000000000", "low": None, "high": None},
    }
    tables = [{"groups": [few, many], "notes": ["2 rows without sex"]}]
    answer = {"evidence": {"digest": "sha256:ee", "index": 9}, "tables": tables}
    server.on("POST", "/api/v1/models/credit/versions/1/predictions", (201, answer))
    words = ("predictions", "upload", str(table), "model/credit/1", "--dataset", "rows/1",
             "--attribute", "sex", "--attribute", "age", "--favourable", "1")  # fmt: skip
    ended = command(*words, "--score", "score", "--threshold", "0.5")
    assert ended.out.splitlines() == [
        "GROUP  N        SELECTED  RATE   IMPACT RATIO  INTERVAL",
        "sex=F  under 5  -         -      -             -",
        "sex=M  100      60        0.600  1.000         -",
        "note: 2 rows without sex",
    ]
    sent = server.asked[-1].content.decode()
    assert sent.count('name="attributes"') == 2
    assert "dataset/rows/1" in sent
    for wrong in ((), ("--score", "s"), ("--prediction", "p", "--threshold", "1")):
        assert command(*words, *wrong).code == 2


def test_a_document_goes_to_its_version(command: Command, server: Server, table: Path) -> None:
    receipt = {"index": 4, "subject": "dataset/rows/1"}
    server.on("POST", "/api/v1/datasets/rows/versions/1/documents", (201, receipt))
    words = ("document", "add", "dataset/rows/1", str(table), "--kind", "datasheet")
    assert command(*words).out == "recorded as entry 4: dataset/rows/1\n"
    assert command("document", "add", "run/1", str(table), "--kind", "card").code == 2
    assert command("document", "add", "model/x", str(table), "--kind", "card").code == 2


@pytest.mark.parametrize(
    ("step", "kind"),
    [("start", "started"), ("succeed", "succeeded"), ("fail", "failed"),
     ("rollback", "rolled_back"), ("retire", "retired")],
)  # fmt: skip
def test_deployments_say_what_happened(
    command: Command, server: Server, step: str, kind: str
) -> None:
    words = ("deployment", step, "production/api", "model/credit/1", "--decision", "dec-1")
    assert command(*words).code == 0
    sent = server.body()
    assert (sent["type"], sent["subject"]) == (f"deployment.{kind}", "deployment/production/api")
    assert sent["data"] == {
        "environment": "production",
        "name": "api",
        "model_version": "model/credit/1",
        "decision_id": "dec-1",
    }
    assert command("deployment", step, "production", "model/credit/1").code == 2


@pytest.mark.parametrize("code", [0, 3])
def test_a_run_is_recorded_around_a_command_and_ends_as_it_does(
    command: Command, server: Server, code: int
) -> None:
    ended = command(
        "run", "--id", "r1", "--input", "train_set=dataset/rows/1", "--output",
        "model=model/credit/1", "--param", "depth=3", "--seed", "7", "--", sys.executable, "-c",
        f"import os; assert os.environ['MUNIMENT_RUN'] == 'run/r1'; raise SystemExit({code})",
    )  # fmt: skip
    assert ended.code == code
    begun, over = server.body(0), server.body(1)
    assert begun["data"]["inputs"] == [{"subject": "dataset/rows/1", "role": "train_set"}]
    assert begun["data"]["environment"]["seed"] == 7
    assert over["subject"] == "run/r1"
    assert over["data"]["status"] == ("succeeded" if code == 0 else "failed")
    assert len(over["data"]["outputs"]) == (1 if code == 0 else 0)


def test_a_command_that_is_not_there_is_a_failed_run(command: Command, server: Server) -> None:
    assert command("run", "--", "/nowhere/at-all").code == 127
    assert server.body()["data"]["status"] == "failed"


def test_a_run_that_cannot_be_recorded_is_not_started(
    command: Command, server: Server, tmp_path: Path
) -> None:
    server.on("POST", EVENTS, problem(403, "not yours"))
    mark = tmp_path / "mark"
    assert command("run", "--", "touch", str(mark)).code == 1
    assert not mark.exists()
    assert command("run", "--input", "nothing", "--", "true").code == 2


def test_an_event_comes_from_a_file_or_from_stdin(
    command: Command, server: Server, tmp_path: Path
) -> None:
    words = ("event", "add", "run.started", "-", "--subject", "run/1")
    assert command(*words, stdin='{"kind": "train", "inputs": []}').code == 0
    sent = server.body()
    assert sent == {
        "type": "run.started",
        "subject": "run/1",
        "data": {"kind": "train", "inputs": []},
    }
    assert command(*words, stdin='{"a": 1, "a": 2}').code == 1
    assert command("event", "add", "run.started", str(tmp_path), "--subject", "run/1").code == 2


@pytest.mark.parametrize(
    ("status", "code"), [(400, 1), (401, 4), (403, 1), (404, 1), (409, 1), (413, 1), (422, 1),
                         (429, 1), (500, 5), (503, 5), (507, 5)],
)  # fmt: skip
def test_exit_codes_of_what_is_not_recorded(
    command: Command, server: Server, status: int, code: int
) -> None:
    server.on("POST", EVENTS, problem(status, "it is so", "do that", "#/data/owner"))
    words = ("model", "register", "m", "--owner", "o", "--purpose", "p", "--risk-tier", "low")
    ended = command(*words)
    assert (ended.code, ended.out) == (code, "")
    assert "Refused: it is so\n  #/data/owner: is wrong\n  → " in ended.err


def test_no_answer_is_5_and_says_how_to_start_one(command: Command, server: Server) -> None:
    server.on("POST", EVENTS, httpx.ConnectError("nobody"))
    words = ("dataset", "register", "d", "--owner", "o", "--licence", "l", "--description", "d")
    ended = command(*words)
    assert ended.code == 5
    assert "→ muniment serve" in ended.err
