"""The one template environment: values are escaped, a missing value is an error.

``ui`` holds the macros of ``templates/ui/``; every template sees it, also a block that is
rendered alone. docs/pages.md lists them.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.core.ledger.times import parse_time
from app.web.marks import tone_of
from app.web.paths import lineage_of, page_of
from app.web.tables import plain

if TYPE_CHECKING:
    from collections.abc import Iterable

HERE = Path(__file__).parent
STATIC = HERE / "static"
MINUTE, HOUR, DAY = 60, 3600, 86_400
UI = ("marks", "forms", "pieces", "tables", "plots")


@cache
def static(name: str) -> str:
    """Give the address of a file of ``static/``: it changes with the file's bytes."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


def moment(value: datetime | str) -> datetime:
    """Read a time, as value or as written in an entry."""
    return parse_time(value) if isinstance(value, str) else value.astimezone(UTC)


def utc(value: datetime | str) -> str:
    """Write a time to the second: ``2026-11-21 09:30:00 UTC``."""
    return f"{moment(value):%Y-%m-%d %H:%M:%S} UTC"


def machine(value: datetime | str) -> str:
    """Write a time for ``<time datetime>``."""
    return f"{moment(value):%Y-%m-%dT%H:%M:%SZ}"


def ago(value: datetime | str, now: datetime) -> str:
    """Say how long ago something was, in its largest unit."""
    seconds = max(0, int((now - moment(value)).total_seconds()))
    if seconds < MINUTE:
        return f"{seconds} s ago"
    if seconds < HOUR:
        return f"{seconds // MINUTE} min ago"
    if seconds < 2 * DAY:
        return f"{seconds // HOUR} h ago"
    return f"{seconds // DAY} days ago"


def until(value: datetime | str, now: datetime) -> str:
    """Say how far ahead something is, in its largest unit; what is past is ``overdue``."""
    seconds = int((moment(value) - now).total_seconds())
    if seconds <= 0:
        return "overdue"
    if seconds < HOUR:
        return f"in {max(1, seconds // MINUTE)} min"
    if seconds < 2 * DAY:
        return f"in {seconds // HOUR} h"
    return f"in {seconds // DAY} days"


def count(value: int) -> str:
    """Write a whole number with separators: ``184,203``."""
    return f"{value:,}"


def short(digest: str) -> str:
    """Shorten a hash to its first 12 characters, without ``sha256:``."""
    return digest.rpartition(":")[2][:12]


def plural(number: int, one: str, many: str | None = None) -> str:
    """Write a count with its noun: ``1 entry``, ``3 entries``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def sentence(text: str) -> str:
    """Begin with a capital and end with a full stop."""
    whole = text[:1].upper() + text[1:]
    return whole if whole.endswith((".", "!", "?")) else f"{whole}."


def pairs(values: Iterable[str]) -> list[tuple[str, str]]:
    """Make options of a choice that are shown as they are written."""
    return [(one, one) for one in values]


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.do"],
    )
    made.filters.update(
        utc=utc,
        machine=machine,
        ago=ago,
        count=count,
        short=short,
        plural=plural,
        tone=tone_of,
        plain=plain,
        sentence=sentence,
        page_of=page_of,
        lineage_of=lineage_of,
        pairs=pairs,
        until=until,
    )
    made.globals["static"] = static
    made.globals["ui"] = SimpleNamespace(**dict(_macros(made, UI)))
    return made


def _macros(environment: Environment, files: Iterable[str]) -> Iterable[tuple[str, object]]:
    """Collect the macros of ``templates/ui/``; a later file may call those of an earlier one."""
    known: dict[str, object] = {}
    for file in files:
        environment.globals["ui"] = SimpleNamespace(**known)
        module = environment.get_template(f"ui/{file}.html").module
        known |= {name: getattr(module, name) for name in dir(module) if not name.startswith("_")}
    return known.items()


TEMPLATES = _environment()
