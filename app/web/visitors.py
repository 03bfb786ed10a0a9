"""Who looks at a page, and what a page shows of the log: what main hands to every page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from urllib.parse import urlsplit

from fastapi import Request

from app.web.callers import Caller
from app.web.hosts import is_loopback


@dataclass(frozen=True, slots=True)
class Visitor:
    """A person with a session in a browser.

    ``form_token``: what each form of this session carries, masked; 16 bytes, of no use in
    another session.
    """

    caller: Caller
    user: str
    name: str
    printed_name: str
    form_token: bytes


class Recognise(Protocol):
    """Recognise who looks. Raises Unauthenticated, Forbidden for what is no person."""

    def __call__(self, request: Request) -> Visitor: ...


@dataclass(frozen=True, slots=True)
class Standing:
    """How the log stands. ``size``: entries; ``verified``: of them read back and signed.

    ``verified_at``: when that was last done, None before the first time. ``halted``: why
    nothing is recorded any more, or None. ``witnesses``: cosigners of the last checkpoint.
    """

    size: int
    verified: int
    verified_at: datetime | None
    halted: str | None = None
    witnesses: int = 0


@dataclass(frozen=True, slots=True)
class Typed:
    """The fields of a form as they were typed, in order; a name may come more than once."""

    fields: tuple[tuple[str, str], ...] = ()

    def get(self, name: str, otherwise: str = "") -> str:
        """Give the first value of a field."""
        return next((value for field, value in self.fields if field == name), otherwise)

    def all(self, name: str) -> tuple[str, ...]:
        """Give every value of a field, such as the boxes that were ticked."""
        return tuple(value for field, value in self.fields if field == name)

    def __bool__(self) -> bool:
        return bool(self.fields)


class Drafts(Protocol):
    """What somebody had typed when their session ended; kept for them alone, not signed."""

    def keep(self, request: Request, path: str, typed: Typed) -> str | None:
        """Keep a form for whoever's session this was; None where that cannot be told.

        ``path``: the page that the form stood on. Returns what ``typed`` finds it by.
        """

    def page(self, user: str, draft: str) -> str | None:
        """Find the page that a person's draft belongs to, None where there is no such draft."""

    def typed(self, user: str, draft: str) -> Typed:
        """Give what was typed; nothing where there is no such draft of this person."""

    def drop(self, user: str, draft: str) -> None:
        """Forget a draft of this person: it was sent."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around every page. ``place``: whose Muniment this is, for the chip."""

    place: str
    origin: str
    public_url: str
    standing: Callable[[], Standing]
    now: Callable[[], datetime]


def place_of(public_url: str) -> str:
    """Name where this Muniment is, for the chip: this machine, or its host."""
    host = urlsplit(public_url).hostname or ""
    return "This machine" if is_loopback(host) else host
