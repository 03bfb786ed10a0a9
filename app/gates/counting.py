"""Predictions into counts: an uploaded CSV or Parquet file becomes the cells of a tally.

The file is read by ``counting_worker``, a process of its own; what comes back are counts per
combination of values, which are given their meaning here (which value is positive, which
decision is favourable) and refused where they have none. No row is kept.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from hashlib import file_digest
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, assert_never

from app.core.errors import EmptyGroup, Fault, Malformed, SchemaMismatch, TooLarge
from app.core.fairness.cells import Cell, Confusion, Selected
from app.core.fairness.tally import at, favourable_of, tally, text_fault
from app.gates.counting_question import (
    CODES,
    AboveMedian,
    CountingQuestion,
    Prediction,
    Score,
    check_question,
    parameter_of,
    positive_value,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.core.fairness.cells import Counts, Tally
    from app.gates.counting_question import Decided

__all__ = ["AboveMedian", "Counted", "CountingQuestion", "Prediction", "Score", "count"]

WORKER = Path(__file__).with_name("counting_worker.py")
SECONDS = 120
SHOWN = 40


@dataclass(frozen=True, slots=True)
class Counted:
    """What a file came to.

    ``rows``: all rows, equal to ``tally.n``. ``digest``: ``sha256:<hex>`` of the file.
    ``threshold``: the decimal that a score was compared with, None without one.
    ``counted_by``: name and version of the reader.
    """

    tally: Tally
    rows: int
    digest: str
    threshold: str | None
    counted_by: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Group:
    """One combination of values with its rows."""

    values: tuple[str | None, ...]
    label: str | None
    decision: str | None
    n: int


def count(path: Path, question: CountingQuestion) -> Counted:
    """Count the file at ``path``: Parquet by its first bytes, else CSV (commas, UTF-8, header).

    Raises SchemaMismatch: a column that is not there, of the wrong kind or asked for twice;
    a value that has no meaning, with its place (``#/lines/17/score`` in CSV, where the header
    is line 1; ``#/rows/17/score`` in Parquet, from 1); too many groups. Malformed: bytes that
    are no such file. EmptyGroup: no rows. TooLarge: over 5,000 combinations of values, 512 MB
    or two minutes.
    """
    path = path.resolve(strict=True)
    if set(path.name) & set("*?["):
        raise SchemaMismatch("the file name has the form of a pattern", remedy="rename the file")
    check_question(question)
    answered = _ask(path, question, {})
    groups = [
        _Group(tuple(keys), label, decision, n) for *keys, label, decision, n in answered["groups"]
    ]
    if not groups:
        raise EmptyGroup("the file has a header and no rows")
    vocabulary = _vocabulary(question, groups)
    _check_values(path, question, groups, vocabulary)
    made = tally(
        question.attributes,
        _cells(question, groups, vocabulary[0]),
        favourable_of(question.favourable_outcome, question.positive_label),
    )
    with path.open("rb") as file:
        digest = f"sha256:{file_digest(file, 'sha256').hexdigest()}"
    decided = question.decided
    return Counted(
        tally=made,
        rows=made.n,
        digest=digest,
        threshold=f"{decided.threshold:f}" if isinstance(decided, Score) else None,
        counted_by=f"duckdb {version('duckdb')}",
        notes=(f"above the median of all rows, {answered['median']}",)
        if isinstance(decided, AboveMedian)
        else (),
    )


def _vocabulary(question: CountingQuestion, groups: Sequence[_Group]) -> tuple[str, ...]:
    """Settle the positive value, and the negative one if any is known.

    Raises SchemaMismatch: more than two values, or a positive one that nobody has, which
    would make everybody negative for a typing error.
    """
    positive = positive_value(question)
    if positive in CODES:
        return positive, CODES[positive]
    if question.favourable_outcome != positive:
        return positive, question.favourable_outcome
    seen = {group.label for group in groups}
    if isinstance(question.decided, Prediction):
        seen |= {group.decision for group in groups}
    others = sorted(seen - {positive, None}, key=str)
    parameter = "#/favourable_outcome" if question.positive_label is None else "#/positive_label"
    if len(others) > 1:
        fault = f"more than two values: {', '.join(map(_shown, (positive, *others[:3])))}"
        raise SchemaMismatch("a decision has two values", faults=[Fault(parameter, fault)])
    if others and positive not in seen:
        fault = f"{_shown(positive)} stands nowhere, only {_shown(others[0])}"
        raise SchemaMismatch("the positive value does not occur", faults=[Fault(parameter, fault)])
    return positive, *(str(other) for other in others)


def _check_values(
    path: Path, question: CountingQuestion, groups: Sequence[_Group], vocabulary: Sequence[str]
) -> None:
    """Refuse the first value, column by column, that has no meaning."""
    expected = f"neither {' nor '.join(map(_shown, vocabulary))}"
    for i, column in enumerate(question.attributes):
        for value in sorted({group.values[i] for group in groups} - {None}, key=str):
            if value is not None and (fault := text_fault(value)):
                _refuse(path, question, column, value, fault)
    if question.label is not None:
        for value in sorted({group.label for group in groups} - {*vocabulary}, key=str):
            _refuse(path, question, question.label, value, expected)
    if isinstance(question.decided, Prediction):
        for value in sorted({group.decision for group in groups} - {*vocabulary}, key=str):
            _refuse(path, question, question.decided.column, value, expected)


def _cells(question: CountingQuestion, groups: Sequence[_Group], positive: str) -> list[Cell]:
    yes = positive if isinstance(question.decided, Prediction) else "1"
    sums: dict[tuple[str | None, ...], Counter[tuple[bool, bool]]] = {}
    for group in groups:
        outcome = (group.decision == yes, group.label == positive)
        sums.setdefault(group.values, Counter())[outcome] += group.n
    return [
        Cell(tuple(zip(question.attributes, values, strict=True)), _counts(question, outcomes))
        for values, outcomes in sums.items()
    ]


def _counts(question: CountingQuestion, outcomes: Counter[tuple[bool, bool]]) -> Counts:
    """Take rows by (decided positive, labelled positive)."""
    if question.label is None:
        return Selected(outcomes.total(), outcomes[True, False])
    return Confusion(
        tp=outcomes[True, True],
        fp=outcomes[True, False],
        fn=outcomes[False, True],
        tn=outcomes[False, False],
    )


def _ask(path: Path, question: CountingQuestion, more: Mapping[str, object]) -> dict[str, Any]:
    """Put one request to the worker and turn its refusals into ours."""
    request = {
        "name": path.name,
        "attributes": question.attributes,
        "label": question.label,
        "decision": question.decided.column,
        **_mode(question.decided),
        **more,
    }
    answered = run_worker(path, request)
    if "refused" in answered:
        _translate(question, answered)
    return answered


def run_worker(path: Path, request: Mapping[str, object]) -> dict[str, Any]:
    """Start the worker in the upload's folder, without our environment, and wait for it.

    Raises TooLarge: not done in two minutes. Malformed: the file ended its reader.
    """
    try:
        ended = subprocess.run(  # noqa: S603 - our own script, by our own interpreter
            [sys.executable, "-I", WORKER],
            input=json.dumps(request),
            capture_output=True,
            check=False,
            cwd=path.parent,
            encoding="utf-8",
            env={},
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise TooLarge(f"counting took longer than {SECONDS} seconds") from None
    if ended.returncode < 0:
        raise Malformed(f"the file made its reader stop with signal {-ended.returncode}")
    if ended.returncode:
        raise AssertionError(f"the counting worker ended with status {ended.returncode}")
    answered: dict[str, Any] = json.loads(ended.stdout)
    return answered


def _mode(decided: Decided) -> dict[str, str]:
    match decided:
        case Prediction():
            return {"mode": "prediction"}
        case Score():
            return {"mode": "score", "threshold": f"{decided.threshold:f}"}
        case AboveMedian():
            return {"mode": "median"}
        case _:
            assert_never(decided)


def _translate(question: CountingQuestion, refused: Mapping[str, Any]) -> NoReturn:
    detail = refused["detail"]
    place = f"#/{refused['unit']}s/{refused['place']}" if refused.get("place") else "#"
    match refused["refused"]:
        case "large":
            raise TooLarge(detail, remedy="join values into fewer groups before uploading")
        case "malformed":
            where = f"line {refused['place']}: " if refused.get("place") else ""
            raise Malformed(f"{where}{detail}", faults=[Fault(place, detail)])
        case "column":
            column = refused["column"]
            known = ", ".join(map(_shown, refused.get("columns", [])))
            raise SchemaMismatch(
                f"column {_shown(column)}: {detail}",
                remedy=f"the columns are {known}" if known else None,
                faults=[Fault(parameter_of(question, column), detail)],
            )
        case _:
            _misplaced(refused, refused["column"], refused["value"], detail)


def _refuse(
    path: Path, question: CountingQuestion, column: str, value: str | None, fault: str
) -> NoReturn:
    """Refuse ``value`` at the first place where it stands."""
    found = _ask(path, question, {"find": [column, value]})
    _misplaced(found, column, value, "the value is missing" if value is None else fault)


def _misplaced(found: Mapping[str, Any], column: str, value: str | None, fault: str) -> NoReturn:
    said = fault if value is None else f"{_shown(value)}: {fault}"
    place = found["place"] or 0
    raise SchemaMismatch(
        f"{found['unit']} {place}, column {_shown(column)}: {said}",
        faults=[Fault(at(f"#/{found['unit']}s/{place}", column), said)],
    )


def _shown(value: object) -> str:
    """Quote a value of the file, cut so that no more than a glimpse of a row gets out."""
    text = str(value)
    return repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}…")
