"""Crashes at random, one after the other, on one log under load."""

from __future__ import annotations

import itertools
import os
import random
from typing import TYPE_CHECKING

import pytest

from tests.faults.checking import check_log
from tests.faults.rig import Gone, running
from tests.faults.steps import Faults, Way

if TYPE_CHECKING:
    from tests.faults.conftest import Begun

POINTS = 200 if os.environ.get("MUNIMENT_SOAK") else 40
LOGS = 4
MOST_PASSAGES = 150


@pytest.mark.parametrize("first", range(LOGS))
def test_after_any_number_of_crashes_everything_acknowledged_is_there_once(
    begun: Begun, first: int
) -> None:
    place, clients = begun.place, begun.clients
    for seed in range(first, POINTS, LOGS):
        source = random.Random(seed)
        way = source.choice([Way.CRASH, Way.CRASH_AFTER])
        passages = source.randrange(MOST_PASSAGES)
        print(f"seed {seed}: {way} after {passages} steps")  # noqa: T201 - shown where it fails
        faults = Faults(place.failure)
        names = (f"seed{seed}-{number}" for number in itertools.count())
        with running(place, faults) as desk:
            faults.arm(None, way, passages)
            refused = clients.post_all(desk, names, faults)
            assert faults.dead
            assert all(isinstance(one, Gone) for one in refused)
        check_log(place, clients)
        if source.random() < 0.5:  # else what nobody answered is sent again after more crashes
            with running(place) as desk:
                clients.post_again(desk)
    with running(place) as desk:
        clients.post_again(desk)
        desk.published(len(clients.sent))
    log = check_log(place, clients)
    assert log.size == len(clients.sent) == len(clients.receipts)
