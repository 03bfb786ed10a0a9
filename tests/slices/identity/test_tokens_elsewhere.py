"""Two servers on one PostgreSQL: a token that one of them ends opens nothing at the other."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

from app.core.access import Scope
from app.core.errors import Unauthenticated
from app.identity.assembly import Keys, assemble
from app.identity.issuing import Wanted
from app.identity.projection import IdentityProjection
from app.ledger.append import Appender
from app.ledger.opening import load_position, open_postgresql
from app.ledger.record import Ledger
from app.ledger.sequencer import Sequencer
from tests.slices.identity.test_authentication import asking
from tests.slices.identity.town import APPROVALS, WEAK, Clock, Entropy, Town

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from app.identity.issuing import Issued
    from app.identity.principal import Principal
    from app.ledger.schemas import EventSchema


@contextmanager
def server(url: str, clock: Clock, schemas: Mapping[str, EventSchema]) -> Iterator[Town]:
    entropy, projections = Entropy(), [IdentityProjection()]
    store = open_postgresql(url, None, entropy, projections)
    appender = Appender(store, load_position(store), projections, clock, entropy)
    sequencer = Sequencer(store, appender)
    sequencer.start(lambda size: None)
    try:
        ledger = Ledger(store, sequencer, schemas, entropy)
        keys = Keys(bytes(32), APPROVALS.sign, "approvals+00000000+key")
        yield Town(assemble(ledger, clock, entropy, keys, "http://localhost:8000", WEAK), clock)
    finally:
        sequencer.stop()
        store.close()


def use(town: Town, issued: Issued) -> Principal:
    return town.identity.authentication(asking(issued.secret))


def test_what_one_server_ends_the_other_no_longer_takes(
    database_url: str, clock: Clock, schemas: Mapping[str, EventSchema]
) -> None:
    with ExitStack() as running:
        here = running.enter_context(server(database_url, clock, schemas))
        there = running.enter_context(server(database_url, clock, schemas))
        ada = here.found()
        grace = here.invite(ada, "grace")
        revoked, of_grace, lasting = (
            here.identity.tokens.create(
                here.principal(ada), Wanted(name, (Scope.READ,), owner=owner)
            )
            for name, owner in (("ci", "ada"), ("nightly", "grace"), ("other", "ada"))
        )
        for issued in (revoked, of_grace, lasting):  # each is remembered at both from here on
            assert use(here, issued) == use(there, issued) == use(there, issued)

        here.identity.tokens.revoke(here.principal(ada), revoked.id)
        with pytest.raises(Unauthenticated, match="was revoked"):
            use(there, revoked)
        here.identity.roles.disable(here.principal(ada), grace.id)
        with pytest.raises(Unauthenticated, match="account of the token"):
            use(there, of_grace)
        assert use(there, lasting).answerable == ada.id
