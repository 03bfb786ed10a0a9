"""What is fetched or built into a cache is made once, whoever else wants it at the same moment."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def alone(target: Path) -> Iterator[bool]:
    """Wait until nobody else makes ``target``; tells whether it is still to be made.

    Ends with the process that waits or makes, so a test run that was killed blocks nobody.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_name(f"{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield not target.exists()
