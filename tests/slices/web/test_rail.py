from __future__ import annotations

from typing import TYPE_CHECKING

from app.web.rail import RAIL, Place, within
from tests.acceptance.routes import served
from tests.living import World

if TYPE_CHECKING:
    from pathlib import Path


def test_every_entry_of_the_rail_has_its_page_and_a_key_of_its_own(tmp_path: Path) -> None:
    with World.open(tmp_path) as world:
        there = served(world.app)
    assert [place for place in RAIL if f"GET {place.path}" not in there] == []
    keys = [place.key for place in RAIL if place.key is not None]
    assert len(set(keys)) == len(keys)


def test_a_page_below_a_place_is_within_it_and_one_that_begins_alike_is_not() -> None:
    models = Place("Models", "/models", "m")
    assert within(models, "/models")
    assert within(models, "/models/credit/1")
    assert not within(models, "/models-of-others")
    assert models.letter == "m Models"
