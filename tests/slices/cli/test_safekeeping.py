"""``backup`` and ``restore`` as they are typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.house import open_house
from app.settings import Settings
from tests.living import CHEAP, PASSWORD

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.slices.cli.conftest import Command


def test_a_log_is_kept_brought_back_and_answered_for(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUNIMENT_SIGNER_STATE", str(tmp_path / "state.json"))
    house = open_house(
        Settings(data_dir=tmp_path / "data", signer_state=tmp_path / "state.json"), hasher=CHEAP
    )
    house.init("ada", PASSWORD)
    house.close()
    kept = str(tmp_path / "kept")
    words = ("backup", kept, "--with-keys", "--passphrase-stdin")
    ended = command(*words, stdin="a phrase\n")
    assert ended.code == 0, ended.err
    assert ended.out.startswith(f"{kept} holds the log of ")
    monkeypatch.setenv("MUNIMENT_DATA_DIR", str(tmp_path / "back"))
    monkeypatch.setenv("MUNIMENT_SIGNER_STATE", str(tmp_path / "other.json"))
    ended = command("restore", kept, "--passphrase-stdin", stdin="a phrase\n")
    assert ended.code == 0, ended.err
    assert "→ compare with a saved checkpoint" in ended.err
    assert command("ledger", "fsck").code == 0
    ended = command("ledger", "recover", "--adopt")
    assert ended.code == 0, ended.err
    assert "says who answers for the log" in ended.out
    assert command("ledger", "fsck").code == 0


def test_keys_and_passphrase_go_together(command: Command, tmp_path: Path) -> None:
    assert command("backup", str(tmp_path / "b"), "--with-keys").code == 2
    assert command("backup", str(tmp_path / "b"), "--passphrase-stdin").code == 2
    words = ("backup", str(tmp_path / "b"), "--with-keys", "--passphrase-stdin")
    assert command(*words, stdin="\n").code == 2
    assert not (tmp_path / "b").exists()
