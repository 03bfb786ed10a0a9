"""Tables of lists: what is in the address is what is shown, and what comes as a file."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING

import pytest
from fastapi import FastAPI, Request, Response

from app.core.errors import Rejected
from app.web.errors import answer_refusals
from app.web.listing import Cursors, Listed, PageQuery
from app.web.tables import Column, Kind, Link, Listing, list_page, order_of, plain
from app.web.templates import TEMPLATES
from tests.slices.identity.asking import Http

if TYPE_CHECKING:
    from app.core.jsonvalue import Json
    from app.web.listing import Key

COLUMNS = (
    Column("name", "Name", sort="name"),
    Column("n", "Count", Kind.NUMBER, sort="n"),
    Column("state", "State", Kind.STATUS),
    Column("at", "Time", Kind.TIME),
    Column("digest", "Digest", Kind.HASH),
)
MANY = 2345
TABLE = """{% call(item, column) ui.table(listing, why="Nobody came.", text="Invite", path="/i") %}
{% if column.key == "name" %}<em>{{ item.name }}</em>{% endif %}{% endcall %}"""


def item(number: int) -> dict[str, Json]:
    return {
        "name": f"=row{number}",
        "n": number,
        "state": "live",
        "at": "2026-01-05T09:00:00.000000Z",
        "digest": "sha256:" + "ab" * 32,
    }


@pytest.fixture
def http() -> Http:
    app = FastAPI()
    answer_refusals(app)
    cursors = Cursors(bytes(32))

    @app.get("/rows")
    def rows(request: Request, page: PageQuery, q: str = "") -> Response:
        _, descending = order_of(request, ("name", "n"), "n")
        wanted = [one for one in range(MANY) if q in str(one)]
        wanted.sort(reverse=descending)

        def fetch(size: int | None, after: Key | None, limit: int) -> Listed:
            start = 0 if after is None else wanted.index(int(after[0])) + 1
            part = wanted[start : start + limit]
            return Listed([item(one) for one in part], [(one,) for one in part], 77)

        listing = list_page(request, page, cursors, COLUMNS, fetch, caption="Rows")
        if isinstance(listing, Response):
            return listing
        return Response(TEMPLATES.from_string(TABLE).render(listing=listing))

    return Http(app)


def names(page: str) -> list[str]:
    return re.findall(r"<em>(.*?)</em>", page)


def link(page: str, text: str) -> str:
    [found] = re.findall(rf'<a [^>]*href="([^"]+)"[^>]*>{text}', page)
    return str(found).replace("&amp;", "&")


def test_a_page_of_a_list_leads_to_the_next_and_back_to_the_first(http: Http) -> None:
    first = http.get("/rows").text
    assert len(names(first)) == 50
    assert names(first)[0] == "=row0"
    second = http.get(link(first, "Next page")).text
    assert names(second)[0] == "=row50"
    assert http.get(link(second, "First page")).text == first
    assert "At log size 77." in first


def test_a_head_sorts_and_turns_and_keeps_what_is_filtered(http: Http) -> None:
    page = http.get("/rows?q=7").text
    assert "aria-sort" not in page
    sorted_ = http.get(link(page, "Count")).text
    assert 'aria-sort="ascending"' in sorted_
    turned = http.get(link(sorted_, "Count")).text
    assert 'aria-sort="descending"' in turned
    assert names(turned)[0] == "=row2337"
    assert "q=7" in link(turned, "Count")


def test_the_files_are_exactly_the_list_that_is_shown(http: Http) -> None:
    page = http.get("/rows?q=7&sort=-n").text
    as_csv = http.get(link(page, "CSV"))
    assert as_csv.headers["Content-Disposition"] == 'attachment; filename="rows.csv"'
    rows = list(csv.DictReader(io.StringIO(as_csv.text)))
    as_json = json.loads(http.get(link(page, "JSON")).text)
    assert [row["n"] for row in rows] == [str(one["n"]) for one in as_json["items"]]
    assert len(rows) == sum("7" in str(one) for one in range(MANY))
    assert rows[0]["name"] == "'=row2337"
    assert as_json["log_size"] == 77
    everything = json.loads(http.get("/rows?format=json").text)
    assert len(everything["items"]) == MANY


def test_nothing_found_and_nothing_there_are_not_the_same(http: Http) -> None:
    unmatched = http.get("/rows?q=none").text
    assert "Nothing matches what is asked for here." in unmatched
    assert link(unmatched, "Show everything") == "/rows"
    nothing = json.loads(http.get("/rows?q=none&format=json").text)
    assert nothing["items"] == []


def test_cells_show_their_kind(http: Http) -> None:
    page = http.get("/rows?limit=2").text
    assert page.count('<td role="cell" class="number" data-label="Count">') == 2
    assert 'class="status good"' in page
    assert '<time datetime="2026-01-05T09:00:00Z"' in page
    assert '<code title="sha256:' in page


@pytest.mark.parametrize("query", ["sort=digest", "sort=-", "cursor=x"])
def test_what_is_no_order_and_no_place_is_refused(http: Http, query: str) -> None:
    assert http.get(f"/rows?{query}").status_code == 422


def test_a_link_and_what_has_no_kind_are_written_out() -> None:
    source = "{{ ui.value('link', one) }}|{{ ui.value('text', many) }}|{{ ui.value('text', none) }}"
    text = TEMPLATES.from_string(source).render(one=Link("a<b", "/a"), many=["x", None, 3])
    assert text == ('<a class="id" href="/a">a&lt;b</a>|x, , 3|<span class="none">none</span>')
    assert plain({"a": 1}) == "{'a': 1}"


def test_a_list_without_anything_says_why_and_what_to_do() -> None:
    listing = Listing("Rows", [], [], 0, False, None, None, "/c", "/j", "/rows")  # noqa: FBT003
    text = TEMPLATES.from_string(TABLE).render(listing=listing)
    assert "Nobody came." in text
    assert '<a class="button" href="/i">Invite</a>' in text


def test_an_order_is_one_of_those_allowed() -> None:
    request = Request({"type": "http", "query_string": b"sort=-n", "headers": []})
    assert order_of(request, ("n",), "n") == ("n", True)
    with pytest.raises(Rejected, match="is not sorted by"):
        order_of(request, ("name",), "name")
