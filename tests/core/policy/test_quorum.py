"""Seats and people: matched as well as anybody could match them."""

from __future__ import annotations

import random
from itertools import permutations

from app.core.policy.quorum import Seat, assign, seats_of
from app.core.policy.rules import Meaning, Need

REVIEW = Meaning.REVIEW


def test_each_signature_asked_for_is_a_seat() -> None:
    needs = [Need("a", 2, REVIEW), Need("b", 1, REVIEW)]
    assert [seat.place for seat in seats_of("p/r", needs)] == [(0, 0), (0, 1), (1, 0)]


def best(seats: list[Seat], people: list[str], able: dict[str, set[str]]) -> int:
    """The most seats that can be filled, by trying every order of people."""
    padded = people + [""] * len(seats)
    return max(
        sum(
            person != "" and seat.need.role in able[person]
            for seat, person in zip(seats, order, strict=False)
        )
        for order in permutations(padded, len(seats))
    )


def test_as_many_seats_are_filled_as_by_trying_everything() -> None:
    rng = random.Random(4)
    for _ in range(300):
        people = [f"u{i}" for i in range(rng.randint(0, 4))]
        able = {person: {role for role in "abc" if rng.random() < 0.5} for person in people}
        needs = [Need(role, rng.randint(1, 2), REVIEW) for role in rng.sample("abc", 2)]
        seats = seats_of("p/r", needs)
        filled = assign(seats, people, lambda person, seat: seat.need.role in able[person])  # noqa: B023
        assert len(filled) == best(seats, people, able)
        assert len(set(filled.values())) == len(filled)
        assert all(seat.need.role in able[person] for seat, person in filled.items())


def test_a_seat_that_comes_first_stays_filled() -> None:
    first, second = seats_of("p/r", [Need("a", 1, REVIEW), Need("b", 1, REVIEW)])
    filled = assign([first, second], ["u"], lambda _person, _seat: True)
    assert filled == {first: "u"}
