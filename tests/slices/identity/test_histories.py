"""Whatever people do, in any order: what must hold after every step of a random history.

A history is played through the real room and log. Then a second reading of the rules, which
knows the log alone and nothing of the code, checks each entry against those before it.
"""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, select

from app.core.access import Scope
from app.core.errors import Refusal
from app.core.events import Actor, ActorKind, AuthMethod
from app.core.events.kinds.people import (
    RoleGranted,
    RoleRevoked,
    TokenCreated,
    UserCreated,
    UserDisabled,
)
from app.identity import reading
from app.identity.assembly import Keys, assemble
from app.identity.authentication import recognise_token
from app.identity.directory import Directory, People
from app.identity.granting import Asked
from app.identity.issuing import Wanted
from app.identity.local import local_principal
from app.identity.principal import Principal
from app.identity.projection import IdentityProjection
from app.ledger.append import Appender
from app.ledger.opening import load_position, open_sqlite
from app.ledger.record import Ledger
from app.ledger.sequencer import Sequencer
from tests.slices.identity.town import APPROVALS, OPERATOR, PASSWORD, WEAK, Clock, Entropy

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Connection

    from app.identity.assembly import Identity
    from app.ledger.schemas import EventSchema

HISTORIES = 300
STEPS = 25
BATCH = 50
DAY = timedelta(hours=24)
ROLES = ("administrator", "engineer", "policy_author", "model-validator", "compliance", "cro")


@dataclass
class History:
    """One random history: ``people`` and ``tokens`` made in it, pending grants as asked."""

    identity: Identity
    clock: Clock
    chance: random.Random
    people: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)

    def somebody(self) -> Principal:
        """Pick who acts: a person mostly, else the machine's operator or a token."""
        kind = self.chance.random()
        if kind < 0.1:
            return local_principal(1000)
        with self.identity.ledger.snapshot() as now:
            if kind < 0.25 and self.tokens:
                with suppress(Refusal):
                    token = self.chance.choice(self.tokens)
                    return recognise_token(now.connection, token, self.clock()).principal
            people = People(now.connection)
            if kind < 0.9:
                return principal_of(people, self.chance.choice(list(people.administrators())))
            return principal_of(people, self.chance.choice(self.people))

    def begin(self) -> None:
        """Let the first administrator invite three people, and make up to two of them theirs."""
        with self.identity.ledger.snapshot() as now:
            first = principal_of(People(now.connection), self.people[0])
        for name in ("grace", "alan", "barbara"):
            self.people.append(self.identity.accounts.invite(first, name, name).user)
        for user in self.people[1 : self.chance.choice((1, 2, 2, 3))]:
            self.identity.roles.grant(first, Asked(user, "administrator"))

    def step(self) -> None:
        """Let somebody try something; a refusal changes nothing."""
        self.clock.now += timedelta(hours=self.chance.choice((0, 0, 1, 20)))
        often = (self.grant, self.grant, self.confirm, self.confirm, self.revoke, self.disable)
        with suppress(Refusal):
            self.chance.choice((*often, self.invite, self.make_token, self.end_token))()

    def invite(self) -> None:
        name = f"person-{len(self.people)}"
        self.people.append(self.identity.accounts.invite(self.somebody(), name, name).user)

    def grant(self) -> None:
        asked = Asked(self.chance.choice(self.people), self.chance.choice(ROLES))
        granted = self.identity.roles.grant(self.somebody(), asked)
        if granted.pending is not None:
            self.pending.append(granted.pending)

    def confirm(self) -> None:
        if self.pending:
            self.identity.roles.confirm(self.somebody(), self.pending[-1])

    def revoke(self) -> None:
        user = self.chance.choice(self.people)
        with self.identity.ledger.snapshot() as now:
            held = People(now.connection).grants(user)
        if held:
            self.identity.roles.revoke(self.somebody(), user, self.chance.choice(held).id)

    def disable(self) -> None:
        self.identity.roles.disable(self.somebody(), self.chance.choice(self.people[:4]))

    def make_token(self) -> None:
        owner = self.chance.choice((None, self.chance.choice(self.people)))
        scopes = (Scope.ADMIN, self.chance.choice((Scope.READ, Scope.EVENT_APPEND)))
        issued = self.identity.tokens.create(self.somebody(), Wanted("ci", scopes, owner))
        self.tokens.append(issued.secret)

    def end_token(self) -> None:
        with self.identity.ledger.snapshot() as now:
            tokens = People(now.connection).tokens()
        if tokens:
            self.identity.tokens.revoke(self.somebody(), self.chance.choice(tokens).id)


def principal_of(people: People, user: str) -> Principal:
    """Recognise a person as by a session; nobody signs in 300 times with argon2 here."""
    held = people.grants(user)
    return Principal(
        Actor(user, ActorKind.PERSON, AuthMethod.SESSION),
        user,
        user,
        reading.rights(held),
        reading.approval_roles(held),
    )


