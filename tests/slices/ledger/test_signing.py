"""The log's key, and what is remembered of what it signed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.core.errors import ChainBroken, Unavailable
from app.core.ledger.checkpoint import Checkpoint
from app.core.ledger.note import Verifier
from app.ledger.folder import Folder, signer_state
from app.ledger.signing import (
    Signed,
    SignerState,
    default_state_path,
    load_or_make_secret,
    load_or_make_signer,
)
from app.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

ONE, TWO = b"1" * 32, b"2" * 32
SEED = bytes(range(32))


def tree(size: int, root: bytes) -> Checkpoint:
    return Checkpoint("ledger.test/log", size, root)


@pytest.fixture
def state(tmp_path: Path) -> SignerState:
    return SignerState(tmp_path / "apart" / "state.json")


def test_nothing_was_signed_at_first(state: SignerState) -> None:
    assert state.read() is None


def test_what_is_signed_is_remembered_by_whoever_reads_the_file(
    state: SignerState, tmp_path: Path
) -> None:
    signed = state.advance(None, tree(3, ONE))
    assert signed == Signed(3, ONE)
    assert SignerState(tmp_path / "apart" / "state.json").read() == signed
    assert state.advance(signed, tree(5, TWO)) == Signed(5, TWO)


def test_the_same_tree_may_be_signed_again(state: SignerState) -> None:
    signed = state.advance(None, tree(3, ONE))
    assert state.advance(signed, tree(3, ONE)) == signed


@pytest.mark.parametrize(
    ("after", "words"),
    [(tree(2, ONE), "behind the signed size 3"), (tree(3, TWO), "another tree of size 3")],
)
def test_a_smaller_or_another_tree_is_never_signed(
    state: SignerState, after: Checkpoint, words: str
) -> None:
    signed = state.advance(None, tree(3, ONE))
    with pytest.raises(ChainBroken, match=words):
        state.advance(signed, after)
    assert state.read() == signed


@pytest.mark.parametrize("before", [None, Signed(2, ONE), Signed(3, TWO)])
def test_who_does_not_know_what_was_signed_last_signs_nothing(
    state: SignerState, before: Signed | None
) -> None:
    state.advance(None, tree(3, ONE))
    with pytest.raises(ChainBroken, match="another process signed"):
        state.advance(before, tree(4, TWO))
    assert state.read() == Signed(3, ONE)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"size": 3}', b'{"size": "x", "root": ""}', b'{"root": "zz"}']
)
def test_a_damaged_state_is_refused_by_name(
    state: SignerState, tmp_path: Path, content: bytes
) -> None:
    state.advance(None, tree(3, ONE))
    (tmp_path / "apart" / "state.json").write_bytes(content)
    with pytest.raises(ChainBroken, match=r"state\.json is damaged"):
        state.read()


def test_the_state_lies_apart_one_file_for_each_log_key() -> None:
    public = Verifier("127.0.0.1:8999/gov", ONE)
    home = Path("/home/erin")
    by_default = default_state_path(public, {}, home)
    assert by_default.parent == Path("/home/erin/.local/state/muniment")
    assert len(by_default.stem) == 16
    said = default_state_path(public, {"XDG_STATE_HOME": "/var/state"}, home)
    assert said == Path("/var/state/muniment") / by_default.name
    assert default_state_path(Verifier(public.name, TWO), {}, home) != by_default


def test_a_setting_says_where_the_state_lies(tmp_path: Path) -> None:
    settings = Settings(signer_state=tmp_path / "here.json")
    signer_state(settings, Verifier("x", ONE)).advance(None, tree(1, ONE))
    assert (tmp_path / "here.json").exists()


def test_a_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "log.key"
    made = load_or_make_signer(path, "ledger.test/log", lambda count: SEED[:count])
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text() == SEED.hex()
    again = load_or_make_signer(path, "ledger.test/log", os.urandom)
    assert again.verifier == made.verifier
    assert again.sign(b"message") == made.sign(b"message")


def test_the_published_vector_gives_the_published_verifier_key(tmp_path: Path) -> None:
    signer = load_or_make_signer(tmp_path / "k", "127.0.0.1:8999/gov", lambda _: SEED)
    assert signer.verifier.vkey() == (
        "127.0.0.1:8999/gov+48590bcb+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
    )


def _readable(path: Path) -> None:
    path.chmod(0o640)


def _short(path: Path) -> None:
    path.write_text("00" * 31)


def _no_hex(path: Path) -> None:
    path.write_text("z" * 64)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [(_readable, "can be read by others"), (_short, "64 hex digits"), (_no_hex, "64 hex digits")],
)
def test_a_key_file_that_is_none_is_refused_by_name(
    tmp_path: Path, spoil: Callable[[Path], None], words: str
) -> None:
    path = tmp_path / "totp.key"
    load_or_make_secret(path, os.urandom)
    spoil(path)
    with pytest.raises(Unavailable, match=rf"totp\.key .*{words}"):
        load_or_make_secret(path, os.urandom)


def test_the_folder_is_its_owners_alone_and_has_a_key_for_each_purpose(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "data")
    folder.make()
    folder.make()
    assert {path.name for path in folder.path.iterdir()} == {"keys", "run"}
    for path in (folder.path, folder.path / "keys", folder.path / "run"):
        assert path.stat().st_mode & 0o777 == 0o700
    log = folder.log_signer(Settings(), "ledger.test/log", os.urandom)
    approvals = folder.approvals_signer("ledger.test/log", os.urandom)
    assert log.verifier.name == "ledger.test/log"
    assert approvals.verifier.name == "ledger.test/log/approvals"
    assert log.verifier.public != approvals.verifier.public
    elsewhere = Settings(signing_key=tmp_path / "other.key")
    other = folder.log_signer(elsewhere, "ledger.test/log", os.urandom)
    assert other.verifier.public != log.verifier.public


def test_one_process_at_a_time_has_the_folder_and_a_second_one_is_told_which(
    tmp_path: Path,
) -> None:
    folder = Folder(tmp_path)
    folder.make()
    with (
        folder.lock(),
        pytest.raises(Unavailable, match=f"in use by the server with process id {os.getpid()}"),
    ):
        folder.lock()
    folder.lock().close()
