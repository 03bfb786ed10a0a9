"""The sentences: what is so, and what to do about it.

Every function answers with (message, remedy). The remedy names the command to run, and for
a number what would pass. Numbers here are rounded for reading; the decision's own members
hold them in full.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.fairness.candidates import SHOWN_LEVEL
from app.core.fairness.rates import written
from app.core.fairness.verdict import Verdict
from app.core.policy.codec import instant
from app.core.policy.decision import Outcome
from app.core.policy.evidence import command

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from decimal import Decimal
    from fractions import Fraction

    from app.core.fairness.assessment import BiasAssessment, TableFinding
    from app.core.fairness.cells import Group
    from app.core.policy.decision import MissingReview
    from app.core.policy.evidence import Picked
    from app.core.policy.facts import (
        Ancestor,
        BiasReport,
        Document,
        Evaluation,
        Evidence,
        Lineage,
        Measure,
    )
    from app.core.policy.rules import (
        AncestorsRule,
        BiasRule,
        MetricRule,
        OverlapRule,
    )

Said = tuple[str, str]

PLACES = 4


def group(pairs: Group) -> str:
    """Write a group: ``sex=F, race=Black``."""
    return ", ".join(f"{attribute}={value}" for attribute, value in pairs)


def _short(value: Fraction | Decimal | None) -> str:
    return "undefined" if value is None else written(value, PLACES)


def not_measured(rule: MetricRule, item: Evaluation, picked: Picked) -> Said:
    return (
        f"entry {item.index} does not measure {rule.metric} on all of {item.dataset.subject}",
        f"record an evaluation with {rule.metric} and the number of rows: `{command(picked)}`",
    )


def wrong_rows(rule: MetricRule, item: Evaluation, short: str) -> Said:
    return (
        f"{rule.metric} of entry {item.index} does not count: {short}",
        f"measure {rule.metric} on every row of {item.dataset.subject} and record it with n",
    )


def metric_passes(rule: MetricRule, item: Evaluation, number: Measure) -> str:
    return (
        f"{rule.metric} is {_short(number.value)} on {item.dataset.subject}, "
        f"which is {rule.op} {_short(rule.value)}"
    )


def metric_fails(rule: MetricRule, item: Evaluation, number: Measure, picked: Picked) -> Said:
    return (
        (
            f"{rule.metric} is {_short(number.value)} on {item.dataset.subject} "
            f"(n {number.n}), which is not {rule.op} {_short(rule.value)}"
        ),
        (
            f"{rule.metric} {rule.op} {_short(rule.value)} would pass, a change of "
            f"{_short(rule.value - number.value)}; register a better version, measure it and "
            f"record it with `{command(picked)}`"
        ),
    )


def age(
    oldest: Evidence, until: datetime, picked: Picked, *, is_fresh: bool
) -> tuple[str, str | None]:
    what = f"{picked.alias} (entry {oldest.index}) was measured at {instant(oldest.measured_at)}"
    if is_fresh:
        return f"{what} and is fresh until {instant(until)}", None
    return (
        f"{what} and was fresh until {instant(until)}",
        f"measure again and record it with `{command(picked)}`",
    )


def no_document(picked: Picked, bare: Sequence[str]) -> Said:
    if not bare:
        return (
            "the datasets behind the model are not all known, so neither are their documents",
            "ask again; if it stays so, run `muniment graph status`",
        )
    return (
        f"no document of kind {picked.selector.document} for {', '.join(bare)}",
        f"`muniment document add {bare[0]} FILE --kind {picked.selector.document}`",
    )


def document(item: Document, silent: Sequence[str]) -> tuple[str, str | None]:
    if not silent:
        return f"the {item.document} of {item.subject} says everything asked", None
    what = "is not a JSON object, so" if item.fields is None else "says nothing under"
    rest = "its fields cannot be read" if item.fields is None else ", ".join(silent)
    return (
        f"the {item.document} of {item.subject} {what} {rest}",
        (
            f"fill in {', '.join(silent)} and run `muniment document add {item.subject} FILE "
            f"--kind {item.document}`"
        ),
    )


def bad_ancestors(bad: Sequence[tuple[Ancestor, str]]) -> Said:
    first, why = bad[0]
    path = "".join(f"{edge.src} {edge.type} " for edge in first.why)
    said = "; ".join(f"{one.subject} {reason}" for one, reason in bad)
    if path:
        said += f" (reached by {path}{first.subject})"
    remedy = "train on other data, or register a version of it under a licence that is allowed"
    if "licence" not in why:
        remedy = f"let somebody in the role run `muniment dataset approve {first.subject}`"
    return said, remedy


def unseen(rule: AncestorsRule, lineage: Lineage, near: Sequence[Ancestor]) -> Said | None:
    """Say why not every ancestor was looked at; None where each was."""
    far = [one for one in lineage.ancestors if one.depth > rule.max_depth]
    if lineage.status != "complete":
        return (
            f"the answer about its origin is {lineage.status}, so not every dataset was seen",
            "ask again; if it stays so, run `muniment graph status`",
        )
    if far:
        return (
            f"{far[0].subject} is {far[0].depth} steps away, the rule looks {rule.max_depth} far",
            "let the policy look further (max_depth)",
        )
    if not near:
        return (
            "no dataset is recorded that it comes from",
            (
                "register the model version with the datasets it was trained on: "
                "`muniment model version add`"
            ),
        )
    return None


def shared_rows(rule: OverlapRule, shared: int | None, outcome: Outcome) -> tuple[str, str | None]:
    roles = " and ".join(rule.between)
    if outcome is Outcome.INCOMPLETE or shared is None:
        return (
            f"how many rows {roles} share cannot be counted",
            "register both dataset versions with row fingerprints: `muniment dataset version add`",
        )
    said = f"{roles} share {shared} rows, at most {rule.assert_.rows_shared} are allowed"
    if outcome is Outcome.PASS:
        return said, None
    return said, "split the data again and evaluate on rows the model has not seen"


def not_counted(
    rule: BiasRule, tables: Iterable[tuple[str, ...]], picked: Picked, *, labels: bool
) -> Said:
    names = "; ".join(" and ".join(table) for table in tables)
    known = " with a label column" if labels else ""
    return (
        f"{rule.metric} cannot be computed: no evidence counts by {names}{known}",
        f"upload predictions with these attributes{known}: `{command(picked)}`",
    )


def contradictory_counts(item: BiasReport, said: str, picked: Picked) -> Said:
    return (
        f"the counts of entry {item.index} contradict themselves: {said}",
        f"upload the predictions again: `{command(picked)}`",
    )


def disparity(
    rule: BiasRule, assessment: BiasAssessment, item: BiasReport, picked: Picked
) -> tuple[str, str | None]:
    """Say how the worst table stands to the threshold, and what would pass."""
    table = assessment.worst
    said = f"{rule.metric} {_where(table)} is {_short(table.value)}{_interval(rule, table)}"
    said += f", asked {rule.op} {_short(rule.value)} (n {table.n}, {item.dataset.subject})"
    others = [
        " and ".join(one.attributes)
        for one in assessment.tables
        if one is not table and one.verdict is table.verdict
    ]
    if others and table.verdict is not Verdict.PASS:
        said += f"; {table.verdict} also by {', '.join(others)}"
    said += "".join(f"; {note}" for note in dict.fromkeys(table.notes))
    small = assessment.small_groups
    if small:
        said += f"; too small to judge: {'; '.join(group(one) for one in small)}"
    if table.verdict is Verdict.PASS:
        return said, None
    return said, f"{_would_pass(rule, table)}; then upload its predictions: `{command(picked)}`"


def _where(table: TableFinding) -> str:
    if table.group is None or table.against is None:
        return f"by {' and '.join(table.attributes)}"
    return f"of {group(table.group)} against {group(table.against)}"


def _interval(rule: BiasRule, table: TableFinding) -> str:
    if table.interval is None:
        return ""
    high = "unbounded" if table.interval.high is None else _short(table.interval.high)
    level = rule.decide_on.level if rule.decide_on else SHOWN_LEVEL
    return f" ({level:.0%} interval {_short(table.interval.low)} to {high})"


def _would_pass(rule: BiasRule, table: TableFinding) -> str:
    if table.verdict is Verdict.INCOMPLETE:
        return "measure on data with enough people in every group and few unknown values"
    asked = f"{rule.metric} {rule.op} {_short(rule.value)}"
    more = [
        f"+{row.shortfall} favourable decisions in group {group(row.group)}"
        for row in table.groups
        if row.shortfall
    ]
    said = (
        f"{asked} would pass"
        if rule.decide_on is None
        else f"the whole interval has to meet {asked}"
    )
    if more:
        said += f"; the point estimate would meet it with {', '.join(more)}"
    if table.needed is not None and table.verdict is Verdict.INCONCLUSIVE:
        said += f"; about {table.needed} people per group would show it if there is no difference"
    return f"{said}; mend the model and register a new version"


def left_to_reviewers(message: str, rule_id: str, missing: Sequence[MissingReview]) -> Said:
    """``missing``: the deciders that lack; empty where one of them asks for changes."""
    who = _people(missing) if missing else "changes a reviewer asks for"
    meaning = missing[0].meaning if missing else "MEANING"
    return (
        f"{message}; left to reviewers, waiting for {who}",
        f"`muniment review approve PROMOTION --meaning {meaning} --accept {rule_id}`"
        + _too_few(missing),
    )


def waiting(missing: Sequence[MissingReview]) -> Said:
    """Say whom a reviews rule waits for; at least one is missing."""
    first = missing[0]
    return (
        f"waiting for {_people(missing)}",
        f"`muniment review approve PROMOTION --meaning {first.meaning}` by somebody in the role "
        f"{first.role}" + _too_few(missing),
    )


def _people(missing: Sequence[MissingReview]) -> str:
    return ", ".join(
        f"{one.count} {one.role} ({one.meaning}; {one.eligible} could sign now)" for one in missing
    )


def _too_few(missing: Sequence[MissingReview]) -> str:
    roles = dict.fromkeys(one.role for one in missing if one.eligible < one.count)
    if not roles:
        return ""
    return f"; too few people may sign as {', '.join(roles)}: `muniment role grant`"


def blocked_by(reviewer: str, *, rejected: bool) -> Said:
    if rejected:
        return (
            f"rejected by {reviewer}",
            "mend what the review names, register a new version and `muniment promote` it",
        )
    return (
        f"{reviewer} asks for changes",
        f"mend what the review names; then {reviewer} signs again with `muniment review approve`",
    )
