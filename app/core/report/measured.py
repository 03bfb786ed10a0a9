"""What was measured: metrics with their intervals, and how groups fared."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from app.core.report.document import (
    Cell,
    Column,
    Form,
    Heading,
    IntervalPlot,
    Paragraph,
    PlotMark,
    Tick,
    Tone,
)
from app.core.report.numbers import (
    NO_RECORD,
    UNDEFINED,
    at,
    count,
    decimal,
    interval,
    measured,
    moment,
    plural,
    quotient,
)
from app.core.report.tables import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.core.report.document import Block
    from app.core.report.facts import BiasTable, DecisionFacts, GroupFacts, ReportFacts
    from app.core.report.register import Register

MARKS_A_PLOT = 25
"""As many lines as fit on a page with their title."""

LEAST_AXIS, MOST_AXIS = Fraction(5, 4), Fraction(2)
TICK = Fraction(1, 4)


def metrics(facts: ReportFacts, register: Register) -> tuple[Block, ...]:
    blocks: list[Block] = []
    columns = (
        Column("Metric"),
        Column("Group or slice"),
        Column("n", Form.NUMBER),
        Column("Value", Form.NUMBER),
        Column("Interval", Form.NUMBER),
    )
    for made in facts.evaluations:
        evidence = register.cite(made.index)
        role = f" ({made.role})" if made.role else ""
        blocks.append(Heading(f"{made.model_version} on {made.dataset_version}{role}"))
        text = f"Measured at {moment(made.measured_at)}; claimed by {made.producer}."
        blocks.append(Paragraph(text, evidence))
        rows = [
            (
                Cell(metric.name, Form.CODE),
                Cell(metric.slice or "all"),
                Cell("not given", Form.NUMBER) if metric.n is None else count(metric.n),
                measured(metric.value, *evidence),
                Cell("not given", Form.NUMBER)
                if metric.low is None and metric.high is None
                else interval(metric.low, metric.high),
            )
            for metric in made.metrics
        ]
        blocks.append(listed(f"Metrics of {made.model_version}", columns, rows))
    return tuple(blocks) or (Paragraph(f"{NO_RECORD}: an evaluation."),)


def bias(facts: ReportFacts, register: Register) -> tuple[Block, ...]:
    """Return the latest count per version, dataset and attributes; earlier ones are listed."""
    latest = {_key(table): table for table in facts.bias}
    blocks: list[Block] = []
    for table in latest.values():
        blocks += _table(table, facts.decisions, register)
    earlier = [table for table in facts.bias if latest[_key(table)] is not table]
    if earlier:
        blocks.append(Heading("Earlier uploads"))
        text = f"{plural(len(earlier), 'count')} replaced by a later upload of the same kind."
        blocks.append(Paragraph(text))
        blocks.append(_earlier(earlier, register))
    return tuple(blocks) or (Paragraph(f"{NO_RECORD}: a count of predictions by group."),)


def _key(table: BiasTable) -> tuple[str, str, tuple[str, ...]]:
    return table.model_version, table.dataset_version, table.attributes


def _table(
    table: BiasTable, decisions: Sequence[DecisionFacts], register: Register
) -> Iterator[Block]:
    attributes = " and ".join(table.attributes)
    evidence = register.cite(table.index)
    yield Heading(f"{table.model_version} by {attributes}")
    yield Paragraph(
        f"Counted by the service from predictions on {table.dataset_version}. Favourable "
        f"outcome: {table.favourable_outcome}. A group's impact ratio is its selection rate "
        f"over that of the most selected eligible group. Interval of the ratio: {table.method}. "
        f"Rows with one of the attributes unknown: {table.unknown:,}.",
        evidence,
    )
    threshold = _threshold(table, decisions)
    for start in range(0, len(table.groups), MARKS_A_PLOT):
        part = table.groups[start : start + MARKS_A_PLOT]
        yield _plot(f"Impact ratio by {attributes}", part, table.groups, threshold)
    columns = (
        Column("Group"),
        Column("n", Form.NUMBER),
        Column("Selected", Form.NUMBER),
        Column("Rate", Form.NUMBER),
        Column("Impact ratio", Form.NUMBER),
        Column("Interval", Form.NUMBER),
        Column("Eligible", Form.STATUS),
    )
    rows = [
        (
            Cell(named(group)),
            count(group.n),
            count(group.selected),
            quotient(group.selected, group.n, *evidence),
            _impact(group, evidence),
            Cell("reference", Form.NUMBER) if group.reference else interval(group.low, group.high),
            Cell("yes", Form.STATUS, Tone.GOOD)
            if group.eligible
            else Cell("no", Form.STATUS, Tone.CAUTION),
        )
        for group in table.groups
    ]
    yield listed(f"Selection by {attributes}, {table.model_version}", columns, rows)
    for note in table.notes:
        yield Paragraph(note, tone=Tone.CAUTION)


def named(group: GroupFacts) -> str:
    """Return a group as "sex=F, race=unknown"."""
    return ", ".join(
        f"{name}={'unknown' if value is None else value}" for name, value in group.group
    )


def _impact(group: GroupFacts, evidence: tuple[int, ...]) -> Cell:
    if group.impact is None:
        return Cell("not taken", Form.NUMBER, Tone.CAUTION)
    return quotient(*group.impact, *evidence)


def _plot(
    caption: str, part: Sequence[GroupFacts], groups: Sequence[GroupFacts], threshold: Tick | None
) -> IntervalPlot:
    end = _axis_end(groups)
    marks = tuple(
        PlotMark(
            named(group),
            _impact(group, ()).text,
            None
            if group.impact is None or not group.impact[1]
            else _place(Fraction(*group.impact), end),
            None if group.low is None else _place(Fraction(group.low), end),
            None if group.high is None else _place(Fraction(group.high), end),
            group.eligible,
        )
        for group in part
    )
    ticks = tuple(
        Tick(_place(step * TICK, end), decimal(step * TICK, 2))
        for step in range(int(end / TICK) + 1)
    )
    if threshold:
        threshold = Tick(_place(Fraction(threshold.at, 1000), end), threshold.label)
    title = f"{caption}: a dot per group with its interval; the table after it has the numbers."
    return IntervalPlot(title, caption, marks, ticks, threshold)


def _axis_end(groups: Sequence[GroupFacts]) -> Fraction:
    """Return the right end of the axis: a multiple of the tick, between the two bounds."""
    ends = [Fraction(group.high) for group in groups if group.high is not None]
    widest = max(ends, default=LEAST_AXIS)
    return min(max(-(-widest // TICK) * TICK, LEAST_AXIS), MOST_AXIS)


def _place(value: Fraction, end: Fraction) -> int:
    """Return where ``value`` stands between 0 and ``end``, in thousandths, kept inside."""
    return min(max(round(value * 1000 / end), 0), 1000)


def _threshold(table: BiasTable, decisions: Sequence[DecisionFacts]) -> Tick | None:
    """Return the lower limit of the last rule decided on a group of this table, in thousandths.

    Another rule, or the law of the report's reader, may set another limit or none, so the
    rule is named beside it.
    """
    found = None
    for made in decisions:
        for rule in made.decision.rules:
            about = {part.partition("=")[0] for part in (rule.group or "").split(", ")}
            read = table.index in rule.indexes and about == set(table.attributes)
            if read and rule.op == ">=" and rule.threshold:
                limit = Fraction(rule.threshold)
                found = Tick(round(limit * 1000), f"{decimal(limit, 2)} asked by {rule.id}")
    return found


def _earlier(tables: Sequence[BiasTable], register: Register) -> Block:
    rows = []
    for table in tables:
        ratios = [
            Fraction(*group.impact) for group in table.groups if group.impact and group.impact[1]
        ]
        lowest = decimal(min(ratios)) if ratios else UNDEFINED
        rows.append(
            (
                Cell(table.model_version, Form.CODE, evidence=register.cite(table.index)),
                Cell(table.dataset_version, Form.CODE),
                Cell(" and ".join(table.attributes)),
                at(table.measured_at),
                Cell(lowest, Form.NUMBER),
            )
        )
    columns = (
        Column("Version"),
        Column("Dataset"),
        Column("By"),
        Column("Measured"),
        Column("Lowest ratio", Form.NUMBER),
    )
    return listed("Counts replaced by later ones", columns, rows)
