"""What administrators meet: people, roles, tokens, environments; and who is told of what."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from app.gates.audience import Audience
from app.gates.environment_pages import environment_pages
from app.gates.environments import Stages
from app.gates.open_work import open_work
from app.identity.administering import administration_pages
from app.identity.api import identity_routes
from app.identity.duties import Duties
from app.identity.office import Office
from app.identity.routes import PeopleRoutes
from app.notify.courier import Courier
from app.notify.pages import notice_pages
from app.web.listing import Cursors

if TYPE_CHECKING:
    from fastapi import FastAPI

    from app.gates.evaluate import Evaluate
    from app.house import House
    from app.ledger.api import Recording
    from app.web.desk import Desk


def add_back(
    app: FastAPI, house: House, desk: Desk, recording: Recording, evaluate: Evaluate
) -> Courier:
    """Add what people are administered with, and give the courier, to be started and stopped.

    ``app.state.courier``: the same one.
    """
    identity, cursors = house.identity, Cursors(house.secret)
    duties = Duties(house.ledger, partial(open_work, evaluate))
    courier = Courier(
        house.ledger, house.ways, Audience(evaluate), house.clock, house.settings.public_url
    )
    app.state.courier = courier
    office = Office(desk, identity, cursors, duties)
    for routes in (
        identity_routes(PeopleRoutes(identity, recording.key, cursors, duties)),
        administration_pages(office),
        notice_pages(office, courier),
        environment_pages(office, Stages(house.ledger, identity.signing)),
    ):
        app.include_router(routes)
    return courier
