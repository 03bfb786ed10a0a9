"""The embedded runner: one thread that makes the reports on order, oldest first."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from app.core.errors import IllegalTransition, Refusal, Unavailable
from app.reporting import jobs
from app.reporting.jobs import Problem, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.ledger.record import Ledger
    from app.reporting.jobs import Job

LOOK = 2.0
"""Seconds between two looks at a database that does not answer."""

LOGGER = logging.getLogger(__name__)


class Runner:
    """Makes one report after the other, from ``start`` to ``stop``."""

    def __init__(self, ledger: Ledger, make: Callable[[Job, Callable[[], bool]], None]) -> None:
        self._ledger = ledger
        self._make = make
        self._stopping = threading.Event()
        self._woken = threading.Event()
        self._interrupted = False
        self._thread = threading.Thread(target=self._work, name="reports", daemon=True)

    def start(self) -> None:
        """Queue again what was interrupted, and begin."""
        self._ledger.operate(jobs.queue_again)
        self._woken.set()
        self._thread.start()

    def wake(self) -> None:
        """Say that there may be something to do."""
        self._woken.set()

    def stop(self) -> None:
        """Begin no other report; the one under way is left for the next start."""
        self._stopping.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join()

    def _work(self) -> None:
        while not self._stopping.is_set():
            self._woken.wait()
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
            self._ledger.operate(jobs.queue_again)
            self._interrupted = False
        while not self._stopping.is_set() and (job := self._next()) is not None:
            self._run(job)

    def _next(self) -> Job | None:
        with self._ledger.snapshot() as now:
            queued = (job for job in jobs.everything(now.connection) if job.state == State.QUEUED)
            return next(queued, None)

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
        self._ledger.operate(lambda connection: jobs.fail(connection, job.id, problem))
