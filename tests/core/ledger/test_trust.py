"""Which key may sign which size, and what is no trust file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from app.core.errors import BadSignature, Malformed, TooLarge
from app.core.ledger.audit import audit_checkpoint, audit_log
from app.core.ledger.bundle_outside import Outsiders
from app.core.ledger.checkpoint import Checkpoint, open_checkpoint
from app.core.ledger.note import Verifier, parse_note, sign_note
from app.core.ledger.quorum import parse_policy
from app.core.ledger.trust import TrustedKey, bounded, parse_trust
from app.core.ledger.verdict import Outcome, State
from tests.both import audit_bundle
from tests.core.ledger.sample import KEY, ORIGIN, OTHER_KEY, OTHER_VERIFIER, VERIFIER, sample_log
from tests.core.ledger.test_bundle_audit import bundle_of, relisted
from tests.core.ledger.test_bundle_outside import POLICY, cosigned
from tests.core.ledger.test_bundle_outside import bundle as witnessed_bundle

if TYPE_CHECKING:
    from app.core.jsonvalue import Json

VKEY = VERIFIER.vkey()
OLD = TrustedKey(VERIFIER, 0, 5)
NEW = TrustedKey(OTHER_VERIFIER, 3)


def signed(size: int, *, old: bool = True, new: bool = False) -> bytes:
    signers = [(VERIFIER, KEY.sign)] * old + [(OTHER_VERIFIER, OTHER_KEY.sign)] * new
    return sign_note(Checkpoint(ORIGIN, size, bytes(32)).text(), signers)


def test_a_key_signs_from_its_first_size_to_its_last() -> None:
    key = TrustedKey(VERIFIER, 3, 5)
    objections = [key.objection(size) for size in range(8)]
    assert [objection is None for objection in objections] == [False] * 3 + [True] * 3 + [False] * 2
    assert objections[2] == f"{VKEY} signs from size 3 on, not size 2"
    assert objections[6] == f"{VKEY} signs up to size 5, not size 6"


def test_a_revoked_key_signs_nothing_larger_than_it_was_revoked_at() -> None:
    key = TrustedKey(VERIFIER, revoked_at_size=5)
    assert key.objection(5) is None
    assert key.objection(6) == f"{VKEY} was revoked at size 5; it signed size 6 late"


def test_a_bare_key_signs_every_size() -> None:
    assert bounded([VERIFIER, OLD]) == (TrustedKey(VERIFIER), OLD)
    assert TrustedKey(VERIFIER).objection(0) is None
    assert TrustedKey(VERIFIER).objection(2**53 - 1) is None


def test_during_an_overlap_either_key_is_enough() -> None:
    for size in (3, 5):
        for old, new in ((True, False), (False, True), (True, True)):
            assert open_checkpoint(signed(size, old=old, new=new), [OLD, NEW]).size == size


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (signed(2, old=False, new=True), f"{OTHER_VERIFIER.vkey()} signs from size 3 on"),
        (signed(6), f"{VKEY} signs up to size 5, not size 6"),
    ],
)
def test_outside_its_sizes_a_keys_signature_does_not_count(raw: bytes, message: str) -> None:
    with pytest.raises(BadSignature) as refused:
        open_checkpoint(raw, [OLD, NEW])
    assert refused.value.detail.startswith(f"the key may not sign this: {message}")


def test_a_late_signature_beside_a_timely_one_takes_nothing_from_it() -> None:
    assert open_checkpoint(signed(6, new=True), [OLD, NEW]).size == 6


def test_a_key_may_stand_in_two_lines() -> None:
    keys = [TrustedKey(VERIFIER, 0, 2), TrustedKey(VERIFIER, 5)]
    assert open_checkpoint(signed(2), keys).size == 2
    assert open_checkpoint(signed(5), keys).size == 5
    with pytest.raises(BadSignature):
        open_checkpoint(signed(3), keys)


def test_a_late_signature_of_a_revoked_key_is_a_signature_error() -> None:
    log = sample_log(6)
    revoked = TrustedKey(VERIFIER, revoked_at_size=5)
    for report in (
        audit_checkpoint(log.checkpoint(), [revoked]),
        audit_log(log.logged(), log.checkpoint(), [revoked]),
    ):
        assert report.outcome is Outcome.BAD_SIGNATURE
        assert "was revoked at size 5; it signed size 6 late" in report.bottom_line
    assert audit_checkpoint(log.checkpoint(5), [revoked]).outcome is Outcome.VALID


def trust(*keys: Json, **more: Json) -> bytes:
    return json.dumps({"log": list(keys), **more}).encode()


def test_a_trust_file_is_read() -> None:
    raw = trust(OLD.document(), NEW.document(), approvals=[{"vkey": VKEY}])
    assert parse_trust(raw) == (OLD, NEW)
    assert parse_trust(raw, "approvals") == (TrustedKey(VERIFIER),)
    assert parse_trust(trust(), "approvals") == ()
    revoked = TrustedKey(VERIFIER, 1, 7, 4)
    assert parse_trust(trust(revoked.document())) == (revoked,)
    assert revoked.document() == {
        "vkey": VKEY,
        "from_size": 1,
        "to_size": 7,
        "revoked_at_size": 4,
    }


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"[]", "a trust file is an object with the keys of the log"),
        (b"{}", "a trust file is an object with the keys of the log"),
        (trust(other=[]), "a trust file is an object with the keys of the log"),
        (b'{"log": {}}', "a trust file's log is a list of keys"),
        (trust("key"), "a trusted key has a vkey and from_size, to_size, revoked_at_size"),
        (trust({}), "a trusted key has a vkey and from_size, to_size, revoked_at_size"),
        (trust({"vkey": VKEY, "until": 1}), "a trusted key has a vkey and from_size"),
        (trust({"vkey": 1}), "a trusted key's vkey is a verifier key"),
        (trust({"vkey": "a"}), "a verifier key is <name>+<8 hex digits>+<base64>"),
        (trust({"vkey": VKEY, "from_size": -1}), "from_size is a size of the log"),
        (trust({"vkey": VKEY, "to_size": "1"}), "to_size is a size of the log"),
        (trust({"vkey": VKEY, "revoked_at_size": True}), "revoked_at_size is a size of the log"),
        (trust({"vkey": VKEY, "from_size": 1.5}), "from_size is a size of the log"),
        (
            trust({"vkey": VKEY, "from_size": 2, "to_size": 1}),
            f"{VKEY} ends at size 1, before it begins at 2",
        ),
    ],
)
def test_what_is_not_a_trust_file_is_malformed(raw: bytes, message: str) -> None:
    with pytest.raises(Malformed) as refused:
        parse_trust(raw)
    assert refused.value.detail.startswith(message)


def test_a_trust_files_section_is_a_list() -> None:
    with pytest.raises(Malformed, match=r"^a trust file's approvals is a list of keys$"):
        parse_trust(trust(approvals={}), "approvals")


def test_a_key_may_sign_one_size_alone() -> None:
    (key,) = parse_trust(trust({"vkey": VKEY, "from_size": 4, "to_size": 4}))
    assert [key.objection(size) is None for size in (3, 4, 5)] == [False, True, False]


def test_a_trust_file_has_at_most_a_million_bytes() -> None:
    fits = trust({"vkey": VKEY}).ljust(1_000_000)
    assert parse_trust(fits) == (TrustedKey(VERIFIER),)
    with pytest.raises(TooLarge, match=r"^a trust file has at most 1000000 bytes$"):
        parse_trust(fits + b" ")


def test_the_least_and_the_largest_sizes_are_sizes() -> None:
    vkey = VERIFIER.vkey()
    raw = json.dumps({"log": [{"vkey": vkey, "to_size": 0}, {"vkey": vkey, "to_size": 2**53 - 1}]})
    assert [key.to_size for key in parse_trust(raw.encode())] == [0, 2**53 - 1]


LOG = sample_log(9)
ROOTS = {size: open_checkpoint(LOG.checkpoint(size), [VERIFIER]).root for size in range(10)}


def pinned(size: int, root: bytes | None = None) -> TrustedKey:
    return TrustedKey(VERIFIER, revoked_at_size=size, revoked_root=root or ROOTS[size])


def test_a_pinned_tree_is_read_and_written() -> None:
    key = pinned(7)
    assert parse_trust(trust(key.document())) == (key,)


@pytest.mark.parametrize(
    "wrong",
    [
        {"revoked_root": "AAAA", "revoked_at_size": 4},
        {"revoked_root": "*", "revoked_at_size": 4},
        {"revoked_root": 1, "revoked_at_size": 4},
        {"revoked_root": "A" * 43 + "="},
    ],
)
def test_what_pins_no_tree_is_malformed(wrong: dict[str, Json]) -> None:
    with pytest.raises(Malformed, match="revoked_root"):
        parse_trust(trust({"vkey": VKEY, **wrong}))


def bundle(size: int, *, new: bool = False) -> dict[str, bytes]:
    """A bundle of the log when it had that size, signed by the key that was later revoked."""
    log = sample_log(size)
    if not new:
        return bundle_of(log, (0, 1))
    text = parse_note(log.checkpoint())[0]
    both = sign_note(text, [(VERIFIER, KEY.sign), (OTHER_VERIFIER, OTHER_KEY.sign)])
    files = bundle_of(log, (0, 1))
    return relisted({name: raw.replace(log.checkpoint(), both) for name, raw in files.items()})


def test_a_bundle_that_rests_on_a_revoked_key_alone_is_not_proven() -> None:
    report = audit_bundle(bundle(5), [pinned(7)])
    assert report.outcome is Outcome.MISSING
    assert report.bottom_line.startswith(
        "NOT PROVEN: it rests on a key that was revoked at size 7, so whoever stole the key"
    )


def test_the_pinned_tree_itself_is_proven_and_another_of_its_size_is_not() -> None:
    assert audit_bundle(bundle(7), [pinned(7)]).outcome is Outcome.VALID
    report = audit_bundle(bundle(7), [pinned(7, bytes(32))])
    assert report.outcome is Outcome.BAD_SIGNATURE
    assert report.bottom_line.endswith("and the log had another tree then")


def test_a_key_that_was_not_revoked_takes_the_doubt_away() -> None:
    keys = [pinned(7), TrustedKey(OTHER_VERIFIER)]
    assert audit_bundle(bundle(5, new=True), keys).outcome is Outcome.VALID
    assert audit_bundle(bundle(5), keys).outcome is Outcome.MISSING


def test_a_quorum_that_is_believed_takes_the_doubt_away() -> None:
    believed = Outsiders(parse_policy(POLICY.encode()))
    none = Outsiders(parse_policy(b"quorum none\n"))
    files = witnessed_bundle(cosigned((0, 1)))
    key = TrustedKey(VERIFIER, revoked_at_size=12, revoked_root=bytes(32))
    assert audit_bundle(files, [key], believed).outcome is Outcome.VALID
    assert audit_bundle(files, [key], none).outcome is Outcome.MISSING
    assert audit_bundle(files, [key]).outcome is Outcome.MISSING
    assert audit_bundle(witnessed_bundle(cosigned((0,))), [key], believed).outcome is (
        Outcome.MISSING
    )


def test_a_trust_file_that_pins_no_tree_leaves_a_word_of_doubt() -> None:
    report = audit_bundle(bundle(5), [TrustedKey(VERIFIER, revoked_at_size=7)])
    assert report.outcome is Outcome.VALID
    (note,) = report.checks[1].notes
    assert note == (
        "it rests on a key that was revoked at size 7, and the trust file does not pin the tree"
        " of that size"
    )
    assert audit_bundle(bundle(5), [VERIFIER]).checks[1].notes == ()


def test_a_log_that_does_not_grow_from_the_pinned_tree_is_a_fork() -> None:
    trusted = [TrustedKey(OTHER_VERIFIER), pinned(5)]
    note = LOG.checkpoint(key=OTHER_KEY)
    report = audit_log(LOG.logged(), note, trusted)
    assert report.outcome is Outcome.VALID
    assert report.checks[1].state is State.PASSED
    other = [TrustedKey(OTHER_VERIFIER), pinned(5, bytes(32))]
    assert audit_log(LOG.logged(), note, other).outcome is Outcome.FORKED
    later = [TrustedKey(OTHER_VERIFIER), TrustedKey(VERIFIER, 0, None, 12, bytes(32))]
    assert audit_log(LOG.logged(), note, later).outcome is Outcome.TRUNCATED


def test_a_key_of_another_name_pins_nothing_here() -> None:
    elsewhere = Verifier("log.example/b", VERIFIER.public)
    foreign = TrustedKey(elsewhere, revoked_at_size=5, revoked_root=bytes(32))
    assert audit_log(LOG.logged(), LOG.checkpoint(), [VERIFIER, foreign]).outcome is Outcome.VALID
    assert audit_bundle(bundle(5), [VERIFIER, foreign]).outcome is Outcome.VALID
