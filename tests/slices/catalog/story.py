"""A small organisation that records things, over a real ledger in a file."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.catalog.admission import Rules
from app.core.access import Membership
from app.core.events import Actor, ActorKind, AuthMethod, Event, Said, parse_event, say
from app.ledger.posting import admit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from app.core.jsonvalue import Json
    from app.ledger.record import Ledger

ALICE = Actor("user-alice", ActorKind.PERSON, AuthMethod.SESSION)
CI = Actor("token-ci", ActorKind.SERVICE, AuthMethod.TOKEN)
SCHEMAS = Path(__file__).parents[3] / "schemas"


def digest(letter: str) -> str:
    return "sha256:" + letter * 64


def example(kind: str, place: int = 0, /, **changes: Json) -> Event:
    """Give the event that a schema shows, with some members changed; None drops one."""
    shown: dict[str, Any] = json.loads((SCHEMAS / f"{kind}.v1.json").read_text())["examples"][place]
    changed = {**shown, **changes}
    return parse_event(kind, {name: one for name, one in changed.items() if one is not None})


@dataclass
class Clock:
    now: datetime = datetime(2026, 11, 21, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now

    def advance(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class Story:
    """``teams``: what each actor writes for; an actor not named is not limited."""

    ledger: Ledger
    clock: Clock
    teams: dict[str, frozenset[str]] = field(default_factory=dict)

    @property
    def rules(self) -> Rules:
        def teams_of(_: Connection, actor: Actor) -> Membership:
            return Membership(self.teams.get(actor.id), None)

        return Rules(self.clock, teams_of)

    def post(
        self, subject: str, event: Event, *, actor: Actor = CI, at: datetime | None = None
    ) -> int:
        """Record as a client does; tell the entry."""
        return self.post_all([say(subject, event, at)], actor)[0]

    def post_all(self, saids: Sequence[Said], actor: Actor = CI) -> list[int]:
        posting = admit(self.ledger, self.rules, saids, actor)
        receipts = (
            self.ledger.record_all(posting.fresh, actor, expects=posting.expects)
            if posting.fresh
            else ()
        )
        return [receipt.index for receipt in posting.merge(receipts)]

    def say(self, subject: str, event: Event, *, actor: Actor = ALICE) -> int:
        """Record as the service does, with no rule in between."""
        return self.ledger.record(say(subject, event), actor).index

    def has_data(self) -> None:
        """Register dataset/credit with version 1 of digest 1…1."""
        self.post("dataset/credit", example("dataset.registered", 1))
        self.post("dataset/credit/1", example("dataset.version_registered", 1))

    def has_model(self) -> None:
        """Register, after the data, model/risk with version 1 of digest 6…6."""
        self.has_data()
        self.post("model/risk", example("model.registered", team=None, team_only=None))
        self.post(
            "model/risk/1", example("model.version_registered", 1, trained_on=["dataset/credit/1"])
        )

    def decides(self, name: str, gate: str = "ALLOW", **changes: Json) -> int:
        """Record a decision about model/risk/1 in production that holds for a week."""
        until = self.clock.now + timedelta(days=7)
        event = example(
            "gate.decided",
            model_version="model/risk/1",
            gate=gate,
            decision={"decision_id": name, "gate": gate},
            expires_at=until.strftime("%Y-%m-%dT%H:%M:%SZ"),
            **{"promotion": None, **changes},
        )
        promotion = changes.get("promotion")
        return self.say(f"promotion/{promotion}" if promotion else "model/risk/1", event)

    def promotes(self, name: str, decision: str) -> None:
        """Carry a promotion of model/risk/1 to production as far as allowed."""
        request = example("promotion.requested", model_version="model/risk/1")
        self.say(f"promotion/{name}", request)
        self.decides(decision, promotion=name)
        self.say(f"promotion/{name}", example("promotion.decided", decision_id=decision))

    def deploys(
        self,
        kind: str,
        decision_id: str | None = None,
        *,
        name: str = "scoring",
        version: str = "model/risk/1",
        at: datetime | None = None,
    ) -> int:
        event = example(
            f"deployment.{kind}",
            1,
            name=name,
            model_version=version,
            decision_id=decision_id,
            ungated_because=None,
        )
        return self.post(f"deployment/production/{name}", event, at=at)
