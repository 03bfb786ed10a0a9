"""Which evidence counts, what is wrong with it, and the root that names all of it.

Of the evidence that a selector describes, the latest per model, data, attributes and label
counts, and every one of those must pass. What is too old, badly bound or counted on other
rows than the dataset has stays picked and makes the rule INCOMPLETE: a bad measurement must
not disappear by growing old.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from app.core.ledger.merkle import leaf_hash, root
from app.core.policy.codec import Digest, instant
from app.core.policy.decision import Finding, Outcome
from app.core.policy.facts import BiasReport, Document, Evaluation

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping
    from datetime import datetime

    from app.core.policy.facts import Dataset, Evidence, Facts, Subject
    from app.core.policy.rules import Selector


@dataclass(frozen=True, slots=True)
class Picked:
    """What an alias stands for. ``items`` in the order they were recorded.

    ``subject``: of the model version, ``model/<name>/<version>``.
    """

    alias: str
    selector: Selector
    subject: str
    items: tuple[Evidence, ...]

    @property
    def digests(self) -> tuple[Digest, ...]:
        return tuple(item.digest for item in self.items)

    @property
    def fresh_until(self) -> datetime | None:
        """When the first item grows too old; None where the policy sets no age."""
        if self.selector.max_age is None or not self.items:
            return None
        return min(item.measured_at for item in self.items) + self.selector.max_age


def subject_of(subject: Subject) -> str:
    """Write ``model/<name>/<version>``."""
    return f"model/{subject.name}/{subject.version}"


def pick(alias: str, selector: Selector, facts: Facts, as_of: datetime) -> Picked:
    """Pick what counts for ``alias``; what was recorded after ``as_of`` does not exist yet."""
    latest: dict[Hashable, Evidence] = {}
    for item in sorted(facts.evidence, key=lambda one: one.index):
        if item.recorded_at <= as_of and _is_described(item, selector, facts):
            latest[_key(item)] = item
    items = sorted(latest.values(), key=lambda one: one.index)
    return Picked(alias, selector, subject_of(facts.subject), tuple(items))


def evidence_root(picks: Iterable[Picked]) -> Digest:
    """Name exactly the items picked: the Merkle root over their digests, sorted.

    Each leaf is an item's digest as 32 bytes. Nothing picked: the root of the empty tree.
    """
    digests = sorted({digest for picked in picks for digest in picked.digests})
    leaves = [leaf_hash(bytes.fromhex(digest.removeprefix("sha256:"))) for digest in digests]
    return Digest(f"sha256:{root(leaves).hex()}")


def flaw(picked: Picked, as_of: datetime, *, any_age: bool = False) -> Finding | None:
    """Say what keeps the picked items from being read at all; None where nothing does.

    ``any_age``: leave the age to the rule.
    """
    if not picked.items:
        return _missing(picked)
    found = [_contradiction(item) for item in picked.items]
    found += [_unbound(item, picked.selector) for item in picked.items]
    found += [_uncovered(item, picked.selector) for item in picked.items]
    if not any_age:
        found += [_stale(item, picked.selector, as_of) for item in picked.items]
    wrong = [one for one in found if one is not None]
    wrong.sort(key=lambda one: one.outcome is not Outcome.ERROR)
    return wrong[0] if wrong else None


def uncovered(counted: int | None, dataset: Dataset, selector: Selector) -> str | None:
    """Say why ``counted`` rows are not the dataset's; None where they are enough."""
    if dataset.rows is None:
        return f"how many rows {dataset.subject} has is not registered"
    if counted is None:
        return f"it does not say on how many of the {dataset.rows} rows it was measured"
    if counted == dataset.rows:
        return None
    least = selector.min_coverage
    if least is not None and counted < dataset.rows and counted >= least * dataset.rows:
        return None
    return f"{counted} rows were counted and {dataset.subject} has {dataset.rows}"


def _is_described(item: Evidence, selector: Selector, facts: Facts) -> bool:
    if item.type != selector.type:
        return False
    wanted = selector.producer
    if wanted is not None and getattr(wanted, item.producer.kind) != item.producer.id:
        return False
    match item:
        case Document():
            behind = {ancestor.subject for ancestor in facts.lineage.ancestors}
            owners = behind if selector.of == "datasets" else {subject_of(facts.subject)}
            return item.document == selector.document and item.subject in owners
        case BiasReport():
            if selector.computed_by is not None and item.computed_by != selector.computed_by:
                return False
            if not set(selector.attributes) <= set(item.attributes):
                return False
        case Evaluation():
            pass
        case _:
            assert_never(item)
    return item.model_digest == facts.subject.digest and _is_on(item.dataset, selector)


def _is_on(dataset: Dataset, selector: Selector) -> bool:
    wanted = selector.dataset
    if wanted is None:
        return True
    if wanted.name is not None and dataset.subject.split("/")[1:2] != [wanted.name]:
        return False
    return wanted.role is None or wanted.role == dataset.role


def _key(item: Evidence) -> Hashable:
    match item:
        case Document():
            return item.subject
        case BiasReport():
            return (item.dataset_digest, tuple(sorted(item.attributes)), item.label)
        case Evaluation():
            return item.dataset_digest
        case _:
            assert_never(item)


_COMMANDS: Mapping[str, str] = {
    "bias-report/v1": "muniment predictions upload",
    "eval-report/v1": "muniment evaluation add",
    "document/v1": "muniment document add",
}


def command(picked: Picked) -> str:
    """The command that records what ``picked`` is about."""
    return _COMMANDS[picked.selector.type]


def _missing(picked: Picked) -> Finding:
    selector = picked.selector
    what = selector.type if selector.document is None else f"a document of kind {selector.document}"
    return Finding(
        Outcome.INCOMPLETE,
        Outcome.INCOMPLETE,
        f"there is no evidence {picked.alias!r} ({what}) for {picked.subject}",
        f"record it with `{command(picked)}`",
    )


def _flawed(item: Evidence, outcome: Outcome, message: str, remedy: str) -> Finding:
    return Finding(
        outcome, outcome, f"entry {item.index}: {message}", remedy, evidence=(item.digest,)
    )


def _contradiction(item: Evidence) -> Finding | None:
    if item.measured_at <= item.recorded_at:
        return None
    return _flawed(
        item,
        Outcome.ERROR,
        f"measured at {instant(item.measured_at)}, after it was recorded",
        "record it again with the time it was measured",
    )


def _unbound(item: Evidence, selector: Selector) -> Finding | None:
    if isinstance(item, Document) or "dataset_digest" not in selector.must_bind:
        return None
    if item.dataset_digest == item.dataset.digest:
        return None
    return _flawed(
        item,
        Outcome.INCOMPLETE,
        f"measured on other data than {item.dataset.subject} is registered with",
        f"measure on {item.dataset.digest} and record it again",
    )


def _uncovered(item: Evidence, selector: Selector) -> Finding | None:
    if not isinstance(item, BiasReport):
        return None
    short = uncovered(item.rows, item.dataset, selector)
    if short is None:
        return None
    remedy = "upload the predictions for every row of the dataset version"
    return _flawed(item, Outcome.INCOMPLETE, short, remedy)


def _stale(item: Evidence, selector: Selector, as_of: datetime) -> Finding | None:
    if selector.max_age is None or as_of < item.measured_at + selector.max_age:
        return None
    return _flawed(
        item,
        Outcome.INCOMPLETE,
        f"measured at {instant(item.measured_at)}, more than {selector.max_age.days} days ago",
        "measure again; to leave old data out, let the policy name the dataset",
    )
