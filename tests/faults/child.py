"""A log in a process of its own, that kills itself: ``python -m tests.faults.child …``.

Arguments: where the log is, as its place says it; the step; after how many passages of it.
What is acknowledged is told on standard output, one receipt a line.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from tests.faults.clients import Clients
from tests.faults.places import place_of
from tests.faults.rig import running
from tests.faults.steps import Faults, Step, Way

if TYPE_CHECKING:
    from app.ledger.append import Appended

NAMES = [f"killed-{number}" for number in range(60)]


class Telling(Clients):
    """Tells of each receipt at the moment it has it."""

    def keep(self, name: str, answer: Appended) -> None:
        super().keep(name, answer)
        sys.stdout.write(json.dumps([name, asdict(answer.receipts[0])]) + "\n")
        sys.stdout.flush()


def main(where: list[str], step: str, passages: str) -> None:
    place = place_of(where)
    faults = Faults(place.failure)
    with running(place, faults) as desk:
        faults.arm(Step(step), Way.KILL, int(passages))
        Telling().post_all(desk, NAMES, faults)
        faults.reached.wait()


if __name__ == "__main__":
    main(sys.argv[1:-2], *sys.argv[-2:])
