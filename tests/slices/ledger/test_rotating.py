"""A log changes its key under load, both windows verify, and a revoked key signs nothing more."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from app.core.errors import BadSignature, Conflict
from app.core.events import say
from app.core.events.kinds.records import LogKeyRotated
from app.core.ledger.bundle import Bundle, BundledEntry, encode
from app.core.ledger.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from app.core.ledger.merkle import leaf_hash, root
from app.core.ledger.note import open_note, parse_note, parse_vkey, sign_note
from app.core.ledger.proof_file import ProofFile, format_proof
from app.core.ledger.rotation import Rotation, Step, sign_rotation
from app.core.ledger.trust import parse_trust
from app.core.ledger.verdict import Outcome
from app.house import open_house, projections
from app.identity.local import local_actor
from app.ledger.signing import load_or_make_signer
from app.premises import database_of
from app.settings import Settings
from app.verification.bundles import bundle_of
from app.verification.fsck import fsck
from app.verification.offline import verify_log
from app.verification.trust_page import fingerprint, trust_page
from tests.both import audit_bundle
from tests.living import CHEAP, World
from tests.slices.ledger.desk import about

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from app.core.ledger.note import Verifier
    from app.core.ledger.trust import TrustedKey

OPEN = Settings(log_public=True)
ACTOR = local_actor(0)


ENGINES = pytest.mark.parametrize("world", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    on_a_server = getattr(request, "param", "sqlite") == "postgresql"
    url = request.getfixturevalue("database_url") if on_a_server else None
    with World.open(tmp_path, OPEN, database_url=url) as made:
        yield made


def record(world: World, name: str) -> int:
    return world.house.ledger.record(about(name), ACTOR).log_size


def rotate(world: World, step: Step) -> int:
    """Take a step, and wait until a checkpoint covers it."""
    size = world.house.rotating.rotate(step, ACTOR).receipt.log_size
    assert world.house.publisher.wait_for(size, 20)
    return size


def signers(world: World, raw: bytes) -> list[Verifier]:
    keys = [key.verifier for key in trusted(world)]
    return list(open_note(raw, keys).signed_by)


def trusted(world: World) -> tuple[TrustedKey, ...]:
    return parse_trust(world.client(None).get("/log/trust.json").content)


def newest(world: World) -> bytes:
    return world.client(None).get("/log/checkpoint").content


def kept(world: World) -> list[tuple[int, bytes]]:
    """Every checkpoint that was ever published."""
    with world.house.store.reading() as connection:
        rows = connection.exec_driver_sql("SELECT size, note FROM checkpoints ORDER BY size")
        return [(size, bytes(note)) for size, note in rows]


def read(world: World) -> Any:  # noqa: ANN401 - a reader of files
    return lambda path: world.client(None).get(f"/log/{path}").content


def test_both_keys_sign_during_the_overlap_and_the_new_one_alone_afterwards(world: World) -> None:
    (first,) = trusted(world)
    begun = rotate(world, Step.BEGUN)
    old, new = trusted(world)
    assert (old.verifier, old.to_size) == (first.verifier, None)
    assert new.from_size == begun
    assert signers(world, newest(world)) == [new.verifier, old.verifier]
    vkeys = world.client(None).get("/log/vkeys").text.splitlines()
    assert [parse_vkey(line) for line in vkeys] == [new.verifier, old.verifier]
    finished = rotate(world, Step.FINISHED)
    assert signers(world, newest(world)) == [new.verifier]
    assert trusted(world)[0].to_size == finished - 1
    for key in (old.verifier, new.verifier):  # both windows
        for size, note in kept(world):
            if (key == old.verifier and size < finished) or (key == new.verifier and size >= begun):
                assert open_checkpoint(note, [key]).size == size


@ENGINES
def test_a_rotation_under_load_loses_nothing_and_every_checkpoint_verifies(world: World) -> None:
    done = threading.Event()
    sizes: list[int] = []

    def load(name: int) -> None:
        number = 0
        while not done.is_set():
            sizes.append(record(world, f"load-{name}-{number}"))
            number += 1

    threads = [threading.Thread(target=load, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    try:
        for step in (Step.BEGUN, Step.FINISHED, Step.BEGUN, Step.REVOKED):
            rotate(world, step)
            assert world.house.publisher.wait_for(max(sizes) + 20, 20)
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert world.house.publisher.wait_for(max(sizes), 20)
    assert len(set(sizes)) == len(sizes)
    keys = trusted(world)
    assert len(keys) == 3
    for size, note in kept(world):
        assert open_checkpoint(note, keys).size == size
        expected = [key.verifier for key in reversed(keys) if key.objection(size) is None]
        assert signers(world, note) == expected
    report = verify_log(read(world), keys, saved=[note for _, note in kept(world)])
    assert report.outcome is Outcome.VALID, report.bottom_line


@ENGINES
def test_a_late_signature_of_a_revoked_key_is_refused(world: World) -> None:
    old = world.house.log_signer
    revoked = rotate(world, Step.REVOKED) - 1
    keys = trusted(world)
    assert keys[0].revoked_at_size == revoked
    signed = parse_checkpoint(parse_note(newest(world))[0])
    late = sign_note(signed.text(), [(old.verifier, old.sign)])
    with pytest.raises(BadSignature, match=f"was revoked at size {revoked}; it signed size"):
        open_checkpoint(late, keys)

    def stolen(path: str) -> bytes:
        return late if path == "checkpoint" else bytes(read(world)(path))

    report = verify_log(stolen, keys)
    assert report.outcome is Outcome.BAD_SIGNATURE
    assert int(report.outcome) == 13
    assert verify_log(read(world), keys).outcome is Outcome.VALID


def bundled(world: World) -> dict[str, bytes]:
    with world.house.ledger.snapshot() as now:
        keys = [key.verifier for key in world.house.rotating.history(now)]
        return bundle_of(
            now,
            [0],
            keys,
            kind="evidence",
            purpose="",
            files={},
            schemas={},
            unproven={},
        )


def test_what_a_stolen_key_signs_of_a_smaller_tree_is_not_proven(world: World) -> None:
    stolen = world.house.log_signer
    newest(world)
    before = bundled(world)
    assert audit_bundle(before, trusted(world)).outcome is Outcome.VALID
    record(world, "between")
    revoked = rotate(world, Step.REVOKED) - 1
    keys = trusted(world)
    assert keys[0].revoked_at_size == revoked
    with world.house.store.reading() as connection:
        leaves = world.house.store.leaf_hashes(connection, 0, revoked)
    assert keys[0].revoked_root == root(leaves)
    assert audit_bundle(before, keys).outcome is Outcome.MISSING
    assert audit_bundle(bundled(world), keys).outcome is Outcome.VALID
    log = before["log/checkpoint"].decode().splitlines()[0]
    raw = before["entries/000000000000.json"].replace(b'"source":"service"', b'"source":"api"')
    note = sign_note(Checkpoint(log, 1, leaf_hash(raw)).text(), [(stolen.verifier, stolen.sign)])
    entry = BundledEntry(raw, format_proof(ProofFile(0, (), note)))
    forged = encode(Bundle(log, "evidence", "", note, (), (entry,)))
    assert audit_bundle(forged, [stolen.verifier]).outcome is Outcome.VALID
    assert audit_bundle(forged, keys).outcome is Outcome.MISSING


def test_a_step_that_does_not_follow_is_refused(world: World) -> None:
    with pytest.raises(Conflict, match="no rotation is going on"):
        rotate(world, Step.FINISHED)
    rotate(world, Step.BEGUN)
    with pytest.raises(Conflict, match="a rotation is going on"):
        rotate(world, Step.BEGUN)
    with world.house.ledger.snapshot() as now:
        assert len(world.house.rotating.history(now)) == 2


def test_a_log_that_has_not_begun_has_no_key_to_rotate(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", signer_state=tmp_path / "state.json")
    house = open_house(settings, hasher=CHEAP)
    try:
        with pytest.raises(Conflict, match="the log has not begun yet"):
            house.rotating.rotate(Step.BEGUN, ACTOR)
    finally:
        house.close()


@pytest.mark.parametrize("step", [Step.BEGUN, Step.FINISHED, Step.REVOKED])
@pytest.mark.parametrize("explicit", [True, False])
def test_a_restart_signs_on_with_the_same_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: Step, explicit: bool
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    state = tmp_path / "state.json" if explicit else None
    settings = Settings(data_dir=tmp_path / "data", signer_state=state)
    house = open_house(settings, hasher=CHEAP)
    house.init("ada", "correct horse battery staple")
    steps = [Step.BEGUN, step] if step is Step.FINISHED else [step]
    for one in steps:
        house.rotating.rotate(one, ACTOR)
    house.close()
    keys: tuple[TrustedKey, ...] = ()
    for _ in range(2):
        house = open_house(settings, hasher=CHEAP)
        try:
            size = house.ledger.record(about(f"d{house.publisher.verified[0]}"), ACTOR).log_size
            assert house.publisher.wait_for(size, 20)
            with house.ledger.snapshot() as now:
                keys = house.rotating.history(now)
                note = now.store.checkpoint(now.connection) or b""
            assert open_checkpoint(note, keys).size == size
        finally:
            house.close()
    database = database_of(settings)
    for given in (keys, ()):
        report = fsck(database, projections(), given)
        assert report.outcome is Outcome.VALID, report.bottom_line


def test_a_crash_between_the_entry_and_the_first_signature_goes_on(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", signer_state=None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
        house = open_house(settings, hasher=CHEAP)
        house.init("ada", "correct horse battery staple")
        assert house.publisher.wait_for(3, 20)
        house.publisher.stop()  # it signs no more
        house.rotating.rotate(Step.BEGUN, ACTOR)
        house.close()
        house = open_house(settings, hasher=CHEAP)
        with house.ledger.snapshot() as now:
            note = now.store.checkpoint(now.connection) or b""
            assert (
                len(
                    open_note(note, [key.verifier for key in house.rotating.history(now)]).signed_by
                )
                == 2
            )
        house.close()


def test_a_log_whose_newer_key_is_gone_is_not_signed(world: World) -> None:
    rotate(world, Step.BEGUN)
    house = world.house
    house.folder.path.joinpath("keys/log-2.key").unlink()
    record(world, "unsigned")
    house.publisher._thread.join(20)  # noqa: SLF001 - until it has given up
    assert "that key is not in" in (house.sequencer.halted or "")


def test_a_rotation_that_the_log_did_not_make_is_not_followed(world: World) -> None:
    house = world.house
    signer, other = (
        house.log_signer,
        load_or_make_signer(house.folder.path / "other.key", house.store.origin, house.entropy),
    )
    forged = Rotation(house.store.origin, Step.BEGUN, other.verifier, signer.verifier)
    statement = sign_rotation(forged, other.sign, signer.sign).decode()
    event = LogKeyRotated("begun", other.verifier.vkey(), signer.verifier.vkey(), statement)
    house.ledger.record(say("log", event), ACTOR)
    house.publisher._thread.join(20)  # noqa: SLF001 - until it has given up
    assert "does not follow" in (house.sequencer.halted or "")


def test_the_operator_rotates_by_http(world: World) -> None:
    olga = world.person("olga", "operator")
    erin = world.person("erin", "engineer")
    path = "/api/v1/log/rotations"
    assert world.client(erin).post(path, json={"step": "begin"}).status_code == 403
    assert world.client(olga).post(path, json={"step": "finish"}).status_code == 409
    bodies: list[Any] = [{}, {"step": "begun"}, {"step": "begin", "more": 1}, []]
    for body in bodies:
        assert world.client(olga).post(path, json=body).status_code == 422
    assert world.client(olga).post(path, content=b"{}").status_code == 415
    made = world.client(olga).post(path, json={"step": "begin"})
    assert made.status_code == 201
    answer = made.json()
    assert answer["step"] == "begun"
    assert world.house.publisher.wait_for(answer["receipt"]["log_size"], 20)
    assert answer["new_vkey"] == world.client(None).get("/log/vkeys").text.splitlines()[0]


def test_a_page_hands_out_the_keys(world: World) -> None:
    rotate(world, Step.REVOKED)
    raw = world.client(None).get("/log/trust.json").content
    page = trust_page(raw)
    old, new = trusted(world)
    for key in (old, new):
        assert f"  {key.verifier.vkey()}\n" in page
        assert f"  SHA-256 {fingerprint(key.verifier)}\n" in page
    assert f"REVOKED at size {old.revoked_at_size}\n" in page
    assert f"signs from size {new.from_size} on\n" in page
    assert page.index(new.verifier.vkey()) < page.index(old.verifier.vkey())
    assert len(fingerprint(new.verifier)) == 64 + 15
    ended = json.dumps({"log": [{"vkey": new.verifier.vkey(), "to_size": 7}]}).encode()
    assert "signs from size 0 to size 7\n" in trust_page(ended)
    assert "approvals" in page
