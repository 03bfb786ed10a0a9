"""Changing the log's key, and handing its keys out, on the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from app.verification.trust_page import fingerprint
from tests.core.ledger.sample import OTHER_VERIFIER, VERIFIER

if TYPE_CHECKING:
    from tests.slices.cli.conftest import Command, Server

ROTATIONS = "/api/v1/log/rotations"
MADE = {
    "step": "begun",
    "old_vkey": VERIFIER.vkey(),
    "new_vkey": OTHER_VERIFIER.vkey(),
    "receipt": {"index": 7},
}


@pytest.mark.parametrize(
    ("flags", "step"), [((), "begin"), (("--finish",), "finish"), (("--revoke",), "revoke")]
)
def test_the_key_is_rotated_step_by_step(
    command: Command, server: Server, flags: tuple[str, ...], step: str
) -> None:
    server.on("POST", ROTATIONS, (201, MADE))
    ended = command("ledger", "rotate-key", *flags)
    assert ended.code == 0
    assert server.body() == {"step": step}
    assert OTHER_VERIFIER.vkey() in ended.out
    assert "trust-page" in ended.err
    assert ("--finish" in ended.err) == (step == "begin")


def test_a_key_is_not_finished_and_revoked(command: Command) -> None:
    ended = command("ledger", "rotate-key", "--finish", "--revoke")
    assert ended.code == 2
    assert "not both" in ended.err


def test_a_step_that_does_not_follow_is_refused(command: Command, server: Server) -> None:
    server.on("POST", ROTATIONS, (409, {"title": "Conflict", "detail": "no rotation is going on"}))
    ended = command("ledger", "rotate-key", "--finish")
    assert ended.code == 1
    assert "no rotation is going on" in ended.err


def test_the_trust_page_is_printed(command: Command, server: Server) -> None:
    trust = {"log": [{"vkey": VERIFIER.vkey()}], "approvals": [{"vkey": OTHER_VERIFIER.vkey()}]}
    server.on("GET", "/log/trust.json", json.dumps(trust).encode())
    ended = command("ledger", "trust-page")
    assert ended.code == 0
    for key in (VERIFIER, OTHER_VERIFIER):
        assert key.vkey() in ended.out
        assert fingerprint(key) in ended.out
    assert command("ledger", "trust-page", "--json").document == trust
