"""What a browser shows, and what is wrong with it: accessibility, policy, places of things."""

from __future__ import annotations

import json
import os
import re
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import axe_playwright_python
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page

NARROW, MIDDLE, WIDE = 320, 768, 1440
HEIGHT = 900
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
LISTEN = """
window.reports = [];
document.addEventListener("securitypolicyviolation", (event) => window.reports.push(
  `${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
"""
OVERLAPS = """() => {
  const seen = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const visible = (element) => element.checkVisibility({visibilityProperty: true})
    && !element.closest(".away, .skip, option, svg")
    && !(element.closest("thead")?.getBoundingClientRect().width <= 1);
  while (walker.nextNode()) {
    const node = walker.currentNode, element = node.parentElement;
    if (!node.textContent.trim() || !visible(element)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects()) seen.push([element, box, node.textContent.trim()]);
  }
  for (const element of document.querySelectorAll("input, textarea, select, progress, img")) {
    if (element.type !== "hidden" && visible(element))
      seen.push([element, element.getBoundingClientRect(), element.id || element.tagName]);
  }
  const found = [];
  for (let a = 0; a < seen.length; a++) for (let b = a + 1; b < seen.length; b++) {
    const [first, one, said] = seen[a], [second, other, told] = seen[b];
    if (first === second || first.contains(second) || second.contains(first)) continue;
    const across = Math.min(one.right, other.right) - Math.max(one.left, other.left);
    const down = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
    if (across > 2 && down > 4) found.push(`${said.slice(0, 40)} / ${told.slice(0, 40)}`);
  }
  return found;
}"""
SMALL = """() => [...document.querySelectorAll(
    "button, summary, nav a, .button, input, select, td a")]
  .filter((element) => element.type !== "hidden" && element.checkVisibility()
    && !element.closest(".away, .skip"))
  .filter((element) => {
    const box = element.getBoundingClientRect();
    return box.width < 24 || box.height < 24;
  })
  .map((element) => `${element.tagName} ${element.textContent.trim().slice(0, 40)}`)"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the machine's Chromium, without a window."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    assert found is not None, "requirements/machine.sh test installs chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=[*ARGUMENTS])
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Eyes:
    """Somebody at a browser of their own. ``complaints``: what it said about our pages."""

    browser: Browser
    base: str
    complaints: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)

    def open(
        self,
        cookie: str | None = None,
        *,
        width: int = WIDE,
        scheme: str = "light",
        script: bool = True,
        **more: Any,  # noqa: ANN401 - Playwright's own
    ) -> Page:
        """Open an empty page in a fresh browser, signed in with a session's secret if given."""
        context = self.browser.new_context(
            base_url=self.base,
            viewport={"width": width, "height": HEIGHT},
            color_scheme="dark" if scheme == "dark" else "light",
            java_script_enabled=script,
            **more,
        )
        if cookie is not None:
            context.add_cookies([{"name": "muniment-dev", "value": cookie, "url": self.base}])
        context.add_init_script(LISTEN)
        self.contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: self._hear(message.text))
        page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        return page

    def close(self) -> None:
        """Close every page, after asking each what its policy blocked."""
        for context in self.contexts:
            for page in context.pages:
                self.complaints += reports(page)
            context.close()
        self.contexts.clear()

    def _hear(self, text: str) -> None:
        if "Content Security Policy" in text or "Refused to" in text:
            self.complaints.append(text)


def reports(page: Page) -> list[str]:
    """Read what the policy of a page blocked; without JavaScript the console alone says."""
    found = _evaluate(page, "window.reports ?? []")
    return [str(one) for one in found] if isinstance(found, list) else []


@cache
def _axe() -> str:
    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")


def violations(page: Page) -> list[str]:
    """Ask axe-core; it comes in beside the page's policy, through the debugger."""
    _evaluate(page, f"{_axe()};1")
    told = _evaluate(
        page, "axe.run(document, {resultTypes: ['violations']}).then((r) => JSON.stringify("
        "r.violations.map((v) => [v.id, v.help, v.nodes.map((n) => n.html.slice(0, 200) + ' '"
        " + n.failureSummary)])))"
    )  # fmt: skip
    return [f"{rule}: {text}: {nodes}" for rule, text, nodes in json.loads(str(told))]


def _evaluate(page: Page, expression: str) -> object:
    session = page.context.new_cdp_session(page)
    try:
        answer = session.send(
            "Runtime.evaluate",
            {"expression": expression, "awaitPromise": True, "returnByValue": True},
        )
    finally:
        session.detach()
    assert "exceptionDetails" not in answer, answer["exceptionDetails"]
    return answer["result"].get("value")


def pushed_sideways(page: Page) -> int:
    """Tell by how many pixels a page is wider than its window."""
    wide = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return int(wide)


def overlaps(page: Page) -> list[str]:
    """Find texts and fields that lie on each other."""
    return [str(one) for one in page.evaluate(OVERLAPS)]


def too_small(page: Page) -> list[str]:
    """Find what is to be hit and smaller than 24 pixels (WCAG 2.2, 2.5.8)."""
    return [str(one) for one in page.evaluate(SMALL)]


def picture(page: Page, name: str) -> None:
    """Keep a picture in the folder that ``MUNIMENT_PICTURES`` names, if it names one."""
    folder = os.environ.get("MUNIMENT_PICTURES")
    if folder:
        safe = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "front"
        page.screenshot(path=Path(folder) / f"{safe}.png", full_page=True)
