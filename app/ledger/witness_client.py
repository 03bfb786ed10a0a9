"""Asking one witness to cosign one checkpoint, over HTTP (C2SP tlog-witness).

A witness is not trusted: what it answers is checked, is bounded in size and time, and the
worst that it can do is not to cosign.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import httpx

from app.core.errors import Refusal
from app.core.ledger.add_checkpoint import AddCheckpoint, format_request
from app.core.ledger.cosignature import answered

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from app.core.ledger.quorum import KnownWitness

LONGEST_ANSWER = 65_536
SIZE_TYPE = "text/x.tlog.size"
TRIES = 2
"""With the size we remember, then with the one it names."""

_SIZE = re.compile(rb"(0|[1-9][0-9]{0,15})\n?")


class Trouble(StrEnum):
    """Why a witness did not cosign.

    SPLIT_VIEW: it has seen another tree of this log. AHEAD: it has seen a larger one, so
    this log has gone back. BAD_ANSWER: what it answered is not of the protocol.
    """

    UNREACHABLE = "unreachable"
    UNKNOWN_LOG = "unknown log"
    REFUSED = "refused"
    BAD_ANSWER = "bad answer"
    SPLIT_VIEW = "split view"
    AHEAD = "ahead of the log"


ALARMS = frozenset({Trouble.SPLIT_VIEW, Trouble.AHEAD})
"""They speak against this log, not against the witness."""


class NotCosigned(Exception):  # noqa: N818 - what happened
    """The witness did not cosign. ``detail``: a sentence for the operator."""

    def __init__(self, trouble: Trouble, detail: str) -> None:
        super().__init__(detail)
        self.trouble = trouble
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Submission:
    """A checkpoint to be cosigned. ``prove``: its consistency proof from an older size."""

    text: str
    size: int
    note: bytes
    prove: Callable[[int], Sequence[bytes]]


def submit(client: httpx.Client, witness: KnownWitness, asked: Submission, old: int) -> str:
    """Have a checkpoint cosigned; answers the line to append to its note.

    ``old``: the last size it is known to have cosigned. Raises NotCosigned.
    """
    if old > asked.size:
        raise _ahead(old, asked.size)
    for _ in range(TRIES):
        answer = _post(client, witness, asked, old)
        if answer.status == httpx.codes.OK:
            try:
                return answered(asked.text, answer.body, witness.key)[0]
            except Refusal as refusal:
                raise NotCosigned(Trouble.BAD_ANSWER, refusal.detail) from None
        if answer.status != httpx.codes.CONFLICT:
            raise _refused(answer, old)
        old = _its_size(answer, old, asked.size)
    raise NotCosigned(Trouble.BAD_ANSWER, "it names another size each time it is asked")


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    media: str
    body: bytes


def _post(client: httpx.Client, witness: KnownWitness, asked: Submission, old: int) -> _Answer:
    proof = tuple(asked.prove(old))
    url = f"{(witness.url or '').rstrip('/')}/add-checkpoint"
    content = format_request(AddCheckpoint(old, proof, asked.note))
    patience = client.timeout.read or 0.0
    ends_at = time.monotonic() + patience
    try:
        with client.stream("POST", url, content=content) as response:
            body = b""
            for part in response.iter_bytes():
                body += part
                if len(body) > LONGEST_ANSWER:
                    raise NotCosigned(Trouble.BAD_ANSWER, "its answer does not end")
                if time.monotonic() > ends_at:
                    raise NotCosigned(Trouble.UNREACHABLE, f"no whole answer in {patience:g} s")
    except (httpx.HTTPError, httpx.InvalidURL) as failure:
        detail = str(failure) or type(failure).__name__
        raise NotCosigned(Trouble.UNREACHABLE, detail) from None
    media = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return _Answer(response.status_code, media, body)


def _its_size(answer: _Answer, old: int, size: int) -> int:
    """Read what a 409 says: the size that the witness knows. Raises NotCosigned."""
    said = _SIZE.fullmatch(answer.body) if answer.media == SIZE_TYPE else None
    known = None if said is None else int(said[1])
    if known is not None and known > size:
        raise _ahead(known, size)
    if old == size and known in (None, old):
        raise NotCosigned(Trouble.SPLIT_VIEW, f"it has seen another tree of size {size}")
    if known is None:
        raise NotCosigned(Trouble.BAD_ANSWER, "it answered 409 without the size it knows")
    if known == old:
        raise NotCosigned(Trouble.BAD_ANSWER, f"it answered 409 and named the same size, {old}")
    return known


def _ahead(known: int, size: int) -> NotCosigned:
    detail = f"it has cosigned size {known} of this log, which has {size} entries"
    return NotCosigned(Trouble.AHEAD, detail)


def _refused(answer: _Answer, old: int) -> NotCosigned:
    match answer.status:
        case httpx.codes.NOT_FOUND:
            return NotCosigned(Trouble.UNKNOWN_LOG, "it answered 404: it does not know this log")
        case httpx.codes.FORBIDDEN:
            return NotCosigned(Trouble.UNKNOWN_LOG, "it answered 403: it does not know this key")
        case httpx.codes.UNPROCESSABLE_ENTITY if old:
            detail = f"it answered 422: it has seen other entries below size {old}"
            return NotCosigned(Trouble.SPLIT_VIEW, detail)
        case httpx.codes.BAD_REQUEST | httpx.codes.UNPROCESSABLE_ENTITY:
            return NotCosigned(Trouble.REFUSED, f"it answered {answer.status}")
        case status if status >= httpx.codes.INTERNAL_SERVER_ERROR or (
            status == httpx.codes.TOO_MANY_REQUESTS
        ):
            return NotCosigned(Trouble.UNREACHABLE, f"it answered {status}")
        case status:
            return NotCosigned(Trouble.BAD_ANSWER, f"it answered {status}")
