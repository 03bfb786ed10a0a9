"""What the report is about: purpose, lineage, data, training, documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.report.document import (
    Cell,
    Column,
    Form,
    Heading,
    Pair,
    Paragraph,
    Particulars,
    PathDrawing,
    Stop,
    Tone,
)
from app.core.report.numbers import NO_RECORD, at, count, plural
from app.core.report.tables import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.core.report.document import Block
    from app.core.report.facts import DatasetFacts, ReportFacts, RunFacts
    from app.core.report.paths import PathNode
    from app.core.report.register import Register

STOPS_A_DRAWING = 10
"""As many boxes as fit on a page below one another."""


def purpose(facts: ReportFacts, register: Register) -> tuple[Block, ...]:
    model = facts.model
    evidence = register.cite(model.index)
    rows = [
        (
            Cell(version.subject, Form.CODE, evidence=register.cite(version.index)),
            Cell(version.framework),
            Cell(version.base_model or "none", Form.CODE if version.base_model else Form.TEXT),
            Cell(version.digest, Form.CODE),
        )
        for version in facts.versions
    ]
    columns = (Column("Version"), Column("Framework"), Column("Base model"), Column("Digest"))
    return (
        Particulars(
            (
                Pair("Model", Cell(model.subject, Form.CODE, evidence=evidence)),
                Pair("Purpose", Cell(model.purpose)),
                Pair("Owner", Cell(model.owner)),
                Pair("Team", Cell(model.team or NO_RECORD)),
                Pair("Risk tier", Cell(model.risk_tier)),
                Pair("Model card", Cell(model.card or NO_RECORD)),
            )
        ),
        listed("Versions in this report", columns, rows),
    )


def lineage(facts: ReportFacts, register: Register) -> tuple[Block, ...]:
    """Return each why-path drawn and as a table, then everything the versions go back to."""
    blocks: list[Block] = []
    for path in facts.lineage.paths:
        blocks += _path(path, register)
    rows = [
        (
            Cell(source.label, Form.CODE, evidence=register.cite(source.index)),
            Cell(source.kind),
            count(source.distance),
        )
        for source in facts.lineage.sources
    ]
    columns = (Column("Source"), Column("Kind"), Column("Steps away", Form.NUMBER))
    complete = facts.lineage.status == "complete"
    return (
        *(blocks or [Paragraph(f"{NO_RECORD}: a path from a version to its sources.")]),
        listed("Everything the versions go back to", columns, rows),
        Paragraph(
            f"The lineage answer was {facts.lineage.status}.",
            tone=Tone.NEUTRAL if complete else Tone.CAUTION,
        ),
    )


def _path(path: Sequence[PathNode], register: Register) -> Iterator[Block]:
    first, last = path[0].label, path[-1].label
    yield Heading(f"Why {last} is behind {first}")
    for start in range(0, len(path), STOPS_A_DRAWING):
        part = path[start : start + STOPS_A_DRAWING]
        stops = tuple(Stop(node.kind, node.label, node.relation) for node in part)
        title = f"Path from {part[0].label} to {part[-1].label}; the table after it says the same."
        yield PathDrawing(title, stops)
    rows = [
        (
            Cell(node.label, Form.CODE, evidence=register.cite(node.index)),
            Cell(node.kind),
            Cell(node.relation.replace("_", " ") or "end of the path"),
        )
        for node in path
    ]
    columns = (Column("From effect to cause"), Column("Kind"), Column("Relation to the next"))
    yield listed(f"Path from {first} to {last}", columns, rows)


def data(facts: ReportFacts, register: Register) -> tuple[Block, ...]:
    blocks: list[Block] = []
    for dataset in facts.datasets:
        blocks += _dataset(dataset, facts, register)
    return tuple(blocks) or (Paragraph(f"{NO_RECORD}: a dataset version."),)


def _dataset(dataset: DatasetFacts, facts: ReportFacts, register: Register) -> Iterator[Block]:
    personal = [column.name for column in dataset.columns if "pii" in column.tags]
    derived = ", ".join(dataset.derived_from)
    yield Heading(dataset.subject)
    yield Particulars(
        (
            Pair("Description", Cell(dataset.description)),
            Pair("Owner", Cell(dataset.owner)),
            Pair("Licence", Cell(dataset.licence)),
            Pair("Digest", Cell(dataset.digest, Form.CODE, evidence=register.cite(dataset.index))),
            Pair("Location", Cell(dataset.uri, Form.CODE)),
            Pair("Rows", count(dataset.rows)),
            Pair("Bytes", count(dataset.size)),
            Pair("Derived from", Cell(derived or "nothing recorded")),
            Pair("Columns tagged pii", Cell(", ".join(personal) or "none tagged")),
        )
    )
    columns = (
        Column("Approved by"),
        Column("Role"),
        Column("Granted"),
        Column("Conditions"),
        Column("State", Form.STATUS),
    )
    rows = []
    for approval in dataset.approvals:
        state = Cell("in force", Form.STATUS, Tone.GOOD)
        if approval.revoked is not None:
            state = Cell("revoked", Form.STATUS, Tone.BAD, None, register.cite(approval.revoked))
        elif approval.until and approval.until <= facts.as_of:
            state = Cell("expired", Form.STATUS, Tone.BAD)
        rows.append(
            (
                Cell(approval.approver, evidence=register.cite(approval.index)),
                Cell(approval.role),
                at(approval.granted_at),
                Cell(approval.conditions or "none"),
                state,
            )
        )
    yield listed(f"Approvals of {dataset.subject}", columns, rows)
    yield listed(
        f"Columns of {dataset.subject}",
        (Column("Column"), Column("Type"), Column("Tags")),
        [
            (
                Cell(column.name, Form.CODE),
                Cell(column.type),
                Cell(", ".join(column.tags) or "none"),
            )
            for column in dataset.columns
        ],
    )


def training(facts: ReportFacts, register: Register) -> tuple[Block, ...]:
    blocks: list[Block] = []
    runs = {run.subject: run for run in facts.runs}
    for version in facts.versions:
        blocks.append(Heading(version.subject))
        inputs = ", ".join(version.trained_on) or "nothing recorded"
        pairs = [
            Pair("Trained on", Cell(inputs, evidence=register.cite(version.index))),
            Pair("Artifact", Cell(version.uri, Form.CODE)),
        ]
        run = runs.get(version.run or "")
        if run is None:
            pairs.append(Pair("Run", Cell(NO_RECORD, tone=Tone.CAUTION)))
        else:
            pairs += _run(run, register)
        blocks.append(Particulars(tuple(pairs)))
    return tuple(blocks) or (Paragraph(f"{NO_RECORD}: a model version."),)


def _run(run: RunFacts, register: Register) -> Iterator[Pair]:
    yield Pair("Run", Cell(run.subject, Form.CODE, evidence=register.cite(run.index)))
    yield Pair("Kind", Cell(run.kind))
    yield Pair("Started", at(run.started_at))
    if run.finished_at:
        yield Pair("Finished", at(run.finished_at, *register.cite(run.finish)))
    yield Pair("Status", Cell(run.status or "not finished"))
    yield Pair("Code", Cell(run.code or NO_RECORD, Form.CODE))
    for name, value in run.environment:
        yield Pair(f"Environment: {name}", Cell(value))
    for name, value in run.parameters:
        yield Pair(f"Parameter: {name}", Cell(value))


def documents(facts: ReportFacts, register: Register) -> tuple[Block, ...]:
    rows = [
        (
            Cell(document.title, evidence=register.cite(document.index)),
            Cell(document.kind),
            Cell(document.subject, Form.CODE),
            Cell(f"{document.media_type}, {plural(document.size, 'byte')}"),
            Cell(document.digest, Form.CODE),
        )
        for document in facts.documents
    ]
    columns = (Column("Title"), Column("Kind"), Column("Of"), Column("File"), Column("Digest"))
    return (listed("Documents recorded", columns, rows),)