@dataclass
class Rules:
    """The rules again, over the log alone: what was recorded must have been allowed."""

    open: set[str] = field(default_factory=set)
    held: dict[int, tuple[str, RoleGranted, datetime]] = field(default_factory=dict)

    def administrators(self) -> dict[str, datetime]:
        """Tell who administers, each since the first grant that still holds."""
        since: dict[str, datetime] = {}
        for user, event, at in self.held.values():
            if event.role == "administrator" and user in self.open:
                since.setdefault(user, at)
        return since

    def check(self, user: str, event: object, actor: tuple[str, str], at: datetime) -> None:
        """Check one entry against what stood before it. ``actor``: id and kind."""
        before = self.administrators()
        founding = not self.held
        match event:
            case RoleGranted():
                assert user in self.open
                if founding:
                    return
                assert actor[1] != "service", "no token grants"
                if event.approval or event.role in ("administrator", "policy_author"):
                    assert set(event.grantors) <= set(before), "only administrators grant this"
                if event.approval:
                    assert event.grantors[-1] == actor[0]
                    assert len(set(event.grantors)) == min(2, len(before)), "two if there are"
                    old = all(at - before[one] >= DAY for one in event.grantors)
                    independent = len(event.grantors) == 2 and old
                    assert event.single_administrator is not independent, "no unmarked puppet"
            case RoleRevoked() | UserDisabled():
                ends = isinstance(event, UserDisabled) or (
                    self.held[event.grant][1].role == "administrator"
                )
                if ends and user in before:
                    assert len(before) > 1, "the last administrator stays"
                    first = (
                        event.disabled_by if isinstance(event, UserDisabled) else event.revoked_by
                    )
                    if len(before) == 2:
                        assert {first, actor[0]} == set(before), "the last two only together"
                assert actor[1] == "person" or not isinstance(event, UserDisabled)
            case TokenCreated():
                assert event.owner in self.open, "an owner answers for it"
            case _:
                pass

    def apply(self, index: int, user: str, event: object, at: datetime) -> None:
        """Take in one entry."""
        match event:
            case UserCreated():
                self.open.add(user)
            case UserDisabled():
                self.open.discard(user)
            case RoleGranted():
                self.held[index] = (user, event, at)
            case RoleRevoked():
                del self.held[event.grant]
            case _:
                pass


def play(folder: Path, schemas: Mapping[str, EventSchema], seed: int) -> None:
    """Play one history, check its log against the rules, and rebuild its projection."""
    clock, entropy = Clock(), Entropy(random.Random(seed))
    projections = [IdentityProjection()]
    store = open_sqlite(folder / f"{seed}.db", None, entropy, projections)
    sequencer = Sequencer(store, Appender(store, load_position(store), projections, clock, entropy))
    sequencer.start(lambda size: None)
    ledger = Ledger(store, sequencer, schemas, entropy)
    keys = Keys(bytes(32), APPROVALS.sign, "approvals")
    identity = assemble(ledger, clock, entropy, keys, "http://localhost:8000", WEAK)
    made = identity.accounts.found("ada", "Ada", PASSWORD, OPERATOR)
    history = History(identity, clock, random.Random(seed), [made.user])
    history.begin()
    for _ in range(STEPS):
        history.step()
    with ledger.snapshot() as now:
        rules = Rules()
        for one in store.recorded(now.connection, 0, now.size):
            user = one.entry.subject.partition("/")[2]
            actor = (one.entry.actor.id, one.entry.actor.kind)
            rules.check(user, one.event, actor, one.entry.recorded_at)
            rules.apply(one.index, user, one.event, one.entry.recorded_at)
        people = People(now.connection)
        assert people.administrators() == rules.administrators()
        for token in people.tokens():
            [behind] = Directory().answerable(now.connection, [token.id]).values()
            assert token.owner in behind, "four eyes see through a token"
    assert rebuilt(ledger), "the projection is what the log says"
    sequencer.stop()
    store.close()


def rebuilt(ledger: Ledger) -> bool:
    """Drop the projection's rows, replay the log, and tell whether they are the same."""
    projection = IdentityProjection()

    def work(connection: Connection) -> bool:
        before = [list(connection.execute(select(table))) for table in projection.tables]
        for table in projection.tables:
            connection.execute(delete(table))
        size = ledger.store.head(connection).size
        projection.apply(connection, list(ledger.store.recorded(connection, 0, size)))
        after = [list(connection.execute(select(table))) for table in projection.tables]
        return [sorted(rows, key=repr) for rows in before] == [
            sorted(rows, key=repr) for rows in after
        ]

    return ledger.operate(work)


@pytest.mark.parametrize("first", range(0, HISTORIES, BATCH))
def test_no_history_of_people_breaks_the_rules(
    tmp_path: Path, schemas: Mapping[str, EventSchema], first: int
) -> None:
    for seed in range(first, first + BATCH):
        play(tmp_path, schemas, seed)
