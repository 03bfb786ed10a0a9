"""Which cosignatures are enough, and what is no policy."""

from __future__ import annotations

from itertools import combinations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core.errors import Malformed, TooLarge
from app.core.ledger.cosignature import Witness
from app.core.ledger.note import Verifier
from app.core.ledger.quorum import (
    Group,
    KnownWitness,
    WitnessPolicy,
    format_policy,
    parse_policy,
)
from tests.core.ledger.sample import VERIFIER


def witness(number: int) -> Witness:
    key = Ed25519PrivateKey.from_private_bytes(bytes([number] * 32))
    return Witness(f"w.example/{number}", key.public_key().public_bytes_raw())


KEYS = [witness(number) for number in range(6)]
LINES = [f"witness W{number} {key.vkey()}" for number, key in enumerate(KEYS)]

# The policy that the specification gives as its example.
TWO_LEVELS = "\n".join(
    [
        f"log {VERIFIER.vkey()}",
        "",
        *LINES[:3],
        "group X-witnesses 2 W0 W1 W2",
        "# the others",
        *LINES[3:],
        "group Y-witnesses any W3 W4 W5",
        "group X-and-Y all X-witnesses Y-witnesses",
        "quorum X-and-Y",
        "",
    ]
)


def policy(*lines: str) -> WitnessPolicy:
    return parse_policy("\n".join(lines).encode())


def test_a_policy_is_read_in_order() -> None:
    read = parse_policy(TWO_LEVELS.encode())
    assert read.logs == (VERIFIER,)
    assert read.witness_keys() == tuple(KEYS)
    assert [name for name, _ in read.groups] == ["X-witnesses", "Y-witnesses", "X-and-Y"]
    assert read.groups[0][1] == Group(2, ("W0", "W1", "W2"))
    assert read.quorum == "X-and-Y"


def test_a_quorum_of_groups_is_met_by_exactly_the_sets_that_meet_it() -> None:
    read = parse_policy(TWO_LEVELS.encode())
    for count in range(7):
        for chosen in combinations(range(6), count):
            enough = len({0, 1, 2} & set(chosen)) >= 2 and bool({3, 4, 5} & set(chosen))
            assert read.met({KEYS[number] for number in chosen}) == enough


@pytest.mark.parametrize(
    ("least", "needed"), [("any", 1), ("1", 1), ("2", 2), ("3", 3), ("all", 3)]
)
def test_a_group_is_met_by_so_many_of_its_members(least: str, needed: int) -> None:
    read = policy(*LINES[:3], f"group G {least} W0 W1 W2", "quorum G")
    for count in range(4):
        assert read.met(KEYS[:count]) == (count >= needed)


def test_a_quorum_may_be_one_witness_or_none() -> None:
    assert policy(*LINES[:2], "quorum W1").met([KEYS[1]])
    assert not policy(*LINES[:2], "quorum W1").met([KEYS[0]])
    assert policy("quorum none").met([])
    assert WitnessPolicy().met([])


def test_a_key_of_another_name_is_another_witness() -> None:
    read = policy(LINES[0], "quorum W0")
    assert not read.met([Witness("other.example", KEYS[0].public)])


