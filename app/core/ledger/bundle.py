"""Evidence bundles: everything a stranger needs to check some entries, as named files.

    manifest.json               what is in it: {digest, files: {name: {sha256, size}}, format,
                                kind, origin, purpose}, canonical JSON; digest is the SHA-256
                                (hex) of the same without digest
    README.md                   how to check it, always these words
    verify.py                   a program that checks it, always these bytes; may be missing
    log/checkpoint              the signed checkpoint that all proofs lead to, with the
                                cosignatures of witnesses
    log/vkeys                   verifier keys, one a line; for information, never trusted
    log/witnesses               whom the log asks to cosign, and how many are enough (C2SP
                                tlog-policy); for information, never trusted; may be missing
    log/timestamps/<size>.tsr   an authority's answer (RFC 3161, DER) about the text of the
                                checkpoint of that size, in twelve digits; may be missing
    log/timestamps/<size>.checkpoint    that checkpoint, and
    log/timestamps/<size>.consistency   the consistency proof between it and log/checkpoint,
                                base64 of a hash a line; both only where the sizes differ
    entries/<index>.json        an entry's bytes; the index in twelve digits
    entries/<index>.tlog-proof  its inclusion proof
    members/<index>.json        its data, canonical JSON, in the order of names:
                                [{commitment (hex), name, salt (base64), value}, …] and
                                {commitment, name} for a member that is erased or withheld
    complete.json               what is here without a gap, see ``completeness``; may be missing
    files/…                     files whose SHA-256 an entry here names: as its schema, or in
                                a member of its data
    unproven/…                  files that no entry vouches for

The manifest tells a slip of the disk. It is not signed: against anybody who means it, it and
the purpose it states prove nothing. ``bundle_audit`` checks a bundle, ``app/verification``
makes one file of it.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.core.errors import Malformed, Rejected
from app.core.ledger.bundle_words import README
from app.core.ledger.canonical import canonical, name_order, parse_json
from app.core.ledger.completeness import format_claims, parse_claims
from app.core.ledger.entry import parse
from app.core.ledger.manifest import Manifest, format_manifest, parse_manifest
from app.core.ledger.note import decode_base64
from app.core.ledger.payload import Member

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.core.jsonvalue import Json
    from app.core.ledger.completeness import Complete

MANIFEST = "manifest.json"
CHECKPOINT = "log/checkpoint"
VKEYS = "log/vkeys"
FILES = "files/"
UNPROVEN = "unproven/"
COMPLETE = "complete.json"

WITNESSES = "log/witnesses"
VERIFIER = "verify.py"
README_NAME = "README.md"

_STAMP = r"log/timestamps/([0-9]{12})\.(?:tsr|checkpoint|consistency)"
_NAME = re.compile(
    r"manifest\.json|README\.md|verify\.py|complete\.json|log/(?:checkpoint|vkeys|witnesses)"
    rf"|{_STAMP}"
    r"|entries/[0-9]{12}\.(?:json|tlog-proof)|members/[0-9]{12}\.json"
    r"|(?:files|unproven)(?:/[A-Za-z0-9][A-Za-z0-9._-]{0,99}){1,8}"
)
_ENTRY = re.compile(r"entries/([0-9]{12})\.json")
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class BundledEntry:
    """An entry's bytes, its .tlog-proof, and its data: None if that is not disclosed."""

    raw: bytes
    proof: bytes
    members: tuple[Member, ...] | None = None


@dataclass(frozen=True, slots=True)
class BundledStamp:
    """A timestamp of the checkpoint of ``size``.

    ``response``: DER of a TimeStampResp. ``checkpoint``: the signed note, and ``proof``: the
    consistency proof between it and the bundle's; None and empty where that is the bundle's.
    """

    size: int
    response: bytes
    checkpoint: bytes | None = None
    proof: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Bundle:
    """``files`` and ``unproven`` by their names below those folders.

    ``verifier``: the program that checks it. ``witnesses``: a witness policy's text.
    """

    origin: str
    kind: str
    purpose: str
    checkpoint: bytes
    vkeys: tuple[str, ...]
    entries: tuple[BundledEntry, ...]
    files: Mapping[str, bytes] = field(default_factory=dict)
    unproven: Mapping[str, bytes] = field(default_factory=dict)
    complete: tuple[Complete, ...] = ()
    verifier: bytes | None = None
    witnesses: bytes | None = None
    stamps: tuple[BundledStamp, ...] = ()


def encode(bundle: Bundle) -> dict[str, bytes]:
    """Answer the bundle's files by name, in the order in which they are to be written.

    Raises Rejected for a file name that is not plain.
    """
    files: dict[str, bytes] = {
        README_NAME: README,
        CHECKPOINT: bundle.checkpoint,
        VKEYS: "".join([f"{vkey}\n" for vkey in bundle.vkeys]).encode(),
    }
    for bundled in bundle.entries:
        index = parse(bundled.raw).index
        files[entry_name(index)] = bundled.raw
        files[proof_name(index)] = bundled.proof
        if bundled.members is not None:
            files[members_name(index)] = format_members(bundled.members)
    if bundle.complete:
        files[COMPLETE] = format_claims(bundle.complete)
    if bundle.verifier is not None:
        files[VERIFIER] = bundle.verifier
    if bundle.witnesses is not None:
        files[WITNESSES] = bundle.witnesses
    for stamp in bundle.stamps:
        files |= _stamp_files(stamp)
    files |= {FILES + name: raw for name, raw in bundle.files.items()}
    files |= {UNPROVEN + name: raw for name, raw in bundle.unproven.items()}
    for name in files:
        if not is_name(name):
            raise Rejected(f"a bundle holds no file of the name {name!r}")
    listed = {
        name: (hashlib.sha256(raw).hexdigest(), len(raw)) for name, raw in sorted(files.items())
    }
    manifest = Manifest(bundle.origin, bundle.kind, bundle.purpose, listed)
    return {MANIFEST: format_manifest(manifest)} | dict(sorted(files.items()))


