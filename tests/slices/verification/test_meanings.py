"""Whatever a check of a kept log may find, it says what that means."""

from __future__ import annotations

import re
from pathlib import Path

from app.verification.meanings import MEANINGS

APP = Path(__file__).parents[3] / "app"
ROOMS = ("core/ledger/chain.py", "core/ledger/audit.py", "core/ledger/claim.py",
         "core/ledger/payload.py", "verification/against_entries.py", "verification/copies.py",
         "verification/replaying.py", "verification/fsck.py")  # fmt: skip
KIND = re.compile(
    r"(?:Finding\(\s*Outcome\.[A-Z_]+|outcome|altered\(|compare\()[,\s]*\"([a-z ]+)\""
)


def test_every_class_has_a_meaning_and_no_other_one_does() -> None:
    found = {kind for room in ROOMS for kind in KIND.findall((APP / room).read_text("utf-8"))}
    assert found == set(MEANINGS)
