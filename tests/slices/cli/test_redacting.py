"""``ledger redact``: what is asked, what is confirmed, and how it is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.slices.cli.conftest import problem, session

if TYPE_CHECKING:
    from tests.slices.cli.conftest import Command, Server

PATH = "/api/v1/events/41/redactions"
ASK = ("--member", "reason", "--member", "printed_name", "--reason", "they asked")
BASIS = ("--legal-basis", "GDPR Art. 17")


def test_asking_says_who_has_to_go_on(
    command: Command, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    session(monkeypatch)
    asked = {"id": "r1", "index": 41, "members": ["reason"], "legal_basis": "GDPR Art. 17"}
    server.on("POST", PATH, (201, asked))
    ended = command("ledger", "redact", "41", *ASK, *BASIS)
    assert ended.code == 0
    assert server.body() == {
        "members": ["reason", "printed_name"],
        "reason": "they asked",
        "legal_basis": "GDPR Art. 17",
    }
    assert "nothing is erased yet" in ended.err
    assert "→ muniment ledger redact 41 --confirm r1" in ended.err


def test_confirming_says_which_entry_tells_of_it(
    command: Command, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    session(monkeypatch)
    server.on("POST", f"{PATH}/r1/confirm", (201, {"index": 50}))
    ended = command("ledger", "redact", "41", "--confirm", "r1")
    assert (ended.code, ended.out) == (0, "erased, for good: entry 50 says so\n")


@pytest.mark.parametrize("words", [(), ASK, BASIS, ("--confirm", "r1", *BASIS)])
def test_half_a_wish_is_none(
    command: Command, server: Server, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    session(monkeypatch)
    assert command("ledger", "redact", "41", *words).code == 2
    assert server.asked == []


def test_a_service_token_erases_nothing(command: Command, server: Server) -> None:
    assert command("ledger", "redact", "41", *ASK, *BASIS).code == 4
    assert server.asked == []


def test_a_refusal_is_told(
    command: Command, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    session(monkeypatch)
    server.on("POST", f"{PATH}/r1/confirm", problem(403, "whoever asked does not confirm"))
    ended = command("ledger", "redact", "41", "--confirm", "r1")
    assert ended.code == 1
    assert "whoever asked does not confirm" in ended.err
