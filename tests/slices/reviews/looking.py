"""A promotion as its decision page shows it, without a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.gates.evaluate import Evaluate
from app.gates.gather import Gather
from app.identity.authentication import recognise_session
from app.identity.directory import Directory
from app.lineage.asking import ancestors
from app.reviews.reading import reviews_of
from app.reviews.sheet import Sheet, sheet_of
from app.reviews.submit import Reviews

if TYPE_CHECKING:
    from tests.living import Person
    from tests.slices.gates.bank import Bank


def reviews_in(bank: Bank) -> Reviews:
    """Put reviews together as ``app.main`` does."""
    house = bank.world.house
    gather = Gather(Directory(), reviews_of, ancestors)
    evaluate = Evaluate(house.ledger, gather, house.clock, house.entropy)
    return Reviews(house.ledger, evaluate.consider, evaluate, house.identity.signing, house.entropy)


def sheet(bank: Bank, promotion: str, reader: Person) -> Sheet:
    """Put the page of a promotion together, for one reader."""
    world = bank.world
    secret = world.session(reader)
    with world.house.ledger.snapshot() as now:
        caller, _ = recognise_session(now.connection, secret, world.clock())
        return sheet_of(now, reviews_in(bank).show(now, promotion, caller.person), caller)
