"""All of a type, or all about a subject: what is handed out proves that nothing is missing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from app.core.ledger.bundle import decode
from app.core.ledger.cosignature import cosignatures
from app.core.ledger.verdict import Outcome, State
from app.settings import Settings
from tests.both import audit_bundle, verify_bundle
from tests.living import World
from tests.servers.witness import Double, running
from tests.slices.ledger.test_witnessing import until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import Any

EVIDENCE = "/api/v1/evidence"
REGISTERED = {"owner": "data-team", "licence": "CC0-1.0", "description": "applicants"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World.open(tmp_path_factory.mktemp("world")) as made:
        erin = made.person("erin", "engineer")
        for name in ("a", "b", "c"):
            answer = register(made, erin, name)
            assert answer.status_code == 201
        yield made


def register(world: World, who: Any, name: str, **more: Any) -> Any:  # noqa: ANN401 - a response
    event = {"type": "dataset.registered", "subject": f"dataset/{name}", "data": REGISTERED | more}
    return world.client(who).post("/api/v1/events", json=event)


def evidence(world: World, tmp_path: Path, query: str, who: Any = None) -> dict[str, bytes]:  # noqa: ANN401 - a person
    """Take a bundle, and have the offline verifier accept it."""
    with world.house.ledger.snapshot() as now:
        size = now.size
    assert world.house.publisher.wait_for(size, 20)
    reader = who or world.token("log:read")
    answer = world.client(reader).get(f"{EVIDENCE}?{query}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/zip"
    path = tmp_path / "evidence.zip"
    path.write_bytes(answer.content)
    report = verify_bundle(path, [world.house.log_signer.verifier])
    assert report.outcome is Outcome.VALID, report.bottom_line
    assert report.checks[8].state is State.PASSED
    return files_of(path)


def files_of(path: Path) -> dict[str, bytes]:
    import zipfile

    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def without(files: Mapping[str, bytes], index: int) -> dict[str, bytes]:
    """Leave an entry out, and make the manifest fit, as whoever means it would."""
    from app.core.ledger.bundle import encode
    from app.core.ledger.entry import parse

    whole = decode(files)
    kept = tuple(one for one in whole.entries if parse(one.raw).index != index)
    return encode(replace(whole, entries=kept))


@pytest.mark.parametrize("query", ["type=dataset.registered.v1", "subject=dataset/b"])
def test_a_list_is_complete_and_each_entry_that_is_left_out_is_named(
    world: World, tmp_path: Path, query: str
) -> None:
    files = evidence(world, tmp_path, query)
    bundle = decode(files)
    (claim,) = bundle.complete
    from app.core.ledger.entry import parse

    ours = [entry.index for entry in (parse(one.raw) for one in bundle.entries)]
    for index in ours:
        report = audit_bundle(without(files, index), [world.house.log_signer.verifier])
        assert report.outcome is Outcome.MISSING
        assert index in [finding.index for finding in report.checks[8].findings]
    assert claim.first == 0


def test_a_part_of_the_log_is_closed_by_the_next_of_its_type(world: World, tmp_path: Path) -> None:
    with world.house.ledger.snapshot() as now:
        last = now.head("type:dataset.registered.v1")
        assert last is not None
    files = evidence(world, tmp_path, f"type=dataset.registered.v1&to={last}")
    assert f"entries/{last:012d}.json" in files
    assert decode(files).complete[0].end == last


@pytest.mark.parametrize(
    "query", ["", "type=a&subject=b", "type=a&from=2&to=1", "type=a&to=9999", "type=a&from=-1"]
)
def test_a_list_that_cannot_be_is_refused(world: World, query: str) -> None:
    assert world.client(world.token("log:read")).get(f"{EVIDENCE}?{query}").status_code == 422


def test_only_readers_of_the_log_take_lists(world: World) -> None:
    assert world.client(world.token("gate:check")).get(f"{EVIDENCE}?type=a").status_code == 403


def test_what_is_for_a_team_alone_is_not_disclosed_and_still_proven(
    world: World, tmp_path: Path
) -> None:
    grace = world.person("grace")
    world.grant(grace, "engineer", team="risk")
    assert register(world, grace, "secret", team="risk", team_only=True).status_code == 201
    rose = world.person("rose")
    world.grant(rose, "engineer", team="red")
    with world.house.ledger.snapshot() as now:
        index = now.head("dataset/secret")
    for who, disclosed in ((grace, True), (rose, False)):
        files = evidence(world, tmp_path, "subject=dataset/secret", who)
        assert f"entries/{index:012d}.json" in files
        assert (f"members/{index:012d}.json" in files) == disclosed


def test_a_bundle_carries_the_cosignatures_of_its_checkpoint(tmp_path: Path) -> None:
    with running(Double()) as double:
        policy = tmp_path / "witnesses"
        policy.write_text(f"{double.line()}\nquorum W1\n")
        with World.open(tmp_path / "w", Settings(witnesses=policy)) as world:
            double.logs = [world.house.log_signer.verifier]
            erin = world.person("erin", "engineer")
            register(world, erin, "a")
            client = world.client(world.token("log:read"))
            path = "/log/checkpoint/witnessed"
            until(lambda: client.get(path).status_code == 200)
            size = client.get(path).text.splitlines()[1]
            files = evidence(world, tmp_path, f"type=log.started.v1&to={size}")
            assert len(cosignatures(files["log/checkpoint"], [double.witness])) == 1
