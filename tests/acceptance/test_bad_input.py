"""What no route takes: the right status, a problem document with pointers, and nothing stored."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import inspect

from tests.acceptance.routes import API, EVENT, ROWS, served
from tests.living import Person, Token, World

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

ROLES = (
    "model-validator", "engineer", "reviewer", "compliance_officer", "policy_author", "operator",
    "auditor", "administrator",
)  # fmt: skip
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World.open(tmp_path_factory.mktemp("world")) as world:
        yield world


@pytest.fixture(scope="module")
def omar(world: World) -> Person:
    """Somebody who may do everything, so that it is the request that is refused."""
    omar = world.person("omar", *ROLES)
    world.tick(90_000)
    return omar


@pytest.fixture(scope="module")
def expired(world: World, omar: Person) -> Token:
    until = (world.clock.now + timedelta(minutes=10)).isoformat()
    token = world.token("read", "admin", owner=omar, expires_at=until)
    world.tick(601)
    return token


@pytest.fixture(scope="module")
def powerless(world: World, omar: Person) -> Token:
    """A token for something that no route here is about."""
    return world.token("lineage:ingest", owner=omar)


def stored(world: World) -> Counter[str]:
    """Count the rows of every table, and the entries of the log as its head says."""
    world.house.ledger.operate(lambda _: None)  # what nobody waits for is written, too
    with world.house.ledger.snapshot() as now:
        names = inspect(now.connection).get_table_names()
        rows = {
            name: int(now.connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one())  # noqa: S608
            for name in names
        }
        # A checkpoint follows an entry a moment later.
        return Counter({**rows, "checkpoints": 0, "size": now.size})


def grown(world: World, before: Counter[str]) -> dict[str, int]:
    after = stored(world)
    return {name: after[name] - before[name] for name in after if after[name] != before[name]}


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """Read a problem document (RFC 9457) that has this status."""
    assert answer.status_code == status, f"{answer.status_code}: {answer.text[:500]}"
    assert answer.headers["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert body["type"].startswith(("/problems/", "about:blank"))
    assert body["title"]
    assert body["detail"]
    assert body["request_id"] == answer.headers["X-Request-Id"]
    for fault in body.get("errors", []):
        assert fault["pointer"] == "#" or fault["pointer"].startswith("#/")
        assert fault["message"]
    assert "Traceback" not in answer.text
    return body


def test_every_route_has_a_row_here_and_every_row_a_route(world: World) -> None:
    assert served(world.app) == set(ROWS)


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if not row.public])
def test_a_route_asks_who_calls(world: World, expired: Token, name: str) -> None:
    method, row = name.split(" ", maxsplit=1)[0], ROWS[name]
    sent: dict[str, Any] = {} if row.json is None else {"json": row.json}
    if row.form and row.json is None:
        sent = {"data": {"kind": "card"}, "files": {"file": ("card.txt", b"x", "text/plain")}}
    before = stored(world)
    for header in (
        None,
        "Bearer",
        "Bearer nonsense",
        "Basic b21hcjpwYXNzd29yZA==",
        f"Bearer {expired.secret[:-1]}x",
        f"Bearer {expired.secret}",
    ):
        headers = {} if header is None else {"Authorization": header}
        answer = world.client(None).ask(method, row.path, headers, **sent)
        problem(answer, 401)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert grown(world, before) == {}


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if not row.public])
def test_a_route_refuses_who_may_not_and_that_is_on_record_once(
    world: World, powerless: Token, name: str
) -> None:
    """Decisions 30: one aggregated entry in a quarter of an hour, whatever is refused."""
    if name in {f"GET {API}/me", f"DELETE {API}/sessions/current"}:
        return
    method, row = name.split(" ", maxsplit=1)[0], ROWS[name]
    sent: dict[str, Any] = {} if row.json is None else {"json": row.json}
    client = world.client(powerless)
    problem(client.delete(f"{API}/tokens/none"), 403)
    before = stored(world)
    problem(client.ask(method, row.path, **sent), 403)
    assert grown(world, before) == {}


HOSTILE: dict[str, tuple[bytes, dict[str, str], set[int]]] = {
    "nothing": (b"", JSON, {400}),
    "no JSON": (b'{"type": ', JSON, {400}),
    "no UTF-8": (b'{"type": "\xff"}', JSON, {400}),
    "NaN": (b'{"type": NaN}', JSON, {400}),
    "infinity": (b'{"type": -Infinity}', JSON, {400}),
    "a number too large": (b'{"type": 1e999}', JSON, {400, 422}),
    "an integer too large": (b'{"type": 9007199254740993}', JSON, {400, 422}),
    "a name twice": (b'{"type": 1, "type": 1}', JSON, {422}),
    "half a character": (b'{"type": "\\ud800"}', JSON, {422}),
    "two documents": (b"{}{}", JSON, {400}),
    "depth": (b"[" * 100_000 + b"]" * 100_000, JSON, {400, 413, 422}),
    "size": (b'{"a": "' + b"x" * (10 * 2**20) + b'"}', JSON, {413}),
    "no media type": (b"{}", {}, {415}),
    "another media type": (b"{}", {"Content-Type": "text/plain"}, {415}),
    "another form": (b'"text"', JSON, {422}),
    "an unknown member": (b'{"surprise": 1}', JSON, {422}),
    "an array of nothing": (b"[null]", JSON, {422}),
}


@pytest.mark.parametrize("wrong", HOSTILE)
@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.json is not None])
def test_a_route_takes_no_other_body(world: World, omar: Person, name: str, wrong: str) -> None:
    method, row = name.split(" ", maxsplit=1)[0], ROWS[name]
    content, headers, statuses = HOSTILE[wrong]
    client = world.client(None if row.public else omar)
    world.session(omar)
    before = stored(world)
    answer = client.ask(method, row.path, headers, content=content)
    assert answer.status_code in statuses, f"{answer.status_code}: {answer.text[:300]}"
    body = problem(answer, answer.status_code)
    if answer.status_code == 422:
        assert body["errors"]
    assert grown(world, before) == {}


FORMS: dict[str, tuple[dict[str, Any], set[int]]] = {
    "another media type": ({"content": b"x", "headers": {"Content-Type": "text/csv"}}, {415, 422}),
    "no boundary": (
        {"content": b"x", "headers": {"Content-Type": "multipart/form-data"}}, {400, 422},
    ),
    "no end": (
        {
            "content": b"--b\r\nContent-Disposition: form-data; name=",
            "headers": {"Content-Type": "multipart/form-data; boundary=b"},
        },
        {400, 422},
    ),
    "no file": ({"data": {"kind": "card"}, "files": {"other": ("a", b"x")}}, {422}),
    "two files": ({"files": [("file", ("a", b"x")), ("file", ("b", b"x"))]}, {400, 422}),
}  # fmt: skip


@pytest.mark.parametrize("wrong", FORMS)
@pytest.mark.parametrize("name", [n for n, row in ROWS.items() if row.form and not row.page])
def test_a_route_takes_no_other_form(world: World, omar: Person, name: str, wrong: str) -> None:
    method, row = name.split(" ", maxsplit=1)[0], ROWS[name]
    parts, statuses = FORMS[wrong]
    world.session(omar)
    before = stored(world)
    answer = world.client(omar).ask(method, row.path, **parts)
    assert answer.status_code in statuses, f"{answer.status_code}: {answer.text[:300]}"
    problem(answer, answer.status_code)
    assert grown(world, before) == {}


@pytest.mark.parametrize(
    "name", [n for n, row in ROWS.items() if row.form and row.page and row.public]
)
def test_a_page_takes_no_form_with_something_missing(world: World, name: str) -> None:
    before = stored(world)
    answer = world.client(None).post(ROWS[name].path, data={"surprise": "x"})
    problem(answer, 422)
    assert grown(world, before) == {}


PARTS = ["-1", "99999999999999999999999", "%00", "%ff", "..%2f..", "a" * 5000, "%F0%9F%98%80", "'"]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("name", [n for n in ROWS if "{" in n and ROWS[n].json is None])
def test_a_path_that_names_nothing_is_no_surprise(
    world: World, omar: Person, name: str, part: str
) -> None:
    method, pattern = name.split(" ")
    pieces = [part if "{" in piece else piece for piece in pattern.split("/")]
    world.session(omar)
    if ROWS[name].page and ROWS[name].form:  # a form without its token: on record once
        world.client(omar).ask(method, "/".join(pieces))
    before = stored(world)
    answer = world.client(omar).ask(method, "/".join(pieces))
    assert 400 <= answer.status_code < 500, f"{answer.status_code}: {answer.text[:300]}"
    if not ROWS[name].page:
        problem(answer, answer.status_code)
    assert grown(world, before) == {}


QUERIES = [
    "limit=0", "limit=1001", "limit=x", "cursor=nonsense", "at=yesterday", "type=nonsense",
    "size=0", "size=99999999999999999999999", "from=2&to=1", "from=-1&to=1", "from=0",
    "to=99999999999999999999999&from=0", "as_of_seq=-1", "as_of_seq=99999999999999999999999",
    "min_seq=99999999999999999999999", "direction=sideways", "depth=0", "q=", "wait=99",
    "after_index=99999999999999999999999", "since=9999-12-31T23:59:59-14:00", "node=%00",
]  # fmt: skip


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_that_makes_no_sense_is_no_surprise(world: World, omar: Person, query: str) -> None:
    world.session(omar)
    before = stored(world)
    for name, row in ROWS.items():
        if name.startswith("GET") and "checkpoint" not in name:
            joined = "&" if "?" in row.path else "?"
            answer = world.client(omar).get(f"{row.path}{joined}{query}")
            assert answer.status_code < 500, f"{name} {answer.status_code}: {answer.text[:300]}"
            if answer.status_code >= 400 and not row.page:
                problem(answer, answer.status_code)
    assert grown(world, before) == {}


EVENTS: dict[str, tuple[dict[str, Any], int, str | None]] = {
    "an unknown type": ({"type": "dataset.registred"}, 422, None),
    "a reserved type": ({"type": "gate.decided"}, 403, None),
    "a type that is no string": ({"type": 7}, 422, "#/type"),
    "no subject": ({"subject": None}, 422, "#/subject"),
    "an unknown subject": ({"subject": "planet/x"}, 422, "#/subject"),
    "a subject of another kind": ({"subject": "model/x"}, 422, None),
    "a deployment of the log": ({"type": "deployment.started", "subject": "log"}, 422, "#/data"),
    "an unknown member of data": ({"data": {**EVENT["data"], "x": 1}}, 422, "#/data"),  # type: ignore[dict-item]
    "a wrong member of data": ({"data": {**EVENT["data"], "owner": 1}}, 422, "#/data/owner"),  # type: ignore[dict-item]
    "no data": ({"data": None}, 422, "#/data"),
    "a time that is none": ({"occurred_at": "yesterday"}, 422, "#/occurred_at"),
    "a time without a zone": ({"occurred_at": "2026-01-01T00:00:00"}, 422, "#/occurred_at"),
    "a time in the future": ({"occurred_at": "2031-01-01T00:00:00Z"}, 422, "#/occurred_at"),
    "a time before time": ({"occurred_at": "0001-01-01T00:00:00+14:00"}, 422, "#/occurred_at"),
    "a time as a number": ({"occurred_at": 1}, 422, "#/occurred_at"),
    "a member set by the service": (
        {"data": {**EVENT["data"], "labels": {"a": 1}}}, 422, "#/data/labels/a",  # type: ignore[dict-item]
    ),
    "a member with a slash": ({"a/b~c": 1}, 422, "#/a~1b~0c"),
}  # fmt: skip


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("wrong", EVENTS)
def test_what_may_not_be_said_is_refused_with_its_place(
    world: World, omar: Person, wrong: str, batch: bool
) -> None:
    change, status, pointer = EVENTS[wrong]
    event = {**EVENT, **change}
    client = world.client(omar)
    problem(client.post(f"{API}/events", json={**EVENT, "type": "gate.decided"}), 403)
    before = stored(world)
    if batch:
        body = problem(client.post(f"{API}/events/batch", json=[EVENT, event]), status)
    else:
        body = problem(client.post(f"{API}/events", json=event), status)
    if pointer is not None:
        expected = pointer.replace("#", "#/1", 1) if batch else pointer
        assert expected in [fault["pointer"] for fault in body["errors"]]
    assert grown(world, before) == {}


def test_more_than_a_thousand_events_are_no_batch(world: World, omar: Person) -> None:
    before = stored(world)
    problem(world.client(omar).post(f"{API}/events/batch", json=[EVENT] * 1001), 413)
    assert grown(world, before) == {}


def test_data_of_more_than_a_mebibyte_is_too_large(world: World, omar: Person) -> None:
    columns = [{"name": f"c{number}", "type": "x" * 90} for number in range(12_000)]
    data = {
        "digest": "sha256:" + "1" * 64, "uri": "file:///x", "size": 1, "rows": 1,
        "schema": {"columns": columns}, "derived_from": [],
    }  # fmt: skip
    client = world.client(omar)
    world.record(omar, "dataset.registered", "dataset/wide", EVENT["data"])  # type: ignore[arg-type]
    before = stored(world)
    event = {"type": "dataset.version_registered", "subject": "dataset/wide/1", "data": data}
    answer = client.post(f"{API}/events", content=json.dumps(event), headers=JSON)
    assert answer.status_code in {413, 422}
    problem(answer, answer.status_code)
    assert grown(world, before) == {}


@pytest.mark.parametrize("key", ["x" * 256, "tab\there"])
def test_an_idempotency_key_that_is_none_is_refused(world: World, omar: Person, key: str) -> None:
    before = stored(world)
    client = world.client(omar)
    body = problem(client.post(f"{API}/events", json=EVENT, headers={"Idempotency-Key": key}), 400)
    assert body["errors"][0]["pointer"] == "#/headers/Idempotency-Key"
    assert grown(world, before) == {}


def test_a_method_that_a_route_has_not_is_said_to_be_so(world: World, omar: Person) -> None:
    answer = world.client(omar).delete(f"{API}/datasets")
    problem(answer, 405)
    assert answer.headers["Allow"] == "GET"
    problem(world.client(omar).get("/nowhere"), 404)
