"""Every page once with something on it. A page without a line here fails.

``SEED`` is played once before: what a page needs to be filled is recorded there, over HTTP, as
a client would. Names are fixed, so that most paths are plain text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.living import Person, World

LONG = "l" + "-long-name" * 9


@dataclass
class Town:
    """A world with something in it. ``notes``: what a seed found out, for paths of visits."""

    world: World
    notes: dict[str, str]


Path: TypeAlias = "str | Callable[[Town], str]"


@dataclass(frozen=True)
class Visit:
    """How a page is opened. ``who``: by name, None: nobody.

    ``also``: the same page in its other states (empty, with an error, with long texts).
    """

    path: Path
    who: str | None = "ada"
    also: tuple[Path, ...] = ()


def people(town: Town) -> None:
    """Let people come: vera reviews, erin engineers, omar may read."""
    world = town.world
    world.person("vera", "reviewer", "model-validator")
    world.person("erin", "engineer")
    world.person("omar", "compliance_officer", "auditor")


def records(town: Town) -> None:
    """Register a few things, one with a long name."""
    erin = town.world.people["erin"]
    for name in ("credit", LONG):
        about = {"owner": "data-team", "licence": "CC0-1.0", "description": f"Applicants of {name}"}
        town.world.record(erin, "dataset.registered", f"dataset/{name}", about)
    model = {"owner": "risk", "purpose": "Scores credit applications", "risk_tier": "high"}
    town.world.record(erin, "model.registered", "model/credit-risk", model)


SEED: tuple[Callable[[Town], None], ...] = (people, records)
"""Played in this order; a slice adds its own at the end."""


def secret_of(link: str) -> str:
    return link.rsplit("/", 1)[1]


def invitation(town: Town) -> str:
    """Invite somebody, and give the path of their link."""
    world = town.world
    body = {"name": f"new-{len(town.notes)}", "printed_name": "New Person"}
    made = world.client(world.ada).post("/api/v1/invitations", json=body).json()
    town.notes[body["name"]] = made["url"]
    return f"/invitations/{secret_of(made['url'])}"


VISITS: Mapping[str, Visit] = {
    "GET /": Visit("/", who=None),
    "GET /help": Visit("/help"),
    "GET /problems/{slug}": Visit("/problems/stale-review", who=None, also=("/problems/none",)),
    "GET /sign-in": Visit("/sign-in?next=/help", who=None),
    "GET /setup/{secret}": Visit("/setup/over", who=None),
    "GET /invitations/{secret}": Visit(invitation, who=None, also=("/invitations/none",)),
}


def person_of(town: Town, who: str | None) -> Person | None:
    return None if who is None else town.world.people[who]
