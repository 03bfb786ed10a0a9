"""Random histories of deployments, held against a model that knows no database."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.catalog import queries
from app.core.errors import StaleDecision

if TYPE_CHECKING:
    from tests.slices.catalog.story import Story

HISTORIES, EVENTS = 25, 25
KINDS = ("started", "succeeded", "succeeded", "failed", "rolled_back", "retired")


@dataclass
class Model:
    """``used``: decision to the place that used it. ``over``: decisions that carry no more."""

    used: dict[str, str] = field(default_factory=dict)
    over: set[str] = field(default_factory=set)

    def carries(self, decision: str, place: str) -> bool:
        return decision not in self.used or (
            self.used[decision] == place and decision not in self.over
        )

    def happened(self, kind: str, decision: str | None, place: str, *, carried: bool) -> None:
        if carried and decision is not None:
            self.used.setdefault(decision, place)
        if kind != "failed":
            others = {one for one, by in self.used.items() if by == place and one != decision}
            self.over |= others


def test_no_history_carries_two_deployments_by_one_decision(story: Story) -> None:
    story.has_model()
    for seed in range(HISTORIES):
        chance, model = random.Random(seed), Model()
        decisions = [f"h{seed}-{number}" for number in range(3)]
        places = [f"h{seed}-{letter}" for letter in "ab"]
        for decision in decisions:
            story.decides(decision)
        for _ in range(EVENTS):
            kind, place = chance.choice(KINDS), chance.choice(places)
            named = chance.choice([*decisions, None])
            consuming = kind in ("started", "succeeded") and named is not None
            carried = consuming and model.carries(str(named), place)
            try:
                index = story.deploys(kind, named, name=place)
            except StaleDecision:
                assert (kind, carried) == ("started", False)
                continue
            assert not (kind == "started" and consuming and not carried)
            with story.ledger.snapshot() as now:
                gated = now.data(index).get("gated")
            assert gated is (carried if kind == "succeeded" else None)
            model.happened(kind, named, place, carried=carried)
        with story.ledger.snapshot() as now:
            found = {one: queries.decision(now.connection, one) for one in decisions}
        users = {name: one.used_by for name, one in found.items() if one is not None}
        assert users == {
            one: f"deployment/production/{model.used[one]}" if one in model.used else None
            for one in decisions
        }
