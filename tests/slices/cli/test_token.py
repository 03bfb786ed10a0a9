"""A log whose key lies in a PKCS#11 token is begun, looked at and checked by the same commands."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.core.ledger.sample import KEY
from tests.servers.token import make_tokens
from tests.slices.cli.test_embedded import PASSWORD, go

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.token import Token
    from tests.slices.cli.test_embedded import Go

__all__ = ["go"]


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Token:
    monkeypatch.setenv("SOFTHSM2_CONF", "")
    (tmp_path / "hsm").mkdir()
    made = make_tokens(tmp_path / "hsm", ("vault",))["vault"]
    made.put(bytes(range(32)), KEY.public_key().public_bytes_raw())
    monkeypatch.setenv("MUNIMENT_SIGNING_KEY", made.address)
    return made


def test_a_log_is_begun_and_checked_with_its_key_in_a_token(go: Go, token: Token) -> None:
    code, out, err = go("init", "--admin", "root", "--password-stdin", "--json", stdin=PASSWORD)
    assert code == 0, err
    vkey = json.loads(out)["vkey"]
    assert go("ledger", "fsck", "--vkey", vkey)[0] == 0
    shown = json.loads(go("doctor", "--json")[1])
    assert shown["signer"]["log_key"] == (
        "in the token vault: it answers; Ed25519, sensitive, not extractable"
    )
    assert token.pin.name not in json.dumps(shown)


def test_a_token_that_does_not_answer_is_a_problem(go: Go, token: Token) -> None:
    token.pin.write_text("000000")
    code, _, err = go("doctor")
    assert code == 1
    assert "the token vault refuses the PIN in" in err
    assert "000000" not in err
    code, _, err = go("init", "--admin", "root", "--password-stdin", stdin=PASSWORD)
    assert code == 1
    assert "the token vault refuses the PIN in" in err
