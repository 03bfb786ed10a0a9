"""The page of the log's integrity: what was read over, signed and done to it; *Verify now*."""

from __future__ import annotations

import re
import time
from html import unescape
from typing import TYPE_CHECKING

import pytest

from app.resources import runbooks
from app.verification.integrity import Segment, segments, strip
from app.verification.scrubbing import Pass
from app.verification.trust_page import fingerprint
from tests.living import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

HTML = {"Accept": "text/html"}
PAGE = "/ledger/integrity"


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World.open(tmp_path_factory.mktemp("log")) as world:
        world.person("omar", "auditor")
        world.person("erin", "engineer")
        yield world


def look(world: World, path: str = PAGE) -> httpx.Response:
    return world.client(world.people["omar"]).get(path, headers=HTML)


def text(world: World, path: str = PAGE) -> str:
    answer = look(world, path)
    assert answer.status_code == 200, answer.text[:2000]
    main = answer.text.partition("<main")[2].partition("</main>")[0]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", main)))


def verify(world: World) -> httpx.Response:
    page = look(world).text
    token = re.search(r'name="form_token" value="([^"]+)"', page)
    assert token
    headers = {**HTML, "Sec-Fetch-Site": "same-origin"}
    return world.client(world.people["omar"]).post(
        f"{PAGE}/verify", data={"form_token": token[1]}, headers=headers
    )


def size(world: World) -> int:
    with world.house.ledger.snapshot() as now:
        return now.size


def published(world: World) -> int:
    found = size(world)
    assert world.house.publisher.wait_for(found, 30)
    return found


def test_verify_now_reads_the_whole_log_and_tells_who_asked(world: World) -> None:
    whole = published(world)
    assert "It was not read over since it began" in text(world)
    assert verify(world).headers["location"] == PAGE
    until = time.monotonic() + 30
    while look(world, f"{PAGE}?format=json").json()["pass"]["ended_at"] is None:
        assert time.monotonic() < until, "it does not get on"
        time.sleep(0.02)
    said = text(world)
    assert f"All {whole} entries signed by then" in said
    assert "asked for by Omar" in said
    assert f"0 {whole - 1} read again in the newest pass" in said


def test_the_page_and_its_file_tell_the_same(world: World) -> None:
    published(world)
    answer = look(world, f"{PAGE}?format=json")
    assert answer.headers["content-disposition"] == 'attachment; filename="log.json"'
    told = answer.json()
    verifier = world.house.log_signer.verifier
    assert told["size"] == size(world)
    assert told["keys"][0]["key"]["vkey"] == verifier.vkey()
    assert told["keys"][0]["fingerprint"] == fingerprint(verifier)
    newest = world.client(world.people["omar"]).get("/log/checkpoint").text.split("\n")
    assert (str(told["checkpoints"][0]["size"]), told["checkpoints"][0]["root"]) == (
        newest[1],
        newest[2],
    )
    assert told["entries"][-1] == 0
    page = look(world).text
    assert told["checkpoints"][0]["root"] in unescape(page)
    assert fingerprint(verifier) in page
    assert "No witness is known to this server" in page
    assert "No authority has stamped a checkpoint" in page


def test_a_log_that_does_not_check_is_red_and_says_what_to_do(world: World) -> None:
    published(world)
    world.session(world.people["omar"])
    world.session(world.people["erin"])
    spoil = "UPDATE payloads SET value = X'31' WHERE idx = 3"
    world.house.ledger.operate(lambda connection: connection.exec_driver_sql(spoil))
    assert verify(world).status_code == 303
    until = time.monotonic() + 30
    while world.house.sequencer.halted is None:
        assert time.monotonic() < until, "it is not found"
        time.sleep(0.02)
    said = text(world)
    assert "Nothing is recorded, and promotions are frozen" in said
    assert "entry 3, member" in said
    assert "Verify now" not in said
    assert 'href="/help/runbooks/altered-entry"' in look(world).text
    about = {"owner": "x", "licence": "x", "description": "x"}
    event = {"type": "dataset.registered", "subject": "dataset/x", "data": about}
    refused = world.client(world.people["erin"]).post("/api/v1/events", json=event)
    assert refused.status_code == 503
    assert "does not check" in refused.json()["detail"]


def test_every_runbook_can_be_read_here(world: World) -> None:
    for name, written in runbooks().items():
        heading = written.partition("\n")[0].lstrip("# ")
        assert f'<h1 tabindex="-1">{heading}</h1>' in look(world, f"/help/runbooks/{name}").text
    missing = look(world, "/help/runbooks/none")
    assert missing.status_code == 404
    assert "altered-entry" in missing.text


def test_nobody_sees_it_without_an_account(world: World) -> None:
    assert world.client(None).get(PAGE, headers=HTML).status_code == 303


@pytest.mark.parametrize(
    ("going", "expected"),
    [
        (None, [Segment(0, 70, "signed"), Segment(70, 80, "not signed yet")]),
        (
            Pass("t", 60, 20, (), ""),
            [Segment(0, 20, "read"), Segment(20, 70, "signed"), Segment(70, 80, "not signed yet")],
        ),
        (
            Pass("t", 60, 20, (), "", None, None, "yesterday"),
            [
                Segment(0, 20, "read"),
                Segment(20, 60, "read before"),
                Segment(60, 70, "signed"),
                Segment(70, 80, "not signed yet"),
            ],
        ),
    ],
)
def test_the_log_is_cut_where_its_state_changes(
    going: Pass | None, expected: list[Segment]
) -> None:
    assert segments(80, 70, going) == expected


def test_a_part_of_the_strip_is_no_better_than_its_last_entry() -> None:
    found = segments(80, 70, Pass("t", 60, 25, (), ""))
    assert strip(found, 4) == ["read", "signed", "signed", "not signed yet"]
    assert strip([Segment(0, 2, "signed")]) == ["signed", "signed"]
    assert strip([]) == []
