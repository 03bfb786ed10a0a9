"""Which parts people have in promotions that wait for reviews, by the facts that decide them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.catalog.tables import PROMOTIONS
from app.core.policy.four_eyes import people_in
from app.core.policy.rules import Part
from app.core.promotion.states import State
from app.identity import ports as identity

if TYPE_CHECKING:
    from collections.abc import Collection

    from app.gates.evaluate import Evaluate

MOST_LOOKED_AT = 50
"""Of the newest; what waits longer than fifty others is not looked at before a grant."""


def open_work(evaluate: Evaluate, people: Collection[str]) -> list[identity.Part]:
    """List the parts that these people have, in the newest promotions first."""
    found: list[identity.Part] = []
    with evaluate.ledger.snapshot() as now:
        waiting = now.connection.execute(
            select(PROMOTIONS.c.id, PROMOTIONS.c.model_version, PROMOTIONS.c.environment)
            .where(PROMOTIONS.c.state == State.REQUESTED.value)
            .order_by(PROMOTIONS.c.created_index.desc())
            .limit(MOST_LOOKED_AT)
        ).all()
        for one in waiting:
            facts = evaluate.consider(now, one.model_version, one.environment).facts
            found += [
                identity.Part(
                    person,
                    part.value.replace("_", " "),
                    one.id,
                    facts.subject.name,
                    one.environment,
                )
                for part in Part
                for person in sorted(people_in(part, facts).intersection(people))
            ]
    return found
