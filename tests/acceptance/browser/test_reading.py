"""What is and whence, as people walk it in a browser, with JavaScript and without."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from app.core.ledger.note import Verifier
from tests.acceptance.browser.seeing import overlaps

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.acceptance.browser.seeing import Eyes
    from tests.acceptance.browser.visits import Town

VERDICT = re.compile(r"It is in the log|Not proven")
VERSION = "/models/credit/versions/3"
PATIENCE = 120_000
FITS = """() => [...document.querySelectorAll("svg.lineage .node")].flatMap((node) => {
  const box = node.querySelector(".shape").getBoundingClientRect();
  return [...node.querySelectorAll("text")].filter((text) => {
    const at = text.getBoundingClientRect();
    return at.left < box.left || at.right > box.right || at.top < box.top || at.bottom > box.bottom;
  }).map((text) => text.textContent);
})"""
APART = """() => [...document.querySelectorAll("svg.lineage")].flatMap((svg) => {
  const boxes = [...svg.querySelectorAll(".node > a > .shape, .node > .shape")]
    .map((shape) => shape.getBoundingClientRect());
  return boxes.flatMap((one, a) => boxes.slice(a + 1).filter((other) =>
    Math.min(one.right, other.right) - Math.max(one.left, other.left) > 1 &&
    Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) > 1).map(() => a));
})"""


def opened(town: Town, eyes: Eyes, who: str, path: str, *, script: bool) -> Page:
    session = town.world.session(town.world.people[who])
    page = eyes.open(session, script=script, accept_downloads=True)
    page.goto(path)
    return page


@pytest.mark.parametrize("script", [True, False])
def test_a_file_is_recorded_on_a_version_and_comes_back_byte_for_byte(
    town: Town, eyes: Eyes, tmp_path: Path, *, script: bool
) -> None:
    page = opened(town, eyes, "erin", VERSION, script=script)
    content = b"%PDF-1.7 " + (b"with" if script else b"without")
    file = tmp_path / f"card-{script}.pdf"
    file.write_bytes(content)
    page.get_by_text("Add a file").click()
    page.set_input_files("#file", file)
    page.select_option("#kind", "validation_report")
    page.get_by_role("button", name="Record the file").click()
    page.wait_for_url(f"**{VERSION}#documents")
    with page.expect_download() as download:
        page.get_by_role("link", name=file.name).click()
    assert Path(str(download.value.path())).read_bytes() == content


@pytest.mark.parametrize("script", [True, False])
def test_a_report_is_ordered_waited_for_and_taken(town: Town, eyes: Eyes, *, script: bool) -> None:
    page = opened(town, eyes, "omar", "/reports", script=script)
    page.fill("#scope", "model/credit/1")
    page.get_by_role("button", name="Order the report").click()
    page.wait_for_url("**/reports/*")
    taking = page.get_by_role("link", name="PDF")
    taking.wait_for(timeout=PATIENCE)
    with page.expect_download() as download:
        taking.click()
    assert Path(str(download.value.path())).read_bytes().startswith(b"%PDF")


def proven(page: Page) -> str:
    """Let the browser check the entry that is shown; give its verdict."""
    page.get_by_role("button", name="Check it in this browser").click()
    verdict = page.locator("#proving [role=status]")
    expect(verdict).to_have_text(VERDICT, timeout=PATIENCE)
    return verdict.inner_text()


def test_boxes_of_a_picture_lie_apart_and_labels_within_them(town: Town, eyes: Eyes) -> None:
    path = "/lineage?node=deployment/production/scoring&depth=6"
    page = opened(town, eyes, "erin", path, script=True)
    assert page.locator("svg.lineage .node").count() >= 8
    assert page.evaluate(FITS) == []
    assert page.evaluate(APART) == []
    assert overlaps(page) == []


def test_a_box_of_the_picture_leads_to_its_page_by_keyboard(town: Town, eyes: Eyes) -> None:
    page = opened(town, eyes, "erin", "/lineage?node=model/credit/1", script=True)
    page.locator("svg.lineage a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/datasets/applicants**")
    assert page.locator("h1").inner_text().startswith("applicants")


def test_a_browser_proves_by_itself_that_an_entry_is_in_the_log(town: Town, eyes: Eyes) -> None:
    page = opened(town, eyes, "omar", "/ledger/20", script=True)
    verifier = town.world.house.log_signer.verifier
    assert "as the key that this server gave says" in proven(page)
    assert page.locator("#proving li").count() == 3
    page.fill("#vkey", verifier.vkey())
    assert proven(page) == "It is in the log, as the key that you gave says."
    page.reload()
    assert page.input_value("#vkey") == verifier.vkey()
    page.fill("#vkey", Verifier(verifier.name, bytes(32)).vkey())
    assert proven(page) == "Not proven: the checkpoint is not signed by this key"
    page.fill("#vkey", "no key")
    assert proven(page) == "Not proven: the key is of another form: name+8 hex digits+base64"
    page.fill("#vkey", verifier.vkey())
    page.evaluate("document.querySelector('pre.bytes code').append(' ')")
    assert proven(page) == "Not proven: the path does not lead to the root"


def test_without_a_script_the_browser_is_not_offered_to_prove(town: Town, eyes: Eyes) -> None:
    page = opened(town, eyes, "omar", "/ledger/20", script=False)
    assert page.locator("#proving").is_hidden()
    assert "muniment event proof 20" in page.inner_text("main")
