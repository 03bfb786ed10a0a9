"""Something that happens between reading and writing, as if somebody else were faster."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from app.ledger.append import Appended, Request
    from tests.living import World


@contextmanager
def meanwhile(world: World, kind: str, act: Callable[[], object]) -> Iterator[None]:
    """Let ``act`` happen after an event of that type was thought out, before it is recorded."""
    append, waiting = world.house.sequencer.append, [act]

    def slower(request: Request) -> Future[Appended]:
        if waiting and any(kind == one.said.event.TYPE for one in request.events):
            waiting.pop()()
        return append(request)

    with pytest.MonkeyPatch.context() as patching:
        patching.setattr(world.house.sequencer, "append", slower)
        yield
    assert waiting == [], f"no {kind} was about to be recorded"
