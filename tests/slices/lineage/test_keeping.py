"""How the graph is kept with SQL alone: told, held against the log, set right, recorded."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, insert, select, update

from app.core.access import Permission
from app.lineage.models import EDGES, NODES
from tests.core.lineage.histories import random_story
from tests.slices.lineage.conftest import FakeCaller, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from app.lineage.graphviz import Graphviz

KEEPER = frozenset({Permission.READ, Permission.REBUILD, Permission.RECONCILE})


@pytest.fixture(params=["sqlite", "postgresql"])
def stage(request: pytest.FixtureRequest, tmp_path: Path, layout: Graphviz) -> Iterator[Stage]:
    on_a_server = request.param == "postgresql"
    url = request.getfixturevalue("database_url") if on_a_server else None
    with Stage.built(tmp_path, layout, database_url=url) as stage:
        yield stage


@pytest.fixture(autouse=True)
def keeper(stage: Stage) -> None:
    stage.door.caller = FakeCaller(KEEPER)
    stage.tells(random_story(3, 60))


def done(stage: Stage, path: str) -> dict[str, Any]:
    begun = stage.post(path)
    assert begun.status_code == 202, begun.text
    until = time.monotonic() + 60
    while (job := stage.get(begun.headers["Location"]).json())["state"] == "running":
        assert time.monotonic() < until
        time.sleep(0.01)
    return dict(job)


def test_without_neo4j_the_graph_is_never_behind(stage: Stage) -> None:
    status = stage.get("/api/v1/graph/status").json()
    assert status == {"store": "sql", "graph_seq": 60, "log_size": 60, "lag": 0, "last_error": None}


def test_what_is_the_logs_is_left_and_recorded_as_such(stage: Stage) -> None:
    for size in (60, 61, 62):
        held = done(stage, "/api/v1/graph/reconcile")["result"]["sql"]
        assert (held["missing"], held["extra"], held["altered"]) == (0, 0, 0)
        assert (held["size"], held["index"], held["examples"]) == (size, size, [])


def lose_a_node(connection: Connection, rng: random.Random) -> str:
    gid = rng.choice(sorted(connection.execute(select(NODES.c.gid)).scalars()))
    connection.execute(delete(NODES).where(NODES.c.gid == gid))
    return "missing"


def invent_a_node(connection: Connection, rng: random.Random) -> str:
    connection.execute(insert(NODES), {"gid": f"run:made-up-{rng.random()}", "seq_from": 1})
    return "extra"


def date_a_node_back(connection: Connection, rng: random.Random) -> str:
    rows = select(NODES.c.gid).where(NODES.c.seq_from > 0)
    gid = rng.choice(sorted(connection.execute(rows).scalars()))
    connection.execute(update(NODES).where(NODES.c.gid == gid).values(seq_from=0))
    return "altered"


def lose_an_edge(connection: Connection, rng: random.Random) -> str:
    connection.execute(delete(EDGES).where(_one_edge(connection, rng)))
    return "missing"


def invent_an_edge(connection: Connection, rng: random.Random) -> str:
    row = {"src": "dataset_version:a/1", "dst": f"run:{rng.random()}", "type": "input", "role": ""}
    when = {"seq_from": 1, "seq_to": 2**63 - 1, "valid_from": "2026", "valid_to": "forever"}
    connection.execute(insert(EDGES), {**row, **when})
    return "extra"


def end_an_edge(connection: Connection, rng: random.Random) -> str:
    connection.execute(update(EDGES).where(_one_edge(connection, rng)).values(seq_to=59))
    return "altered"


def date_an_edge_otherwise(connection: Connection, rng: random.Random) -> str:
    changed = update(EDGES).where(_one_edge(connection, rng))
    connection.execute(changed.values(valid_from="2020-01-01T00:00:00.000000Z"))
    return "altered"


def call_an_edge_what_it_is_not(connection: Connection, rng: random.Random) -> str:
    chosen = connection.execute(select(EDGES).where(_one_edge(connection, rng))).one()
    connection.execute(insert(EDGES), chosen._asdict() | {"type": f"made-up-{rng.random()}"})
    return "extra"


def _one_edge(connection: Connection, rng: random.Random) -> Any:  # noqa: ANN401 - SQLAlchemy's own
    key = ("dst", "src", "type", "role", "seq_from")
    rows = connection.execute(select(*(EDGES.c[name] for name in key)).order_by(*key)).all()
    chosen = rng.choice(rows)
    clause = EDGES.c.seq_to != 59
    for name, value in zip(key, chosen, strict=True):
        clause &= EDGES.c[name] == value
    return clause


DEEDS = (
    lose_a_node, invent_a_node, date_a_node_back,
    lose_an_edge, invent_an_edge, end_an_edge, date_an_edge_otherwise,
    call_an_edge_what_it_is_not,
)  # fmt: skip


@pytest.mark.parametrize("deed", DEEDS)
def test_each_thing_that_differs_is_found_set_right_and_recorded(
    stage: Stage, deed: Callable[[Connection, random.Random], str]
) -> None:
    """Eight deeds, seven times each, and one by one: 56 of 56; nothing else is named."""
    rng = random.Random(deed.__name__)
    for _ in range(7):
        what = stage.ledger.operate(lambda connection: deed(connection, rng))
        held = done(stage, "/api/v1/graph/reconcile")["result"]["sql"]
        counts = {name: held[name] for name in ("missing", "extra", "altered")}
        assert counts == {"missing": 0, "extra": 0, "altered": 0} | {what: 1}
        assert held["examples"][0].startswith(what)
        with stage.ledger.snapshot() as now:
            assert now.entry(held["index"]).type == "graph.reconciled.v1"
            assert now.data(held["index"])[what] == 1
    held = done(stage, "/api/v1/graph/reconcile")["result"]["sql"]
    assert held["missing"] + held["extra"] + held["altered"] == 0


def test_a_graph_that_is_not_in_neo4j_is_not_made_anew_here(stage: Stage) -> None:
    refused = stage.post("/api/v1/graph/rebuild")
    assert refused.status_code == 409
    assert "migrate --rebuild lineage" in refused.json()["remedy"]


@pytest.mark.parametrize("path", ["rebuild", "reconcile"])
def test_looking_after_the_graph_takes_the_permission(stage: Stage, path: str) -> None:
    stage.door.caller = FakeCaller(frozenset({Permission.READ}))
    assert stage.post(f"/api/v1/graph/{path}").status_code == 403


def test_a_job_that_nobody_started_is_not_there(stage: Stage) -> None:
    assert stage.get("/api/v1/graph/jobs/none").status_code == 404


def test_what_a_crash_interrupted_is_said_to_be(stage: Stage) -> None:
    from app.core.events.decode import encode
    from app.ledger import operational
    from app.lineage.jobs import KIND, Job, Jobs

    running = encode(Job("7", "reconcile"))
    stage.ledger.operate(lambda connection: operational.put(connection, KIND, "7", running))
    Jobs(stage.ledger, None, bytes).interrupted()
    job = stage.get("/api/v1/graph/jobs/7").json()
    assert (job["state"], job["problem"]) == (
        "failed",
        "the server stopped before it was done; start it again",
    )
