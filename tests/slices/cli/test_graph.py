"""``graph``: 0 where the stores are the log's, 1 where they were not, 5 where nobody can say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.slices.cli.conftest import problem

if TYPE_CHECKING:
    from tests.slices.cli.conftest import Command, Server


def job(state: str, **result: dict[str, Any]) -> dict[str, Any]:
    progress = 100 if state == "done" else 0
    return {"id": "7", "kind": "x", "state": state, "progress": progress, "result": result,
            "problem": "Neo4j: away" if state == "failed" else None}  # fmt: skip


def held(missing: int = 0) -> dict[str, Any]:
    return {"size": 9, "digest": "sha256:00", "nodes": 4, "edges": 5, "missing": missing,
            "extra": 0, "altered": 0, "examples": [], "index": 9}  # fmt: skip


@pytest.mark.parametrize(("missing", "code"), [(0, 0), (2, 1)])
def test_reconcile_waits_and_is_1_where_something_differed(
    command: Command, server: Server, missing: int, code: int
) -> None:
    server.on("POST", "/api/v1/graph/reconcile", (202, job("running")))
    done = job("done", sql=held(), neo4j=held(missing))
    server.on("GET", "/api/v1/graph/jobs/7", (200, job("running")), (200, done))
    ended = command("graph", "reconcile")
    assert ended.code == code
    assert ("neo4j: 2 differed from the log" in ended.err) == bool(missing)
    assert ended.out.count("digest") == 2


def test_rebuild_tells_the_new_graphs_digest(command: Command, server: Server) -> None:
    server.on("POST", "/api/v1/graph/rebuild", (202, job("running")))
    server.on("GET", "/api/v1/graph/jobs/7", (200, job("done", neo4j={"digest": "sha256:0f"})))
    ended = command("graph", "rebuild")
    assert ended.code == 0
    assert "sha256:0f" in ended.out


def test_nobody_waits_who_does_not_want_to(command: Command, server: Server) -> None:
    server.on("POST", "/api/v1/graph/rebuild", (202, job("running")))
    ended = command("graph", "rebuild", "--no-wait", "--json")
    assert (ended.code, ended.document["state"]) == (0, "running")


@pytest.mark.parametrize("kind", ["rebuild", "reconcile"])
def test_a_job_that_failed_is_5_and_says_why(command: Command, server: Server, kind: str) -> None:
    server.on("POST", f"/api/v1/graph/{kind}", (202, job("failed")))
    ended = command("graph", kind)
    assert ended.code == 5
    assert "Neo4j: away" in ended.err


@pytest.mark.parametrize(("status", "code"), [(401, 4), (403, 1), (409, 1), (503, 5)])
def test_exit_codes_of_looking_after_the_graph(
    command: Command, server: Server, status: int, code: int
) -> None:
    server.on("POST", "/api/v1/graph/rebuild", problem(status, "no"))
    server.on("GET", "/api/v1/graph/status", problem(status, "no"))
    assert command("graph", "rebuild").code == code
    assert command("graph", "status").code == code
