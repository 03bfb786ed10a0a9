"""An audit report as data: a cover, one page of answer, sections made of blocks.

Nothing here knows about pages, fonts or HTML; templates only place these values. Texts are
ready to be read; where a number was rounded, ``Cell.exact`` keeps what it was rounded from.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from app.core.jsonvalue import Json

PRINTED_ROWS = 500
"""The most rows of one table that are printed; the rest stand in the embedded files."""


class Form(StrEnum):
    """How a value reads: running text, something to be copied exactly, a number, a state."""

    TEXT = "text"
    CODE = "code"
    NUMBER = "number"
    STATUS = "status"


class Tone(StrEnum):
    """What a state means to the reader. Always printed beside a word and a sign."""

    NEUTRAL = "neutral"
    GOOD = "good"
    CAUTION = "caution"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Cell:
    """One value. ``exact``: before rounding. ``evidence``: numbers of the register."""

    text: str
    form: Form = Form.TEXT
    tone: Tone = Tone.NEUTRAL
    exact: str | None = None
    evidence: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Paragraph:
    text: str
    evidence: tuple[int, ...] = ()
    tone: Tone = Tone.NEUTRAL
    kind: Literal["paragraph"] = "paragraph"


@dataclass(frozen=True, slots=True)
class Heading:
    """Opens a part of a section."""

    text: str
    kind: Literal["heading"] = "heading"


@dataclass(frozen=True, slots=True)
class Pair:
    label: str
    value: Cell


@dataclass(frozen=True, slots=True)
class Particulars:
    """Labelled values about one thing."""

    pairs: tuple[Pair, ...]
    kind: Literal["particulars"] = "particulars"


@dataclass(frozen=True, slots=True)
class Column:
    title: str
    form: Form = Form.TEXT


@dataclass(frozen=True, slots=True)
class Table:
    """Every row is here; the first ``printed`` are set on pages and ``note`` says so.

    The first cell of a row names it. ``wide``: to be set across a turned page.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    printed: int
    note: str
    wide: bool = False
    kind: Literal["table"] = "table"


@dataclass(frozen=True, slots=True)
class PlotMark:
    """One line of an interval plot; positions are thousandths of the axis, 0 left.

    None where the value is undefined. ``label`` in full, ``text`` is what the dot says.
    """

    label: str
    text: str
    point: int | None
    low: int | None
    high: int | None
    solid: bool


@dataclass(frozen=True, slots=True)
class Tick:
    at: int
    label: str


@dataclass(frozen=True, slots=True)
class IntervalPlot:
    """A dot and its interval per group. ``title`` says what a viewer sees, for all readers."""

    title: str
    axis: str
    marks: tuple[PlotMark, ...]
    ticks: tuple[Tick, ...]
    threshold: Tick | None
    kind: Literal["interval_plot"] = "interval_plot"


@dataclass(frozen=True, slots=True)
class Stop:
    """A box of a path. ``relation``: the word on the arrow to the next one, last: ''."""

    kind: str
    label: str
    relation: str


@dataclass(frozen=True, slots=True)
class PathDrawing:
    title: str
    stops: tuple[Stop, ...]
    kind: Literal["path_drawing"] = "path_drawing"


@dataclass(frozen=True, slots=True)
class TimelineMark:
    """``at``: thousandths of the time shown, 0 the earliest."""

    at: int
    label: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class Timeline:
    title: str
    start: str
    end: str
    marks: tuple[TimelineMark, ...]
    kind: Literal["timeline"] = "timeline"


@dataclass(frozen=True, slots=True)
class Step:
    text: str
    command: str


@dataclass(frozen=True, slots=True)
class Commands:
    """What to type, in order."""

    steps: tuple[Step, ...]
    kind: Literal["commands"] = "commands"


Block: TypeAlias = (
    Paragraph | Heading | Particulars | Table | IntervalPlot | PathDrawing | Timeline | Commands
)


@dataclass(frozen=True, slots=True)
class Section:
    """``id``: unique, an XML name. ``number`` counts from 1 in reading order."""

    id: str
    number: int
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """Page 1: the verdict and what speaks against it, before what speaks for it."""

    verdict: Cell
    sentence: Paragraph
    exceptions: Table
    counts: Particulars
    good: tuple[Paragraph, ...]
    signatures: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class AuditReport:
    """``schema`` names this form. ``created_at``: RFC 3339, the time of the last entry read."""

    schema: str
    type: str
    document_id: str
    title: str
    subtitle: str
    created_at: str
    checkpoint: str
    generator: str
    cover: Particulars
    answer: Answer
    sections: tuple[Section, ...]


def to_json(value: object) -> Json:
    """Return ``value``, made of this module's classes, as a JSON value.

    Dataclasses become objects with every field present, tuples arrays, choices their text.
    """
    match value:
        case None | bool() | int():
            return value
        case str():
            return str(value)
        case tuple():
            return [to_json(item) for item in value]
        case _ if is_dataclass(value):
            return {field.name: to_json(getattr(value, field.name)) for field in fields(value)}
        case _:
            raise AssertionError(f"{type(value).__name__} has no place in a report")
