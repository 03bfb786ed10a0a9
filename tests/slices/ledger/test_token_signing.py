"""A log's key in a PKCS#11 token signs there, never leaves it, and when it is gone nothing is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pkcs11
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pkcs11 import Attribute

from app.core.errors import SignerAway
from app.core.ledger.checkpoint import Checkpoint, parse_checkpoint
from app.core.ledger.note import open_note, parse_note, sign_note
from app.core.ledger.rotation import Step
from app.house import open_house
from app.ledger.signing import load_or_make_signer
from app.ledger.token_signing import Token
from app.settings import Settings
from tests.living import CHEAP, World
from tests.servers.token import ED25519, MODULE, PIN, make_tokens
from tests.slices.ledger.test_rotating import ACTOR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.token import Token as Made

SEEDS = [bytes(range(start, start + 32)) for start in range(3)]
REGISTERED = {"owner": "data-team", "licence": "CC0-1.0", "description": "applicants"}


def public_of(seed: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Made]]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SOFTHSM2_CONF", "")
        made = make_tokens(tmp_path_factory.mktemp("hsm"), ("kept", "removed", "bare", "locked"))
        for label in ("kept", "removed"):
            for number, seed in enumerate(SEEDS[:2], 1):
                made[label].put(seed, public_of(seed), "log" if number == 1 else f"log-{number}")
        yield made


@pytest.fixture
def kept(tokens: dict[str, Made]) -> Made:
    return tokens["kept"]


def test_the_same_key_signs_the_same_bytes_in_a_token_and_in_a_file(
    kept: Made, tmp_path: Path
) -> None:
    filed = load_or_make_signer(tmp_path / "log.key", "log.example/a", lambda _: SEEDS[0])
    held = Token(kept.key()).signer("log.example/a")
    assert held.verifier == filed.verifier
    for size in range(5):
        text = Checkpoint("log.example/a", size, bytes([size] * 32)).text()
        notes = [sign_note(text, [(one.verifier, one.sign)]) for one in (held, filed)]
        assert notes[0] == notes[1]
        assert open_note(notes[0], [held.verifier]).text == text


def test_the_private_key_cannot_leave_the_token(kept: Made) -> None:
    with kept.session() as session:
        key = session.get_key(
            object_class=pkcs11.ObjectClass.PRIVATE_KEY,
            key_type=pkcs11.KeyType.EC_EDWARDS,
            label="log",
        )
        assert key[Attribute.SENSITIVE]
        assert not key[Attribute.EXTRACTABLE]
        assert key[Attribute.PRIVATE]
        with pytest.raises(pkcs11.AttributeSensitive):
            key[Attribute.VALUE]
        wrapping = cast("pkcs11.WrapMixin", session.generate_key(pkcs11.KeyType.AES, 256))
        with pytest.raises(pkcs11.KeyUnextractable):
            wrapping.wrap_key(key)
        with pytest.raises(pkcs11.PKCS11Error):
            key[Attribute.EXTRACTABLE] = True


def test_a_key_that_was_made_in_the_token_signs(tokens: dict[str, Made]) -> None:
    with tokens["bare"].session() as session:
        curve = session.create_domain_parameters(
            pkcs11.KeyType.EC_EDWARDS, {Attribute.EC_PARAMS: ED25519}, local=True
        )
        curve.generate_keypair(
            mechanism=pkcs11.Mechanism.EC_EDWARDS_KEY_PAIR_GEN,
            mechanism_param=b"",
            store=True,
            label="made",
        )
    signer = Token(tokens["bare"].key("made")).signer("log.example/a")
    note = sign_note("hello\n", [(signer.verifier, signer.sign)])
    assert open_note(note, [signer.verifier]).text == "hello\n"


def refused(key: object) -> SignerAway:
    with pytest.raises(SignerAway) as raised:
        Token(key).signer("log.example/a")  # type: ignore[arg-type]
    return raised.value


def test_what_stands_in_the_way_is_named_with_what_to_do(kept: Made, tmp_path: Path) -> None:
    key = kept.key()
    pin = tmp_path / "pin"
    pin.write_text("000000")
    pin.chmod(0o600)
    open_to_all = tmp_path / "open"
    open_to_all.write_text(PIN)
    open_to_all.chmod(0o644)
    told = {
        "cannot be loaded": replace(key, module=Path("/nowhere/libpkcs11.so")),
        "cannot be read from": replace(key, pin=tmp_path / "none"),
        "can be read by others": replace(key, pin=open_to_all),
        "has no Ed25519 key pair labelled other": replace(key, label="other"),
        "the token nobody does not answer": replace(key, token="nobody"),
    }
    for words, asked in told.items():
        refusal = refused(asked)
        assert words in refusal.detail
        assert refusal.remedy
        assert PIN not in refusal.detail


def test_a_wrong_pin_is_named_and_never_told(tokens: dict[str, Made], tmp_path: Path) -> None:
    pin = tmp_path / "pin"
    pin.write_text("000000")
    pin.chmod(0o600)
    refusal = refused(replace(tokens["locked"].key(), pin=pin))
    assert "refuses the PIN in" in refusal.detail
    assert "000000" not in refusal.detail


@pytest.mark.parametrize("other", [{"extractable": True}, {"sensitive": False}], ids=str)
def test_a_key_that_may_leave_its_token_is_not_used(kept: Made, other: dict[str, bool]) -> None:
    label = f"loose{next(iter(other))}"
    kept.put(SEEDS[2], public_of(SEEDS[2]), label, **other)
    assert "may leave the token kept" in refused(kept.key(label)).detail


def test_a_public_key_of_another_kind_is_refused(kept: Made) -> None:
    kept.put(SEEDS[2], bytes(40), "odd")
    assert "is not of Ed25519" in refused(kept.key("odd")).detail


def test_a_pair_whose_halves_do_not_fit_signs_nothing(kept: Made) -> None:
    kept.put(SEEDS[2], public_of(SEEDS[1]), "mixed")
    signer = Token(kept.key("mixed")).signer("log.example/a")
    with pytest.raises(SignerAway, match="signed with another key than mixed"):
        signer.sign(b"hello")


def record(world: World, name: str) -> int:
    erin = world.person(f"erin-{name}", "engineer")
    event = {"type": "dataset.registered", "subject": f"dataset/{name}", "data": REGISTERED}
    return world.client(erin).post("/api/v1/events", json=event).status_code


def newest(world: World) -> bytes:
    with world.house.ledger.snapshot() as now:
        assert world.house.publisher.wait_for(now.size, 20)
        return now.store.checkpoint(now.connection) or b""


def test_a_log_is_signed_and_its_key_rotated_in_a_token(kept: Made, tmp_path: Path) -> None:
    with World.open(tmp_path, Settings(signing_key=kept.key())) as world:
        house = world.house
        assert record(world, "a") == 201
        assert not house.folder.key("log").exists()
        first = house.log_signer.verifier
        assert first.public == public_of(SEEDS[0])
        house.rotating.rotate(Step.BEGUN, ACTOR)
        second = house.rotating.newest()
        assert second.public == public_of(SEEDS[1])
        newest(world)
        with house.ledger.snapshot() as now:
            assert house.publisher.wait_for(now.size, 20)
        signed = open_note(newest(world), [first, second]).signed_by
        assert set(signed) == {first, second}
        house.rotating.rotate(Step.FINISHED, ACTOR)
        with pytest.raises(SignerAway, match="labelled log-3"):
            house.rotating.rotate(Step.BEGUN, ACTOR)
        assert "in the token kept" not in (house.sequencer.halted or "")


def test_a_token_that_is_taken_away_ends_the_writing_and_says_so(
    tokens: dict[str, Made], tmp_path: Path
) -> None:
    removed = tokens["removed"]
    aside = removed.lies_in.with_name("aside")
    settings = Settings(signing_key=removed.key())
    with World.open(tmp_path, settings) as world:
        house = world.house
        assert record(world, "a") == 201
        erin = world.person("vera", "engineer")
        newest(world)
        removed.lies_in.rename(aside)
        with house.ledger.snapshot() as now:
            size = now.size
            before = now.store.checkpoint(now.connection) or b""
        event = {"type": "dataset.registered", "subject": "dataset/b", "data": REGISTERED}
        world.client(erin).post("/api/v1/events", json=event)
        house.publisher._thread.join(20)  # noqa: SLF001 - until it has given up
        assert "the token removed" in (house.sequencer.halted or "")
        ready = world.http.request("GET", "/readyz")
        assert ready.status_code == 503
        event["subject"] = "dataset/c"
        assert world.client(erin).post("/api/v1/events", json=event).status_code == 503
        with house.ledger.snapshot() as now:
            assert now.store.checkpoint(now.connection) == before
            assert parse_checkpoint(parse_note(before)[0]).size == size
        where = house.settings
    aside.rename(removed.lies_in)
    pkcs11.lib(str(MODULE)).reinitialize()  # as in another process
    again = open_house(where, hasher=CHEAP)
    try:
        with again.ledger.snapshot() as now:
            assert now.size == size + 1
            assert again.publisher.wait_for(now.size, 20)
    finally:
        again.close()
