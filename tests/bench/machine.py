"""What a synced write costs here, and whether other work disturbs what is measured."""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

WRITES = 200
BLOCK = bytes(4096)
BUSY = 1.0
PLATEAU = 3.0


@dataclass(frozen=True, slots=True)
class Machine:
    """``sync``: median ms of a write of 4 KiB and its ``fdatasync``, before anything else ran.

    ``load``: processes that were running or waited, over a minute, for each core.
    """

    sync: float
    load: float

    @property
    def noisy(self) -> bool:
        """Tell that a ratio that falls short may be others' doing.

        A disk of 0.1 ms that shows a plateau at 4 ms is a processor that others keep busy.
        """
        return self.load > BUSY or self.sync > PLATEAU


def look(folder: Path) -> Machine:
    """Measure before anything else does."""
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    spent = []
    with (folder / "synced").open("wb", buffering=0) as file:
        for _ in range(WRITES):
            began = time.perf_counter()
            file.write(BLOCK)
            os.fdatasync(file.fileno())
            spent.append(time.perf_counter() - began)
    return Machine(statistics.median(spent) * 1000, load)
