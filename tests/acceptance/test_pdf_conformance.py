"""The PDF as strangers see it: veraPDF, poppler, and a reader of content streams."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pikepdf
import pytest

from app.core.ledger.canonical import canonical
from app.core.report.compose import compose
from app.core.report.document import to_json
from app.core.report.files import embedded_files
from app.reporting.render import render
from tests.core.report import samples
from tests.servers.verapdf.verapdf import validate

if TYPE_CHECKING:
    from pathlib import Path

    from app.core.report.facts import ReportFacts

MARGIN = 18 / 25.4 * 72
SMALLEST = 8.0


def long() -> ReportFacts:
    return replace(samples.full(), entries=samples.entries(620))


STORIES = {
    "empty": samples.empty,
    "full": samples.full,
    "hostile": samples.hostile,
    "long": long,
}


@pytest.fixture(scope="module", params=list(STORIES))
def pdf(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    facts = STORIES[request.param]()
    rendered = render(canonical(to_json(compose(facts))), embedded_files(facts))
    path = tmp_path_factory.mktemp("pdf") / f"{request.param}.pdf"
    path.write_bytes(rendered.pdf)
    return path


def read(pdf: Path, *options: str) -> str:
    command = ["pdftotext", *options, str(pdf), "-"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("flavour", ["3a", "ua1"])
def test_verapdf_finds_the_document_compliant(pdf: Path, flavour: str) -> None:
    verdict = validate(pdf, flavour)
    assert verdict.failures == ()
    assert verdict.compliant
    assert verdict.checks > 1000


def test_verapdf_is_asked_in_earnest(tmp_path: Path) -> None:
    with pikepdf.new() as plain:
        plain.add_blank_page()
        plain.save(tmp_path / "plain.pdf")
    assert not validate(tmp_path / "plain.pdf", "3a").compliant
    (tmp_path / "none.pdf").write_bytes(b"no PDF")
    with pytest.raises(RuntimeError, match="no verdict"):
        validate(tmp_path / "none.pdf", "ua1")


@dataclass(frozen=True, slots=True)
class Word:
    text: str
    left: float
    top: float
    right: float
    bottom: float

    def covers(self, other: Word) -> bool:
        """Tell whether the two overlap by more than a point across and half a line down."""
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        return across > 1 and down > 0.5 * min(self.bottom - self.top, other.bottom - other.top)


def pages(pdf: Path) -> list[tuple[float, float, list[Word]]]:
    root = ET.fromstring(read(pdf, "-bbox"))  # noqa: S314 - poppler's own output
    space = "{http://www.w3.org/1999/xhtml}"
    return [
        (
            float(page.attrib["width"]),
            float(page.attrib["height"]),
            [
                Word(
                    word.text or "",
                    *(float(word.attrib[name]) for name in ("xMin", "yMin", "xMax", "yMax")),
                )
                for word in page.iter(f"{space}word")
            ],
        )
        for page in root.iter(f"{space}page")
    ]


def test_every_word_is_inside_its_margins(pdf: Path) -> None:
    outside = [
        (number, word)
        for number, (width, height, words) in enumerate(pages(pdf), start=1)
        for word in words
        if word.left < MARGIN - 1
        or word.right > width - MARGIN + 1
        or word.top < MARGIN - 1
        or word.bottom > height - 18
    ]
    assert outside == []


def test_no_word_runs_into_another(pdf: Path) -> None:
    collisions = []
    for number, (_, _, words) in enumerate(pages(pdf), start=1):
        ordered = sorted(words, key=lambda word: word.top)
        for at, word in enumerate(ordered):
            for other in ordered[at + 1 :]:
                if other.top > word.bottom:
                    break
                if word.covers(other):
                    collisions.append((number, word.text[:30], other.text[:30]))
    assert collisions == []


class Typesetter:
    """Follows the text operators of a content stream (ISO 32000-1, 9.4) for the sizes set."""

    def __init__(self, start: pikepdf.Matrix) -> None:
        self.matrix, self.text, self.size = start, pikepdf.Matrix(), 0.0
        self.kept: list[tuple[pikepdf.Matrix, float]] = []

    def follow(self, operator: str, operands: list[pikepdf.Object]) -> float | None:
        """Take one operator; return the size in points if it sets text."""
        match operator:
            case "q":
                self.kept.append((self.matrix, self.size))
            case "Q":
                self.matrix, self.size = self.kept.pop()
            case "cm":
                self.matrix = pikepdf.Matrix(*map(float, operands)) @ self.matrix
            case "BT":
                self.text = pikepdf.Matrix()
            case "Tm":
                self.text = pikepdf.Matrix(*map(float, operands))
            case "Tf":
                self.size = float(operands[1])
            case "Tj" | "TJ":
                whole = self.text @ self.matrix
                return self.size * float((whole.c**2 + whole.d**2) ** 0.5)
            case _:
                pass
        return None


def font_sizes(pdf: Path) -> dict[float, str]:
    """Return the sizes in points of all text set, each with a page it is used on."""
    sizes: dict[float, str] = {}
    with pikepdf.open(pdf) as opened:
        for number, page in enumerate(opened.pages, start=1):
            waiting: list[tuple[pikepdf.Object, pikepdf.Matrix]] = [(page.obj, pikepdf.Matrix())]
            while waiting:
                stream, start = waiting.pop()
                setter = Typesetter(start)
                for instruction in pikepdf.parse_content_stream(stream):
                    operator, operands = str(instruction.operator), list(instruction.operands)
                    size = setter.follow(operator, operands)
                    if size is not None:
                        sizes[round(size, 2)] = f"page {number}"
                    if operator == "Do":
                        form = stream.Resources.XObject[str(operands[0])]
                        if form.Subtype == "/Form":
                            waiting.append((form, setter.matrix))
    return sizes


def test_no_text_is_set_under_eight_points(pdf: Path) -> None:
    sizes = font_sizes(pdf)
    assert len(sizes) > 3
    assert {size: place for size, place in sizes.items() if size < SMALLEST - 0.01} == {}


def test_every_page_names_document_data_digest_state_of_the_log_and_its_number(pdf: Path) -> None:
    texts = read(pdf, "-layout").split("\f")[:-1]
    for number, text in enumerate(texts, start=1):
        assert f"Page {number} of {len(texts)}" in text
        assert "Data SHA-256" in text
        assert "report/01a · log of" in text


def test_no_page_ends_with_a_heading(pdf: Path) -> None:
    """The last words above the foot of a page are never bold and larger than the text."""
    for number, (_, height, words) in enumerate(pages(pdf), start=1):
        body = [word for word in words if word.bottom < height - 24 / 25.4 * 72]
        last = max(body, key=lambda word: word.bottom)
        assert last.bottom - last.top < 15, (number, last)


def test_nothing_in_the_document_acts(pdf: Path) -> None:
    with pikepdf.open(pdf) as opened:
        acting = {"/JavaScript", "/Launch", "/URI", "/SubmitForm", "/GoToR"}
        kinds = {
            str(item.get("/S")) for item in opened.objects if isinstance(item, pikepdf.Dictionary)
        }
        assert not kinds & acting
        assert "/OpenAction" not in opened.Root


@pytest.mark.parametrize("pdf", ["hostile"], indirect=True)
def test_what_was_meant_to_break_the_page_is_printed_as_text(pdf: Path) -> None:
    text = " ".join(read(pdf, "-raw").split())
    assert "<script>alert(1)</script>" in text
    assert "{{ 7 * 7 }} {% raw %}" in text
    assert "[U+202E]" in text
    assert text.count("W") >= 20_000


@pytest.mark.parametrize("pdf", ["long"], indirect=True)
def test_beyond_the_limit_the_rows_are_embedded_and_the_page_says_so(pdf: Path) -> None:
    text = read(pdf, "-layout")
    assert "500 of 620 printed; all in events.jsonl, SHA-256" in " ".join(text.split())
    with pikepdf.open(pdf) as opened:
        lines = opened.attachments["events.jsonl"].get_file().read_bytes().splitlines()
    assert len(lines) == 620
