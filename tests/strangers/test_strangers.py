"""Unmodified strangers accept the golden log at every awkward size and refuse altered copies."""

from __future__ import annotations

import base64
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from tests.strangers.static_log import GOLDEN, OTHER, write_log
from tests.strangers.verdicts import STRANGERS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# The first test may build the programs, which takes minutes on a new machine.
pytestmark = pytest.mark.timeout(1_800)

SIZES = [0, 1, 2, 255, 256, 257, 300, 65_536, 70_000]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *words: object) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on a free port of this machine; yields its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The golden log in every size, each below its size."""
    folder = tmp_path_factory.mktemp("logs")
    for size in SIZES:
        write_log(folder / str(size), size)
    with served(folder) as url:
        yield url


def flip(path: Path, place: int) -> None:
    raw = bytearray(path.read_bytes())
    raw[place] ^= 1
    path.write_bytes(raw)


@pytest.mark.parametrize("stranger", STRANGERS)
@pytest.mark.parametrize("size", SIZES)
def test_a_stranger_accepts_our_log(logs: str, stranger: str, size: int) -> None:
    verdict = STRANGERS[stranger](f"{logs}/{size}", GOLDEN.vkey(), None)
    assert verdict.accepted, verdict.words
    assert f"{size}" in verdict.words


@pytest.mark.parametrize("stranger", STRANGERS)
@pytest.mark.parametrize("size", SIZES)
def test_a_stranger_refuses_our_log_under_another_key(logs: str, stranger: str, size: int) -> None:
    verdict = STRANGERS[stranger](f"{logs}/{size}", OTHER.vkey(), None)
    assert not verdict.accepted, verdict.words


@pytest.mark.parametrize("stranger", STRANGERS)
@pytest.mark.parametrize("size", SIZES[1:])
def test_a_stranger_refuses_an_altered_entry(tmp_path: Path, stranger: str, size: int) -> None:
    write_log(tmp_path, size)
    bundle = min(path for path in tmp_path.glob("tile/entries/**/*") if path.is_file())
    flip(bundle, -3)
    with served(tmp_path) as url:
        verdict = STRANGERS[stranger](url, GOLDEN.vkey(), None)
    assert not verdict.accepted, verdict.words


@pytest.mark.parametrize("stranger", STRANGERS)
@pytest.mark.parametrize("tile", ["0/000", "0/001.p/44", "1/000.p/1"])
def test_a_stranger_refuses_an_altered_tile(tmp_path: Path, stranger: str, tile: str) -> None:
    write_log(tmp_path, 300)
    flip(tmp_path / "tile" / tile, -1)
    with served(tmp_path) as url:
        verdict = STRANGERS[stranger](url, GOLDEN.vkey(), None)
    assert not verdict.accepted, verdict.words


@pytest.mark.parametrize("stranger", STRANGERS)
@pytest.mark.parametrize("size", [0, 300])
def test_a_stranger_refuses_an_altered_checkpoint(tmp_path: Path, stranger: str, size: int) -> None:
    write_log(tmp_path, size)
    checkpoint = tmp_path / "checkpoint"
    text, separator, signatures = checkpoint.read_text().partition("\n\n")
    origin, said, _ = text.split("\n")
    other = base64.b64encode(bytes(32)).decode()
    checkpoint.write_text(f"{origin}\n{said}\n{other}{separator}{signatures}")
    with served(tmp_path) as url:
        verdict = STRANGERS[stranger](url, GOLDEN.vkey(), None)
    assert not verdict.accepted, verdict.words


def test_our_go_program_tells_the_place(tmp_path: Path) -> None:
    write_log(tmp_path, 300)
    flip(tmp_path / "tile/entries/001.p/44", 2 + 5)
    with served(tmp_path) as url:
        verdict = STRANGERS["tlogcheck"](url, GOLDEN.vkey(), None)
    assert verdict.words == "tile/0/001.p/44 is not that of the entries, at item 0\n"


@pytest.mark.parametrize("stranger", STRANGERS)
def test_a_stranger_refuses_a_log_with_a_missing_tile(tmp_path: Path, stranger: str) -> None:
    write_log(tmp_path, 300)
    (tmp_path / "tile/0/000").unlink()
    with served(tmp_path) as url:
        verdict = STRANGERS[stranger](url, GOLDEN.vkey(), None)
    assert not verdict.accepted, verdict.words
