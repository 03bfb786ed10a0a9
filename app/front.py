"""What people meet first: the frame of every page, how they come in, and refusals as pages."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from app.identity.account_pages import account_pages
from app.identity.drafts import Drafts
from app.identity.local import local_actor
from app.identity.pages import Pages, identity_pages
from app.identity.routes import note_refusals
from app.identity.setup import Setup
from app.identity.sign_in_pages import sign_in_again, sign_in_pages, sign_out_pages
from app.identity.start_pages import start_pages
from app.identity.visiting import Visiting
from app.ledger.cosigned import cosigners
from app.web.desk import Desk
from app.web.errors import Answers, answer_refusals
from app.web.pages import front_pages
from app.web.problem_pages import ProblemPages, wants_page
from app.web.static_files import mount_static
from app.web.visitors import Frame, Standing, place_of

if TYPE_CHECKING:
    from fastapi import FastAPI

    from app.house import House


def add_front(app: FastAPI, house: House, desk: Desk) -> None:
    """Add the pages by which people come, and answer every refusal.

    ``app.state.setup_address``: where the first account is made, None where there is one.
    """
    setup = _setup(house)
    app.state.setup_address = (
        None if setup is None else f"{house.settings.public_url}/setup/{setup.secret}"
    )
    answers = Answers(ProblemPages(desk, partial(sign_in_again, desk)), wants_page)
    answer_refusals(app, answers)
    note_refusals(app, house.identity, answers)
    mount_static(app)
    pages = Pages(house.identity, setup, desk)
    app.include_router(front_pages(desk, house.nobody))
    app.include_router(identity_pages(pages))
    app.include_router(sign_in_pages(pages, desk))
    app.include_router(sign_out_pages(pages, desk))
    app.include_router(account_pages(pages))
    app.include_router(start_pages(desk, house.ledger, house.rotating))


def desk_of(house: House) -> Desk:
    """Put together what every page stands on."""
    settings, publisher = house.settings, house.publisher

    def standing() -> Standing:
        verified, verified_at = publisher.verified
        with house.ledger.snapshot() as now:
            witnesses = cosigners(now.store, now.connection)
            return Standing(now.size, verified, verified_at, house.sequencer.halted, witnesses)

    frame = Frame(
        place_of(settings.public_url),
        house.store.origin,
        settings.public_url,
        standing,
        house.clock,
    )
    drafts = Drafts(house.ledger, house.identity.authentication, house.clock, house.entropy)
    return Desk(frame, Visiting(house.identity, house.secret), drafts)


def _setup(house: House) -> Setup | None:
    """Open the one-time set-up address of a log that has nobody."""
    if not house.nobody():
        return None
    return Setup(
        house.identity.accounts,
        local_actor(os.getuid()),
        house.beginning,
        house.clock,
        house.entropy,
    )
