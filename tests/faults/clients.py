"""Those who record things, send again what nobody answered, and keep every receipt."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.core.errors import Refusal
from app.ledger.idempotency import IdempotencyKey, make_key
from tests.faults.rig import Gone
from tests.faults.steps import PATIENCE
from tests.slices.ledger.desk import ERIN, about

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from app.ledger.append import Appended
    from app.ledger.receipt import Receipt
    from tests.faults.steps import Faults
    from tests.slices.ledger.desk import Desk

SECRET = bytes(32)
A_MOMENT = 0.01


def key_of(name: str) -> IdempotencyKey:
    return make_key(SECRET, ERIN.id, "POST /api/v1/events", name, name.encode())


@dataclass
class Clients:
    """``receipts``: what was acknowledged, by name. ``sent``: every name that was tried."""

    receipts: dict[str, Receipt] = field(default_factory=dict)
    sent: set[str] = field(default_factory=set)
    replayed: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def copy(self) -> Clients:
        return Clients(dict(self.receipts), set(self.sent), set(self.replayed))

    def post(self, desk: Desk, name: str, faults: Faults | None = None) -> None:
        """Record a dataset of that name under that key.

        Raises whatever the answer is if it is none: a Refusal, the driver's failure, Gone.
        """
        self.sent.add(name)
        future = desk.ledger.submit([about(name)], ERIN, key=key_of(name))
        for _ in range(round(PATIENCE / A_MOMENT)):
            if wait([future], A_MOMENT).done or (faults is not None and faults.dead):
                break
        if not future.done():
            raise Gone
        with self._lock:
            self.keep(name, future.result())

    def keep(self, name: str, answer: Appended) -> None:
        """Keep a receipt; it has to be the one that was given before, if one was."""
        (receipt,) = answer.receipts
        assert self.receipts.setdefault(name, receipt) == receipt, "another answer than before"
        if answer.replayed:
            self.replayed.add(name)

    def post_all(
        self,
        desk: Desk,
        names: Iterable[str],
        faults: Faults | None = None,
        at_once: int = 4,
    ) -> list[Exception]:
        """Post from several threads, each until it is refused; give what it was refused with."""
        waiting = iter(names)

        def work(_: int) -> Exception | None:
            while (name := self._next(waiting)) is not None:
                try:
                    self.post(desk, name, faults)
                except (Refusal, Gone, OSError) as refused:
                    return refused
            return None

        with ThreadPoolExecutor(at_once) as pool:
            return [one for one in pool.map(work, range(at_once)) if one is not None]

    def post_again(self, desk: Desk) -> None:
        """Send everything that was ever tried again, at once, each under its key."""
        asked = {
            name: desk.ledger.submit([about(name)], ERIN, key=key_of(name))
            for name in sorted(self.sent)
        }
        for name, future in asked.items():
            self.keep(name, future.result(PATIENCE))

    def _next(self, waiting: Iterator[str]) -> str | None:
        with self._lock:
            return next(waiting, None)
