"""Two administrators let somebody begin anew, and then that person signs nothing for a day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.core.errors import (
    Conflict,
    Forbidden,
    Missing,
    Rejected,
    RoleMissing,
    SelfApproval,
    Unauthenticated,
)
from app.identity.local import local_principal
from app.identity.resetting import resets
from tests.slices.identity.town import PASSWORD, authenticator

if TYPE_CHECKING:
    from app.identity.assembly import Identity
    from app.ledger.record import Ledger
    from tests.slices.identity.town import Clock, Someone, Town

WHY = "The telephone is lost"


@pytest.fixture
def three(town: Town, clock: Clock) -> tuple[Someone, Someone, Someone]:
    """Ada and Grace have administered for a day; Alan signs."""
    ada = town.found()
    grace, alan = town.invite(ada, "grace"), town.invite(ada, "alan")
    town.grant(ada, grace, "administrator")
    clock.pass_(hours=24)
    for someone in (ada, grace, alan):
        town.sign_in(someone)
    return ada, grace, alan


def test_after_a_reset_the_old_factor_opens_nothing_and_the_link_lets_them_begin_anew(
    town: Town, identity: Identity, ledger: Ledger, three: tuple[Someone, Someone, Someone]
) -> None:
    ada, grace, alan = three
    identity.resetting.ask(town.principal(ada), "alan", WHY)
    with ledger.snapshot() as now:
        [waiting] = resets(now.connection, town.clock())
    assert (waiting.user, waiting.by, waiting.reason) == (alan.id, ada.id, WHY)
    town.principal(alan)  # until it is confirmed, nothing has happened
    made = identity.resetting.confirm(town.principal(grace), alan.id)
    with pytest.raises(Unauthenticated):
        town.principal(alan)
    with pytest.raises(Unauthenticated):
        town.sign_in(alan)
    alan.authenticator = authenticator(identity.accounts.accept(made.secret, PASSWORD))
    opened, codes = identity.accounts.confirm(made.secret, town.code(alan), "127.0.0.1")
    assert len(codes) == 10
    alan.session = str(opened.session)
    town.principal(alan)
    with ledger.snapshot() as now:
        assert resets(now.connection, town.clock()) == []
        said = [
            (now.entry(one).actor.id, now.data(one))
            for one in now.about(f"user/{alan.id}")
            if "reset" in str(now.data(one).get("change"))
        ]
    assert said == [
        (ada.id, {"change": "reset_requested", "reason": WHY}),
        (grace.id, {"change": "reset", "reason": WHY}),
    ]


def test_for_a_day_after_a_reset_nothing_is_signed(
    town: Town, identity: Identity, clock: Clock, three: tuple[Someone, Someone, Someone]
) -> None:
    ada, grace, alan = three
    identity.resetting.ask(town.principal(ada), alan.id, WHY)
    made = identity.resetting.confirm(town.principal(grace), alan.id)
    reset_at = clock.now
    alan.authenticator = authenticator(identity.accounts.accept(made.secret, PASSWORD))
    opened, _ = identity.accounts.confirm(made.secret, town.code(alan), "127.0.0.1")
    alan.session = str(opened.session)

    def sign() -> str:
        asking = town.principal(alan)
        return identity.signing.step_up(asking, PASSWORD, town.code(alan), "127.0.0.1").person

    with pytest.raises(Forbidden, match="less than 24 hours ago") as refused:
        sign()
    assert "sign after 2026-01-04T" in str(refused.value.remedy)
    clock.now = reset_at
    clock.pass_(hours=23, minutes=58)
    town.sign_in(alan)
    with pytest.raises(Forbidden, match="less than 24 hours ago"):
        sign()
    clock.pass_(minutes=2)
    assert sign() == alan.id


def test_whoever_asked_does_not_confirm(
    town: Town, identity: Identity, three: tuple[Someone, Someone, Someone]
) -> None:
    ada, _, alan = three
    identity.resetting.ask(town.principal(ada), alan.id, WHY)
    with pytest.raises(SelfApproval):
        identity.resetting.confirm(town.principal(ada), alan.id)


def test_a_reset_takes_two_who_have_administered_for_a_day(
    town: Town, identity: Identity, three: tuple[Someone, Someone, Someone]
) -> None:
    ada, _, alan = three
    puppet = town.invite(ada, "puppet")
    town.grant(ada, puppet, "administrator")
    identity.resetting.ask(town.principal(ada), alan.id, WHY)
    with pytest.raises(Forbidden, match="two who have administered for a day"):
        identity.resetting.confirm(town.principal(puppet), alan.id)
    with pytest.raises(Forbidden, match="two who have administered for a day"):
        identity.resetting.ask(town.principal(puppet), ada.id, WHY)


def test_a_sole_administrator_resets_nobody(town: Town, identity: Identity, clock: Clock) -> None:
    ada = town.found()
    alan = town.invite(ada, "alan")
    clock.pass_(hours=24)
    with pytest.raises(Conflict, match="takes two administrators"):
        identity.resetting.ask(town.sign_in(ada), alan.id, WHY)


def test_neither_operator_nor_engineer_resets_anybody(
    town: Town, identity: Identity, three: tuple[Someone, Someone, Someone]
) -> None:
    _, _, alan = three
    with pytest.raises(Forbidden, match="reset by people"):
        identity.resetting.ask(local_principal(1000), alan.id, WHY)
    with pytest.raises(Forbidden, match="reset by people"):
        identity.resetting.confirm(local_principal(1000), alan.id)
    with pytest.raises(RoleMissing):
        identity.resetting.ask(town.principal(alan), alan.id, WHY)


def test_what_nobody_asked_for_or_has_lapsed_is_not_confirmed(
    town: Town, identity: Identity, clock: Clock, three: tuple[Someone, Someone, Someone]
) -> None:
    ada, grace, alan = three
    with pytest.raises(Missing):
        identity.resetting.confirm(town.principal(grace), alan.id)
    identity.resetting.ask(town.principal(ada), alan.id, WHY)
    with pytest.raises(Conflict, match="waits already"):
        identity.resetting.ask(town.principal(grace), alan.id, WHY)
    with pytest.raises(Rejected):
        identity.resetting.ask(town.principal(grace), ada.id, "  ")
    clock.pass_(days=7)
    with pytest.raises(Missing):
        identity.resetting.confirm(town.sign_in(grace), alan.id)


def test_a_reset_is_not_confirmed_when_who_asked_administers_no_more(
    town: Town, identity: Identity, three: tuple[Someone, Someone, Someone]
) -> None:
    ada, grace, alan = three
    third = town.invite(ada, "third")
    town.grant(ada, third, "administrator")
    identity.resetting.ask(town.principal(ada), alan.id, WHY)
    identity.roles.disable(town.principal(grace), ada.id, "left")
    with pytest.raises(Conflict, match="administers no more"):
        identity.resetting.confirm(town.principal(grace), alan.id)


def test_an_administrator_ends_the_sessions_of_another_on_record(
    town: Town, identity: Identity, ledger: Ledger, three: tuple[Someone, Someone, Someone]
) -> None:
    ada, _, alan = three
    before = alan.session
    town.sign_in(alan)
    assert identity.ending.end(town.principal(ada), alan.id, "The laptop is lost") == 2
    for session in (before, alan.session):
        alan.session = session
        with pytest.raises(Unauthenticated):
            town.principal(alan)
    with ledger.snapshot() as now:
        last = now.about(f"user/{alan.id}")[-1]
        assert now.data(last) == {"sessions": 2, "reason": "The laptop is lost"}
        assert now.entry(last).actor.id == ada.id
    with pytest.raises(Missing):
        identity.ending.end(town.principal(ada), alan.id, "again")
    with pytest.raises(Forbidden):
        identity.ending.end(local_principal(1000), ada.id, "no")
