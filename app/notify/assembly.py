"""How notices go out, as the settings say."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from app.notify.courier import Ways
from app.notify.mail import Mail
from app.notify.targets import parse_target
from app.notify.webhook import Webhook
from app.web.hosts import is_loopback

if TYPE_CHECKING:
    from app.settings import Settings

SMTPS, SUBMISSION = 465, 587


def ways_of(settings: Settings, origin: str) -> Ways:
    """Read how notices go out. Raises Rejected for a webhook that may not be."""
    return Ways(_webhook(settings), _mail(settings, origin))


def _webhook(settings: Settings) -> Webhook | None:
    if settings.webhook_url is None or settings.webhook_secret is None:
        return None
    target = parse_target(settings.webhook_url, settings.webhook_allow)
    return Webhook(target, settings.webhook_secret, settings.webhook_allow)


def _mail(settings: Settings, origin: str) -> Mail | None:
    if settings.smtp_url is None or settings.mail_from is None:
        return None
    address = urlsplit(settings.smtp_url)
    host, tls = address.hostname or "", address.scheme == "smtps"
    starttls = not tls and not is_loopback(host)
    return Mail(
        host=host,
        port=address.port or (SMTPS if tls else SUBMISSION),
        sender=settings.mail_from,
        origin=origin,
        tls=tls,
        starttls=starttls,
        username=unquote(address.username) if address.username else None,
        password=unquote(address.password) if address.password else None,
        context=ssl.create_default_context() if tls or starttls else None,
    )
