"""The courier: one thread that sends what is due, and again what did not arrive."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.core.errors import Missing, Refusal
from app.identity.directory import People
from app.notify import outbox
from app.notify.mail import ADDRESS
from app.notify.outbox import About, By, Notice, State
from app.notify.webhook import NotDelivered
from app.web.paths import page_of

if TYPE_CHECKING:
    from app.ledger.record import Ledger
    from app.notify.mail import Mail
    from app.notify.ports import Audience
    from app.notify.webhook import Webhook
    from app.settings import Clock

LOOK_ROUND = 5.0
"""Seconds between two looks into the outbox."""

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ways:
    """How notices go out; None: not that way."""

    webhook: Webhook | None = None
    mail: Mail | None = None

    def __bool__(self) -> bool:
        return self.webhook is not None or self.mail is not None


class Courier:
    """Sends from ``start`` to ``stop``. Without a way to send, nothing is ever kept to be sent."""

    def __init__(
        self, ledger: Ledger, ways: Ways, audience: Audience, clock: Clock, public_url: str
    ) -> None:
        self.ways = ways
        self._ledger = ledger
        self._audience = audience
        self._clock = clock
        self._public_url = public_url
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="notices", daemon=True)

    def start(self) -> None:
        """Begin to look into the outbox, if there is a way to send."""
        if self.ways:
            self._thread.start()

    def stop(self) -> None:
        """Send nothing more; what was taken out is sent again by whoever comes next."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def send_due(self) -> int:
        """Send everything that is due now; tell how many were tried."""
        tried = 0
        while not self._stopping.is_set():
            with self._ledger.snapshot() as now:
                ready = outbox.due(outbox.everything(now.connection), self._clock())
            for one in ready:
                tried += self._send(one.id)
            if not ready:
                break
        return tried

    def again(self, id_: str) -> None:
        """Have a notice that is over sent again. Raises Missing."""
        at = self._clock()
        if not self._ledger.operate(lambda connection: outbox.again(connection, id_, at)):
            raise Missing("there is no such notice that is over", remedy="it may be on its way")

    def test(self, user: str) -> None:
        """Have a test sent: by webhook, and by mail to one person."""
        at = self._clock()
        notice = Notice(About.TEST, -1, "log", By.NOBODY_YET, at, at, to=user)
        self._ledger.operate(lambda connection: outbox.put(connection, notice))

    def _work(self) -> None:
        while not self._stopping.wait(LOOK_ROUND):
            try:
                self.send_due()
            except Refusal as refusal:  # the database is away: it is all there when it is back
                LOGGER.warning("no notices for now: %s", refusal.detail)
            except Exception:
                LOGGER.exception("notices could not be sent")

    def _send(self, id_: str) -> bool:
        at = self._clock()
        notice = self._ledger.operate(lambda connection: outbox.claim(connection, id_, at))
        if notice is None:
            return False
        try:
            match notice.by:
                case By.NOBODY_YET:
                    self._address(notice)
                    return True
                case By.WEBHOOK:
                    self._post(notice)
                case By.MAIL:
                    self._mail(notice)
        except NotDelivered as failure:
            problem, over = failure.problem, failure.for_good
            at = self._clock()
            self._ledger.operate(
                lambda connection: outbox.failed(connection, notice, problem, at, for_good=over)
            )
        else:
            at = self._clock()
            self._ledger.operate(lambda connection: outbox.delivered(connection, notice, at))
        return True

    def _address(self, notice: Notice) -> None:
        """Find out whom a notice concerns, and put one for each place in its stead."""
        at = self._clock()
        people = (
            [notice.to]
            if notice.to
            else self._audience(notice.about.value, notice.subject, notice.index)
        )
        found: list[Notice] = []
        fresh = replace(notice, state=State.WAITING, attempts=0, next_at=at, to=None)
        if people is not None:
            if self.ways.webhook is not None:
                found.append(replace(fresh, by=By.WEBHOOK))
            if self.ways.mail is not None:
                found += [replace(fresh, by=By.MAIL, to=one) for one in people]
        self._ledger.operate(lambda connection: outbox.addressed(connection, notice, found))

    def _post(self, notice: Notice) -> None:
        if self.ways.webhook is None:
            raise NotDelivered("no webhook is set up any more", for_good=True)
        self.ways.webhook.send(notice, self._page(notice), self._clock())

    def _mail(self, notice: Notice) -> None:
        if self.ways.mail is None:
            raise NotDelivered("no mail server is set up any more", for_good=True)
        with self._ledger.snapshot() as now:
            user = People(now.connection).user(str(notice.to))
        if user is None or user.disabled or user.name is None:
            raise NotDelivered("the account is closed", for_good=True)
        if not ADDRESS.fullmatch(user.name):
            raise NotDelivered("the name that signs in is no mail address", for_good=True)
        self.ways.mail.send(notice, user.name, self._page(notice))

    def _page(self, notice: Notice) -> str:
        return f"{self._public_url}{page_of(notice.subject) or '/'}"