def test_blanks_tabs_comments_and_addresses_are_allowed() -> None:
    read = policy(
        f"\t log {VERIFIER.vkey()}  https://log.example/ ",
        "  # a comment",
        f"witness\tß {KEYS[0].vkey()} https://w.example/",
        "quorum ß\t",
    )
    assert read == WitnessPolicy(
        "ß", (VERIFIER,), (KnownWitness("ß", KEYS[0], "https://w.example/"),)
    )


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "the witness policy has no quorum line"),
        (LINES[:1], "the witness policy has no quorum line"),
        (["quorum none", "quorum none"], "line 2 of the witness policy: there is a quorum line"),
        (["quorum W0"], "line 1 of the witness policy: no witness or group before it is called"),
        (["quorum W0", LINES[0]], "line 1 of the witness policy: no witness or group before it"),
        (["quorum"], "line 1 of the witness policy: it is no log, witness, group or quorum"),
        (["quorum none more"], "line 1 of the witness policy: it is no log, witness"),
        (["Quorum none"], "line 1 of the witness policy: it is no log, witness"),
        (["log"], "line 1 of the witness policy: it is no log, witness"),
        (["log a b c"], "line 1 of the witness policy: it is no log, witness"),
        (["log a"], "line 1 of the witness policy: a verifier key is"),
        (["witness W0"], "line 1 of the witness policy: it is no log, witness"),
        ([f"{LINES[0]} a b"], "line 1 of the witness policy: it is no log, witness"),
        (["witness W0 a"], "line 1 of the witness policy: a witness's key is"),
        ([f"witness none {KEYS[0].vkey()}"], "line 1 of the witness policy: the name 'none' is"),
        ([LINES[0], LINES[0]], "line 2 of the witness policy: the same key stands in a line"),
        (
            [LINES[0], f"witness W0 {KEYS[1].vkey()}"],
            "line 2 of the witness policy: the name 'W0' is taken",
        ),
        (
            [LINES[0], f"witness W1 {Witness('other', KEYS[0].public).vkey()}"],
            "line 2 of the witness policy: the same key stands in a line before it",
        ),
        (
            [f"log {VERIFIER.vkey()}", f"log {Verifier('other', VERIFIER.public).vkey()}"],
            "line 2 of the witness policy: the same key stands in a line before it",
        ),
        ([LINES[0], "group W0 any W0"], "line 2 of the witness policy: the name 'W0' is taken"),
        ([LINES[0], "group none any W0"], "line 2 of the witness policy: the name 'none' is"),
        ([LINES[0], "group G any"], "line 2 of the witness policy: it is no log, witness"),
        ([LINES[0], "group G any none"], "line 2 of the witness policy: no witness or group"),
        ([LINES[0], "group G any G"], "line 2 of the witness policy: no witness or group"),
        ([LINES[0], "group G any W0 W0"], "line 2 of the witness policy: 'W0' is twice in one"),
        ([LINES[0], "group G 0 W0"], "line 2 of the witness policy: a group needs all, any or"),
        ([LINES[0], "group G +1 W0"], "line 2 of the witness policy: a group needs all, any or"),
        ([LINES[0], "group G 01 W0"], "line 2 of the witness policy: a group needs all, any or"),
        ([LINES[0], "group G 2 W0"], "line 2 of the witness policy: 2 of 1 members can never"),
        (["quorum none\r"], "line 1 of the witness policy: it holds a control character"),
        (["# \x7f"], "line 1 of the witness policy: it holds a control character"),
        (["# \x08"], "line 1 of the witness policy: it holds a control character"),
        (["# \x0b"], "line 1 of the witness policy: it holds a control character"),
    ],
)
def test_what_is_not_a_policy_is_malformed(lines: list[str], message: str) -> None:
    with pytest.raises(Malformed) as refused:
        policy(*lines)
    assert refused.value.detail.startswith(message)


def test_a_policy_is_text_of_at_most_100_000_bytes() -> None:
    with pytest.raises(Malformed, match=r"^the witness policy is not UTF-8$"):
        parse_policy(b"quorum none\n#\xff")
    fits = b"quorum none\n#".ljust(100_000, b"x")
    assert parse_policy(fits) == WitnessPolicy()
    with pytest.raises(TooLarge, match=r"^a witness policy has at most 100000 bytes$"):
        parse_policy(fits + b"x")


def test_a_policy_is_written_without_comments_and_addresses() -> None:
    read = policy(f"log {VERIFIER.vkey()} https://a", f"{LINES[0]} https://b", "quorum W0")
    assert format_policy(read) == f"log {VERIFIER.vkey()}\n{LINES[0]}\nquorum W0\n"
    assert format_policy(WitnessPolicy()) == "quorum none\n"
    whole = parse_policy(TWO_LEVELS.encode())
    written = format_policy(whole)
    assert "group X-witnesses 2 W0 W1 W2\ngroup Y-witnesses 1 W3 W4 W5\n" in written
    assert parse_policy(written.encode()) == whole
