"""Verify the evidence bundle that this file lies in: standard library and `cryptography` alone.

    python3 -I verify.py --vkey KEY [BUNDLE]

A program from inside the thing it verifies proves nothing by itself: compare its SHA-256 with
the one that is published beside the log's key, or take this file from somewhere else.

Written apart from Muniment's own verifier, from docs/formats; both end with the same code:
0 valid, 10 altered, 12 forked, 13 signature or key, 14 not proven, 2 usage. Without a trusted
key never 0.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import math
import re
import sys
import zipfile
import zlib
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:  # then nothing can be proven, which is not exit code 1
    sys.stderr.write("verify.py needs the Python package `cryptography`\n")
    sys.exit(14)

VALID, ALTERED, FORKED, BAD_SIGNATURE, MISSING = 0, 10, 12, 13, 14
WORDS = {
    FORKED: "FORKED",
    BAD_SIGNATURE: "BAD SIGNATURE OR KEY",
    ALTERED: "ALTERED",
    MISSING: "NOT PROVEN",
}
READMES = (
    "42981957e495e76a7e69cef1f2e2c4a0b56bb6ec33a7980f381bd9b3072da904",
    "4278f931f794560f01838529e7df1a960890f838f98a14ce6afada5fecb3f915",
)
"""SHA-256 of the words that README.md has had."""

EARLIER: tuple[str, ...] = ()
"""SHA-256 of the verifiers that older bundles hold."""

WITHHELD = ("cells",)
MAX_INT, MAX_DEPTH, MAX_NOTE = 2**53 - 1, 64, 1_000_000
LARGEST, MOST_FILES = 2**28, 400_000

HASH = r"[0-9a-f]{64}"
TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z"
UUID7 = r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
EVENT_TYPE = r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+\.v[1-9][0-9]*"
SOURCE = r"api|cli|service|intake/[a-z0-9][a-z0-9._-]{0,99}"
AUTH = r"password|password\+totp|passkey|token|session|local|none"
STAMP = re.compile(r"log/timestamps/([0-9]{12})\.(tsr|checkpoint|consistency)")
NAME = re.compile(
    r"manifest\.json|README\.md|verify\.py|complete\.json|log/(?:checkpoint|vkeys|witnesses)"
    rf"|{STAMP.pattern}|entries/[0-9]{{12}}\.(?:json|tlog-proof)|members/[0-9]{{12}}\.json"
    r"|(?:files|unproven)(?:/[A-Za-z0-9][A-Za-z0-9._-]{0,99}){1,8}"
)
DIGEST = re.compile(rf'"(?:sha256:)?({HASH})"'.encode())


class Wrong(Exception):  # noqa: N818 - what is wrong, as a sentence
    """Bytes that are not what they should be. ``code``: the outcome that it leads to."""

    def __init__(self, detail: str, code: int = ALTERED) -> None:
        super().__init__(detail)
        self.code = code


class Report:
    """What was checked and what was found, in order."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.found: list[tuple[int, str]] = []
        self.told = 0

    def wrong(self, code: int, detail: str) -> None:
        """Note one thing that is wrong."""
        self.found.append((code, detail))

    def end(self, title: str, meaning: str, *, unchecked: bool = False) -> None:
        """End a check: it passed unless something was found since the one before it."""
        new, self.told = self.found[self.told :], len(self.found)
        state = "FAILED" if new else "not checked" if unchecked else "ok"
        number = 1 + sum(not line.startswith(" " * 5) for line in self.lines)
        self.lines.append(f"{number:>3}. {title}: {state} - {meaning}")
        self.lines += [f"     {detail}" for _, detail in new]

    def note(self, text: str) -> None:
        """Say what is as it should be, and worth knowing."""
        self.lines.append(f"     {text}")

    def outcome(self) -> int:
        """Tell the gravest outcome."""
        codes = {code for code, _ in self.found}
        return next((code for code in WORDS if code in codes), VALID)


# JSON, strictly read (RFC 8259, RFC 7493) and canonically written (RFC 8785).


def parse_json(raw: bytes) -> object:
    """Read one JSON text. Raises Wrong."""
    try:
        value = json.loads(
            raw.decode(),
            object_pairs_hook=_pairs,
            parse_int=_whole,
            parse_float=_real,
            parse_constant=_constant,
        )
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise Wrong("it is not JSON") from None
    if deeper(value, MAX_DEPTH):
        raise Wrong("it is nested too deeply")
    if b"\\u" in raw:
        canonical(value)  # refuses half a surrogate pair
    return value


def _pairs(members: list[tuple[str, object]]) -> dict[str, object]:
    if len(dict(members)) != len(members):
        raise Wrong("a member is named twice")
    return dict(members)


def _whole(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > MAX_INT:
        raise Wrong("an integer lies beyond 2^53 - 1")
    return int(text)


def _real(text: str) -> float:
    number = float(text)
    if math.isinf(number) or MAX_INT < abs(number) < 1e21:
        raise Wrong("a number is too large")
    return number


def _constant(name: str) -> object:
    raise Wrong(f"{name} is no number")


def deeper(value: object, levels: int) -> bool:
    """Tell whether arrays and objects are nested in more than so many levels."""
    if not isinstance(value, (dict, list)):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return not levels or any(deeper(one, levels - 1) for one in inner)


def canonical(value: object) -> bytes:
    """Write JSON in the one way that RFC 8785 allows. Raises Wrong for half a surrogate."""
    try:
        return written(value).encode()
    except UnicodeEncodeError:
        raise Wrong("a string holds half a surrogate pair") from None


def written(value: object) -> str:
    """Write a JSON value."""
    if isinstance(value, dict):
        names = sorted(value, key=utf16)
        members = [f"{written(name)}:{written(value[name])}" for name in names]
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(written, value)) + "]"
    if isinstance(value, float):
        return number(value)
    return json.dumps(value, ensure_ascii=False)


