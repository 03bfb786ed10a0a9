"""The log as files: what is served below ``/log``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.core.ledger.cosignature import cosignatures
from app.settings import Settings
from tests.living import World
from tests.servers.witness import Double, running
from tests.slices.ledger.test_witnessing import until

if TYPE_CHECKING:
    from pathlib import Path

OPEN = Settings(log_public=True)


def test_a_log_without_witnesses_has_no_witnessed_checkpoint(tmp_path: Path) -> None:
    with World.open(tmp_path, OPEN) as world:
        answer = world.client(None).get("/log/checkpoint/witnessed")
    assert answer.status_code == 404
    assert "no quorum of witnesses has cosigned" in answer.json()["detail"]


def test_cosigned_checkpoints_are_served(tmp_path: Path) -> None:
    with running(Double()) as double:
        policy = tmp_path / "witnesses"
        policy.write_text(f"{double.line()}\nquorum W1\n")
        settings = replace(OPEN, witnesses=policy)
        with World.open(tmp_path, settings) as world:
            double.logs = [world.house.log_signer.verifier]
            client = world.client(None)
            until(lambda: client.get("/log/checkpoint/witnessed").status_code == 200)
            for path in ("/log/checkpoint", "/log/checkpoint/witnessed"):
                answer = client.get(path)
                assert answer.headers["Cache-Control"] == "no-cache"
                assert len(cosignatures(answer.content, [double.witness])) == 1
