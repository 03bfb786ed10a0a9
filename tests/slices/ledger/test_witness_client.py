"""What the client of one witness makes of everything that it can answer."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import httpx
import pytest

from app.core.ledger import consistency
from app.core.ledger.checkpoint import Checkpoint
from app.core.ledger.cosignature import cosign, cosignatures
from app.core.ledger.merkle import leaf_hash, root
from app.core.ledger.note import sign_note
from app.core.ledger.quorum import KnownWitness
from app.ledger.witness_client import NotCosigned, Submission, Trouble, submit
from tests.core.ledger.sample import KEY, ORIGIN, OTHER_KEY, OTHER_VERIFIER, VERIFIER, tile_reader
from tests.servers.witness import AT, SIZE, Double, Reply, running

if TYPE_CHECKING:
    from collections.abc import Iterator

LEAVES = [leaf_hash(f"entry {number}".encode()) for number in range(600)]
OTHERS = [leaf_hash(f"other {number}".encode()) for number in range(600)]


@pytest.fixture
def double() -> Iterator[Double]:
    with running(Double(logs=[VERIFIER])) as made:
        yield made


def submission(size: int, leaves: list[bytes] = LEAVES, *, foreign: bool = False) -> Submission:
    text = Checkpoint(ORIGIN, size, root(leaves[:size])).text()
    signer = (OTHER_VERIFIER, OTHER_KEY.sign) if foreign else (VERIFIER, KEY.sign)
    read = tile_reader(leaves[:size])
    return Submission(
        text, size, sign_note(text, [signer]), lambda old: consistency.prove(old, size, read)
    )


def ask(double: Double, asked: Submission, old: int = 0, patience: float = 5) -> str:
    witness = KnownWitness("W1", double.witness, double.url)
    with httpx.Client(timeout=patience) as client:
        return submit(client, witness, asked, old)


def trouble(double: Double, asked: Submission, old: int = 0, patience: float = 5) -> NotCosigned:
    with pytest.raises(NotCosigned) as refused:
        ask(double, asked, old, patience)
    return refused.value


def test_a_growing_log_is_cosigned_with_proofs_of_its_growth(double: Double) -> None:
    old = 0
    for size in (0, 1, 2, 255, 256, 257, 600):
        asked = submission(size)
        line = ask(double, asked, old)
        (found,) = cosignatures(asked.note + line.encode(), [double.witness])
        assert found.at == AT
        assert double.asked[-1].old == old
        old = size
    assert double.seen[ORIGIN] == (600, root(LEAVES))


def test_what_it_remembers_is_taken_on_when_we_have_forgotten(double: Double) -> None:
    ask(double, submission(256))
    ask(double, submission(600), 0)
    assert [request.old for request in double.asked] == [0, 0, 256]


def test_a_size_that_it_never_saw_is_corrected_by_it(double: Double) -> None:
    ask(double, submission(600), 256)
    assert [request.old for request in double.asked] == [256, 0]


def test_the_same_checkpoint_is_cosigned_again(double: Double) -> None:
    assert ask(double, submission(300)) == ask(double, submission(300), 300)


@pytest.mark.parametrize(
    ("logs", "foreign", "says"),
    [([], False, "404"), ([VERIFIER], True, "403")],
)
def test_a_witness_that_does_not_know_the_log_says_so(
    double: Double, logs: list[object], foreign: bool, says: str
) -> None:
    double.logs = [VERIFIER] if logs else []
    failure = trouble(double, submission(3, foreign=foreign))
    assert failure.trouble is Trouble.UNKNOWN_LOG
    assert says in failure.detail


def test_another_tree_of_the_same_size_is_a_split_view(double: Double) -> None:
    ask(double, submission(300, OTHERS))
    failure = trouble(double, submission(300), 300)
    assert failure.trouble is Trouble.SPLIT_VIEW
    assert failure.detail == "it has seen another tree of size 300"


def test_so_it_is_when_the_witness_answers_422(double: Double) -> None:
    ask(double, submission(300, OTHERS))
    double.instead = lambda _: Reply(422)
    assert trouble(double, submission(300), 300).trouble is Trouble.SPLIT_VIEW


def test_so_it_is_when_the_409_names_no_size(double: Double) -> None:
    double.instead = lambda _: Reply(409, b"conflict")
    assert trouble(double, submission(300), 300).trouble is Trouble.SPLIT_VIEW


def test_other_entries_below_a_size_it_knows_are_a_split_view(double: Double) -> None:
    ask(double, submission(256, OTHERS))
    failure = trouble(double, submission(600))
    assert failure.trouble is Trouble.SPLIT_VIEW
    assert failure.detail == "it answered 422: it has seen other entries below size 256"


def test_a_witness_that_saw_a_larger_tree_shows_that_the_log_went_back(double: Double) -> None:
    ask(double, submission(600))
    failure = trouble(double, submission(300))
    assert failure.trouble is Trouble.AHEAD
    assert failure.detail == "it has cosigned size 600 of this log, which has 300 entries"
    asked = len(double.asked)
    assert trouble(double, submission(300), 600).trouble is Trouble.AHEAD
    assert len(double.asked) == asked


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(400), Trouble.REFUSED),
        (Reply(422), Trouble.REFUSED),
        (Reply(429), Trouble.UNREACHABLE),
        (Reply(500), Trouble.UNREACHABLE),
        (Reply(503), Trouble.UNREACHABLE),
        (Reply(302), Trouble.BAD_ANSWER),
        (Reply(204), Trouble.BAD_ANSWER),
        (Reply(401), Trouble.BAD_ANSWER),
        (Reply(409, b"0\n"), Trouble.BAD_ANSWER),
        (Reply(409, b"0\n", SIZE), Trouble.BAD_ANSWER),
        (Reply(409, b"00\n", SIZE), Trouble.BAD_ANSWER),
        (Reply(409, b"-1\n", SIZE), Trouble.BAD_ANSWER),
        (Reply(409, b"9" * 17, SIZE), Trouble.BAD_ANSWER),
        (Reply(409, b"301\n", f"{SIZE}; charset=utf-8"), Trouble.AHEAD),
        (Reply(200), Trouble.BAD_ANSWER),
        (Reply(200, b"\xff\xfe"), Trouble.BAD_ANSWER),
        (Reply(200, b"x" * 70_000), Trouble.BAD_ANSWER),
        (None, Trouble.UNREACHABLE),
    ],
)
def test_whatever_else_it_answers_is_no_cosignature(
    double: Double, reply: Reply | None, expected: Trouble
) -> None:
    double.instead = lambda _: reply
    assert trouble(double, submission(300)).trouble is expected


def test_a_witness_that_names_another_size_each_time_is_not_asked_for_ever(double: Double) -> None:
    double.instead = lambda _: Reply(409, f"{len(double.asked)}\n".encode(), SIZE)
    failure = trouble(double, submission(300))
    assert failure.trouble is Trouble.BAD_ANSWER
    assert failure.detail == "it names another size each time it is asked"
    assert len(double.asked) == 2


def test_the_line_of_another_checkpoint_or_key_is_no_cosignature(double: Double) -> None:
    asked, other = submission(300), submission(299)
    for wrong in (
        cosign(other.text, AT, double.witness, double.key.sign),
        cosign(asked.text, AT, double.witness, KEY.sign),
        cosign(asked.text, AT, Double("other.example").witness, double.key.sign),
    ):
        double.instead = lambda _, line=wrong: Reply(200, line.encode())
        assert trouble(double, asked).trouble is Trouble.BAD_ANSWER


def test_a_witness_that_does_not_answer_is_not_waited_for(double: Double) -> None:
    release = threading.Event()

    def late(reply: Reply) -> Reply:
        release.wait(20)
        return reply

    double.instead = late
    try:
        assert trouble(double, submission(3), patience=0.2).trouble is Trouble.UNREACHABLE
    finally:
        release.set()


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "no address", "http://[", None])
def test_an_address_where_nobody_answers_is_unreachable(url: str | None) -> None:
    witness = KnownWitness("W1", Double().witness, url)
    with httpx.Client(timeout=1) as client, pytest.raises(NotCosigned) as refused:
        submit(client, witness, submission(3), 0)
    assert refused.value.trouble is Trouble.UNREACHABLE
    assert refused.value.detail