def _stamp_files(stamp: BundledStamp) -> dict[str, bytes]:
    files = {stamp_name(stamp.size, "tsr"): stamp.response}
    if stamp.checkpoint is not None:
        files[stamp_name(stamp.size, "checkpoint")] = stamp.checkpoint
        proof = "".join([f"{base64.b64encode(one).decode()}\n" for one in stamp.proof])
        files[stamp_name(stamp.size, "consistency")] = proof.encode()
    return files


def decode(files: Mapping[str, bytes]) -> Bundle:
    """Read a bundle's files; nothing is checked but their form.

    Raises Malformed: a file that must be there is not, or is not of its form.
    """
    manifest = parse_manifest(_required(files, MANIFEST))
    return Bundle(
        origin=manifest.origin,
        kind=manifest.kind,
        purpose=manifest.purpose,
        checkpoint=_required(files, CHECKPOINT),
        vkeys=tuple(_required(files, VKEYS).decode("utf-8", "replace").splitlines()),
        entries=tuple(_bundled(files, index) for index in entry_indexes(files)),
        files=_below(FILES, files),
        unproven=_below(UNPROVEN, files),
        complete=parse_claims(files[COMPLETE]) if COMPLETE in files else (),
        verifier=files.get(VERIFIER),
        witnesses=files.get(WITNESSES),
        stamps=tuple(_stamp(files, size) for size in stamp_sizes(files)),
    )


def _stamp(files: Mapping[str, bytes], size: int) -> BundledStamp:
    return BundledStamp(
        size,
        _required(files, stamp_name(size, "tsr")),
        files.get(stamp_name(size, "checkpoint")),
        read_hashes(files.get(stamp_name(size, "consistency"), b"")),
    )


def read_hashes(raw: bytes) -> tuple[bytes, ...]:
    """Read a consistency proof, a hash a line. Raises Malformed."""
    lines = raw.decode("utf-8", "replace").splitlines()
    return tuple(decode_base64(line, "a hash of the consistency proof") for line in lines)


def _required(files: Mapping[str, bytes], name: str) -> bytes:
    if name not in files:
        raise Malformed(f"the bundle has no {name}")
    return files[name]


def _bundled(files: Mapping[str, bytes], index: int) -> BundledEntry:
    members = files.get(members_name(index))
    return BundledEntry(
        raw=files[entry_name(index)],
        proof=_required(files, proof_name(index)),
        members=None if members is None else parse_members(members),
    )


def _below(folder: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {
        name.removeprefix(folder): raw for name, raw in files.items() if name.startswith(folder)
    }


def is_name(name: str) -> bool:
    """Whether a file of this name may be in a bundle; none can leave its folder."""
    return _NAME.fullmatch(name) is not None


def entry_name(index: int) -> str:
    return f"entries/{index:012d}.json"


def proof_name(index: int) -> str:
    return f"entries/{index:012d}.tlog-proof"


def members_name(index: int) -> str:
    return f"members/{index:012d}.json"


def stamp_name(size: int, ending: str) -> str:
    return f"log/timestamps/{size:012d}.{ending}"


def stamp_sizes(files: Mapping[str, bytes]) -> list[int]:
    """The sizes of the checkpoints that were stamped, in order."""
    found = {int(match[1]) for name in files if (match := re.fullmatch(_STAMP, name))}
    return sorted(found)


def entry_indexes(files: Mapping[str, bytes]) -> list[int]:
    """The indexes under which entries are in the bundle, in order."""
    return sorted(int(match[1]) for name in files if (match := _ENTRY.fullmatch(name)))


def format_members(members: tuple[Member, ...]) -> bytes:
    """Write a members file."""
    ordered = sorted(members, key=lambda member: name_order(member.name))
    return canonical([_member_document(member) for member in ordered])


def _member_document(member: Member) -> Json:
    document: dict[str, Json] = {"name": member.name, "commitment": member.commitment.hex()}
    if member.salt is not None and member.value is not None:
        document["salt"] = base64.b64encode(member.salt).decode()
        document["value"] = parse_json(member.value)
    return document


def parse_members(raw: bytes) -> tuple[Member, ...]:
    """Read a members file. Its values' bytes are those in the file: it must be canonical.

    Raises Malformed, Rejected or TooLarge.
    """
    document = parse_json(raw)
    if not isinstance(document, list):
        raise Malformed("a members file is a list")
    if canonical(document) != raw:
        raise Malformed("a members file is canonical JSON")
    return tuple(_parse_member(item) for item in document)


def _parse_member(item: Json) -> Member:
    match item:
        case {"name": str(name), "commitment": str(digest)} if _HASH.fullmatch(digest):
            commitment = bytes.fromhex(digest)
        case _:
            raise Malformed("a member has a name and a commitment of 64 hex digits")
    match item:
        case {"name": _, "commitment": _, "salt": str(salt), "value": value, **rest} if not rest:
            return Member(name, commitment, decode_base64(salt, "a salt"), canonical(value))
        case {"name": _, "commitment": _, **rest} if not rest:
            return Member(name, commitment)
        case _:
            raise Malformed(f"member {name!r} has both salt and value, or neither")
