"""What witnesses and timestamp authorities say about a bundle counts only if they are believed."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core.errors import BadSignature, Malformed
from app.core.ledger import consistency
from app.core.ledger.bundle import Bundle, BundledEntry, BundledStamp, decode, encode
from app.core.ledger.bundle_outside import Outsiders
from app.core.ledger.checkpoint import Checkpoint
from app.core.ledger.cosignature import Witness, cosign
from app.core.ledger.merkle import leaf_hash
from app.core.ledger.note import Verifier, parse_note, sign_note
from app.core.ledger.proof_file import parse_proof
from app.core.ledger.quorum import parse_policy
from app.core.ledger.verdict import Outcome, State
from tests.both import NOBODY, audit_bundle
from tests.core.ledger.sample import KEY, ORIGIN, VERIFIER, sample_log, tile_reader
from tests.core.ledger.test_bundle_audit import relisted

if TYPE_CHECKING:
    from app.core.ledger.verdict import Report

AT = 1_770_000_000
LOG = sample_log(9)
KEYS = [Ed25519PrivateKey.from_private_bytes(bytes([n] * 32)) for n in (1, 2, 3)]
WITNESSES = [
    Witness(f"w{n}.example", key.public_key().public_bytes_raw()) for n, key in enumerate(KEYS)
]
POLICY = (
    "".join(f"witness W{n} {witness.vkey()}\n" for n, witness in enumerate(WITNESSES))
    + "group two 2 W0 W1 W2\nquorum two\n"
)


def cosigned(by: tuple[int, ...], at: int = AT) -> bytes:
    note = LOG.checkpoint()
    text = parse_note(note)[0]
    lines = [cosign(text, at, WITNESSES[n], KEYS[n].sign) for n in by]
    return note + "".join(lines).encode()


def bundle(
    checkpoint: bytes | None = None,
    policy: str | None = None,
    stamps: tuple[BundledStamp, ...] = (),
) -> dict[str, bytes]:
    note = checkpoint or LOG.checkpoint()
    proof = LOG.proof(3).replace(LOG.checkpoint(), note)
    assert parse_proof(proof).checkpoint == note
    made = Bundle(
        ORIGIN,
        "test",
        "",
        note,
        (VERIFIER.vkey(),),
        (BundledEntry(LOG.raws[3], proof, LOG.members[3]),),
        witnesses=None if policy is None else policy.encode(),
        stamps=stamps,
    )
    files = encode(made)
    assert decode(files) == made
    return files


def audit(files: dict[str, bytes], outsiders: Outsiders = NOBODY) -> Report:
    return audit_bundle(files, [VERIFIER], outsiders)


ASKED = Outsiders(parse_policy(POLICY.encode()))


def test_a_quorum_that_is_asked_for_is_met() -> None:
    report = audit(bundle(cosigned((0, 2))), ASKED)
    assert report.outcome is Outcome.VALID
    check = report.checks[9]
    assert (check.state, check.meaning) == (
        State.PASSED,
        "the quorum two is met: cosigned by W0, W2",
    )
    assert check.notes == (
        "W0 cosigned at 2026-02-02T02:40:00.000000Z",
        "W2 cosigned at 2026-02-02T02:40:00.000000Z",
    )


@pytest.mark.parametrize(("by", "named"), [((), "nobody"), ((1,), "W1"), ((1, 1), "W1")])
def test_a_quorum_that_is_asked_for_and_not_met_is_named(by: tuple[int, ...], named: str) -> None:
    report = audit(bundle(cosigned(by)), ASKED)
    assert report.outcome is Outcome.MISSING
    assert report.bottom_line == (f"NOT PROVEN: the quorum two is NOT met: cosigned by {named}")


def test_a_policy_that_came_along_is_told_and_not_believed() -> None:
    met = audit(bundle(cosigned((0, 1)), POLICY))
    assert met.outcome is Outcome.VALID
    assert met.checks[9].state is State.NOT_CHECKED
    assert met.checks[9].meaning == (
        "the quorum two is met: cosigned by W0, W1, by a policy that came along and proves nothing"
    )
    assert met.bottom_line.endswith("of 9 entries")
    unmet = audit(bundle(cosigned((0,)), POLICY))
    assert unmet.outcome is Outcome.VALID
    assert unmet.bottom_line.endswith("; the quorum of its own witnesses is NOT met")


def test_a_policy_without_a_quorum_asks_for_nothing() -> None:
    none = Outsiders(parse_policy(b"quorum none\n"))
    report = audit(bundle(), none)
    assert report.outcome is Outcome.VALID
    assert report.checks[9].meaning == "the policy asks for no quorum; cosigned by nobody"


@pytest.mark.parametrize("outsiders", [NOBODY, ASKED], ids=["came along", "asked for"])
def test_a_cosignature_that_lies_is_a_wrong_signature(outsiders: Outsiders) -> None:
    note = LOG.checkpoint()
    other = cosign("another text\n", AT, WITNESSES[0], KEYS[0].sign)
    files = bundle(note + other.encode(), POLICY)
    report = audit(files, outsiders)
    assert report.outcome is Outcome.BAD_SIGNATURE
    assert report.checks[9].state is State.FAILED
    assert "the cosignature of w0.example+" in report.bottom_line


def test_a_time_that_no_calendar_has_is_told_as_it_is() -> None:
    report = audit(bundle(cosigned((0, 1), at=2**62)), ASKED)
    assert report.checks[9].notes[0] == f"W0 cosigned at {2**62}"


def test_what_is_no_policy_is_named() -> None:
    report = audit(bundle(policy="quorum nobody\n"))
    assert report.outcome is Outcome.ALTERED
    assert report.bottom_line.startswith("ALTERED: log/witnesses: line 1 of the witness policy")
    nothing = audit_bundle({"log/witnesses": POLICY.encode()}, [VERIFIER])
    assert nothing.checks[9].meaning == "there is no checkpoint"
    assert nothing.checks[10].meaning == "there is no checkpoint that they could be about"


def stamp(size: int, response: bytes = b"a token") -> BundledStamp:
    """A timestamp of the sample log at ``size``; its token is for ``read`` alone."""
    if size == 9:
        return BundledStamp(9, response)
    grown = sample_log(max(9, size))
    leaves = [leaf_hash(raw) for raw in grown.raws]
    old, new = sorted((size, 9))
    proof = consistency.prove(old, new, tile_reader(leaves[:new]))
    return BundledStamp(size, response, grown.checkpoint(size), tuple(proof))


def read(raw: bytes, text: str) -> datetime:
    """Read the tokens of this test: the digest of the text, and nothing else."""
    if raw == b"none":
        raise Malformed("this is no timestamp")
    if raw not in (b"a token", hashlib.sha256(text.encode()).digest()):
        raise BadSignature("the timestamp does not hold: another text")
    return datetime(2026, 1, 2, tzinfo=UTC)


BELIEVED = Outsiders(stamped_at=read)


@pytest.mark.parametrize("size", [0, 1, 4, 8, 9, 12, 16])
def test_a_stamped_checkpoint_of_the_same_log_tells_when_it_was_there(size: int) -> None:
    files = bundle(stamps=(stamp(size),))
    report = audit(files, BELIEVED)
    assert report.outcome is Outcome.VALID, report.bottom_line
    assert report.checks[10].notes == (
        f"the log's first {size} entries were there at 2026-01-02T00:00:00.000000Z",
    )
    unread = audit(files)
    assert unread.outcome is Outcome.VALID
    assert unread.checks[10].state is State.NOT_CHECKED
    assert unread.checks[10].meaning.startswith("1 came along; ")


def test_what_was_stamped_is_the_text_of_that_checkpoint() -> None:
    text = parse_note(LOG.checkpoint(4))[0].encode()
    right = replace(stamp(4), response=hashlib.sha256(text).digest())
    assert audit(bundle(stamps=(right,)), BELIEVED).outcome is Outcome.VALID
    other = replace(right, response=hashlib.sha256(b"another").digest())
    report = audit(bundle(stamps=(other,)), BELIEVED)
    assert report.outcome is Outcome.BAD_SIGNATURE
    assert report.bottom_line == (
        "BAD SIGNATURE OR KEY: log/timestamps/000000000004.tsr:"
        " the timestamp does not hold: another text"
    )
    unread = audit(bundle(stamps=(stamp(4, b"none"),)), BELIEVED)
    assert unread.bottom_line == ("ALTERED: log/timestamps/000000000004.tsr: this is no timestamp")


@pytest.mark.parametrize(
    ("ending", "outcome"),
    [
        ("tsr", Outcome.MISSING),
        ("checkpoint", Outcome.MISSING),
        ("consistency", Outcome.ALTERED),
    ],
)
@pytest.mark.parametrize("outsiders", [NOBODY, BELIEVED], ids=["unread", "believed"])
def test_a_part_of_a_timestamp_that_is_left_out_is_named(
    ending: str, outcome: Outcome, outsiders: Outsiders
) -> None:
    files = bundle(stamps=(stamp(5),))
    del files[f"log/timestamps/000000000005.{ending}"]
    assert audit(relisted(files), outsiders).outcome is outcome


NAME = "log/timestamps/000000000005.checkpoint"
PROOF = "log/timestamps/000000000005.consistency"


def test_a_stamped_checkpoint_is_signed_by_a_trusted_key() -> None:
    files = bundle(stamps=(stamp(5),))
    forged = sign_note(parse_note(files[NAME])[0], [(VERIFIER, KEYS[0].sign)])
    report = audit(relisted({**files, NAME: forged}), BELIEVED)
    assert report.outcome is Outcome.BAD_SIGNATURE
    assert audit(relisted({**files, NAME: b"none"}), BELIEVED).outcome is Outcome.BAD_SIGNATURE


def signed(origin: str, size: int, root: bytes) -> bytes:
    verifier = Verifier(origin, VERIFIER.public)
    own = sign_note(Checkpoint(origin, size, root).text(), [(VERIFIER, KEY.sign)])
    named = sign_note(Checkpoint(origin, size, root).text(), [(verifier, KEY.sign)])
    return own + named.partition(b"\n\n")[2]


def test_a_stamped_checkpoint_is_of_this_log_and_of_the_size_that_it_is_named_by() -> None:
    files = bundle(stamps=(stamp(5),))
    assert audit(relisted({**files, NAME: LOG.checkpoint(6)})).outcome is Outcome.ALTERED
    elsewhere = signed("log.example/b", 5, bytes(32))
    trusted = [VERIFIER, Verifier("log.example/b", VERIFIER.public)]
    report = audit_bundle(relisted({**files, NAME: elsewhere}), trusted)
    assert report.bottom_line == f"ALTERED: {NAME}: it is of another log or size"


@pytest.mark.parametrize("proof", [b"*", b"AAAA\n", b"", b"A" * 43 + b"=\n"])
def test_a_consistency_proof_that_does_not_lead_there_is_named(proof: bytes) -> None:
    report = audit(relisted({**bundle(stamps=(stamp(5),)), PROOF: proof}), BELIEVED)
    assert report.outcome is Outcome.ALTERED
    assert report.bottom_line.startswith(f"ALTERED: {PROOF}: ")


def test_two_signed_trees_of_one_size_are_a_fork() -> None:
    other = BundledStamp(9, b"a token", signed(ORIGIN, 9, bytes(32)))
    report = audit(bundle(stamps=(other,)), BELIEVED)
    assert report.outcome is Outcome.FORKED
    untrusted = audit_bundle(bundle(stamps=(other,)), [])
    assert untrusted.outcome is Outcome.ALTERED


def test_the_same_checkpoint_once_more_is_no_fork() -> None:
    again = BundledStamp(9, b"a token", LOG.checkpoint())
    assert audit(bundle(stamps=(again,)), BELIEVED).outcome is Outcome.VALID
