"""Mail: one plain text to one person, through the organisation's own server."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import TYPE_CHECKING

import aiosmtplib

from app.notify.outbox import About
from app.notify.webhook import NotDelivered

if TYPE_CHECKING:
    import ssl

    from app.notify.outbox import Notice

PATIENCE = 20.0
ADDRESS = re.compile(
    r"[a-z0-9][a-z0-9._+-]{0,63}@[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+",
    re.ASCII,
)
"""What of the names that sign in is an address that mail can be sent to."""
SUBJECTS = {
    About.REVIEW_WAITING: "A review waits for you",
    About.REVIEW_DISMISSED: "A review was dismissed",
    About.PROMOTION_DECIDED: "A promotion was decided",
    About.ALERT_RAISED: "An alert was raised",
    About.TEST: "A test of notices",
}
PERMANENT = 500


@dataclass(frozen=True, slots=True)
class Mail:
    """The server that takes mail. ``tls``: from the first byte; ``starttls``: after hello.

    Without either it is on this machine. ``origin``: of the log, for the message's id.
    """

    host: str
    port: int
    sender: str
    origin: str
    tls: bool = False
    starttls: bool = False
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    context: ssl.SSLContext | None = None

    def send(self, notice: Notice, address: str, page: str) -> None:
        """Send a notice. Raises NotDelivered."""
        message = EmailMessage()
        message["From"] = self.sender
        message["To"] = address
        message["Subject"] = f"{SUBJECTS[notice.about]}: {notice.subject}"
        message["Message-ID"] = f"<{notice.id}@{self.origin.replace('/', '.')}>"
        message["Auto-Submitted"] = "auto-generated"
        entry = f"It is entry {notice.index} of the ledger.\n" if notice.index >= 0 else ""
        message.set_content(f"{SUBJECTS[notice.about]}: {notice.subject}\n\n{page}\n\n{entry}")
        sending = aiosmtplib.send(
            message,
            hostname=self.host,
            port=self.port,
            username=self.username,
            password=self.password,
            use_tls=self.tls,
            start_tls=self.starttls,
            tls_context=self.context,
            timeout=PATIENCE,
        )
        try:
            asyncio.run(asyncio.wait_for(sending, 2 * PATIENCE))
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [one.code for one in error.recipients]
            raise NotDelivered(
                f"{self.host} takes no mail for that address ({codes})",
                for_good=all(code >= PERMANENT for code in codes),
            ) from error
        except aiosmtplib.SMTPResponseException as error:
            raise NotDelivered(f"{self.host} refuses the mail ({error.code})") from error
        except (aiosmtplib.SMTPException, OSError) as error:
            said = str(error) or type(error).__name__
            raise NotDelivered(f"{self.host} takes no mail: {said[:200]}") from error
