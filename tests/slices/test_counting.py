"""Uploads of predictions become counts, or are refused by line and column.

The worker's answers are asked for in this process; ``test_counting_worker`` starts it.
"""

from __future__ import annotations

import csv
import random
from collections import Counter
from decimal import Decimal
from hashlib import sha256
from typing import TYPE_CHECKING

import duckdb
import pytest

from app.core.errors import EmptyGroup, Malformed, Refusal, SchemaMismatch, TooLarge
from app.core.fairness.cells import Cell, Confusion, Favourable, Selected
from app.gates import counting, counting_worker
from app.gates.counting import AboveMedian, Counted, CountingQuestion, Prediction, Score, count

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PREDICTED = CountingQuestion(("sex",), "1", Prediction("decision"))
SCORED = CountingQuestion(("sex",), "1", Score("score", Decimal("0.7")))
REPAID = CountingQuestion(
    ("sex",), "good", Prediction("decision"), label="truth", positive_label="bad"
)


@pytest.fixture(autouse=True)
def _near(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer where we stand: quicker than a process for each of the cases."""

    def answer(path: Path, request: Mapping[str, object]) -> dict[str, object]:
        monkeypatch.chdir(path.parent)
        return counting_worker.answer(dict(request))

    monkeypatch.setattr(counting, "run_worker", answer)


def counted(folder: Path, content: bytes, question: CountingQuestion) -> Counted:
    upload = folder / "upload"
    upload.write_bytes(content)
    return count(upload, question)


def refusal(folder: Path, content: bytes, question: CountingQuestion) -> Refusal:
    with pytest.raises(Refusal) as refused:
        counted(folder, content, question)
    return refused.value


def pointers(refused: Refusal) -> list[str]:
    return [fault.pointer for fault in refused.faults]


def parquet(path: Path, query: str) -> Path:
    duckdb.execute(f"copy ({query}) to '{path}' (format parquet)")
    return path


# What is counted.


def test_predictions_without_labels_are_counted_by_group(tmp_path: Path) -> None:
    content = b"id,sex,decision\n1,F,1\n2,M,0\n3,F,0\n4,,1\n5,M,1\n6,M,1\n"
    result = counted(tmp_path, content, PREDICTED)
    assert result.tally.cells == (
        Cell((("sex", "F"),), Selected(2, 1)),
        Cell((("sex", "M"),), Selected(3, 2)),
        Cell((("sex", None),), Selected(1, 1)),
    )
    assert result.rows == 6
    assert result.digest == f"sha256:{sha256(content).hexdigest()}"
    assert result.threshold is None
    assert result.counted_by == f"duckdb {duckdb.__version__}"


def test_predictions_with_labels_fill_all_four_cells(tmp_path: Path) -> None:
    content = b"sex,race,decision,truth\n" + b"".join(
        b"F,x,%d,%d\n" % pair for pair in [(1, 1), (1, 0), (1, 0), *[(0, 1)] * 3, *[(0, 0)] * 4]
    )
    question = CountingQuestion(("race", "sex"), "0", Prediction("decision"), label="truth")
    result = counted(tmp_path, content, question)
    assert result.tally.cells == (
        Cell((("race", "x"), ("sex", "F")), Confusion(tp=1, fp=2, fn=3, tn=4)),
    )
    assert result.tally.favourable is Favourable.NEGATIVE


def test_values_other_than_zero_and_one_are_declared(tmp_path: Path) -> None:
    content = b"sex,decision,truth\nF,bad,bad\nF,good,bad\nF,bad,good\nF,bad,good\n"
    result = counted(tmp_path, content, REPAID)
    assert result.tally.cells[0].counts == Confusion(tp=1, fp=2, fn=1, tn=0)
    assert result.tally.favourable is Favourable.NEGATIVE
    only_favourable = CountingQuestion(("sex",), "good", Prediction("decision"))
    result = counted(tmp_path, content, only_favourable)
    assert result.tally.cells[0].counts == Selected(4, 1)
    assert result.tally.favourable is Favourable.POSITIVE


def test_a_score_is_positive_from_its_threshold_on(tmp_path: Path) -> None:
    content = b"sex,score,truth\nF,0.7,1\nF,0.69999,0\nF,7e-1,0\nF,1,1\nF,-2,1\n"
    result = counted(tmp_path, content, SCORED)
    assert result.tally.cells[0].counts == Selected(5, 3)
    assert result.threshold == "0.7"
    labelled = CountingQuestion(("sex",), "1", Score("score", Decimal("7E-1")), label="truth")
    result = counted(tmp_path, content, labelled)
    assert result.tally.cells[0].counts == Confusion(tp=2, fp=1, fn=1, tn=1)
    assert result.threshold == "0.7"


def test_above_the_median_is_strictly_above_that_of_all_rows(tmp_path: Path) -> None:
    content = b"sex,score\nF,1\nF,2\nF,2\nM,2\nM,3\nM,4\n"
    question = CountingQuestion(("sex",), "1", AboveMedian("score"))
    result = counted(tmp_path, content, question)
    assert [cell.counts for cell in result.tally.cells] == [Selected(3, 0), Selected(3, 2)]
    assert result.notes == ("above the median of all rows, 2.0",)
    assert result.threshold is None


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfsex,decision\nF,1\n",
        b"sex,decision\r\nF,1\r\n",
        b"sex,decision\nF,1",
        b"sex,decision\n\nF,1\n\n",
        b'"sex","decision"\n"F","1"\n',
        b'"a\nb",sex,decision\n"x\n\ny",F,1\n',
        b",sex,decision\n0,F,1\n",
    ],
    ids=["bom", "crlf", "no last line end", "blank lines", "quoted", "line breaks", "index"],
)
def test_the_usual_forms_of_csv_are_read(tmp_path: Path, content: bytes) -> None:
    assert counted(tmp_path, content, PREDICTED).tally.cells == (
        Cell((("sex", "F"),), Selected(1, 1)),
    )


def test_numbers_are_groups_by_their_text(tmp_path: Path) -> None:
    result = counted(tmp_path, b"sex,decision\n1,1\n1.0,1\n01,0\n", PREDICTED)
    assert [cell.group[0][1] for cell in result.tally.cells] == ["01", "1", "1.0"]


def test_a_file_of_a_thousand_columns_is_read(tmp_path: Path) -> None:
    extra = ",".join(f"c{i}" for i in range(998))
    values = ",".join("v" * 998)
    content = f"{extra},sex,decision\n{values},F,1\n".encode()
    assert counted(tmp_path, content, PREDICTED).rows == 1
    assert isinstance(refusal(tmp_path, b"more," + content, PREDICTED), Malformed)


def test_csv_and_parquet_of_the_same_rows_count_the_same_as_python(tmp_path: Path) -> None:
    drawn = random.Random(7)
    values = ["F", "M", 'q"u', "comma,", ""]
    rows = [
        (drawn.choice(values), drawn.choice("01"), drawn.choice("01"), f"line\n{i}")
        for i in range(5000)
    ]
    upload = tmp_path / "rows.csv"
    with upload.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["sex", "decision", "truth", "note"])
        writer.writerows(rows)
    columnar = parquet(
        tmp_path / "rows.parquet",
        "select sex, cast(decision as int) as decision, truth = '1' as truth"  # noqa: S608
        f" from read_csv('{upload}', all_varchar = true)",
    )
    question = CountingQuestion(("sex",), "1", Prediction("decision"), label="truth")
    tallies = [count(path, question).tally for path in (upload, columnar)]
    expected = Counter((sex or None, decision, truth) for sex, decision, truth, _ in rows)
    for cell in tallies[0].cells:
        counts = cell.counts
        assert isinstance(counts, Confusion)
        value = cell.group[0][1]
        assert (counts.tp, counts.fp, counts.fn, counts.tn) == (
            expected[value, "1", "1"],
            expected[value, "1", "0"],
            expected[value, "0", "1"],
            expected[value, "0", "0"],
        )
    assert tallies[0].n == 5000
    assert tallies[0] == tallies[1]


def test_parquet_categories_booleans_and_single_precision_are_read(tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "p",
        "select 'F'::enum('F', 'M') as sex, v::float as score, v > 0.5 as decision,"
        " 3::utinyint as age from (values (0.7), (0.1)) t(v)",
    )
    assert count(path, SCORED).tally.cells[0].counts == Selected(2, 1)
    assert count(path, PREDICTED).tally.cells[0].counts == Selected(2, 1)
    by_age = CountingQuestion(("age",), "1", AboveMedian("score"))
    assert count(path, by_age).tally.cells == (Cell((("age", "3"),), Selected(2, 1)),)


# What is refused, and where.


@pytest.mark.parametrize(
    ("content", "question", "pointer"),
    [
        (b"sex,decision\nF,1\nF,2\n", PREDICTED, "#/lines/3/decision"),
        (b"sex,decision\nF,1\nF,\n", PREDICTED, "#/lines/3/decision"),
        (b"sex,decision\nF,1\nF,true\n", PREDICTED, "#/lines/3/decision"),
        (b"sex,decision\nF,1\nF, 1\n", PREDICTED, "#/lines/3/decision"),
        (b'sex,note,decision\nF,"a\n\nb",1\n\nF,x,2\n', PREDICTED, "#/lines/6/decision"),
        (b"sex,decision\nF,1\n F,1\n", PREDICTED, "#/lines/3/sex"),
        (b"sex,decision\nF,1\nF\0,1\n", PREDICTED, "#/lines/3/sex"),
        (b"sex,decision\nF,1\n" + b"F" * 201 + b",1\n", PREDICTED, "#/lines/3/sex"),
        (b'sex,decision\nF,1\n"F\nM",1\n', PREDICTED, "#/lines/3/sex"),
        (b"sex,score\nF,1\nF,x\n", SCORED, "#/lines/3/score"),
        (b"sex,score\nF,1\nF,\n", SCORED, "#/lines/3/score"),
        (b"sex,score\nF,1\nF,nan\n", SCORED, "#/lines/3/score"),
        (b"sex,score\nF,1\nF,inf\n", SCORED, "#/lines/3/score"),
        (b"sex,score\nF,1\nF,1e999\n", SCORED, "#/lines/3/score"),
        (b'sex,score\nF,1\nF,"0,7"\n', SCORED, "#/lines/3/score"),
        (
            b"sex,score\nF,x\n",
            CountingQuestion(("sex",), "1", AboveMedian("score")),
            "#/lines/2/score",
        ),
        (b"sex,decision,truth\nF,bad,bad\nF,good,Good\n", REPAID, "#/lines/3/truth"),
        (b"sex,decision,truth\nF,bad,bad\nF,good,\n", REPAID, "#/lines/3/truth"),
        (b"sex,decision,truth\nF,bad,bad\nF,ok,bad\n", REPAID, "#/lines/3/decision"),
    ],
)
def test_a_value_without_a_meaning_is_refused_by_line_and_column(
    tmp_path: Path, content: bytes, question: CountingQuestion, pointer: str
) -> None:
    refused = refusal(tmp_path, content, question)
    assert isinstance(refused, SchemaMismatch)
    assert pointers(refused) == [pointer]
    line = pointer.split("/")[2]
    assert refused.detail.startswith(f"line {line}, column ")


def test_in_parquet_the_row_is_named(tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "p",
        "select * from (values ('F', 1, 0.5), ('F', 2, null), (' M', 0, 0.1))"
        " t(sex, decision, score)",
    )
    with pytest.raises(SchemaMismatch) as refused:
        count(path, CountingQuestion(("score",), "1", Prediction("decision")))
    assert pointers(refused.value) == ["#/rows/2/decision"]
    with pytest.raises(SchemaMismatch) as refused:
        count(path, SCORED)
    assert pointers(refused.value) == ["#/rows/2/score"]
    rest = "select * from (values ('F', 1), (' M', 0)) t(sex, decision)"
    path = parquet(tmp_path / "q", rest)
    with pytest.raises(SchemaMismatch) as refused:
        count(path, PREDICTED)
    assert pointers(refused.value) == ["#/rows/2/sex"]


def test_no_more_of_a_row_gets_out_than_a_glimpse_of_the_wrong_value(tmp_path: Path) -> None:
    secret = "Ada Lovelace, 10 December 1815"
    cases = [
        (f'name,sex,decision\n"{secret}",F,{"9" * 100}\n', PREDICTED),
        (f'name,sex,decision\n"{secret}",F,1,1\n', PREDICTED),
        (f'name,sex,decision\n"{secret}",F\n', PREDICTED),
        (f'name,sex,decision\nx,F,1\n"{secret},F,1\n', PREDICTED),
        (f'name,sex,score\n"{secret}",F,x\n', SCORED),
    ]
    for content, question in cases:
        refused = refusal(tmp_path, content.encode(), question)
        told = f"{refused} {refused.remedy} {refused.faults}"
        assert "Ada" not in told
        assert "9" * 41 not in told


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"sex,decision\nF,1\nF,1,1\n", "#/lines/3"),
        (b"sex,decision\nF,1\nF\n", "#/lines/3"),
        (b'sex,decision\nF,1\n"F,1\nF,1\n', "#/lines/3"),
        (b'sex,decision\nF,1\n"F"x,1\n', "#/lines/3"),
        (b"sex,decision\nF,1\n\xe9,1\n", "#/lines/3"),
        (b"sex,decision\nF,1\n" + b"F" * 3_000_000 + b",1\n", "#/lines/3"),
        (b"sex,decision\nF,1\r\nF,1\n", "#"),
        (b"", "#"),
        (b"\nsex,decision\nF,1\n", "#"),
        (b"sex,decision,sex\nF,1,F\n", "#/lines/1"),
        (b'"sex,decision\nF,1\n', "#/lines/1"),
        (b"s\xe9x,decision\nF,1\n", "#/lines/1"),
        ("sex,decision\nF,1\n".encode("utf-16"), "#/lines/1"),
        (b"PAR1 and then nothing of the kind PAR1", "#"),
        (b"PAR1", "#"),
        (b"\x1f\x8b\x08\0\0\0\0\0", "#/lines/1"),
    ],
)
def test_bytes_that_are_no_table_are_malformed_and_never_one_column(
    tmp_path: Path, content: bytes, place: str
) -> None:
    refused = refusal(tmp_path, content, PREDICTED)
    assert isinstance(refused, Malformed)
    assert pointers(refused) == [place]


def test_a_parquet_file_cut_short_is_malformed(tmp_path: Path) -> None:
    whole = parquet(
        tmp_path / "p", "select 'F' as sex, 1 as decision from range(100000)"
    ).read_bytes()
    for length in (8, len(whole) // 2, len(whole) - 1):
        assert isinstance(refusal(tmp_path, whole[:length], PREDICTED), Malformed)


@pytest.mark.parametrize("kind", ["['F']", "{'a': 'F'}", "map(['a'], ['F'])", "'F'::blob", "now()"])
def test_a_parquet_column_of_a_kind_that_is_no_group_is_refused(tmp_path: Path, kind: str) -> None:
    path = parquet(tmp_path / "p", f"select {kind} as sex, 1 as decision")
    with pytest.raises(SchemaMismatch) as refused:
        count(path, PREDICTED)
    assert pointers(refused.value) == ["#/attributes/0"]


def test_a_parquet_score_that_is_text_is_refused(tmp_path: Path) -> None:
    path = parquet(tmp_path / "p", "select 'F' as sex, '0.7' as score")
    with pytest.raises(SchemaMismatch) as refused:
        count(path, SCORED)
    assert pointers(refused.value) == ["#/score"]


@pytest.mark.parametrize("content", [b"sex,decision,score\n", b"sex,decision,score"])
@pytest.mark.parametrize(
    "question", [PREDICTED, SCORED, CountingQuestion(("sex",), "1", AboveMedian("score"))]
)
def test_a_header_without_rows_is_an_empty_group(
    tmp_path: Path, content: bytes, question: CountingQuestion
) -> None:
    assert isinstance(refusal(tmp_path, content, question), EmptyGroup)


@pytest.mark.parametrize(
    ("question", "pointer"),
    [
        (CountingQuestion(("age",), "1", Prediction("decision")), "#/attributes/0"),
        (CountingQuestion(("sex",), "1", Prediction("p")), "#/prediction"),
        (CountingQuestion(("sex",), "1", Score("p", Decimal(1))), "#/score"),
        (CountingQuestion(("sex",), "1", Prediction("decision"), label="y"), "#/label"),
        (CountingQuestion(("Sex",), "1", Prediction("decision")), "#/attributes/0"),
        (CountingQuestion(("sex", "sex"), "1", Prediction("decision")), "#/attributes/0"),
        (CountingQuestion(("decision",), "1", Prediction("decision")), "#/attributes/0"),
        (CountingQuestion(("sex",), "1", Prediction("truth"), label="truth"), "#/label"),
        (CountingQuestion((), "1", Prediction("decision")), "#/attributes"),
        (CountingQuestion(tuple("abcd"), "1", Prediction("decision")), "#/attributes"),
        (CountingQuestion(("sex",), "1", Score("score", Decimal("nan"))), "#/threshold"),
        (
            CountingQuestion(("sex",), "good", Prediction("decision"), positive_label="1"),
            "#/favourable_outcome",
        ),
    ],
)
def test_a_question_that_the_file_cannot_answer_points_to_the_parameter(
    tmp_path: Path, question: CountingQuestion, pointer: str
) -> None:
    refused = refusal(tmp_path, b"sex,decision,truth,score\nF,1,1,1\n", question)
    assert isinstance(refused, SchemaMismatch)
    assert pointers(refused) == [pointer]


@pytest.mark.parametrize(
    ("content", "question", "pointer"),
    [
        (
            b"sex,decision\nF,yes\nF,no\nF,maybe\n",
            CountingQuestion(("sex",), "yes", Prediction("decision")),
            "#/favourable_outcome",
        ),
        (
            b"sex,decision\nF,yes\n",
            CountingQuestion(("sex",), "Yes", Prediction("decision")),
            "#/favourable_outcome",
        ),
        (
            b"sex,decision\nF,yes\n",
            CountingQuestion(("sex",), "Yes", Prediction("decision"), positive_label="Yes"),
            "#/positive_label",
        ),
    ],
)
def test_a_positive_value_that_is_misspelt_is_not_taken_for_everybody_negative(
    tmp_path: Path, content: bytes, question: CountingQuestion, pointer: str
) -> None:
    assert pointers(refusal(tmp_path, content, question)) == [pointer]


def test_labels_beside_a_score_have_two_values_too(tmp_path: Path) -> None:
    question = CountingQuestion(("sex",), "good", Score("score", Decimal("0.5")), label="truth")
    content = b"sex,score,truth\nF,0.9,good\nF,0.1,good\nF,0.9,bad\n"
    result = counted(tmp_path, content, question)
    assert result.tally.cells[0].counts == Confusion(tp=1, fp=1, fn=1, tn=0)
    assert result.tally.favourable is Favourable.POSITIVE
    refused = refusal(tmp_path, content + b"F,0.9,Bad\n", question)
    assert pointers(refused) == ["#/favourable_outcome"]


def test_everybody_may_be_positive(tmp_path: Path) -> None:
    question = CountingQuestion(("sex",), "yes", Prediction("decision"))
    assert counted(tmp_path, b"sex,decision\nF,yes\n", question).tally.cells[0].counts == Selected(
        1, 1
    )


def test_a_file_whose_values_do_not_fit_in_memory_is_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = parquet(
        tmp_path / "p", "select cast(i as varchar) as sex, 1 as decision from range(300000) t(i)"
    )
    monkeypatch.setattr(counting_worker, "MEMORY", "8MB")
    with pytest.raises(TooLarge, match="8MB"):
        count(path, PREDICTED)


def test_too_many_groups_are_refused_with_what_to_do(tmp_path: Path) -> None:
    some = b"sex,decision\n" + b"".join(b"%d,1\n" % i for i in range(201))
    refused = refusal(tmp_path, some, PREDICTED)
    assert isinstance(refused, SchemaMismatch)
    assert refused.remedy is not None
    many = b"sex,decision\n" + b"".join(b"%d,1\n" % i for i in range(5001))
    refused = refusal(tmp_path, many, PREDICTED)
    assert isinstance(refused, TooLarge)
    assert refused.remedy is not None
