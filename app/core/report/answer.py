"""Page 1: the one-page answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.report.document import Answer, Cell, Column, Form, Pair, Paragraph, Particulars, Tone
from app.core.report.exceptions import live, summary
from app.core.report.numbers import at, count, moment, plural
from app.core.report.tables import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.core.report.document import Block
    from app.core.report.exceptions import Exceptional
    from app.core.report.facts import DecisionFacts, ReportFacts, ReviewFacts
    from app.core.report.register import Register

MET = frozenset({"PASS", "PASS_BY_REVIEW", "NOT_APPLICABLE", "WAIVED"})
"""Outcomes of a rule that leave the gate open."""

TONES = {
    "ALLOW": Tone.GOOD,
    "DENY": Tone.BAD,
    "PENDING": Tone.CAUTION,
    "PASS": Tone.GOOD,
    "PASS_BY_REVIEW": Tone.GOOD,
    "NOT_APPLICABLE": Tone.NEUTRAL,
    "FAIL": Tone.BAD,
    "ERROR": Tone.BAD,
}


def status(word: str, *evidence: int) -> Cell:
    """Return a gate or rule outcome; words not known as good or bad call for caution."""
    return Cell(word, Form.STATUS, TONES.get(word, Tone.CAUTION), evidence=evidence)


def answer(facts: ReportFacts, found: Sequence[Exceptional], register: Register) -> Answer:
    latest = facts.decisions[-1] if facts.decisions else None
    return Answer(
        verdict=_verdict(latest, len(found)),
        sentence=_sentence(facts, latest, register),
        exceptions=summary(found, register),
        counts=_counts(facts),
        good=tuple(_good(facts, latest, register)),
        signatures=_signatures(facts, latest, register),
    )


def _verdict(latest: DecisionFacts | None, exceptions: int) -> Cell:
    """Return the latest gate; an ALLOW with exceptions beside it is no good news yet."""
    gate = status(latest.decision.gate if latest else "NO DECISION")
    if not exceptions:
        return gate
    tone = Tone.CAUTION if gate.tone is Tone.GOOD else gate.tone
    return Cell(f"{gate.text}, with {plural(exceptions, 'exception')}", Form.STATUS, tone)


def unmet(made: DecisionFacts) -> int:
    return sum(rule.outcome not in MET for rule in made.decision.rules)


def _sentence(facts: ReportFacts, latest: DecisionFacts | None, register: Register) -> Paragraph:
    if latest is None:
        return Paragraph(f"No decision has been recorded about {facts.scope}.", (), Tone.CAUTION)
    decision = latest.decision
    rules = plural(len(decision.rules), "rule")
    return Paragraph(
        f"The latest decision, recorded at {moment(latest.recorded_at)}, about "
        f"{decision.subject} in {latest.environment} is {decision.gate}: "
        f"{rules} looked at, {unmet(latest):,} not met.",
        register.cite(latest.index),
    )


def _counts(facts: ReportFacts) -> Particulars:
    gates = [made.decision.gate for made in facts.decisions]
    split = ", ".join(f"{gates.count(gate):,} {gate}" for gate in sorted(set(gates)))
    counted = len({table.index for table in facts.bias})
    return Particulars(
        (
            Pair("Model versions", count(len(facts.versions))),
            Pair("Dataset versions", count(len(facts.datasets))),
            Pair("Evaluations", count(len(facts.evaluations))),
            Pair("Prediction uploads counted", count(counted)),
            Pair("Decisions", Cell(f"{len(gates):,}" + (f" ({split})" if gates else ""))),
            Pair("Signed reviews", count(len(facts.reviews))),
            Pair("Live deployments", count(len(live(facts)))),
            Pair("Log entries in this report", count(len(facts.entries))),
        )
    )


def _good(
    facts: ReportFacts, latest: DecisionFacts | None, register: Register
) -> Iterator[Paragraph]:
    for event in live(facts):
        if event.gated:
            yield Paragraph(
                f"{event.model_version} is live in {event.environment} as {event.subject}, "
                f"under a decision that allowed it.",
                register.cite(event.index),
                Tone.GOOD,
            )
    if latest and latest.decision.rules and not unmet(latest):
        yield Paragraph(
            f"Every rule of the latest decision is met ({len(latest.decision.rules):,}).",
            register.cite(latest.index),
            Tone.GOOD,
        )


def _signatures(
    facts: ReportFacts, latest: DecisionFacts | None, register: Register
) -> tuple[Block, ...]:
    promotion = latest.promotion if latest else None
    signed = [review for review in facts.reviews if review.promotion == promotion]
    return (signature_table("Signatures for the latest decision", signed, register),)


def signature_table(caption: str, reviews: Sequence[ReviewFacts], register: Register) -> Block:
    """Return printed name, time, meaning and digest of each review (21 CFR 11.50)."""
    rows = [
        (
            Cell(review.printed_name, evidence=register.cite(review.index)),
            at(review.signed_at),
            Cell(
                f"{review.meaning}: {review.verdict}"
                + ("" if review.dismissed is None else ", dismissed")
            ),
            Cell(review.statement_digest, Form.CODE),
        )
        for review in reviews
    ]
    columns = (
        Column("Printed name"),
        Column("Signed"),
        Column("Meaning"),
        Column("Digest of what was signed"),
    )
    return listed(caption, columns, rows)
