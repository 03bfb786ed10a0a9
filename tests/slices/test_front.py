"""The pages that anybody may open."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from app.web.errors import kinds, title_of
from tests.living import World

if TYPE_CHECKING:
    from pathlib import Path


def test_the_front_page_names_the_log_and_how_to_sign_in(tmp_path: Path) -> None:
    with World.open(tmp_path) as world:
        answer = world.client(None).get("/")
    assert answer.status_code == 200
    assert world.house.store.origin in answer.text
    assert "muniment login NAME" in answer.text


def test_style_comes_from_the_package_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    with World.open(tmp_path) as world:
        client = world.client(None)
        [address] = re.findall(r'<link rel="stylesheet" href="([^"]+)">', client.get("/").text)
        style = client.get(address)
        assert client.get("/static/../pages.py").status_code == 404
    assert style.status_code == 200
    assert "prefers-color-scheme: dark" in style.text
    assert address.startswith("/static/muniment.css?v=")
    assert style.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert all(url.startswith("fonts/") for url in re.findall(r'url\("?([^")]+)', style.text))
    assert "@import" not in style.text


def test_every_kind_of_refusal_has_a_page_that_explains_it(tmp_path: Path) -> None:
    with World.open(tmp_path) as world:
        client = world.client(None)
        for slug, kind in kinds().items():
            answer = client.get(f"/problems/{slug}")
            assert answer.status_code == 200
            assert f'<h1 tabindex="-1">{title_of(kind)}</h1>' in answer.text
        assert client.get("/problems/nonsense").status_code == 404


def test_what_answers_get_answers_head_without_a_body(tmp_path: Path) -> None:
    with World.open(tmp_path) as world:
        client = world.client(None)
        for path in ("/", "/healthz", "/readyz", "/problems/missing"):
            asked, headed = client.get(path), client.ask("HEAD", path)
            assert headed.status_code == 200
            assert headed.content == b""
            assert headed.headers["Content-Length"] == asked.headers["Content-Length"]
        assert client.ask("HEAD", "/log/checkpoint").status_code == 401
