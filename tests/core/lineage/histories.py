"""Stories to make graphs of: short ones by hand, and random ones from a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from app.core.events.kinds import datasets, deployments, models
from app.core.ledger.times import format_time
from app.core.lineage.beliefs import revise
from app.core.lineage.delta import delta
from app.core.lineage.relations import FOREVER, OPEN, Edge, RelationType

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from app.core.events import Event

DIGEST = "sha256:" + "0" * 64
START = datetime(2026, 3, 1, 9, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Told:
    """An event as the log tells it; its index is its place in the story."""

    subject: str
    event: Event
    at: datetime


def hour(number: float) -> datetime:
    return START + timedelta(hours=number)


def moment(number: float) -> str:
    return format_time(hour(number))


def data_version(*derived_from: str) -> Event:
    return datasets.DatasetVersionRegistered(
        DIGEST, "file:x", 1, 1, datasets.Schema(()), derived_from
    )


def model_version(*trained_on: str, run: str | None = None, base_model: str | None = None) -> Event:
    artifact = models.Artifact(DIGEST, "file:x")
    return models.ModelVersionRegistered(artifact, "sklearn", trained_on, run, base_model)


def run_started(*inputs: str, role: str = "train_set") -> Event:
    return models.RunStarted("train", tuple(models.RunEdge(one, role) for one in inputs))


def run_finished(*outputs: str, role: str = "model") -> Event:
    return models.RunFinished("succeeded", tuple(models.RunEdge(one, role) for one in outputs))


def succeeded(version: str) -> Event:
    return deployments.DeploymentSucceeded("production", "scoring", version)


def rolled_back(version: str) -> Event:
    return deployments.DeploymentRolledBack("production", "scoring", version)


def retired(version: str) -> Event:
    return deployments.DeploymentRetired("production", "scoring", version)


def tell(story: Iterable[Told]) -> tuple[Edge, ...]:
    """Make the graph's edges of a story: every one ever believed, with its end."""
    claimed = (
        edge
        for index, told in enumerate(story)
        for edge in delta(told.event, told.subject, index, told.at).opened
    )
    return revise((), claimed).begun


def nodes(story: Iterable[Told]) -> set[str]:
    """Find every node that the story names."""
    return {gid for told in story for gid in delta(told.event, told.subject, 0, told.at).nodes}


def flow(src: str, dst: str, index: int = 0, type_: RelationType = RelationType.SOURCE) -> Edge:
    """Make an edge between dataset versions ``src`` and ``dst``, believed since ``index``."""
    ends = (f"dataset_version:{src}/1", f"dataset_version:{dst}/1")
    return Edge(*ends, type_, "", index, OPEN, moment(0), FOREVER)


def random_story(seed: int, length: int, breadth: int = 1) -> Sequence[Told]:
    """Tell of data, runs, models and deployments, now and then late, twice or out of order.

    What an event refers to may never have been told, and ways may lead in a circle.
    ``breadth``: how many times as many things it tells of.
    """
    rng = random.Random(seed)
    tails = ["", *(str(number) for number in range(1, breadth))]
    data = [f"dataset/{n}{tail}/{v}" for tail in tails for n in "abc" for v in range(1, 4)]
    made = [f"model/{n}{tail}/{v}" for tail in tails for n in "mn" for v in range(1, 4)]
    runs = [f"run/{number}" for number in range(6 * breadth)]
    wheres = ("staging", "production")
    places = [f"deployment/{where}/scoring{tail}" for tail in tails for where in wheres]

    def some(things: list[str], most: int) -> list[str]:
        return rng.sample(things, rng.randint(0, most))

    def one() -> tuple[str, Event]:
        run = rng.choice([*runs, None])
        base = rng.choice([*made, None, None, None])
        made_one = rng.choice(made)
        return rng.choice(
            [
                (rng.choice(data), data_version(*some(data, 2))),
                (made_one, model_version(*some(data, 2), run=run, base_model=base)),
                (rng.choice(runs), run_started(*some(data, 3))),
                (rng.choice(runs), run_finished(*some(made + data, 2))),
                (rng.choice(places), succeeded(made_one)),
                (rng.choice(places), succeeded(made_one)),
                (rng.choice(places), rolled_back(made_one)),
                (rng.choice(places), retired(made_one)),
            ]
        )

    story: list[Told] = []
    for number in range(length):
        if story and rng.random() < 0.1:
            story.append(rng.choice(story))
        late = rng.choice([0, 0, 0, rng.uniform(0, length)])
        story.append(Told(*one(), hour(number - late)))
    return story[:length]
