"""Erasing personal values: by two people, everywhere, on record, with every proof intact."""

from __future__ import annotations

import base64
import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from app.core.ledger.verdict import Outcome
from app.house import projections
from app.ledger import blobs, operational
from app.premises import database_of
from app.reporting import jobs
from app.reporting.jobs import Job, State
from app.verification.bundles import bundle_of, zip_of
from app.verification.fsck import fsck
from tests.both import verify_bundle
from tests.living import World, expect
from tests.servers.postgresql import OWNER
from tests.slices.gates.bank import Bank

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

    from app.core.ledger.verdict import Report
    from tests.living import Person
    from tests.servers.postgresql import Cluster

WORDS = "Grandmother Weatherwax asked me to hurry"
BASIS = "GDPR Art. 17 (1) (b)"


@pytest.fixture(params=["sqlite", "postgresql"])
def world(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    url = request.getfixturevalue("database_url") if request.param == "postgresql" else None
    with World.open(tmp_path, database_url=url) as world:
        yield world


@pytest.fixture
def bank(world: World) -> Bank:
    return Bank.founded(world)


@pytest.fixture
def olga(world: World) -> Person:
    return world.person("olga", "compliance_officer")


@pytest.fixture
def omar(world: World) -> Person:
    return world.person("omar", "compliance_officer")


def promotion(bank: Bank, reason: str = WORDS) -> tuple[str, int]:
    """Open a promotion with words of a person in it; tell its id and its entry."""
    subject = bank.ready()
    bank.publish()
    body = {"subject": subject, "environment": "production", "reason": reason}
    made = expect(201, bank.world.client(bank.erin).post("/api/v1/promotions", json=body))
    return str(made["id"]), entry_of(bank.world, f"promotion/{made['id']}")


def entry_of(world: World, subject: str) -> int:
    with world.house.ledger.snapshot() as now:
        return next(index for index in range(now.size) if now.entry(index).subject == subject)


def ask(world: World, by: Person, index: int, *members: str, **more: str) -> httpx.Response:
    body = {"members": members, "reason": "they asked for it", "legal_basis": BASIS, **more}
    return world.client(by).post(f"/api/v1/events/{index}/redactions", json=body)


def confirm(world: World, by: Person, index: int, id_: str) -> httpx.Response:
    return world.client(by).post(f"/api/v1/events/{index}/redactions/{id_}/confirm")


def redact(world: World, index: int, *members: str) -> dict[str, Any]:
    """Let olga ask and omar confirm; give the receipt."""
    asked = expect(201, ask(world, world.people["olga"], index, *members))
    return expect(201, confirm(world, world.people["omar"], index, asked["id"]))


def stored(world: World) -> bytes:
    """Read every byte that is kept: files of the folder, or every row of the database."""
    folder = world.house.settings.data_dir
    files = b"".join(one.read_bytes() for one in sorted(folder.rglob("*")) if one.is_file())
    url = world.house.settings.database_url
    if url is None:
        return files
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        named = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
        for (table,) in named:
            for row in connection.execute(f'SELECT * FROM "{table}"').fetchall():  # noqa: S608
                for cell in row:
                    raw = cell if isinstance(cell, bytes) else str(cell).encode()
                    files += raw + b"\n"
    return files


def traces(world: World, words: str) -> list[str]:
    """Tell in which forms the words are still kept anywhere."""
    kept = stored(world)
    return [
        form
        for form, raw in {
            "utf-8": words.encode(),
            "escaped": json.dumps(words)[1:-1].encode(),
            "utf-16": words.encode("utf-16-le"),
            "hex": words.encode().hex().encode(),
            **{f"base64+{shift}": _inside_base64(words, shift) for shift in range(3)},
        }.items()
        if raw in kept
    ]


def _inside_base64(words: str, shift: int) -> bytes:
    """What of base64 tells the words wherever they begin: the ends hang on the neighbours."""
    return base64.b64encode(b" " * shift + words.encode())[4:-4]


def checked(world: World) -> Report:
    return fsck(database_of(world.house.settings), projections(), [world.house.log_signer.verifier])


def notes(report: Report) -> list[str]:
    return [note for check in report.checks for note in check.notes]


@pytest.mark.usefixtures("olga", "omar")
def test_what_is_erased_is_nowhere_and_the_log_says_who_when_and_on_which_ground(
    bank: Bank, olga: Person, omar: Person
) -> None:
    world = bank.world
    promoted, index = promotion(bank)
    expect(201, bank.review(bank.vera, promoted, "review", reason=f"because {WORDS}"))
    reviewed = max(
        one["index"] for one in bank.show(promoted)["reviews"] if one["meaning"] == "review"
    )
    assert {"utf-8"} <= set(traces(world, WORDS)), "the scan finds what is there"
    first = redact(world, index, "reason")
    second = redact(world, reviewed, "reason", "reason_salt")
    assert traces(world, WORDS) == []
    read = expect(200, world.client(olga).get(f"/api/v1/events/{index}"))
    assert "reason" not in read["data"]
    assert read["redacted"] == 1
    [said] = read["redactions"]
    assert said["index"] == first["index"]
    assert said["members"] == ["reason"]
    assert (said["requested_by"], said["confirmed_by"]) == (olga.id, omar.id)
    assert said["legal_basis"] == BASIS
    shown = bank.show(promoted)
    assert shown["reason"] is None
    assert [one["reason"] for one in shown["reviews"]] == [None]
    report = checked(world)
    assert report.outcome is Outcome.VALID, report.bottom_line
    assert notes(report) == [
        (
            f"entry {index}, reason: erased by entry {first['index']} at {said['recorded_at']}, "
            f"asked for by {olga.id}, confirmed by {omar.id}; legal basis: {BASIS}"
        ),
        (
            f"entry {reviewed}, reason, reason_salt: erased by entry {second['index']} at "
            f"{second['recorded_at']}, asked for by {olga.id}, confirmed by {omar.id}; "
            f"legal basis: {BASIS}"
        ),
    ]


def test_a_bundle_from_before_and_one_from_after_both_verify(
    bank: Bank, olga: Person, omar: Person, tmp_path: Path
) -> None:
    world = bank.world
    _, index = promotion(bank)
    before = bundle(world, tmp_path / "before.zip", index)
    receipt = redact(world, index, "reason")
    after = bundle(world, tmp_path / "after.zip", index)
    keys = [world.house.log_signer.verifier]
    old, new = verify_bundle(before, keys), verify_bundle(after, keys)
    assert (old.outcome, new.outcome) == (Outcome.VALID, Outcome.VALID), new.bottom_line
    assert WORDS.encode() in unzipped(before)
    assert WORDS.encode() not in unzipped(after)
    assert notes(old) == []
    [note] = notes(new)
    assert f"erased by entry {receipt['index']}" in note
    assert f"asked for by {olga.id}, confirmed by {omar.id}; legal basis: {BASIS}" in note


def bundle(world: World, path: Path, index: int) -> Path:
    with world.house.ledger.snapshot() as now:
        size = now.size
    assert world.house.publisher.wait_for(size, 10)
    with world.house.ledger.snapshot() as now:
        files = bundle_of(
            now,
            [index],
            [world.house.log_signer.verifier],
            kind="evidence",
            purpose="to be shown",
            files={},
            schemas={},
            unproven={},
        )
    path.write_bytes(zip_of(files))
    return path


def unzipped(path: Path) -> bytes:
    from zipfile import ZipFile

    with ZipFile(path) as archive:
        return b"".join(archive.read(name) for name in archive.namelist())


def test_a_report_that_repeats_it_is_erased_too_and_its_digest_stays(
    bank: Bank, olga: Person, omar: Person
) -> None:
    world = bank.world
    _, index = promotion(bank)
    told = made_report(world, f'{{"scope":"model/credit","told":"{WORDS}"}}'.encode())
    other = made_report(world, b'{"scope":"model/credit","told":"nothing of the kind"}')
    receipt = redact(world, index, "reason")
    for file in ("pdf", "json", "bundle.zip"):
        answer = world.client(olga).get(f"/api/v1/reports/{told.id}.{file}")
        assert answer.status_code == 410, answer.text
        assert f"entry {receipt['index']}" in answer.json()["detail"]
    shown = expect(200, world.client(omar).get(f"/api/v1/reports/{told.id}"))
    assert shown["redacted_index"] == receipt["index"]
    assert shown["digests"] == told.digests
    assert world.client(olga).get(f"/api/v1/reports/{other.id}.json").status_code == 200
    assert traces(world, WORDS) == []


def made_report(world: World, report: bytes) -> Job:
    """Keep a report as if it had been made: its pages are not looked at here."""

    def keep(connection: Any) -> Job:  # noqa: ANN401 - SQLAlchemy's
        digests = {
            "json": blobs.put(connection, report),
            "pdf": blobs.put(connection, report[::-1]),
        }
        job = Job(
            id=f"r{len(report)}",
            type="model-audit",
            scope="model/credit",
            as_of_seq=1,
            requested_by=world.ada.id,
            requested_at="2026-01-05T09:00:00.000000Z",
            requested_index=0,
            state=State.DONE.value,
            digests=digests,
            generated_index=0,
        )
        jobs.put(connection, job)
        return job

    return world.house.ledger.operate(keep)


def test_a_draft_that_repeats_it_is_erased_too(bank: Bank, olga: Person, omar: Person) -> None:
    world = bank.world
    _, index = promotion(bank)
    assert olga != omar

    def keep(connection: Any) -> None:  # noqa: ANN401 - SQLAlchemy's
        for key, words in (("told", f"as {WORDS} said"), ("other", "something else")):
            draft = {"user": "u", "path": "/", "fields": [["reason", words]], "at": "2026"}
            operational.put(connection, "draft", key, draft)

    world.house.ledger.operate(keep)
    redact(world, index, "reason")
    with world.house.ledger.snapshot() as now:
        assert [key for key, _ in operational.each(now.connection, "draft")] == ["other"]


def test_the_names_of_somebody_whose_account_is_closed_are_erased(
    bank: Bank, olga: Person, omar: Person
) -> None:
    world = bank.world
    zoe = world.person("zoe-of-ankh", "engineer")
    index = entry_of(world, f"user/{zoe.id}")
    asked = ask(world, olga, index, "name", "printed_name")
    assert asked.status_code == 409
    assert f"muniment user disable {zoe.id}" in asked.json()["remedy"]
    expect(200, world.client(world.ada).post(f"/api/v1/users/{zoe.id}/disable"))
    redact(world, index, "name", "printed_name")
    assert omar.id != olga.id
    assert traces(world, "zoe-of-ankh") == []
    assert traces(world, "Zoe-Of-Ankh") == []
    assert checked(world).outcome is Outcome.VALID


def test_one_person_never_suffices(bank: Bank, olga: Person, omar: Person) -> None:
    world = bank.world
    _, index = promotion(bank)
    asked = expect(201, ask(world, olga, index, "reason"))
    assert asked["requested_by"] == olga.id
    own = confirm(world, olga, index, asked["id"])
    assert own.status_code == 403
    assert own.json()["type"] == "/problems/self-approval"
    assert confirm(world, bank.vera, index, asked["id"]).status_code == 403
    assert ask(world, world.ada, index, "reason").status_code == 403
    token = world.token("admin", owner=world.ada)
    body = {"members": ["reason"], "reason": "x", "legal_basis": "x"}
    path = f"/api/v1/events/{index}/redactions"
    assert world.client(token).post(path, json=body).status_code == 403
    assert traces(world, WORDS) != []
    [listed] = expect(200, world.client(omar).get(path))["items"]
    assert listed == asked
    expect(201, confirm(world, omar, index, asked["id"]))
    again = confirm(world, omar, index, asked["id"])
    assert again.status_code == 409
    assert "confirmed before" in again.json()["detail"]
    assert expect(200, world.client(omar).get(path))["items"][0]["redacted_index"] is not None


def test_only_personal_members_can_be_erased_and_only_once(
    bank: Bank, olga: Person, omar: Person
) -> None:
    world = bank.world
    _, index = promotion(bank)
    with world.house.ledger.snapshot() as now:
        size = now.size
    for member in ("environment", "no-such-member"):
        refused = ask(world, olga, index, member)
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"] == "#/members"
        assert refused.json()["remedy"].endswith("can be erased: reason")
    bare = entry_of(world, "dataset/applicants")
    assert ask(world, olga, bare, "owner").json()["remedy"].endswith("can be erased: none")
    assert ask(world, olga, size, "reason").status_code == 404
    assert confirm(world, omar, index, "no-such-request").status_code == 404
    assert confirm(world, omar, size, "no-such-request").status_code == 404
    first = expect(201, ask(world, olga, index, "reason"))
    second = expect(201, ask(world, olga, index, "reason"))
    expect(201, confirm(world, omar, index, first["id"]))
    for answer in (confirm(world, omar, index, second["id"]), ask(world, olga, index, "reason")):
        assert answer.status_code == 410
        assert "erased already, by entry" in answer.json()["detail"]


def test_a_key_repeats_nothing(bank: Bank, olga: Person, omar: Person) -> None:
    world = bank.world
    _, index = promotion(bank)
    path = f"/api/v1/events/{index}/redactions"
    body = {"members": ["reason"], "reason": "they asked for it", "legal_basis": BASIS}
    headers = {"Idempotency-Key": "once"}
    first = world.client(olga).post(path, json=body, headers=headers)
    second = world.client(olga).post(path, json=body, headers=headers)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert second.headers["Idempotent-Replayed"] == "true"
    other = world.client(olga).post(path, json={**body, "reason": "no"}, headers=headers)
    assert other.status_code == 409
    confirming = f"{path}/{first.json()['id']}/confirm"
    done = world.client(omar).post(confirming, headers=headers)
    again = world.client(omar).post(confirming, headers=headers)
    assert (done.status_code, again.status_code) == (201, 201)
    assert done.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"


def test_who_lost_the_role_meanwhile_confirms_nothing(
    bank: Bank, olga: Person, omar: Person
) -> None:
    world = bank.world
    _, index = promotion(bank)
    asked = expect(201, ask(world, olga, index, "reason"))
    world.session(omar)
    grants = expect(200, world.client(world.ada).get("/api/v1/users"))["items"]
    [grant] = next(one for one in grants if one["id"] == omar.id)["roles"]
    expect(200, world.client(world.ada).delete(f"/api/v1/users/{omar.id}/roles/{grant['grant']}"))
    assert confirm(world, omar, index, asked["id"]).status_code == 403
    assert traces(world, WORDS) != []


def altering(world: World, cluster: Cluster | None, statement: str) -> None:
    """Change the database as somebody who owns it may."""
    url = world.house.settings.database_url
    if url is None:
        import sqlite3

        with closing(sqlite3.connect(world.house.folder.database)) as file, file:
            file.execute(statement)
        return
    assert cluster is not None
    name = url.split("/")[3].split("?", maxsplit=1)[0]
    with cluster.connect(name, OWNER) as connection:
        connection.execute(statement.encode())


@pytest.fixture
def cluster(world: World, request: pytest.FixtureRequest) -> Cluster | None:
    on_postgresql = world.house.settings.database_url is not None
    return request.getfixturevalue("postgresql") if on_postgresql else None


def test_an_erasure_without_its_entry_is_named(bank: Bank, cluster: Cluster | None) -> None:
    _, index = promotion(bank)
    altering(
        bank.world,
        cluster,
        f"UPDATE payloads SET salt = NULL, value = NULL WHERE idx = {index} AND name = 'reason'",  # noqa: S608
    )
    report = checked(bank.world)
    assert report.outcome is Outcome.ALTERED
    found = [
        (one.index, one.member)
        for check in report.checks
        for one in check.findings
        if one.kind == "unlogged erasure"
    ]
    assert found == [(index, "reason")]


def test_a_value_swapped_in_for_an_erased_one_is_named(
    bank: Bank, olga: Person, omar: Person, cluster: Cluster | None
) -> None:
    _, index = promotion(bank)
    assert olga is not omar
    redact(bank.world, index, "reason")
    salt, value = "ab" * 32, b'"an innocent reason"'.hex()
    literal = "decode('{}', 'hex')" if cluster is not None else "X'{}'"
    changed = f"salt = {literal.format(salt)}, value = {literal.format(value)}"
    altering(
        bank.world,
        cluster,
        f"UPDATE payloads SET {changed} WHERE idx = {index} AND name = 'reason'",  # noqa: S608
    )
    report = checked(bank.world)
    assert report.outcome is Outcome.ALTERED
    found = {(one.kind, one.index, one.member) for check in report.checks for one in check.findings}
    assert ("member", index, "reason") in found
    assert ("erasure undone", index, "reason") in found
