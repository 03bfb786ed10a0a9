"""``ledger recover``: what a person answers for, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.slices.cli.conftest import problem, session

if TYPE_CHECKING:
    import pytest

    from tests.slices.cli.conftest import Command, Server

ROUTE = "/api/v1/log/recoveries"


def test_answering_for_the_clock_says_which_entry_tells_of_it(
    command: Command, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    session(monkeypatch)
    server.on("POST", ROUTE, (201, {"index": 9}))
    ended = command("ledger", "recover", "--accept-clock")
    assert ended.code == 0
    assert "entry 9" in ended.out
    assert server.body() == {"because": "accept-clock"}


def test_a_clock_that_is_right_is_not_answered_for(
    command: Command, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    session(monkeypatch)
    server.on("POST", ROUTE, problem(409, "the clock is not in doubt"))
    ended = command("ledger", "recover", "--accept-clock")
    assert ended.code == 1
    assert "not in doubt" in ended.err
