"""Whatever fails on the way from a request to a signed checkpoint, the log stays whole."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from app.core.errors import Refusal
from tests.faults.checking import check_log
from tests.faults.conftest import ALMOST_A_TILE
from tests.faults.rig import Gone, running
from tests.faults.steps import AFTER, PATIENCE, PUBLISHING, TORN, WRITING, Faults, Step, Way

if TYPE_CHECKING:
    from tests.faults.conftest import Begun

NAMES = [f"now-{number}" for number in range(20)]
FAILING = [
    (step, way)
    for step in Step
    for way in (Way.FAIL, Way.FAIL_AFTER, Way.TEAR, Way.CRASH, Way.CRASH_AFTER)
    if way is not Way.TEAR or step in TORN
]


@pytest.mark.parametrize(("step", "way"), FAILING)
def test_nothing_acknowledged_is_lost_and_nothing_is_there_twice(
    begun: Begun, step: Step, way: Way
) -> None:
    place, clients = begun.place, begun.clients
    faults = Faults(place.failure)
    with running(place, faults) as desk:
        faults.arm(step, way)
        refused = clients.post_all(desk, NAMES, faults)
        assert faults.reached.wait(PATIENCE)
    check_log(place, clients)
    unanswered = clients.sent - set(clients.receipts)
    assert all(isinstance(one, Refusal | Gone) for one in refused)
    assert bool(unanswered) == bool(refused)
    if step in WRITING:
        assert unanswered, "somebody was told it is recorded while that failed"

    with running(place) as desk:
        clients.post_again(desk)
        desk.published(len(clients.sent))
    log = check_log(place, clients)
    assert log.size == len(clients.sent)
    if step in WRITING:
        durable = step is Step.COMMIT and way in AFTER
        assert bool(unanswered & clients.replayed) == durable


@pytest.mark.parametrize("step", WRITING)
def test_what_is_not_durable_yet_is_neither_acknowledged_nor_shown(
    begun: Begun, step: Step
) -> None:
    place, clients = begun.place, begun.clients
    before = dict(clients.receipts)
    faults = Faults(place.failure)
    with running(place, faults) as desk:
        faults.arm(step, Way.DELAY)
        posting = threading.Thread(target=clients.post_all, args=(desk, NAMES, faults))
        posting.start()
        assert faults.reached.wait(PATIENCE)
        assert clients.receipts == before
        assert check_log(place, clients).size == ALMOST_A_TILE
        faults.released.set()
        posting.join()
    assert check_log(place, clients).size == ALMOST_A_TILE + len(NAMES)
    assert set(clients.receipts) == set(before) | set(NAMES)


@pytest.mark.parametrize("step", PUBLISHING)
def test_while_a_checkpoint_is_late_recording_goes_on(begun: Begun, step: Step) -> None:
    place, clients = begun.place, begun.clients
    faults = Faults(place.failure)
    with running(place, faults) as desk:
        faults.arm(step, Way.DELAY)
        clients.post(desk, "first")
        assert faults.reached.wait(PATIENCE)
        if step is not Step.CHECKPOINT_STORED:  # the writer itself is what waits
            assert clients.post_all(desk, NAMES, faults) == []
            check_log(place, clients)
        faults.released.set()
        clients.post(desk, "last")
        desk.published(len(clients.sent))
    assert check_log(place, clients).size == len(clients.sent)


@pytest.mark.parametrize("step", WRITING[:-1])
def test_a_mistake_in_one_request_costs_nobody_else_anything(begun: Begun, step: Step) -> None:
    place, clients = begun.place, begun.clients
    faults = Faults(lambda: ZeroDivisionError("a mistake"))
    with running(place, faults) as desk:
        faults.arm(step, Way.FAIL)
        with pytest.raises(ZeroDivisionError):
            clients.post(desk, "mistaken")
        assert faults.reached.is_set()
        assert check_log(place, clients).size == ALMOST_A_TILE
        assert clients.post_all(desk, NAMES) == []
        clients.post(desk, "mistaken")
    assert check_log(place, clients).size == len(clients.sent)
