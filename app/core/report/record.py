"""How far the report can be trusted: log extract, verification, limits, glossary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.report.document import (
    Cell,
    Column,
    Commands,
    Form,
    Pair,
    Paragraph,
    Particulars,
    Step,
    Tone,
)
from app.core.report.files import EVENTS
from app.core.report.numbers import at, count
from app.core.report.tables import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.core.report.document import Block
    from app.core.report.facts import ReportFacts
    from app.core.report.files import EmbeddedFile

GLOSSARY = (
    ("Checkpoint", "A signed statement of the log: its name, how many entries, their Merkle root."),
    ("Data digest", "SHA-256 of report.json, the data that these pages were set from."),
    ("Decision", "What the rules in force said about a version: ALLOW, DENY or PENDING, recorded."),
    ("Eligible", "A group large enough by the rules of counting for its ratio to be taken."),
    ("Entry", "One event as the log keeps it, with its number and a link to the entry before."),
    ("Evidence number", "E1, E2 and so on: stands for the log entry given in the register."),
    ("Impact ratio", "A group's selection rate over that of the most selected eligible group."),
    ("Inclusion proof", "Hashes that lead from one entry to the root that a checkpoint signs."),
    ("Interval", "Where the true value may lie, at the level that the method names."),
    ("Leaf hash", "SHA-256 of a zero byte and the bytes of an entry."),
    ("Not defined", "A quotient whose denominator is zero; it is never shown as 0."),
    ("Reported late", "Recorded more than 24 hours after it is said to have happened."),
    ("Ungated", "Went live without naming a decision that allowed it and was unused and valid."),
    ("Why-path", "The shortest chain of recorded relations from an effect back to a cause."),
)


def extract(facts: ReportFacts, events: EmbeddedFile) -> tuple[Block, ...]:
    """Return the entries with their leaf hashes; ``events`` holds all of them."""
    rows = [
        (
            Cell(str(entry.index), Form.NUMBER),
            at(entry.recorded_at),
            Cell(entry.type, Form.CODE),
            Cell(entry.subject, Form.CODE),
            Cell(entry.actor, Form.CODE),
            Cell(entry.leaf_hash, Form.CODE),
        )
        for entry in facts.entries
    ]
    columns = (
        Column("Entry", Form.NUMBER),
        Column("Recorded"),
        Column("Type"),
        Column("Subject"),
        Column("Actor"),
        Column("Leaf hash (SHA-256)"),
    )
    rest = f"all in {EVENTS}, SHA-256 {events.digest}"
    return (listed("Log entries of this report", columns, rows, wide=True, rest=rest),)


def verification(facts: ReportFacts, files: Sequence[EmbeddedFile]) -> tuple[Block, ...]:
    log = facts.log
    rows = [
        (
            Cell(file.name, Form.CODE),
            Cell(file.description),
            count(len(file.content)),
            Cell(file.digest, Form.CODE),
        )
        for file in files
    ]
    columns = (Column("File"), Column("What"), Column("Bytes", Form.NUMBER), Column("SHA-256"))
    return (
        Paragraph(
            "All three steps work without a network and without Muniment's server. The key must "
            "come from someone you trust, not from this document."
        ),
        Commands(
            (
                Step(
                    "Take the embedded files out of this document.", "pdfdetach -saveall report.pdf"
                ),
                Step(
                    "Compare: the first digest is the data digest in the foot of each page, the "
                    "second is the one given for events.jsonl below.",
                    f"sha256sum report.json {EVENTS}",
                ),
                Step(
                    "Check entries, proofs and pages against the key of the log. Exit code 0 and "
                    "only 0 means that everything holds.",
                    f"muniment verify report.bundle.zip --vkey '{log.vkey}'",
                ),
            )
        ),
        Particulars(
            (
                Pair("Log", Cell(log.origin, Form.CODE)),
                Pair("Size of the checkpoint", count(log.size)),
                Pair("Root of the checkpoint", Cell(log.root, Form.CODE)),
                Pair("Key of the log", Cell(log.vkey, Form.CODE)),
            )
        ),
        listed("Files embedded beside report.json", columns, rows),
    )


def limits(facts: ReportFacts) -> tuple[Block, ...]:
    return (
        *_missing(facts),
        Paragraph(
            "The pages carry no seal. The SHA-256 of the document is recorded in the log after it "
            "was made: the bundle, or the server, proves the pages; the document alone proves its "
            "data."
        ),
        Paragraph(
            "The log shows who said what and when, and that it was not altered since. A producer "
            "who lied, or a fabricated file of predictions, is attributed, not detected. Metrics "
            "are the producer's claims; selection counts are the service's own."
        ),
        Paragraph(
            "Everything was read at one size of the log; what was recorded afterwards is not here. "
            "Overdue and expired are judged at the time of the last entry read."
        ),
        Paragraph(
            "A character that the document's fonts do not have, or that would change the direction "
            "or the look of text around it, is printed as its code in brackets, such as [U+202E]; "
            "report.json holds the character itself."
        ),
        Paragraph("This report states records. It is not legal advice."),
    )


def _missing(facts: ReportFacts) -> Iterator[Paragraph]:
    measured = {made.model_version for made in facts.evaluations}
    counted = {table.model_version for table in facts.bias}
    decided = {made.decision.subject for made in facts.decisions}
    documented = {document.subject for document in facts.documents}
    for version in facts.versions:
        lacks = [
            name
            for name, known in (
                ("evaluation", measured),
                ("count of predictions by group", counted),
                ("decision", decided),
                ("document", documented),
            )
            if version.subject not in known
        ]
        if version.run is None:
            lacks.append("run")
        if lacks:
            yield Paragraph(f"{version.subject} has no {', no '.join(lacks)}.", tone=Tone.CAUTION)
    for dataset in facts.datasets:
        if not dataset.approvals:
            yield Paragraph(f"{dataset.subject} has no approval.", tone=Tone.CAUTION)


def glossary() -> tuple[Block, ...]:
    return (Particulars(tuple(Pair(term, Cell(meaning)) for term, meaning in GLOSSARY)),)