def utf16(name: str) -> bytes:
    """Sort key of names: by UTF-16 code units (RFC 8785, 3.2.3)."""
    return name.encode("utf-16-be", "surrogatepass")


def number(value: float) -> str:
    """Write a double as ECMAScript does: repr has the digits, the layout is another."""
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, power = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(power or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    if point > 21 or point < -5:
        tail = f".{digits[1:]}" if digits[1:] else ""
        return f"{sign}{digits[0]}{tail}e{point - 1:+d}"
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    if point >= len(digits):
        return sign + digits.ljust(point, "0")
    return f"{sign}{digits[:point]}.{digits[point:]}"


def decoded(text: str) -> bytes:
    """Read base64 that is written the one canonical way. Raises Wrong."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raise Wrong("it is not base64") from None
    if base64.b64encode(raw).decode() != text:
        raise Wrong("it is not canonical base64")
    return raw


# The tree (RFC 6962, 2.1) and its proofs (RFC 9162, 2.1.3.2 and 2.1.4.2).


def sha256(raw: bytes) -> bytes:
    """Hash bytes."""
    return hashlib.sha256(raw).digest()


def node(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees into one."""
    return sha256(b"\x01" + left + right)


def tree(leaves: list[bytes]) -> bytes:
    """Hash a tree of leaf hashes: pair by pair, level by level, an odd one goes up as it is."""
    if not leaves:
        return sha256(b"")
    while len(leaves) > 1:
        pairs = [leaves[at : at + 2] for at in range(0, len(leaves), 2)]
        leaves = [node(*pair) if len(pair) == 2 else pair[0] for pair in pairs]
    return leaves[0]


def check_inclusion(leaf: bytes, index: int, size: int, proof: list[bytes], root: bytes) -> None:
    """Check that a leaf hash is at ``index`` of a tree: walk from the root down, then fold up."""
    if not index < size:
        raise Wrong(f"entry {index} is not in a log of {size} entries")
    turns, left, count = [], index, size
    while count > 1:
        middle = 1 << (count - 1).bit_length() - 1
        turns.append(left >= middle)
        left, count = (left - middle, count - middle) if left >= middle else (left, middle)
    if len(turns) != len(proof):
        raise Wrong("the proof has a wrong length")
    for is_right, sibling in zip(reversed(turns), proof, strict=True):
        leaf = node(sibling, leaf) if is_right else node(leaf, sibling)
    if leaf != root:
        raise Wrong("the proof leads to another root")


def check_growth(old: int, old_root: bytes, new: int, new_root: bytes, proof: list[bytes]) -> None:
    """Check a consistency proof: the first ``old`` leaves of the new tree are the old tree."""
    hashes = list(proof)

    def subtree(first: int, count: int, *, whole: bool) -> tuple[bytes, bytes]:
        """Fold leaves of the new tree: what the old tree has of them, and all of them."""
        if old - first == count:
            root = old_root if whole else hashes.pop(0)
            return root, root
        middle = 1 << (count - 1).bit_length() - 1
        if old - first <= middle:
            was, now = subtree(first, middle, whole=whole)
            return was, node(now, hashes.pop(0))
        was, now = subtree(first + middle, count - middle, whole=False)
        left = hashes.pop(0)
        return node(left, was), node(left, now)

    try:
        ours = subtree(0, new, whole=True) if old else (sha256(b""), new_root)
    except IndexError:
        raise Wrong("the consistency proof is too short") from None
    if hashes or ours != (old_root, new_root):
        raise Wrong("the consistency proof leads elsewhere")


# Signed notes, checkpoints, keys (C2SP signed-note, tlog-checkpoint, tlog-cosignature).


class Key:
    """A verifier key: of a log (kind 1) or of a witness (kind 4)."""

    def __init__(self, text: str, kind: int = 1) -> None:
        parts = text.split("+", 2)
        raw = decoded(parts[2]) if len(parts) == 3 else b""
        if len(raw) != 33 or raw[0] != kind:
            raise Wrong(f"{text[:100]!r} is no verifier key of its kind")
        self.name, self.vkey, self.public = named(parts[0]), text, raw[1:]
        self.key_id = sha256(self.name.encode() + b"\n" + raw)[:4]
        if self.key_id.hex() != parts[1]:
            raise Wrong(f"the verifier key's id is {self.key_id.hex()}")

    def signed(self, signature: bytes, message: bytes) -> bool:
        """Tell whether the key signed the message (Ed25519, RFC 8032)."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            return False
        return True


def named(name: str) -> str:
    """Check the name of a log or a key. Raises Wrong."""
    size = len(name.encode("utf-8", "replace"))
    if not 0 < size <= 255 or "+" in name or " " in name or not name.isprintable():
        raise Wrong(f"{name[:100]!r} cannot name a log")
    return name


def parse_note(raw: bytes) -> tuple[str, list[tuple[str, bytes]]]:
    """Take a note apart: its text, and (name, key id and signature) of each line."""
    try:
        text, empty, lines = raw.decode().rpartition("\n\n")
    except UnicodeDecodeError:
        raise Wrong("the note is not UTF-8") from None
    signatures = []
    if len(raw) > MAX_NOTE or re.search(r"[\x00-\x09\x0b-\x1f]", raw.decode()):
        raise Wrong("the note is too long or holds a control character")
    if not empty or not lines.endswith("\n") or lines.count("\n") > 100:
        raise Wrong("the note has no signatures after an empty line, or too many")
    for line in lines[:-1].split("\n"):
        dash, _, rest = line.partition(" ")
        name, blank, blob = rest.partition(" ")
        if dash != "\N{EM DASH}" or not blank or len(decoded(blob)) <= 4:
            raise Wrong("a signature line is not a dash, a name and base64")
        signatures.append((named(name), decoded(blob)))
    return text + "\n", signatures


class Checkpoint:
    """What a log says of itself: origin, size, root. Read from a note; nothing verified yet."""

    def __init__(self, raw: bytes) -> None:
        self.text, self.signatures = parse_note(raw)
        self.proven = False
        self.rests_on: list[Span] = []
        lines = self.text.split("\n")
        if len(lines) != 4 or lines[3] or not re.fullmatch("0|[1-9][0-9]{0,15}", lines[1]):
            raise Wrong("a checkpoint has three lines: origin, size, root")
        self.origin, self.size, self.root = named(lines[0]), int(lines[1]), decoded(lines[2])
        if len(self.root) != 32 or self.size > MAX_INT:
            raise Wrong("a checkpoint's root has 32 bytes, its size is below 2^53")

    def verify(self, spans: list[Span]) -> None:
        """Check that a key of the log itself signed, and may sign that size. Raises Wrong."""
        keys = {(span.key.name, span.key.key_id): span.key for span in spans}
        signed_by = []
        for name, blob in self.signatures:
            key = keys.get((name, blob[:4]))
            if key is not None and not key.signed(blob[4:], self.text.encode()):
                raise Wrong(f"the signature of {key.vkey} does not verify", BAD_SIGNATURE)
            if key is not None and name == self.origin:
                signed_by.append(key.vkey)
        ours = [one for one in spans if one.key.vkey in signed_by]
        told = [one.objection(self.size) for one in ours]
        if not told or all(told):
            detail = told[0] if told else "no key that you trust signed the checkpoint"
            raise Wrong(str(detail), BAD_SIGNATURE)
        self.rests_on = [one for one in ours if one.objection(self.size) is None]

    def check_pinned(self) -> None:
        """Check, where only keys signed that were revoked later, that the log had this tree.

        Whoever stole a key can still sign a smaller tree than the one it was revoked at.
        """
        pinned = [one for one in self.rests_on if one.pinned is not None]
        if any(one.revoked is None for one in self.rests_on) or not pinned:
            return
        if any((one.revoked, one.pinned) == (self.size, self.root) for one in pinned):
            return
        if any(one.revoked == self.size for one in pinned):
            raise Wrong("a key signed it that was revoked; the log had another tree", BAD_SIGNATURE)
        raise Wrong("it rests on a key that was revoked: whoever stole it could sign it", MISSING)


class Span:
    """A trusted key and the sizes that it may sign."""

    def __init__(self, key: Key, document: dict[str, object] | None = None) -> None:
        self.key = key
        told = document or {}
        sizes = [told.get(name) for name in ("from_size", "to_size", "revoked_at_size")]
        names = {"vkey", "from_size", "to_size", "revoked_at_size", "revoked_root"}
        if not told.keys() <= names or not all(one is None or is_count(one) for one in sizes):
            raise Wrong("a trusted key has a vkey, from_size, to_size, revoked_at_size")
        self.first, self.last, self.revoked = sizes
        first = self.first if isinstance(self.first, int) else 0
        if isinstance(self.last, int) and self.last < first:
            raise Wrong("a trusted key ends before it begins")
        root = told.get("revoked_root")
        self.pinned = decoded(root) if isinstance(root, str) else None
        if root is not None and (self.revoked is None or len(self.pinned or b"") != 32):
            raise Wrong("a revoked_root has 32 bytes, and stands beside a revoked_at_size")

    def objection(self, size: int) -> str | None:
        """Tell why this key may not sign a tree of that size; None if it may."""
        for limit, late in ((self.revoked, "revoked"), (self.last, "at its end")):
            if isinstance(limit, int) and size > limit:
                return f"{self.key.vkey} was {late} at size {limit}; it signed size {size}"
        if isinstance(self.first, int) and size < self.first:
            return f"{self.key.vkey} signs from size {self.first} on, not size {size}"
        return None


def is_count(value: object) -> bool:
    """Tell whether a JSON value is a whole number from 0 on."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_INT


def read_trust(raw: bytes) -> list[Span]:
    """Read trusted keys: a trust file, or one verifier key a line. Raises Wrong."""
    if not raw.lstrip().startswith(b"{"):
        lines = raw.decode("utf-8", "replace").splitlines()
        return [Span(Key(line.strip())) for line in lines if line.strip()]
    document = parse_json(raw)
    if (
        not isinstance(document, dict)
        or not document.keys() <= {"log", "approvals"}
        or not isinstance(document.get("log"), list)
    ):
        raise Wrong("a trust file is an object with the keys of the log")
    spans = []
    for item in document["log"]:
        if not isinstance(item, dict) or not isinstance(item.get("vkey"), str):
            raise Wrong("a trusted key has a vkey")
        spans.append(Span(Key(item["vkey"]), item))
    return spans


def fresh(key: Key, known: list[bytes]) -> bytes:
    """Check that a key has not been there before. Raises Wrong."""
    if key.public in known:
        raise Wrong("the same key stands in a line before it")
    return key.public


class Policy:
    """Which witnesses must have cosigned (C2SP tlog-policy)."""

    def __init__(self, raw: bytes) -> None:
        self.witnesses: dict[str, Key] = {}
        self.groups: dict[str, tuple[int, list[str]]] = {}
        self.quorum = ""
        self.logs: list[bytes] = []
        if len(raw) > 100_000:
            raise Wrong("a witness policy has at most 100,000 bytes")
        for line in raw.decode().split("\n"):
            if re.search(r"[\x00-\x08\x0b-\x1f\x7f]", line):
                raise Wrong("it holds a control character")
            words = [word for word in re.split(r"[ \t]+", line) if word]
            if words and not words[0].startswith("#"):
                self.read(words)
        if not self.quorum:
            raise Wrong("there is no quorum line")

    def read(self, words: list[str]) -> None:
        """Read a line's words. Raises Wrong."""
        known = {*self.witnesses, *self.groups}
        match words:
            case ["log", vkey, *url] if len(url) < 2:
                self.logs.append(fresh(Key(vkey), self.logs))
            case ["witness", name, vkey, *url] if len(url) < 2 and name not in known | {"none"}:
                key = Key(vkey, 4)
                fresh(key, [one.public for one in self.witnesses.values()])
                self.witnesses[name] = key
            case ["group", name, count, *members] if members and name not in known | {"none"}:
                least = {"any": "1", "all": str(len(members))}.get(count, count)
                if not set(members) <= known or len(set(members)) != len(members):
                    raise Wrong("a group names what stands before it, once")
                if not re.fullmatch("[1-9][0-9]{0,5}", least) or int(least) > len(members):
                    raise Wrong("a group needs all, any or a number of its members")
                self.groups[name] = (int(least), members)
            case ["quorum", name] if name in known | {"none"} and not self.quorum:
                self.quorum = name
            case _:
                raise Wrong(f"it is no log, witness, group or quorum: {words[0][:100]!r}")

    def cosigned(self, checkpoint: Checkpoint) -> dict[str, int]:
        """Verify the witnesses' lines: when each cosigned, by its name here. Raises Wrong."""
        found: dict[str, int] = {}
        for name, blob in checkpoint.signatures:
            for label, key in self.witnesses.items():
                if (name, blob[:4]) == (key.name, key.key_id):
                    at = int.from_bytes(blob[4:12], "big")
                    message = f"cosignature/v1\ntime {at}\n{checkpoint.text}".encode()
                    if len(blob) != 76 or at >= 2**63 or not key.signed(blob[12:], message):
                        detail = f"the cosignature of {key.vkey} does not verify"
                        raise Wrong(detail, BAD_SIGNATURE)
                    found.setdefault(label, at)
        return found

    def met(self, cosigned: dict[str, int]) -> bool:
        """Tell whether the quorum is met by these witnesses."""
        met = {"none", *cosigned}
        for name, (least, members) in self.groups.items():
            if len(met & set(members)) >= least:
                met.add(name)
        return self.quorum in met


# Entries and their data (docs/formats/entry.md, commitment.md, proof.md).


def parse_entry(raw: bytes) -> dict[str, Any]:
    """Read an entry's bytes: canonical JSON, of these members and no others. Raises Wrong."""
    entry = parse_json(raw)
    forms = {"prev": HASH, "schema": HASH, "id": UUID7, "type": EVENT_TYPE, "source": SOURCE}
    forms |= {"occurred_at": TIME, "recorded_at": TIME, "idem": HASH, "log": "(?s:.*)"}
    names = {*forms, "actor", "data", "index", "subject", "subject_prev", "type_prev", "v"}
    if len(raw) > 65_535 or not isinstance(entry, dict) or entry.keys() != names:
        raise Wrong("the entry has other members than an entry's")
    actor, data = entry["actor"], entry["data"]
    fine = (
        isinstance(actor, dict)
        and isinstance(data, dict)
        and actor.keys() == {"auth", "id", "kind"}
        and data.keys() == {"bytes", "members", "root"}
        and all(
            isinstance(entry[name], str) and re.fullmatch(form, entry[name])
            for name, form in forms.items()
            if name != "idem" or entry["idem"] is not None
        )
        and all(is_count(one) for one in (entry["index"], data["bytes"], data["members"]))
        and all(
            entry[name] is None or (is_count(entry[name]) and entry[name] < entry["index"])
            for name in ("subject_prev", "type_prev")
        )
        and all(isinstance(one, str) for one in (*actor.values(), data["root"], entry["subject"]))
        and all(one and one.isprintable() for one in (actor["id"], entry["subject"]))
        and re.fullmatch(AUTH, actor["auth"])
        and re.fullmatch("person|service|workload", actor["kind"])
        and re.fullmatch(HASH, data["root"])
        and entry["v"] == 1
    )
    if not fine or canonical(entry) != raw:
        raise Wrong("a member of the entry has a wrong form, or its bytes are not canonical")
    named(entry["log"])
    try:
        for name in ("occurred_at", "recorded_at"):
            datetime.strptime(entry[name], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    except ValueError:
        raise Wrong("there is no such time") from None
    return entry


def parse_proof(raw: bytes) -> tuple[int, list[bytes], bytes]:
    """Read a .tlog-proof file: index, hashes, checkpoint. Raises Wrong."""
    head, empty, checkpoint = raw.partition(b"\n\n")
    lines = head.decode("ascii", "replace").split("\n")
    if not empty or lines.pop(0) != "c2sp.org/tlog-proof@v1" or len(raw) > 2 * MAX_NOTE:
        raise Wrong("it is no tlog-proof, or has no checkpoint")
    if lines and lines[0].startswith("extra "):
        decoded(lines.pop(0).removeprefix("extra "))
    if not lines or not re.fullmatch("index (0|[1-9][0-9]{0,15})", lines[0]):
        raise Wrong("the proof file has no index in its place")
    hashes = [decoded(line) for line in lines[1:]]
    if len(hashes) > 53 or any(len(one) != 32 for one in hashes):
        raise Wrong("a hash of the proof has 32 bytes")
    return int(lines[0][6:]), hashes, checkpoint


class Member:
    """One member of an entry's data: disclosed with salt and value, or closed."""

    def __init__(self, item: object) -> None:
        names = {"name", "commitment"}
        if not isinstance(item, dict) or item.keys() not in (names, names | {"salt", "value"}):
            raise Wrong("a member has name and commitment, and both salt and value or neither")
        self.name, commitment, salt = item["name"], item["commitment"], item.get("salt", "")
        if not all(isinstance(one, str) for one in (self.name, commitment, salt)):
            raise Wrong("a member's name, commitment and salt are strings")
        if not re.fullmatch(HASH, commitment):
            raise Wrong("a member's commitment is 64 hex digits")
        self.commitment, self.open = bytes.fromhex(commitment), "salt" in item
        self.salt, self.value = decoded(salt), item.get("value")
        self.raw = canonical(self.value) if self.open else b""

    def holds(self) -> bool:
        """Tell whether the commitment was made for this name, value and salt, where disclosed."""
        bound = b"muniment-member/1\0" + self.salt + b"[%b,%b]" % (canonical(self.name), self.raw)
        return not self.open or (len(self.salt) == 32 and sha256(bound) == self.commitment)


def parse_members(raw: bytes) -> list[Member]:
    """Read a members file. Raises Wrong."""
    document = parse_json(raw)
    if not isinstance(document, list) or canonical(document) != raw:
        raise Wrong("a members file is a list, in canonical JSON")
    return [Member(item) for item in document]


def check_data(place: str, data: dict[str, Any], members: list[Member]) -> list[str]:
    """Tell what differs between an entry's data and what the entry commits to."""
    wrong = [
        f"{place}, member {one.name}: the value, its salt or its commitment was changed"
        for one in members
        if not one.holds()
    ]
    by_name = {one.name: one.commitment for one in members}
    if len(members) != data["members"] or len(by_name) != data["members"]:
        return [*wrong, f"{place}: {len(members)} members, {data['members']} committed to"]
    leaves = [sha256(b"\x00" + by_name[name]) for name in sorted(by_name, key=utf16)]
    if tree(leaves).hex() != data["root"]:
        return wrong or [f"{place}: the members are not those that the entry commits to"]
    if all(one.open for one in members):
        whole = canonical({one.name: one.value for one in members})
        if len(whole) != data["bytes"]:
            wrong.append(f"{place}: the data has {len(whole)} bytes, not {data['bytes']}")
    return wrong


# The bundle (docs/formats/bundle.md).


class Bundle:
    """The checks of a bundle, each made as far as it can be, whatever the others found."""

    def __init__(self, files: dict[str, bytes], trusted: list[Span]) -> None:
        self.files, self.trusted, self.report = files, trusted, Report()
        self.checkpoint: Checkpoint | None = None
        self.entries: dict[int, dict[str, Any]] = {}
        self.proven: set[int] = set()
        self.members: dict[int, list[Member]] = {}
        self.vouched: set[str] = set()
        self.indexes = sorted(
            int(name[8:20]) for name in files if re.fullmatch(r"entries/[0-9]{12}\.json", name)
        )

    def verify(self, asked: Policy | None) -> Report:
        """Make all checks."""
        if "log/checkpoint" in self.files:
            self.checkpoint = self.read_checkpoint("log/checkpoint")
        else:
            self.report.wrong(MISSING, "log/checkpoint: the bundle does not have it")
        if not self.trusted:
            self.report.wrong(MISSING, "key not trusted: hand in the log's key with --vkey")
        elif self.checkpoint is not None and self.checkpoint.proven and not self.witnessed(asked):
            try:
                self.checkpoint.check_pinned()
            except Wrong as wrong:
                self.report.wrong(wrong.code, f"log/checkpoint: {wrong}")
        self.report.end("Checkpoint", "a key that you trust signed the log's size and root")
        self.check_files()
        self.check_entries()
        self.check_inclusion()
        self.check_order()
        self.check_data()
        self.check_erasures()
        self.check_attached()
        self.check_complete()
        self.check_witnesses(asked)
        self.check_timestamps()
        return self.report

    def witnessed(self, asked: Policy | None) -> bool:
        """Tell whether a quorum that was asked for says that the log showed nobody another tree."""
        if asked is None or asked.quorum == "none" or self.checkpoint is None:
            return False
        try:
            return asked.met(asked.cosigned(self.checkpoint))
        except Wrong:
            return False

    def read_checkpoint(self, name: str) -> Checkpoint | None:
        """Read and verify a checkpoint. Without trusted keys, by those that came along."""
        try:
            found = Checkpoint(self.files[name])
        except Wrong as wrong:
            self.report.wrong(BAD_SIGNATURE, f"{name}: it cannot be read: {wrong}")
            return None
        spans = self.trusted or self.offered()
        try:
            if spans:
                found.verify(spans)
            found.proven = bool(self.trusted)
        except Wrong as wrong:
            self.report.wrong(BAD_SIGNATURE, f"{name}: {wrong}")
        return found

    def offered(self) -> list[Span]:
        """Read the keys that came along: good only to see whether they fit."""
        spans = []
        for line in self.files.get("log/vkeys", b"").decode("utf-8", "replace").splitlines():
            try:
                spans.append(Span(Key(line)))
            except Wrong:
                continue
        return spans

    def check_files(self) -> None:
        """Hold every file against the manifest, and fixed words against what they must be."""
        try:
            listed = self.manifest()
        except Wrong as wrong:
            self.report.wrong(wrong.code, f"manifest.json: {wrong}")
            listed = None
        for name in sorted(self.files.keys() | (listed or {}).keys() - {"manifest.json"}):
            if name == "manifest.json" or listed is None:
                continue
            raw = self.files.get(name)
            if raw is None:
                self.report.wrong(MISSING, f"{name}: the bundle does not have it")
            elif name not in listed or not NAME.fullmatch(name):
                self.report.wrong(ALTERED, f"{name}: the manifest does not list it")
            elif listed[name] != {"sha256": sha256(raw).hex(), "size": len(raw)}:
                self.report.wrong(ALTERED, f"{name}: its bytes are not those that are listed")
        ours = sha256(Path(__file__).read_bytes()).hex()
        for name, known in (("README.md", READMES), ("verify.py", (ours, *EARLIER))):
            if name in self.files and sha256(self.files[name]).hex() not in known:
                self.report.wrong(ALTERED, f"{name}: it is none that this verifier knows")
        self.report.end("Files", "every file is as the manifest lists it")

    def manifest(self) -> dict[str, object]:
        """Read what the manifest lists. Raises Wrong."""
        if "manifest.json" not in self.files:
            raise Wrong("the bundle does not have it", MISSING)
        raw = self.files["manifest.json"]
        document = parse_json(raw)
        names = {"digest", "files", "format", "kind", "origin", "purpose"}
        if not isinstance(document, dict) or document.keys() != names or canonical(document) != raw:
            raise Wrong("it is no manifest in canonical JSON")
        rest = {name: value for name, value in document.items() if name != "digest"}
        texts = [document[name] for name in ("format", "kind", "origin", "purpose")]
        listed = document["files"]
        if not all(isinstance(one, str) for one in texts) or texts[0] != "muniment-bundle/1":
            raise Wrong("it is no manifest of muniment-bundle/1")
        if not isinstance(listed, dict) or document["digest"] != sha256(canonical(rest)).hex():
            raise Wrong("it lists no files, or its digest is another")
        for file in listed.values():
            if (
                not isinstance(file, dict)
                or file.keys() != {"sha256", "size"}
                or not isinstance(file["size"], int)
                or isinstance(file["size"], bool)
                or not isinstance(file["sha256"], str)
                or not re.fullmatch(HASH, file["sha256"])
            ):
                raise Wrong("it does not tell digest and size of a file")
        if self.checkpoint is not None and document["origin"] != self.checkpoint.origin:
            self.report.wrong(ALTERED, "manifest.json: it says it is of another log")
        return listed

    def check_entries(self) -> None:
        """Read every entry."""
        for index in self.indexes:
            name = f"entries/{index:012d}.json"
            try:
                entry = parse_entry(self.files[name])
                if entry["index"] != index:
                    raise Wrong(f"it says it is entry {entry['index']}")
                if self.checkpoint is not None and entry["log"] != self.checkpoint.origin:
                    raise Wrong(f"it says it is of the log {entry['log']}")
            except Wrong as wrong:
                self.report.wrong(ALTERED, f"{name}, entry {index}: {wrong}")
                continue
            self.entries[index] = entry
        if not self.indexes:
            self.report.wrong(MISSING, "the bundle holds no entry, so it proves nothing")
        self.report.end("Entries", "every entry can be read")

    def check_inclusion(self) -> None:
        """Prove every entry to be in the signed tree."""
        if self.checkpoint is not None:
            for index in self.indexes:
                self.prove(index, self.checkpoint)
        meaning = "every entry is in the tree that was signed"
        self.report.end("Inclusion", meaning, unchecked=self.checkpoint is None)

    def prove(self, index: int, ours: Checkpoint) -> None:
        """Prove one entry."""
        name = f"entries/{index:012d}.tlog-proof"
        if name not in self.files:
            self.report.wrong(MISSING, f"{name}: the bundle does not have it")
            return
        leaf = sha256(b"\x00" + self.files[f"entries/{index:012d}.json"])
        try:
            told, hashes, checkpoint = parse_proof(self.files[name])
            check_inclusion(leaf, index, ours.size, hashes, ours.root)
            if told != index or checkpoint != self.files["log/checkpoint"]:
                raise Wrong("it is a proof of another entry or checkpoint")
        except Wrong as wrong:
            self.report.wrong(ALTERED, f"{name}, entry {index}: {wrong}")
            return
        self.proven.add(index)

    def check_order(self) -> None:
        """Compare each entry with the one before it here."""
        indexes = sorted(self.entries)
        for before, index in pairwise(indexes):
            earlier, entry = self.entries[before], self.entries[index]
            prev = sha256(b"\x00" + self.files[f"entries/{before:012d}.json"]).hex()
            if index == before + 1 and entry["prev"] != prev:
                self.report.wrong(ALTERED, f"entry {index}: it does not name entry {before}")
            if str(entry["recorded_at"]) <= str(earlier["recorded_at"]):
                self.report.wrong(ALTERED, f"entry {index}: recorded no later than {before}")
        self.report.end("Order", "neighbours in the log follow one another")

    def check_data(self) -> None:
        """Hold disclosed data against what the entries commit to."""
        for index, entry in sorted(self.entries.items()):
            name = f"members/{index:012d}.json"
            if index in self.proven:
                self.vouched.add(str(entry["schema"]))
            if name not in self.files:
                continue
            try:
                members = parse_members(self.files[name])
            except Wrong as wrong:
                self.report.wrong(ALTERED, f"{name}, entry {index}: {wrong}")
                continue
            wrong_data = check_data(f"entry {index}", entry["data"], members)
            for detail in wrong_data:
                self.report.wrong(ALTERED, detail)
            self.members[index] = members
            if index in self.proven and not wrong_data:
                found = [DIGEST.findall(member.raw) for member in members]
                self.vouched |= {digest.decode() for one in found for digest in one}
        meaning = f"the data of {len(self.members)} entries is what they commit to"
        self.report.end("Data", meaning, unchecked=not self.members)

    def check_erasures(self) -> None:
        """Tell what is left out, and find the entry that says so."""
        gone: dict[int, set[str]] = {}
        notes = []
        for index, members in sorted(self.members.items()):
            shown = [member for member in members if member.name not in WITHHELD]
            closed = {member.name for member in shown if not member.open}
            if closed:
                gone[index] = closed
            if self.entries[index]["type"] == "entry.redacted.v1":
                said = {member.name: member.value for member in shown}
                of, names = said.get("index"), said.get("members")
                if isinstance(of, int) and isinstance(names, list) and of < index:
                    gone[of] = gone.get(of, set()) - {one for one in names if isinstance(one, str)}
                    who = f"asked for by {said.get('requested_by')}, confirmed by"
                    notes.append(
                        f"entry {of}, {', '.join(map(str, names))}: erased by entry {index} at "
                        f"{self.entries[index]['recorded_at']}, {who} {said.get('confirmed_by')};"
                        f" legal basis: {said.get('legal_basis')}"
                    )
        for index, closed in sorted(gone.items()):
            for name in sorted(closed):
                detail = f"entry {index}, member {name}: gone, and no entry.redacted names it"
                self.report.wrong(MISSING, detail)
        self.report.end("Withheld", "whatever is left out, a rule or an entry says so")
        for note in notes:
            self.report.note(note)

    def check_attached(self) -> None:
        """Find a proven entry that names the digest of each attached file."""
        names = [name for name in sorted(self.files) if name.startswith("files/")]
        for name in names:
            if sha256(self.files[name]).hex() not in self.vouched:
                self.report.wrong(MISSING, f"{name}: no entry that is proven names its digest")
        aside = sum(name.startswith("unproven/") for name in self.files)
        meaning = f"a proven entry names each; vouched for by nobody: {aside} under unproven/"
        self.report.end("Attached files", meaning, unchecked=not names)

    def check_complete(self) -> None:
        """Find what a list leaves out that claims to be complete."""
        raw, claims = self.files.get("complete.json"), []
        if raw is not None and self.checkpoint is not None:
            try:
                claims = parse_claims(raw)
            except Wrong as wrong:
                self.report.wrong(ALTERED, f"complete.json: {wrong}")
            for key, first, end in claims:
                for detail in self.left_out(key, first, end, self.checkpoint.size):
                    self.report.wrong(MISSING, f"{key}: {detail}")
        said = "; ".join([f"{key} from {first} to before {end}" for key, first, end in claims])
        unchecked = raw is None or self.checkpoint is None
        meaning = (
            "no list is claimed to be whole" if unchecked else f"nothing is left out of {said}"
        )
        self.report.end("Completeness", meaning, unchecked=unchecked)

    def left_out(self, key: str, first: int, end: int, size: int) -> list[str]:
        """Tell what a complete list lacks: each entry names the one before it of its key."""
        if end > size:
            return [f"it is said to be complete to {end}; the log has {size} entries"]
        kind, _, wanted = key.partition(":")
        proven = {index: self.entries[index] for index in self.proven & self.entries.keys()}
        ours = sorted(index for index, entry in proven.items() if entry[kind] == wanted)
        links = [(index, proven[index][f"{kind}_prev"]) for index in ours]
        found = [
            f"entry {before} is left out; entry {index} names it"
            for index, before in links
            if isinstance(before, int) and first <= before < end and before not in proven
        ]
        if ours and ours[-1] >= end:
            return found
        rest = range(max(ours[-1] + 1 if ours else 0, first), end)
        return found + [f"entry {index} is not here" for index in rest if index not in proven]

    def check_witnesses(self, policy: Policy | None) -> None:
        """Verify cosignatures; a policy that came along is not trusted, only told."""
        trusted = policy is not None
        try:
            if policy is None and "log/witnesses" in self.files:
                policy = Policy(self.files["log/witnesses"])
        except (Wrong, UnicodeDecodeError):
            self.report.wrong(ALTERED, "log/witnesses: it is no witness policy")
        if policy is None or self.checkpoint is None:
            self.report.end("Witnesses", "no policy of witnesses is known", unchecked=True)
            return
        try:
            cosigned = policy.cosigned(self.checkpoint)
        except Wrong as wrong:
            self.report.wrong(BAD_SIGNATURE, f"log/checkpoint: {wrong}")
            cosigned = {}
        met = policy.met(cosigned)
        said = f"the quorum {policy.quorum} is {'met' if met else 'NOT met'}"
        if trusted and not met:
            self.report.wrong(MISSING, f"{said}: cosigned by {', '.join(cosigned) or 'nobody'}")
        whose = "" if trusted else " (of a policy that came along, which proves nothing)"
        self.report.end("Witnesses", said + whose, unchecked=not trusted)
        for name, at in cosigned.items():
            self.report.note(f"{name} cosigned at unix time {at}")

    def check_timestamps(self) -> None:
        """Check that stamped checkpoints are of this log; the tokens themselves are not read."""
        sizes = sorted({int(found[1]) for name in self.files if (found := STAMP.fullmatch(name))})
        for size in sizes:
            stem = f"log/timestamps/{size:012d}"
            if f"{stem}.tsr" not in self.files:
                self.report.wrong(MISSING, f"{stem}.tsr: the bundle does not have it")
            if self.checkpoint is not None and (
                size != self.checkpoint.size or f"{stem}.checkpoint" in self.files
            ):
                self.check_stamped(stem, size, self.checkpoint)
        meaning = "their tokens are not read here: muniment verify --tsa, or openssl ts -verify"
        self.report.end("Timestamps", meaning if sizes else "none came along", unchecked=True)

    def check_stamped(self, stem: str, size: int, ours: Checkpoint) -> None:
        """Check that the checkpoint that was stamped and ours are of one log."""
        if f"{stem}.checkpoint" not in self.files:
            self.report.wrong(MISSING, f"{stem}.checkpoint: the bundle does not have it")
            return
        stamped = self.read_checkpoint(f"{stem}.checkpoint")
        if stamped is None:
            return
        if (stamped.size, stamped.origin) != (size, ours.origin):
            self.report.wrong(ALTERED, f"{stem}.checkpoint: it is of another log or size")
            return
        try:
            proof = self.files.get(f"{stem}.consistency", b"").decode("utf-8", "replace")
            hashes = [decoded(line) for line in proof.splitlines()]
            if any(len(one) != 32 for one in hashes):
                raise Wrong("a hash of the consistency proof has 32 bytes")
            old, new = (stamped, ours) if size <= ours.size else (ours, stamped)
            check_growth(old.size, old.root, new.size, new.root, hashes)
        except Wrong as wrong:
            same = stamped.size == ours.size and stamped.root != ours.root
            fork = same and stamped.proven and ours.proven
            self.report.wrong(FORKED if fork else ALTERED, f"{stem}.checkpoint: {wrong}")


def parse_claims(raw: bytes) -> list[tuple[str, int, int]]:
    """Read complete.json. Raises Wrong."""
    document = parse_json(raw)
    if not isinstance(document, list) or canonical(document) != raw or len(document) > 1000:
        raise Wrong("it is no list of claims in canonical JSON")
    claims = []
    for item in document:
        if not isinstance(item, dict) or item.keys() != {"from", "key", "to"}:
            raise Wrong("a claim has a key, from and to")
        key, first, end = item["key"], item["from"], item["to"]
        if not isinstance(key, str) or not re.fullmatch("(?s:(?:type|subject):.+)", key):
            raise Wrong("a claim's key is a type or a subject")
        if not is_count(first) or not is_count(end) or first > end:
            raise Wrong("a claim covers nothing")
        claims.append((key, first, end))
    return claims


def read_bundle(path: Path) -> dict[str, bytes]:
    """Read a bundle's files, from a zip file or a folder; trusts no size that a zip declares."""
    if path.is_dir():
        found = [one for one in sorted(path.rglob("*")) if one.is_file()]
        return {one.relative_to(path).as_posix(): one.read_bytes() for one in found}
    files: dict[str, bytes] = {}
    room = LARGEST
    with zipfile.ZipFile(path) as archive:
        listed = archive.infolist()
        if len(listed) > MOST_FILES or sum(one.file_size for one in listed) > LARGEST:
            raise Wrong("the bundle is too large")
        for member in listed:
            with archive.open(member) as content:
                raw = content.read(room + 1)
            room -= len(raw)
            if member.filename in files or room < 0:
                raise Wrong(f"{member.filename[:100]!r} is there twice, or too large")
            files[member.filename] = raw
    return files


UNREADABLE = (Wrong, zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, ValueError)


def run(words: list[str]) -> tuple[int, list[str]]:
    """Verify what the command line names; answer the exit code and what to say."""
    parser = argparse.ArgumentParser(description="Verify a Muniment evidence bundle.")
    parser.add_argument("bundle", nargs="?", default=Path(__file__).parent, type=Path)
    parser.add_argument("--vkey", action="append", default=[], help="the log's verifier key")
    parser.add_argument("--trust", type=Path, help="file of trusted keys, or a trust.json")
    parser.add_argument("--witnesses", type=Path, help="the witness policy that you ask for")
    asked = parser.parse_args(words)
    try:
        trusted = [Span(Key(one.strip())) for one in asked.vkey]
        trusted += read_trust(asked.trust.read_bytes()) if asked.trust else []
        witnesses = Policy(asked.witnesses.read_bytes()) if asked.witnesses else None
    except (Wrong, OSError, UnicodeDecodeError) as wrong:
        parser.error(str(wrong))
    try:
        files = read_bundle(asked.bundle)
    except UNREADABLE as wrong:
        return MISSING, [f"NOT PROVEN: the bundle cannot be read: {wrong}"]
    bundle = Bundle(files, trusted)
    report = bundle.verify(witnesses)
    code = report.outcome()
    if code:
        worst = next(detail for found, detail in report.found if found == code)
        return code, [*report.lines, f"{WORDS[code]}: {worst}"]
    return code, [*report.lines, f"VALID: {len(bundle.entries)} entries are in the signed log"]


if __name__ == "__main__":
    try:
        outcome, said = run(sys.argv[1:])
    except Exception as failure:  # noqa: BLE001 - whatever it is, nothing is proven by it
        outcome, said = MISSING, [f"NOT PROVEN: {failure!r}"]
    sys.stdout.write("\n".join(said) + "\n")
    sys.exit(outcome)
