"""What is sent compressed, what never is, and how much a first view weighs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from app.web.csrf import unmasked
from tests.acceptance.routes import API
from tests.living import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from tests.living import Person

MOST_BYTES = 60_000
PAGE = {"Accept": "text/html", "Accept-Encoding": "gzip, deflate, br"}
IMPORT = re.compile(r'^import .* from "\./([^"]+)"', re.MULTILINE)
ASSET = re.compile(r'(?:src|href)="(/static/[^"]+)"')


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World.open(tmp_path_factory.mktemp("world")) as world:
        erin = world.person("erin", "engineer")
        about = {"owner": "risk", "purpose": "scores applicants", "risk_tier": "high"}
        for number in range(60):
            world.record(erin, "model.registered", f"model/m{number}", about)
        yield world


def ask(
    world: World, path: str, person: Person | None, site: str | None = "same-origin"
) -> httpx.Response:
    """Ask as a browser does: with the cookie, and where the request comes from."""
    headers = dict(PAGE)
    if person is not None:
        headers["Cookie"] = f"muniment-dev={world.session(person)}"
    if site is not None:
        headers["Sec-Fetch-Site"] = site
    return world.client(None).get(path, headers=headers)


def compressed(answer: httpx.Response) -> bool:
    assert answer.status_code == 200
    return bool(answer.headers.get("Content-Encoding") == "gzip")


@pytest.mark.parametrize(
    ("site", "expected"),
    [("same-origin", True), ("none", True), ("cross-site", False), ("same-site", False),
     (None, False)],
)  # fmt: skip
def test_a_page_is_compressed_where_nobody_else_chose_the_request(
    world: World, site: str | None, *, expected: bool
) -> None:
    """Else its length would tell whoever listens what they guess of it (BREACH)."""
    for path in ("/models", "/search?q=guess"):
        assert compressed(ask(world, path, world.ada, site)) is expected


def test_without_a_cookie_there_is_nothing_to_tell(world: World) -> None:
    program = world.client(world.ada).get(f"{API}/models", headers={"Accept-Encoding": "gzip"})
    assert compressed(program)
    assert "Accept-Encoding" in program.headers["Vary"]
    plain = world.client(world.ada).get(f"{API}/models", headers={"Accept-Encoding": "identity"})
    assert not compressed(plain)
    assert "Accept-Encoding" in plain.headers["Vary"]
    assert plain.json()["items"] == program.json()["items"]
    tile = world.client(world.ada).get("/log/tile/entries/000.p/60", headers=PAGE)
    assert compressed(tile)
    assert "Accept-Encoding" in tile.headers["Vary"]


@pytest.mark.parametrize("path", ["/account", "/sign-in", "/sign-in?next=/models"])
def test_where_secrets_are_shown_nothing_is_compressed(world: World, path: str) -> None:
    visitor = None if path.startswith("/sign-in") else world.ada
    answer = ask(world, path, visitor)
    assert not compressed(answer)
    assert len(answer.content) > 1000


def test_the_token_of_forms_never_looks_the_same(world: World) -> None:
    found = [
        re.findall(r'name="form_token" value="([0-9a-f]+)"', ask(world, "/help", world.ada).text)
        for _ in range(2)
    ]
    written = {one for page in found for one in page}
    assert len(written) == 2
    assert len({unmasked(one) for one in written}) == 1


@pytest.mark.parametrize("path", ["/models", "/inbox", "/ledger", "/lineage"])
def test_a_first_view_is_small(world: World, path: str) -> None:
    """The page with its style and scripts, as they are sent; fonts come later and are kept."""
    page = ask(world, path, world.ada)
    sizes = {path: int(page.headers["Content-Length"])}
    waiting = [one for one in ASSET.findall(page.text) if "/fonts/" not in one]
    while waiting:
        asset = waiting.pop()
        if asset not in sizes:
            file = ask(world, asset, world.ada)
            sizes[asset] = int(file.headers["Content-Length"])
            folder = asset.rpartition("/")[0]
            waiting += [f"{folder}/{one}" for one in IMPORT.findall(file.text)]
    assert sum(".js" in one for one in sizes) > 4
    assert sum(sizes.values()) <= MOST_BYTES, sizes
