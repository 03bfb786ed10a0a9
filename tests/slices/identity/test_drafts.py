"""What somebody had typed when their session ended comes back to them, and to nobody else."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from fastapi import Request

from app.identity import drafts as kept
from app.identity.drafts import Drafts
from app.ledger import operational
from app.web.visitors import Typed

if TYPE_CHECKING:
    from app.identity.assembly import Identity
    from app.ledger.record import Ledger
    from tests.slices.identity.town import Clock, Entropy, Someone, Town

TYPED = Typed((("reason", "sound"), ("accepts", "a/one"), ("accepts", "a/two")))


@pytest.fixture
def drafts(identity: Identity, clock: Clock, entropy: Entropy) -> Drafts:
    return Drafts(identity.ledger, identity.authentication, clock, entropy)


def asking(session: str | None) -> Request:
    cookie = [] if session is None else [(b"cookie", f"muniment-dev={session}".encode())]
    return Request({"type": "http", "method": "POST", "path": "/x", "headers": cookie})


@pytest.fixture
def ada(town: Town) -> Someone:
    return town.found()


def test_a_draft_belongs_to_whose_session_it_was(
    town: Town, drafts: Drafts, ada: Someone, clock: Clock
) -> None:
    grace = town.invite(ada, "grace")
    clock.now += timedelta(hours=2)
    draft = drafts.keep(asking(ada.session), "/promotions/p1", TYPED)
    assert draft is not None
    assert drafts.page(ada.id, draft) == "/promotions/p1"
    assert drafts.typed(ada.id, draft).get("reason") == "sound"
    assert drafts.typed(ada.id, draft).all("accepts") == ("a/one", "a/two")
    assert drafts.page(grace.id, draft) is None
    assert not drafts.typed(grace.id, draft)
    drafts.drop(grace.id, draft)
    assert drafts.page(ada.id, draft) == "/promotions/p1"
    drafts.drop(ada.id, draft)
    assert drafts.page(ada.id, draft) is None


def test_what_a_session_held_is_kept_after_the_session_is_long_over(
    town: Town, drafts: Drafts, ada: Someone, clock: Clock
) -> None:
    session = ada.session
    clock.now += timedelta(hours=20)
    town.sign_in(ada)  # which forgets sessions that ended more than a day ago
    assert drafts.keep(asking(session), "/x", TYPED) is not None


def test_nothing_is_kept_for_a_session_that_nobody_had(drafts: Drafts, ada: Someone) -> None:
    assert drafts.keep(asking("mu_invented"), "/x", TYPED) is None
    assert drafts.keep(asking(None), "/x", TYPED) is None


def test_a_draft_is_forgotten_after_a_day(drafts: Drafts, ada: Someone, clock: Clock) -> None:
    draft = str(drafts.keep(asking(ada.session), "/x", TYPED))
    clock.now += timedelta(days=1)
    assert drafts.page(ada.id, draft) is None


def test_a_persons_drafts_do_not_pile_up(
    drafts: Drafts, ada: Someone, ledger: Ledger, clock: Clock
) -> None:
    made = []
    for _ in range(kept.MOST_KEPT + 3):
        clock.now += timedelta(seconds=1)
        made.append(str(drafts.keep(asking(ada.session), "/x", TYPED)))
    with ledger.snapshot() as now:
        assert len(list(operational.each(now.connection, kept.DRAFT))) == kept.MOST_KEPT
    assert drafts.page(ada.id, made[-1]) == "/x"
    assert drafts.page(ada.id, made[0]) is None
