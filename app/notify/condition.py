"""What ``muniment doctor`` says of notices: where they go, and what did not arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.errors import Forbidden, Rejected
from app.ledger.condition import Condition
from app.notify import outbox
from app.notify.assembly import ways_of
from app.notify.mail import ADDRESS
from app.notify.outbox import State
from app.notify.targets import Resolve, addresses_of, resolve_host

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from app.notify.webhook import Webhook
    from app.settings import Settings

NOWHERE = "nowhere: neither MUNIMENT_WEBHOOK_URL nor MUNIMENT_SMTP_URL is set"


def condition_of(
    settings: Settings, connection: Connection | None, resolve: Resolve = resolve_host
) -> Condition:
    """Look at where notices go. ``connection``: to the log's database, None where it is away."""
    try:
        ways = ways_of(settings, "doctor")
    except Rejected as refusal:
        return Condition(problems=[(refusal.detail, refusal.remedy or "correct the setting")])
    if not ways:
        return Condition(facts={"notices": NOWHERE})
    told = Condition()
    places = []
    if ways.webhook is not None:
        places.append(str(ways.webhook.target))
        told.problems.extend(_of_webhook(ways.webhook, resolve))
    if ways.mail is not None:
        places.append(f"mail by {ways.mail.host}:{ways.mail.port}")
        if not ADDRESS.fullmatch(ways.mail.sender.lower()):
            wrong = f"MUNIMENT_MAIL_FROM is {ways.mail.sender}, which is no mail address"
            told.problems.append((wrong, "name the address that notices come from"))
    told.facts["notices"] = ", ".join(places)
    if connection is not None:
        dead = sum(one.state is State.DEAD for one in outbox.everything(connection))
        if dead:
            problem = f"{dead} notices did not arrive and were given up"
            told.problems.append((problem, "look at /admin/notices, and send them again"))
    return told


def _of_webhook(webhook: Webhook, resolve: Resolve) -> list[tuple[str, str]]:
    try:
        addresses_of(webhook.target, webhook.declared, resolve)
    except Forbidden as refusal:
        return [(f"the webhook is never posted: {refusal.detail}", str(refusal.remedy))]
    except OSError as error:
        return [(f"{webhook.target.host} is not found: {error}", "correct MUNIMENT_WEBHOOK_URL")]
    return []
