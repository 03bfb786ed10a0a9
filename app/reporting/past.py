"""The log as it was at one size, read subject by subject."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.errors import Unavailable
from app.core.events import parse_event
from app.core.ledger.checkpoint import parse_checkpoint
from app.core.ledger.inclusion import prove
from app.core.ledger.note import parse_note
from app.core.ledger.proof_file import ProofFile, format_proof
from app.core.report.logged import LoggedEntry, LogPosition, Proof
from app.ledger.ports import Recorded
from app.ledger.tiles import tile_reader

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.ledger.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Past:
    """The first ``size`` entries of the log that ``now`` shows."""

    now: Snapshot
    size: int

    def of(self, subject: str) -> tuple[Recorded, ...]:
        """Read what was said about a subject, in order."""
        found = []
        index = self.now.head(subject)
        while index is not None:
            entry = self.now.entry(index)
            if index < self.size:
                found.append(Recorded(index, entry, parse_event(entry.type, self.now.data(index))))
            index = entry.subject_prev
        return tuple(reversed(found))

    def indexes_of(self, subjects: Iterable[str]) -> set[int]:
        """Find the entries about any of the subjects."""
        found = set()
        for subject in subjects:
            index = self.now.head(subject)
            while index is not None:
                if index < self.size:
                    found.add(index)
                index = self.now.entry(index).subject_prev
        return found

    def logged(self, index: int) -> LoggedEntry:
        """Read an entry as a report lists it."""
        store, connection = self.now.store, self.now.connection
        entry, leaf = store.entry(connection, index)
        return LoggedEntry(
            index=index,
            type=entry.type,
            subject=entry.subject,
            occurred_at=entry.occurred_at,
            recorded_at=entry.recorded_at,
            actor=f"{entry.actor.kind}:{entry.actor.id}",
            leaf_hash=leaf.hex(),
            line=store.entry_bytes(connection, index).decode(),
        )

    def position(self, vkey: str) -> LogPosition:
        """Find the smallest checkpoint that covers the entries. Raises Unavailable."""
        note = self._note()
        text = parse_note(note)[0]
        checkpoint = parse_checkpoint(text)
        return LogPosition(
            origin=checkpoint.origin,
            read=self.size,
            size=checkpoint.size,
            root=checkpoint.root.hex(),
            checkpoint=note.decode(),
            vkey=vkey,
        )

    def proof(self, index: int) -> Proof:
        """Prove an entry against that checkpoint. Raises Unavailable."""
        note = self._note()
        size = parse_checkpoint(parse_note(note)[0]).size
        hashes = prove(index, size, tile_reader(self.now.store, self.now.connection, size))
        return Proof(index, format_proof(ProofFile(index, tuple(hashes), note)).decode())

    def _note(self) -> bytes:
        note = self.now.store.checkpoint_from(self.now.connection, self.size)
        if note is None:
            raise Unavailable(f"no checkpoint covers {self.size} entries yet", retry_after=1)
        return note
