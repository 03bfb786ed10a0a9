"""Writing evidence bundles: entries with their proofs, in one deterministic zip file."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from app.core.errors import Unavailable
from app.core.events.kinds.records import LogQuorumChanged
from app.core.ledger import consistency
from app.core.ledger.bundle import Bundle, BundledEntry, BundledStamp, encode
from app.core.ledger.bundle_audit import WITHHELD
from app.core.ledger.checkpoint import parse_checkpoint
from app.core.ledger.entry import parse
from app.core.ledger.inclusion import prove
from app.core.ledger.note import parse_note
from app.core.ledger.payload import Member
from app.core.ledger.proof_file import ProofFile, format_proof
from app.ledger import cosigned, timestamping
from app.ledger.redactions import erasures_of
from app.ledger.tiles import tile_reader
from app.verification.completing import entries_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from app.core.ledger.completeness import Complete
    from app.core.ledger.note import Verifier
    from app.ledger.snapshot import Snapshot

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The only time in a bundle: the earliest that a zip file can say."""

VERIFIER = Path(__file__).with_name("verify.py").read_bytes()
"""The program that every bundle carries, to verify it with nothing of Muniment installed."""

NO_FILES: Mapping[str, bytes] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Bundles:
    """Writes bundles as files. ``keys``: every key of the log, the newest first."""

    keys: Callable[[Snapshot], Sequence[Verifier]]
    schemas: Mapping[str, bytes]

    def __call__(
        self,
        now: Snapshot,
        indexes: Iterable[int],
        *,
        purpose: str,
        files: Mapping[str, bytes] = NO_FILES,
        kind: str = "evidence",
    ) -> bytes:
        """Write one zip file. Raises Unavailable while no checkpoint covers an entry."""
        return zip_of(
            bundle_of(
                now,
                indexes,
                self.keys(now),
                kind=kind,
                purpose=purpose,
                files=files,
                schemas=self.schemas,
                unproven={},
            )
        )


def bundle_of(
    now: Snapshot,
    indexes: Iterable[int],
    keys: Sequence[Verifier],
    *,
    kind: str,
    purpose: str,
    files: Mapping[str, bytes],
    schemas: Mapping[str, bytes],
    unproven: Mapping[str, bytes],
) -> dict[str, bytes]:
    """Collect entries with their proofs and data, against the newest checkpoint.

    ``files``: attached files that an entry here names by digest. ``schemas``: of the event
    types, by wire name; those in use are attached. Raises Unavailable while the newest
    checkpoint does not cover an entry.
    """
    made = _collected(now, _with_erasures(now, set(indexes)), keys, schemas)
    return encode(
        replace(made, kind=kind, purpose=purpose, files={**made.files, **files}, unproven=unproven)
    )


def list_of(
    now: Snapshot,
    claim: Complete,
    keys: Sequence[Verifier],
    schemas: Mapping[str, bytes],
    shows: Callable[[int], bool],
) -> dict[str, bytes]:
    """Collect all entries of a key, with what proves that none is left out.

    ``shows``: tells whether an entry's data may be disclosed; the entry itself always is.
    Raises Unavailable while the newest checkpoint does not cover them.
    """
    wanted = entries_of(now, claim)
    if claim.end:
        wanted.add(claim.end - 1)  # the checkpoint reaches at least as far as the claim
    made = _collected(now, _with_erasures(now, wanted), keys, schemas)
    entries = tuple(
        bundled if shows(parse(bundled.raw).index) else replace(bundled, members=None)
        for bundled in made.entries
    )
    purpose = f"all of {claim.key} from {claim.first} to before {claim.end}"
    return encode(replace(made, kind="list", purpose=purpose, entries=entries, complete=(claim,)))


def _collected(
    now: Snapshot, wanted: Sequence[int], keys: Sequence[Verifier], schemas: Mapping[str, bytes]
) -> Bundle:
    note, size = _checkpoint(now, wanted[-1] + 1 if wanted else 0)
    read = tile_reader(now.store, now.connection, size)
    entries = []
    types = set()
    for index in wanted:
        raw = now.store.entry_bytes(now.connection, index)
        types.add(now.entry(index).type)
        proof = format_proof(ProofFile(index, tuple(prove(index, size, read)), note))
        members = now.store.members(now.connection, index, index + 1)[index]
        entries.append(BundledEntry(raw, proof, tuple(map(_disclosed, members))))
    attached = {f"schemas/{wire}.json": schemas[wire] for wire in sorted(types) if wire in schemas}
    return Bundle(
        origin=now.store.origin,
        kind="",
        purpose="",
        checkpoint=note,
        vkeys=tuple(key.vkey() for key in keys),
        entries=tuple(entries),
        files=attached,
        verifier=VERIFIER,
        witnesses=_witnesses(now),
        stamps=_stamps(now, size, (wanted[0], wanted[-1]) if wanted else (0, -1)),
    )


def _witnesses(now: Snapshot) -> bytes | None:
    """Give the witness policy that the log says it goes by; None if it never said."""
    told = now.head(f"type:{LogQuorumChanged.TYPE}")
    return None if told is None else str(now.data(told).get("policy")).encode()


def _stamps(now: Snapshot, size: int, span: tuple[int, int]) -> tuple[BundledStamp, ...]:
    """Choose the timestamp that says most: the earliest about all entries, else the newest.

    ``size``: of the bundle's checkpoint. ``span``: the first and the last index.
    """
    first, last = span
    stamped = timestamping.sizes(now.connection)
    about_all = [one for one in stamped if one > last]
    about_some = [one for one in stamped if one > first]
    chosen = about_all[:1] or about_some[-1:]
    return tuple(_stamp(now, one, size) for one in chosen)


def _stamp(now: Snapshot, stamped: int, size: int) -> BundledStamp:
    response = timestamping.response(now.connection, stamped)
    if stamped == size:
        return BundledStamp(stamped, response)
    old, new = sorted((stamped, size))
    proof = consistency.prove(old, new, tile_reader(now.store, now.connection, new))
    note = now.store.checkpoint_from(now.connection, stamped)
    return BundledStamp(stamped, response, note, tuple(proof))


def _checkpoint(now: Snapshot, least: int) -> tuple[bytes, int]:
    """Choose the checkpoint: the newest that a quorum cosigned if it reaches, else the newest.

    ``least``: the size that it must have. Raises Unavailable.
    """
    for find in (cosigned.witnessed, cosigned.newest):
        note = find(now.store, now.connection)
        if note is not None and (size := parse_checkpoint(parse_note(note)[0]).size) >= least:
            return note, size
    if now.store.checkpoint(now.connection) is None:
        raise Unavailable("the first checkpoint is not signed yet", retry_after=1)
    raise Unavailable(f"no checkpoint covers entry {least - 1} yet", retry_after=1)


def _with_erasures(now: Snapshot, indexes: set[int]) -> list[int]:
    """Add the entries that say why members of these are not there."""
    added: set[int] = set()
    for index in indexes:
        if any(
            one.value is None for one in now.store.members(now.connection, index, index + 1)[index]
        ):
            added |= {one.index for one in erasures_of(now, index)}
    return sorted(indexes | added)


def _disclosed(member: Member) -> Member:
    """Leave out what no public bundle shows: small cells can point at a person."""
    if member.name in WITHHELD:
        return Member(member.name, member.commitment)
    return member


def zip_of(files: Mapping[str, bytes]) -> bytes:
    """Write files into a zip whose bytes depend on nothing but them."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, raw in files.items():
            member = zipfile.ZipInfo(name, EPOCH)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = 0o644 << 16
            archive.writestr(member, raw)
    return out.getvalue()
