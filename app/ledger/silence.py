"""A connection to PostgreSQL on which nobody waits for ever.

A server that was stopped, or whose network was cut, closes nothing and answers nothing: no
timeout of its own ends a statement there, and on loopback none of the kernel's does. So whoever
waits hears something within the patience of the connection, or the connection is ended. What
had been sent may still be carried out when the server goes on.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from psycopg import capabilities

if TYPE_CHECKING:
    from psycopg.abc import PQGen

T = TypeVar("T")
LOOK = 0.1
"""Seconds between two looks at the time while nothing is heard."""

SECONDS_TO_CANCEL = 0.5


class Silent(psycopg.OperationalError):
    """The server said nothing for as long as the connection is patient."""


class Listening(psycopg.Connection):
    """A connection that ends itself when the server is silent for ``patience`` seconds.

    ``patience`` None: no bound, for changes of the schema, which take what they take.
    """

    patience: float | None = None

    def wait(self, gen: PQGen[T], interval: float = LOOK, timeout: float | None = None) -> T:
        """Carry out what was begun on the connection. Raises Silent; then it is closed."""
        if self.patience is None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(_heard(gen, self.patience), interval, timeout)
        except Silent:
            # A server that is merely slow is told to leave it; a stopped one hears nothing.
            if capabilities.has_cancel_safe():
                with suppress(psycopg.Error):
                    self.cancel_safe(timeout=SECONDS_TO_CANCEL)
            self.close()
            raise


def _heard(gen: PQGen[T], seconds: float) -> PQGen[T]:
    """Carry out ``gen``, and raise Silent where its socket is not ready for so long."""
    until = time.monotonic() + seconds
    answer: Any = None
    while True:
        try:
            wanted = gen.send(answer)
        except StopIteration as ended:
            done: T = ended.value
            return done
        answer = yield wanted
        if answer:
            until = time.monotonic() + seconds
        elif time.monotonic() > until:
            gen.close()
            raise Silent(f"the server said nothing for {seconds:g} s")
