"""What was decided and done: checks against policy, signatures in order, deployments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.report.answer import signature_table, status, unmet
from app.core.report.document import (
    Cell,
    Column,
    Form,
    Heading,
    Pair,
    Paragraph,
    Particulars,
    Timeline,
    TimelineMark,
    Tone,
)
from app.core.report.exceptions import REPORTED_LATE
from app.core.report.facts import DeploymentKind
from app.core.report.numbers import NO_RECORD, at, count, interval, measured, moment, plural
from app.core.report.tables import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.core.report.decision import RuleResult
    from app.core.report.document import Block
    from app.core.report.facts import DecisionFacts, DeploymentFacts, ReportFacts, ReviewFacts
    from app.core.report.register import Register

MARKS_A_TIMELINE = 25


def checks(facts: ReportFacts, register: Register) -> tuple[Block, ...]:
    """Return the gate table of the latest decision per version and environment."""
    latest = {(made.decision.subject, made.environment): made for made in facts.decisions}
    blocks: list[Block] = []
    for made in latest.values():
        blocks += _gate(made, register)
    earlier = len(facts.decisions) - len(latest)
    if earlier:
        text = f"{plural(earlier, 'earlier decision')}: see Decisions and signatures."
        blocks.append(Paragraph(text))
    return tuple(blocks) or (Paragraph(f"{NO_RECORD}: a decision."),)


def _gate(made: DecisionFacts, register: Register) -> Iterator[Block]:
    decision = made.decision
    evidence = register.cite(made.index)
    yield Heading(f"{decision.subject} in {made.environment}")
    yield Particulars(
        (
            Pair("Gate", status(decision.gate, *evidence)),
            Pair("Decision", Cell(decision.id, Form.CODE)),
            Pair("Decided on facts as of", at(decision.as_of)),
            Pair("Valid until", at(decision.expires_at)),
            Pair("Decision digest", Cell(decision.digest, Form.CODE)),
            Pair("Policy digest", Cell(decision.policy_digest, Form.CODE)),
            *(
                Pair(
                    f"Policy {used.name} {used.version}",
                    Cell(f"{used.gate} ({used.mode}), {used.digest}", Form.CODE),
                )
                for used in decision.policies
            ),
        )
    )
    columns = (
        Column("Rule"),
        Column("Outcome", Form.STATUS),
        Column("Actual", Form.NUMBER),
        Column("Asked", Form.NUMBER),
        Column("n", Form.NUMBER),
        Column("Interval", Form.NUMBER),
        Column("Evidence"),
    )
    rows = [_rule(rule, register) for rule in decision.rules]
    yield listed(f"Rules of {decision.id}", columns, rows)
    for rule in decision.rules:
        yield from _said(rule)
    for item in decision.missing:
        yield Paragraph(f"Missing: {item}.", tone=Tone.CAUTION)


def _rule(rule: RuleResult, register: Register) -> tuple[Cell, ...]:
    evidence = register.cite(*rule.indexes)
    unknown = len(rule.evidence) - len(rule.indexes)
    outcome = status(rule.outcome)
    if rule.raw_outcome and rule.raw_outcome != rule.outcome:
        outcome = Cell(f"{rule.outcome} (was {rule.raw_outcome})", Form.STATUS, outcome.tone)
    without_number = Cell("none", Form.NUMBER)
    asked = measured(rule.threshold) if rule.threshold else without_number
    return (
        Cell(rule.id + (f" ({rule.group})" if rule.group else ""), Form.CODE),
        outcome,
        measured(rule.actual) if rule.actual else Cell("no value", Form.NUMBER, Tone.CAUTION),
        Cell(f"{rule.op} {asked.text}", Form.NUMBER, exact=asked.exact) if rule.op else asked,
        without_number if rule.n is None else count(rule.n),
        interval(rule.low, rule.high) if rule.low or rule.high else without_number,
        Cell(_beside(len(evidence), unknown), evidence=evidence),
    )


def _beside(cited: int, unknown: int) -> str:
    """What stands in the evidence column besides numbers of the register."""
    if unknown:
        return f"{unknown:,} outside this report"
    return "" if cited else "none"


def _said(rule: RuleResult) -> Iterator[Block]:
    """What a rule that is not plainly met says, with the way out."""
    if rule.outcome in {"PASS", "NOT_APPLICABLE"}:
        return
    remedy = f" Remedy: {rule.remedy}" if rule.remedy else ""
    yield Paragraph(
        f"{rule.id}, {rule.outcome}: {rule.message}{remedy}", tone=status(rule.outcome).tone
    )


def decisions(facts: ReportFacts, register: Register) -> tuple[Block, ...]:
    """Return requests, decisions, reviews and dismissals in the order of the log."""
    rows = sorted(
        (*_requested(facts, register), *_decided(facts, register), *_reviewed(facts, register)),
        key=lambda row: row[0],
    )
    columns = (
        Column("When"),
        Column("What"),
        Column("About"),
        Column("Digest"),
        Column("Evidence"),
    )
    return (
        listed("Decisions and signatures in order", columns, [cells for _, cells in rows]),
        signature_table("Signatures", facts.reviews, register),
        *(_review(review) for review in facts.reviews),
    )


def _requested(facts: ReportFacts, register: Register) -> Iterator[tuple[int, tuple[Cell, ...]]]:
    for asked in facts.promotions:
        what = (
            f"Promotion to {asked.environment} asked for by {asked.requested_by}; now {asked.state}"
        )
        yield (
            asked.index,
            (
                at(asked.requested_at),
                Cell(what),
                Cell(asked.model_version, Form.CODE),
                Cell(asked.subject, Form.CODE),
                Cell("", evidence=register.cite(asked.index)),
            ),
        )


def _decided(facts: ReportFacts, register: Register) -> Iterator[tuple[int, tuple[Cell, ...]]]:
    for made in facts.decisions:
        rules = f"{plural(len(made.decision.rules), 'rule')}, {unmet(made):,} not met"
        yield (
            made.index,
            (
                at(made.recorded_at),
                Cell(f"Gate of {made.environment}: {made.decision.gate} ({rules})"),
                Cell(made.decision.subject, Form.CODE),
                Cell(made.decision.digest, Form.CODE),
                Cell("", evidence=register.cite(made.index)),
            ),
        )


def _reviewed(facts: ReportFacts, register: Register) -> Iterator[tuple[int, tuple[Cell, ...]]]:
    for review in facts.reviews:
        yield (
            review.index,
            (
                at(review.signed_at),
                Cell(f"{review.printed_name} signed ({review.meaning}): {review.verdict}"),
                Cell(review.promotion, Form.CODE),
                Cell(review.statement_digest, Form.CODE),
                Cell("", evidence=register.cite(review.index, review.dismissed)),
            ),
        )


def _review(review: ReviewFacts) -> Paragraph:
    said = [
        f"{review.printed_name}, {review.meaning}, {review.verdict}, {moment(review.signed_at)}."
    ]
    said.append(f"Signed as {', '.join(review.roles) or 'no approval role'}")
    said.append(f"with {' and '.join(review.methods) or 'no method recorded'}.")
    if review.accepts:
        said.append(f"Takes on: {', '.join(review.accepts)}.")
    said.append(f"Reason: {review.reason or 'none given'}")
    if review.dismissed is not None:
        said.append(f"Dismissed: {review.dismissed_because or 'no reason recorded'}.")
    tone = Tone.NEUTRAL if review.dismissed is None else Tone.CAUTION
    return Paragraph(" ".join(said), tone=tone)


def deployments(facts: ReportFacts, register: Register) -> tuple[Block, ...]:
    events = facts.deployments
    rows = []
    for event in events:
        late = event.recorded_at - event.occurred_at > REPORTED_LATE
        rows.append(
            (
                at(event.occurred_at, *register.cite(event.index)),
                Cell(event.kind.value.replace("_", " ") + (", reported late" if late else "")),
                Cell(event.subject, Form.CODE),
                Cell(event.model_version, Form.CODE),
                _gated(event),
            )
        )
    columns = (
        Column("Happened"),
        Column("What"),
        Column("Deployment"),
        Column("Version"),
        Column("Gate", Form.STATUS),
    )
    parts = range(0, len(events), MARKS_A_TIMELINE)
    return (
        *(_timeline(events[start : start + MARKS_A_TIMELINE]) for start in parts),
        listed("Deployments in the order they were recorded", columns, rows),
    )


def _gated(event: DeploymentFacts) -> Cell:
    if event.kind is not DeploymentKind.SUCCEEDED:
        return Cell(event.decision_id or "none named", Form.STATUS)
    if event.gated:
        return Cell(f"allowed by {event.decision_id}", Form.STATUS, Tone.GOOD)
    because = event.ungated_because or "no reason recorded"
    return Cell(f"ungated: {because}", Form.STATUS, Tone.BAD)


def _timeline(events: Sequence[DeploymentFacts]) -> Timeline:
    start = min(event.occurred_at for event in events)
    end = max(event.occurred_at for event in events)
    span = (end - start).total_seconds() or 1
    marks = tuple(
        TimelineMark(
            round(1000 * (event.occurred_at - start).total_seconds() / span),
            f"{event.kind.value.replace('_', ' ')}: {event.model_version} in {event.environment}",
            _gated(event).tone,
        )
        for event in events
    )
    title = "Deployments over time, one line each; the table after it says the same."
    return Timeline(title, moment(start), moment(end), marks)
