"""The named steps of the write path, what can happen at each, and when it shall."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 60
"""Seconds after which something that has to happen is given up."""


class Step(StrEnum):
    """In order. The first nine are one transaction; the rest lead to a signed checkpoint."""

    BEGIN = "begin"
    HEADS = "heads read"
    HEAD_MOVED = "head moved"
    ENTRIES = "entries"
    PAYLOADS = "payloads"
    HEADS_MOVED = "heads moved"
    TILES = "tiles"
    PROJECTIONS = "projections"
    COMMIT = "commit"
    RE_READ = "re-read"
    STATE_ADVANCED = "state advanced"
    SIGN = "sign"
    CHECKPOINT_STORED = "checkpoint stored"


WRITING = tuple(Step)[: tuple(Step).index(Step.COMMIT) + 1]
PUBLISHING = tuple(Step)[len(WRITING) :]
TORN = (
    Step.ENTRIES,
    Step.PAYLOADS,
    Step.HEADS_MOVED,
    Step.TILES,
    Step.PROJECTIONS,
    Step.STATE_ADVANCED,
)
"""Steps that consist of parts, so that half of one can be done."""


class Way(StrEnum):
    """What happens at a step. ``CRASH`` and ``KILL`` end everything, all others one request."""

    FAIL = "fail"
    FAIL_AFTER = "fail after"
    TEAR = "tear"
    DELAY = "delay"
    CRASH = "crash"
    CRASH_AFTER = "crash after"
    KILL = "kill"


BEFORE = (Way.FAIL, Way.CRASH, Way.KILL)
AFTER = (Way.FAIL_AFTER, Way.CRASH_AFTER)


class Crash(BaseException):
    """The process is gone: what catches exceptions does not see this one."""


@dataclass(slots=True)
class Faults:
    """What shall happen, once, and whether it has.

    ``failure``: makes the exception that the engine's driver raises when its server or disk
    fails. ``passed``: the steps that were reached. ``reached`` is set when it happens;
    a delay then lasts until ``released`` is.
    """

    failure: Callable[[], Exception]
    passed: Counter[Step] = field(default_factory=Counter)
    reached: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _step: Step | None = None
    _way: Way = Way.FAIL
    _after: int = 0
    _armed: bool = False
    _dead: bool = False

    @property
    def dead(self) -> bool:
        """Tell whether the process has crashed."""
        return self._dead

    def arm(self, step: Step | None, way: Way, passages: int = 0) -> None:
        """Let it happen at ``step`` (None: whichever it is) after so many passages of it."""
        with self._lock:
            self._step, self._way, self._after, self._armed = step, way, passages, True
            self.reached.clear()
            self.released.clear()

    def before(self, step: Step) -> None:
        """Pass the beginning of a step."""
        with self._lock:
            self.passed[step] += 1
            self._check_alive()
            if not self._is_due(step, (*BEFORE, Way.DELAY)):
                return
        self._happen()

    def torn(self, step: Step) -> bool:
        """Tell whether this step shall be done by half; then ``tear`` has to follow."""
        with self._lock:
            self._check_alive()
            return self._is_due(step, (Way.TEAR,))

    def tear(self) -> None:
        """Fail, now that half is done."""
        self._happen()

    def after(self, step: Step) -> None:
        """Pass the end of a step."""
        with self._lock:
            self._check_alive()
            if not self._is_due(step, AFTER):
                return
        self._happen()

    def _check_alive(self) -> None:
        if self._dead:
            raise Crash

    def _is_due(self, step: Step, ways: tuple[Way, ...]) -> bool:
        if not self._armed or self._way not in ways or self._step not in (step, None):
            return False
        self._after -= 1
        self._armed = self._after >= 0
        return not self._armed

    def _happen(self) -> None:
        self.reached.set()
        if self._way is Way.DELAY:
            assert self.released.wait(PATIENCE)
        elif self._way is Way.KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        elif self._way in (Way.CRASH, Way.CRASH_AFTER):
            self._dead = True
            raise Crash
        else:
            raise self.failure()
