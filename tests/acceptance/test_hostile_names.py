"""Whatever somebody writes anywhere is shown as text, on every page, in every list and file.

The fields are found in the schemas of what clients may say; one that nobody filled here fails.
"""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from app.core.events import CLIENT_TYPES
from app.ledger.schemas import load_schemas
from tests.living import World, expect
from tests.slices.gates.bank import DATA, Bank, digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MARK = (
    "=<script>alert(1)</script>\"'{{ 7 * 7 }}{% x %}\u202e\u05d0\U0001f600 **b** [l](javascript:x)"
)
PAGE = {"Accept": "text/html"}
VERSION, PLACE = "model/odd/1", "deployment/production/odd"
REACHED = {
    "environment": "production",
    "name": "odd",
    "model_version": VERSION,
    "labels": {"k": ""},
}
NOT_BY_HAND = {"/ungated_because", "/fields/*"}
"""Members that the service fills in itself."""

SAID: list[tuple[str, str, dict[str, Any]]] = [
    ("dataset.registered", "dataset/odd",
     {"owner": "", "licence": "", "description": "", "labels": {"k": ""}}),
    ("dataset.version_registered", "dataset/odd/1",
     {"digest": digest("odd"), "uri": "", "size": 1, "rows": 1, "derived_from": [],
      "schema": {"columns": [{"name": "", "type": "", "tags": [""]}]},
      "code": {"repo": "", "commit": "a" * 40}, "labels": {"k": ""}}),
    ("model.registered", "model/odd",
     {"owner": "", "purpose": "", "risk_tier": "high", "labels": {"k": ""}}),
    ("run.started", "run/odd",
     {"kind": "train", "inputs": [], "code": {"repo": "", "commit": "a" * 40},
      "environment": {"python": ""}, "labels": {"k": ""}}),
    ("run.finished", "run/odd", {"status": "succeeded", "outputs": [], "labels": {"k": ""}}),
    ("model.version_registered", VERSION,
     {"artifact": {"digest": digest(VERSION), "uri": ""}, "framework": "", "signature": "",
      "trained_on": ["dataset/odd/1"], "run": "run/odd", "labels": {"k": ""}}),
    ("evaluation.recorded", VERSION,
     {"model_version": VERSION, "dataset_version": DATA, "model_digest": digest(VERSION),
      "dataset_digest": digest(DATA), "producer": "", "labels": {"k": ""},
      "metrics": [{"name": "", "value": 0.8, "n": 4000, "slice": ""}]}),
    ("document.recorded", VERSION,
     {"kind": "contract", "title": "", "media_type": "application/json", "size": 1,
      "labels": {"k": ""}}),
    ("deployment.started", PLACE, {**REACHED, "target": "", "revision": ""}),
    ("deployment.succeeded", PLACE, {**REACHED, "target": "", "revision": ""}),
    ("deployment.failed", PLACE, {**REACHED, "target": "", "revision": ""}),
    ("deployment.rolled_back", PLACE, {**REACHED, "target": "", "revision": ""}),
    ("finding.raised", "finding/odd",
     {"about": VERSION, "severity": "high", "owner": "o", "text": ""}),
    ("finding.replied", "finding/odd", {"text": ""}),
    ("finding.closed", "finding/odd", {"text": ""}),
    ("deployment.retired", PLACE, {**REACHED, "target": "", "revision": ""}),
]  # fmt: skip
"""One of everything, its free texts left empty, in an order that is taken."""


def free(
    schema: Mapping[str, Any], node: Mapping[str, Any], path: str = ""
) -> Iterator[tuple[str, int]]:
    """Find the texts that may be anything: where they stand, and how long they may be."""
    while "$ref" in node:
        node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]]
    if node.get("type") == "string" and not {"pattern", "enum", "const", "format"} & node.keys():
        yield path, int(node["maxLength"])
    for name, member in node.get("properties", {}).items():
        yield from free(schema, member, f"{path}/{name}")
    for rest in ("items", "additionalProperties"):
        if isinstance(node.get(rest), dict):
            yield from free(schema, node[rest], f"{path}/*")


