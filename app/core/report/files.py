"""The files embedded in a report beside report.json: entries, proofs and decisions."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.core.report.facts import ReportFacts

EVENTS = "events.jsonl"


@dataclass(frozen=True, slots=True)
class EmbeddedFile:
    """``name`` is a plain ASCII file name, unique in the report."""

    name: str
    media_type: str
    description: str
    content: bytes

    @property
    def digest(self) -> str:
        """SHA-256 of the content, bare lower-case hex."""
        return sha256(self.content).hexdigest()


def embedded_files(facts: ReportFacts) -> tuple[EmbeddedFile, ...]:
    """Return the files in the order they are listed in the report.

    A line of events.jsonl is an entry's stored bytes, so its leaf hash is
    SHA-256(0x00 ‖ line without its newline) (RFC 6962, section 2.1).
    """
    lines = "".join(f"{entry.line}\n" for entry in facts.entries)
    files = [
        EmbeddedFile(EVENTS, "application/jsonl", "The log entries of this report", lines.encode()),
        EmbeddedFile(
            "checkpoint.txt",
            "text/plain",
            "The signed checkpoint this report was read at",
            facts.log.checkpoint.encode(),
        ),
    ]
    files += [
        EmbeddedFile(
            f"entry-{proof.index}.tlog-proof",
            "text/plain",
            f"Inclusion proof of entry {proof.index}",
            proof.text.encode(),
        )
        for proof in facts.proofs
    ]
    files += [
        EmbeddedFile(
            f"decision-{made.index}.json",
            "application/json",
            f"The decision recorded at entry {made.index}",
            made.document.encode(),
        )
        for made in facts.decisions
    ]
    return tuple(files)
