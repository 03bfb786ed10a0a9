"""What is dear is made once, whoever else wants it at the same moment.

with alone(target) as missing:
    if missing:
        ...  # make it beside its place, and move it there
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest


@contextmanager
def alone(target: Path) -> Iterator[bool]:
    """Wait until nobody else makes ``target``; tells whether it is still to be made.

    Ends with the process that waits or makes, so a test run that was killed blocks nobody.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_name(f"{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield not target.exists()


def of_this_run(paths: pytest.TempPathFactory) -> Path:
    """Give a folder that all workers of this test run have in common, and no other run has."""
    own = paths.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