def write(data: Any, path: str, text: str) -> bool:  # noqa: ANN401 - JSON of any shape
    """Put a text where a path leads; tell whether there is such a place."""
    *parents, last = path.strip("/").split("/")
    for part in parents:
        if isinstance(data, list):
            data = data[0]
        elif part not in data:
            return False
        else:
            data = data[part]
    if isinstance(data, list):
        data[0] = text
        return True
    name = "k" if last == "*" else last
    if name not in data:
        return False
    data[name] = text
    return True


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    with World.open(tmp_path_factory.mktemp("world")) as world:
        bank = Bank.founded(world)
        bank.publish()
        bank.data()
        schemas, missed, file = load_schemas(), set(), ""
        for kind, subject, data in SAID:
            schema = json.loads(schemas[f"{kind}.v1"].raw)
            for path, longest in free(schema, schema):
                text = (MARK + "x" * 300)[: min(longest, 300)]
                if not write(data, path, text) and path not in NOT_BY_HAND:
                    missed.add(f"{kind} {path}")
            if kind == "document.recorded":
                bank.card(VERSION, says=MARK)
                with world.house.ledger.snapshot() as now:
                    file = next(
                        str(now.data(index)["blob"])
                        for index in range(now.size)
                        if now.entry(index).type == "document.recorded.v1"
                    )
                data["blob"] = file
            world.record(bank.erin, kind, subject, data)
        assert missed == set()
        asked = {"subject": VERSION, "environment": "production", "reason": MARK}
        expect(201, world.client(bank.erin).post("/api/v1/promotions", json=asked))
        yield bank


def test_every_kind_that_clients_record_is_written_here() -> None:
    assert {f"{kind}.v1" for kind, _, _ in SAID} == CLIENT_TYPES


PAGES = [
    "/models", "/models/odd", "/models/odd/versions", "/models/odd/versions/1",
    "/models/odd/evidence", "/models/odd/decisions", "/models/odd/deployments", "/datasets",
    "/datasets/odd", "/datasets/odd/versions/1", "/deployments", "/search?q=alert", "/ledger",
    "/inbox", "/promotions", "/lineage?node=model/odd/1", "/reports", "/account", "/help",
]  # fmt: skip


def is_text(page: str) -> bool:
    """Tell whether nothing of the mark became markup, a template or a link."""
    told = "<script>alert" in page or 'href="javascript:' in page or "<strong>b" in page
    return not told and "49{%" not in page


@pytest.mark.parametrize("path", PAGES)
def test_on_pages_it_is_text(bank: Bank, path: str) -> None:
    answer = bank.world.client(bank.vera).get(path, headers=PAGE)
    assert answer.status_code == 200
    assert is_text(answer.text)


def test_what_was_written_is_shown_in_full_where_its_entry_is(bank: Bank) -> None:
    """Each entry's own page shows its data, to the letter, as escaped text."""
    client = bank.world.client(bank.vera)
    with bank.world.house.ledger.snapshot() as now:
        wrote = [
            index
            for index in range(now.size)
            if "<script>" in json.dumps(now.data(index), ensure_ascii=False)
        ]
    assert len(wrote) >= len(SAID)
    for index in wrote:
        page = client.get(f"/ledger/{index}", headers=PAGE).text
        assert is_text(page)
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


@pytest.mark.parametrize("path", ["/models", "/datasets", "/deployments", "/models/odd/evidence"])
def test_in_files_no_cell_is_a_formula(bank: Bank, path: str) -> None:
    answer = bank.world.client(bank.vera).get(f"{path}?format=csv", headers=PAGE)
    cells = [cell for row in csv.reader(io.StringIO(answer.text)) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "\t"))]
    assert any("<script>" in cell for cell in cells) or path == "/deployments"


def test_a_picture_draws_no_name_as_markup(bank: Bank) -> None:
    path = "/api/v1/graph/drawing.svg?node=model/odd/1&direction=upstream"
    drawing = bank.world.client(bank.vera).get(path)
    assert drawing.status_code == 200
    assert not re.search(r"<script|<foreignObject|on\w+=", drawing.text)
