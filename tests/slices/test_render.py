"""Pages are set by a confined process: same bytes, nothing loaded, limits kept and explained."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pikepdf
import pytest

from app.core.errors import TooLarge, Unavailable
from app.core.ledger.canonical import canonical
from app.core.report.compose import compose
from app.core.report.document import to_json
from app.core.report.files import EmbeddedFile, embedded_files
from app.reporting import render as rendering
from app.reporting.columns import shares
from app.reporting.engine import engine, fingerprint
from app.reporting.glyphs import covered, printable
from app.reporting.render import Isolation, Limits, isolation, render
from app.reporting.typesetting import typeset
from app.reporting.worker import Order, refuse_sockets, work
from app.resources import Resource, folder
from tests.core.report import samples

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.core.report.facts import ReportFacts

# WeasyPrint 70 leaves its colour profile open; here it runs in the tests' own process.
pytestmark = pytest.mark.filterwarnings(
    "ignore:unclosed file .*sRGB2014:ResourceWarning",
    "ignore:Exception ignored in. <_io.FileIO .*sRGB2014:pytest.PytestUnraisableExceptionWarning",
)

TEMPLATES = folder(Resource.REPORTS)


def laid_out(facts: ReportFacts) -> tuple[bytes, tuple[EmbeddedFile, ...]]:
    return canonical(to_json(compose(facts))), embedded_files(facts)


EMPTY = laid_out(samples.empty())


@pytest.fixture(scope="module")
def full() -> rendering.Rendered:
    return render(*laid_out(samples.full()))


def attachments(pdf: bytes) -> dict[str, bytes]:
    with pikepdf.open(BytesIO(pdf)) as opened:
        return {name: spec.get_file().read_bytes() for name, spec in opened.attachments.items()}


def test_the_embedded_files_are_the_bytes_that_went_in(full: rendering.Rendered) -> None:
    report, files = laid_out(samples.full())
    expected = {file.name: file.content for file in files} | {"report.json": report}
    assert attachments(full.pdf) == expected


def test_a_line_of_events_leads_to_its_leaf_hash(full: rendering.Rendered) -> None:
    lines = attachments(full.pdf)["events.jsonl"].splitlines()
    leaves = [sha256(b"\0" + line).hexdigest() for line in lines]
    assert leaves == [entry.leaf_hash for entry in samples.full().entries]


def test_embedded_files_say_what_they_are_and_are_dated_by_the_report(
    full: rendering.Rendered,
) -> None:
    with pikepdf.open(BytesIO(full.pdf)) as opened:
        file = opened.attachments["events.jsonl"].get_file()
        assert file.mime_type == "application/jsonl"
        assert file.creation_date == samples.full().as_of
        assert opened.attachments["report.json"].obj.AFRelationship == "/Source"


def test_the_title_language_and_dates_are_the_reports_own(full: rendering.Rendered) -> None:
    with pikepdf.open(BytesIO(full.pdf)) as opened:
        assert opened.docinfo["/Title"] == "Model audit report: model/credit-risk"
        assert opened.Root.Lang == "en"
        assert str(opened.docinfo["/CreationDate"]).startswith("D:20261125090000")


def test_every_header_cell_has_its_scope(full: rendering.Rendered) -> None:
    with pikepdf.open(BytesIO(full.pdf)) as opened:
        cells = [
            item
            for item in opened.objects
            if isinstance(item, pikepdf.Dictionary) and item.get("/S") == "/TH"
        ]
        scopes = [str(cell.A.Scope) for cell in cells]
    assert len(scopes) > 100
    assert set(scopes) == {"/Column", "/Row"}


def test_two_renderings_have_the_same_bytes_and_fingerprint() -> None:
    once, again = render(*EMPTY), render(*EMPTY)
    assert once.pdf == again.pdf
    assert once.engine == again.engine
    assert fingerprint(once.engine).startswith("sha256:")
    with pikepdf.open(BytesIO(once.pdf)) as opened:
        assert once.page_count == len(opened.pages)


ALONE = """
import json, sys
from pathlib import Path
from app.reporting.worker import Order, work
work(Order(Path(sys.argv[1]), Path(sys.argv[2]), 0, 0))
"""


@pytest.mark.parametrize(
    ("seed", "zone", "locale"),
    [("1", "Pacific/Auckland", "C"), ("4242", "America/St_Johns", "C.UTF-8")],
)
def test_hash_seed_time_zone_and_locale_leave_no_trace(
    tmp_path: Path, seed: str, zone: str, locale: str
) -> None:
    expected = render(*EMPTY)
    rendering._lay_out(tmp_path, *EMPTY)  # noqa: SLF001 - the worker's side of it, alone
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONHASHSEED": seed,
        "TZ": zone,
        "LC_ALL": locale,
        "FONTCONFIG_FILE": str(tmp_path / "fonts.conf"),
        "PYTHONPATH": str(Path(rendering.__file__).parents[2]),
    }
    command = [sys.executable, "-c", ALONE, str(tmp_path), str(TEMPLATES)]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    assert (tmp_path / "report.pdf").read_bytes() == expected.pdf


def test_without_a_namespace_the_pages_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = render(*EMPTY)
    monkeypatch.setattr(rendering, "isolation", lambda: Isolation.AUDIT_HOOK)
    assert render(*EMPTY).pdf == expected.pdf


@pytest.mark.parametrize("ended", [0, 1])
def test_isolation_is_what_the_system_permits(monkeypatch: pytest.MonkeyPatch, ended: int) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: "/bin/false" if ended else "/bin/true")
    isolation.cache_clear()
    try:
        assert isolation() is (Isolation.AUDIT_HOOK if ended else Isolation.NAMESPACE)
        isolation.cache_clear()
        monkeypatch.setattr(shutil, "which", lambda _name: None)
        assert isolation() is Isolation.AUDIT_HOOK
    finally:
        isolation.cache_clear()


def test_the_worker_opens_no_socket() -> None:
    with pytest.raises(PermissionError, match="without a network"):
        refuse_sockets("socket.connect", ())
    refuse_sockets("open", ())


@pytest.fixture
def visited() -> Iterator[tuple[str, list[str]]]:
    """Give the address of a server on this machine, and the list of paths asked of it."""
    asked: list[str] = []

    class Server(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_said: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def test_an_address_in_a_template_is_not_loaded_and_the_pages_are_set_all_the_same(
    tmp_path: Path, visited: tuple[str, list[str]]
) -> None:
    address, asked = visited
    templates = tmp_path / "reports"
    shutil.copytree(TEMPLATES, templates)
    page = templates / "report.html"
    images = "".join(
        f'<img alt="x" src="{source}">'
        for source in (f"{address}/x.png", "file:///etc/passwd", "asset:../../secret", "data:,x")
    )
    text = page.read_text(encoding="utf-8").replace("<body>", f"<body>{images}")
    page.write_text(text, encoding="utf-8")
    assert typeset(*EMPTY, templates).page_count >= 8
    assert asked == []


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(cpu=1), "more than 1 seconds of processor time"),
        (Limits(wall=0.3), "more than 0.3 seconds"),
        (Limits(memory=150_000_000), "150 MB of memory"),
    ],
)
def test_a_runaway_rendering_is_stopped_and_explained(limits: Limits, said: str) -> None:
    with pytest.raises(TooLarge, match=said) as stopped:
        render(*laid_out(samples.hostile()), limits=limits)
    assert stopped.value.remedy == "ask for a narrower scope, such as one version of the model"


def test_a_cancelled_rendering_ends() -> None:
    with pytest.raises(Unavailable, match="cancelled"):
        render(*laid_out(samples.hostile()), cancelled=lambda: True)


def test_a_failure_says_what_failed() -> None:
    report = json.loads(EMPTY[0])
    del report["title"]
    with pytest.raises(Unavailable, match="'dict object' has no attribute 'title'"):
        render(canonical(report), EMPTY[1])


def test_the_worker_leaves_pages_and_engine_in_its_folder(tmp_path: Path) -> None:
    rendering._lay_out(tmp_path, *EMPTY)  # noqa: SLF001 - the worker's side of it, alone
    work(Order(tmp_path, TEMPLATES, 0, 0))
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF-1.7")
    result = json.loads((tmp_path / "result.json").read_bytes())
    with pikepdf.open(tmp_path / "report.pdf") as opened:
        assert result == {"page_count": len(opened.pages), "engine": engine(TEMPLATES)}


KNOWN = covered(TEMPLATES / "fonts")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("\u05e9\u05dc\u05d5\u05dd \u00e9 \u2713", "\u05e9\u05dc\u05d5\u05dd \u00e9 \u2713"),
        ("\u202eevil\u202c", "[U+202E]evil[U+202C]"),
        ("\U0001faa0 \u4e2d", "[U+1FAA0] [U+4E2D]"),
        ("\x00\x1b\u200b\ue000", "[U+0000][U+001B][U+200B][U+E000]"),
    ],
)
def test_what_has_no_glyph_or_turns_text_is_shown_as_its_code(text: str, shown: str) -> None:
    assert printable(text, KNOWN) == shown


def test_columns_share_the_width_by_what_they_hold() -> None:
    def cell(text: str) -> dict[str, object]:
        return {"text": text, "form": "text", "tone": "neutral", "evidence": []}

    columns = [{"title": "n", "form": "number"}, {"title": "What", "form": "text"}]
    rows = [[cell("12"), cell("a sentence of some length that needs more room than a number")]]
    table = {"columns": columns, "rows": rows, "printed": 1, "wide": False}
    narrow, broad = shares(table)
    assert narrow < 10 < broad
    assert sum(shares(table)) == pytest.approx(100, abs=0.1)
    rows[0][1] = cell("W" * 10_000)
    assert sum(shares(table)) == pytest.approx(100, abs=0.1)
