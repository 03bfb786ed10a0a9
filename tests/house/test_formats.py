"""The worked examples of docs/formats are what the code reads."""

from __future__ import annotations

from pathlib import Path

from app.core.ledger.rotation import Step, open_rotation

FORMATS = Path(__file__).resolve().parents[2] / "docs/formats"


def test_the_rotation_that_is_shown_is_signed_by_both_keys() -> None:
    shown = (FORMATS / "rotation.md").read_text("utf-8").split("```")[1].removeprefix("\n")
    rotation = open_rotation(shown.encode())
    assert rotation.step is Step.BEGUN
    assert rotation.origin == rotation.old.name == rotation.new.name == "127.0.0.1:8999/gov"
