"""The runner: one thread that makes the reports on order, oldest first, and no other's."""

from __future__ import annotations

import logging
import secrets
import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from app.core.errors import IllegalTransition, Refusal, Unavailable
from app.reporting import jobs
from app.reporting.jobs import Problem, State
from app.settings import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.ledger.record import Ledger
    from app.reporting.jobs import Job
    from app.settings import Clock

LOOK = 2.0
"""Seconds between two looks at a database that does not answer."""

LOOK_ROUND = 5.0
"""Seconds between two looks at what was ordered, or left, at another server on the database."""

LOGGER = logging.getLogger(__name__)


class Runner:
    """Makes one report after the other, from ``start`` to ``stop``."""

    def __init__(
        self,
        ledger: Ledger,
        make: Callable[[Job, Callable[[], bool]], None],
        clock: Clock = utc_now,
    ) -> None:
        self._ledger = ledger
        self._make = make
        self._clock = clock
        self._shared = ledger.store.shared
        self._name = secrets.token_hex(8)
        self._stopping = threading.Event()
        self._woken = threading.Event()
        self._interrupted = False
        self._thread = threading.Thread(target=self._work, name="reports", daemon=True)

    def start(self) -> None:
        """Queue again what was interrupted, and begin; what others make is theirs."""
        if not self._shared:
            self._ledger.operate(jobs.queue_again)
        self._woken.set()
        self._thread.start()

    def wake(self) -> None:
        """Say that there may be something to do."""
        self._woken.set()

    def stop(self) -> None:
        """Begin no other report; the one under way is queued again."""
        self._stopping.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join()
        with suppress(Refusal):  # else its claim lapses by itself
            self._ledger.operate(partial(jobs.queue_again, runner=self._name))

    def _work(self) -> None:
        while not self._stopping.is_set():
            self._woken.wait(LOOK_ROUND if self._shared else None)
            self._woken.clear()
            try:
                self._make_all()
            except Unavailable as refusal:
                # The database is away: what was under way is begun again when it is back.
                LOGGER.warning("no report for now: %s", refusal.detail)
                self._interrupted = True
                self._stopping.wait(LOOK)
                self._woken.set()

    def _make_all(self) -> None:
        if self._interrupted:
            self._ledger.operate(partial(jobs.queue_again, runner=self._name))
            self._interrupted = False
        while not self._stopping.is_set() and (job := self._next()) is not None:
            self._run(job)

    def _next(self) -> Job | None:
        """Claim the next job; the log is asked first, for it mostly has none."""
        with self._ledger.snapshot() as now:
            if all(State(job.state) in jobs.OVER for job in jobs.everything(now.connection)):
                return None
        return self._ledger.operate(
            lambda connection: jobs.claim(connection, self._name, self._clock())
        )

    def _run(self, job: Job) -> None:
        try:
            self._make(job, self._stopping.is_set)
        except IllegalTransition:
            return  # cancelled, or done: the job says so already
        except Refusal as refusal:
            if self._stopping.is_set():
                return
            if isinstance(refusal, Unavailable) and refusal.retry_after is not None:
                raise
            problem = Problem(refusal.detail, refusal.remedy)
        except Exception:
            LOGGER.exception("report %s failed", job.id)
            problem = Problem("the report could not be made; the server's log says why")
        else:
            return
        self._ledger.operate(lambda connection: jobs.fail(connection, job, problem))
