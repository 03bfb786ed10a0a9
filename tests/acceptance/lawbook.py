"""The law again, over the log alone: what was approved and used must have been allowed.

It reads events and nothing else, and shares no code with what decides. ``Lawbook.read``
takes the entries in order and asserts at each that it follows from those before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.living import World

DAY = timedelta(hours=24)
EVIDENCE = ("evaluation.recorded.v1", "predictions.recorded.v1", "document.recorded.v1")


def moment(written: str) -> datetime:
    return datetime.fromisoformat(written)


@dataclass
class Version:
    """A model version. ``trainers``, ``producers``: people, not tokens."""

    digest: str
    trainers: set[str]
    producers: set[str] = field(default_factory=set)


@dataclass
class Lawbook:
    """What the log has said so far."""

    tokens: dict[str, set[str]] = field(default_factory=dict)
    grants: dict[int, dict[str, Any]] = field(default_factory=dict)
    runs: dict[str, set[str]] = field(default_factory=dict)
    versions: dict[str, Version] = field(default_factory=dict)
    drafters: dict[str, set[str]] = field(default_factory=dict)
    policies: dict[str, dict[str, Any]] = field(default_factory=dict)
    promotions: dict[str, dict[str, Any]] = field(default_factory=dict)
    reviews: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    decisions: dict[str, dict[str, Any]] = field(default_factory=dict)
    used_by: dict[str, str] = field(default_factory=dict)
    last_use: dict[str, str | None] = field(default_factory=dict)
    allowed: int = 0
    used: int = 0

    @classmethod
    def of(cls, world: World) -> Lawbook:
        """Read a whole log."""
        book = cls()
        with world.house.ledger.snapshot() as now:
            for index in range(now.size):
                entry = now.entry(index)
                actor = (entry.actor.id, entry.actor.kind, entry.actor.auth)
                book.read(
                    index, entry.type, entry.subject, now.data(index), actor, entry.recorded_at
                )
        return book

    def read(  # noqa: C901, PLR0912 - one arm for each kind of entry
        self,
        index: int,
        kind: str,
        subject: str,
        data: dict[str, Any],
        actor: tuple[str, str, str],
        at: datetime,
    ) -> None:
        """Take in one entry."""
        who = self.behind(actor[0])
        match kind:
            case "token.created.v1":
                self.tokens[subject.removeprefix("token/")] = {data["owner"]} | who
            case "role.granted.v1":
                self.grants[index] = {**data, "user": subject.removeprefix("user/"), "at": at}
            case "role.revoked.v1":
                self.grants[data["grant"]]["ended"] = at
            case "run.started.v1":
                self.runs[subject] = who | ({data["human"]} if data.get("human") else set())
            case "run.finished.v1":
                self.runs[subject] |= who
            case "model.version_registered.v1":
                trainers = who | self.runs.get(data.get("run") or "", set())
                self.versions[subject] = Version(data["artifact"]["digest"], trainers)
            case kind if kind in EVIDENCE and subject in self.versions:
                self.versions[subject].producers |= who
            case "policy.drafted.v1":
                self.drafters[data["digest"]] = who | {data["drafter"]}
            case "policy.published.v1":
                assert data["publisher"] not in self.drafters[data["digest"]], "published its own"
                assert actor[1:] == ("person", "password+totp"), "published without signing"
                self.policies[subject.split("/")[1]] = data
            case "promotion.requested.v1":
                parts = who | {data["submitter"]}
                self.promotions[subject] = {**data, "people": parts, "state": "requested"}
            case "review.submitted.v1":
                self.reviewed(subject, {**data, "index": index, "at": at, "gone": False}, actor)
            case "review.dismissed.v1":
                for review in self.reviews[subject].values():
                    review["gone"] = review["gone"] or review["index"] == data["review"]
            case "gate.decided.v1":
                self.decisions[data["decision"]["decision_id"]] = data
            case "promotion.decided.v1":
                self.decided(subject, data, at)
            case "promotion.expired.v1" | "promotion.withdrawn.v1":
                self.promotions[subject]["state"] = "ended"
            case "deployment.started.v1" | "deployment.succeeded.v1":
                self.deployed(kind, subject, data, at)
            case _:
                pass

    def behind(self, actor: str) -> set[str]:
        """The people who answer for an actor."""
        return self.tokens.get(actor, {actor})

    def parts(self, promotion: dict[str, Any]) -> set[str]:
        """Everybody who made, measured or asked for it, or wrote the rules it goes by."""
        version = self.versions[promotion["model_version"]]
        drafters = {who for one in self.policies.values() for who in self.drafters[one["digest"]]}
        return drafters.union(promotion["people"], version.trainers, version.producers)

    def reviewed(self, subject: str, data: dict[str, Any], actor: tuple[str, str, str]) -> None:
        """Check a signature when it is made."""
        promotion, reviewer = self.promotions[subject], data["reviewer"]
        assert actor == (reviewer, "person", "password+totp"), "signed by somebody else"
        assert promotion["state"] == "requested", "signed what was decided"
        assert reviewer not in self.parts(promotion), "a self-approval"
        self.reviews.setdefault(subject, {})[reviewer] = data

    def decided(self, subject: str, data: dict[str, Any], at: datetime) -> None:
        """Check whose signatures opened the gate."""
        promotion, decision = self.promotions[subject], self.decisions[data["decision_id"]]
        assert promotion["state"] == "requested", "decided twice"
        promotion["state"] = data["state"]
        if data["state"] != "allowed":
            return
        self.allowed += 1
        assert decision["gate"] == "ALLOW", "allowed by what does not allow"
        counted = decision["decision"]["reviews"]["counted"]
        for one in counted:
            self.counts(subject, promotion, decision, one, at)
        filled = [(one["reviewer"], one["role"]) for one in counted]
        assert len({who for who, _ in filled}) == len(filled), "one person filled two needs"
        [policy] = self.policies.values()
        for rule in policy["document"]["rules"]:
            for need in rule["need"]:
                have = sum(role == need["role"] for _, role in filled)
                assert have == need["count"], "too few signed"

    def counts(
        self,
        subject: str,
        promotion: dict[str, Any],
        decision: dict[str, Any],
        counted: dict[str, Any],
        at: datetime,
    ) -> None:
        """Check one signature that was counted."""
        reviewer = counted["reviewer"]
        review = self.reviews[subject][reviewer]
        parts = self.parts(promotion)
        assert reviewer not in parts, "a self-approval"
        assert review["decision"] == "approve", "counted what was no approval"
        assert not review["gone"], "what was signed has changed"
        bind = review["bind"]
        subject_digest = self.versions[promotion["model_version"]].digest
        assert bind["subject_digest"] == subject_digest, "signed for other bytes"
        assert bind["policy_digest"] == decision["policy_digest"], "signed under other rules"
        held = [
            one
            for one in self.grants.values()
            if one["user"] == reviewer
            and one["role"] == counted["role"]
            and one["at"] <= review["at"]
            and one.get("ended", at) >= at
            and not (review["at"] < one["at"] + DAY and parts & set(one["grantors"]))
        ]
        assert held, "the role was not held, or was granted by somebody who gains"
        if all(len(set(one["grantors"])) < 2 for one in held):
            assert decision["decision"]["single_administrator"] is True, "an unmarked puppet"

    def deployed(self, kind: str, subject: str, data: dict[str, Any], at: datetime) -> None:
        """Check that a decision carries one deployment, in its time, and nothing else."""
        named = data.get("decision_id")
        carried = named is not None and (kind == "deployment.started.v1" or data["gated"])
        if carried:
            assert named is not None
            decision = self.decisions[named]
            assert decision["gate"] == "ALLOW", "carried by what does not allow"
            about = (decision["model_version"], decision["environment"])
            assert about == (data["model_version"], data["environment"]), "about something else"
            if named not in self.used_by:
                assert at < moment(decision["expires_at"]) + timedelta(seconds=1), "used too late"
                siblings = [
                    one
                    for one in self.used_by
                    if self.decisions[one]["promotion"] == decision["promotion"]
                ]
                assert siblings == [], "two decisions of one promotion were used"
                self.used += 1
            else:
                assert self.last_use.get(subject) == named, "used again after another"
            assert self.used_by.setdefault(named, subject) == subject, "a decision used twice"
        self.last_use[subject] = named
