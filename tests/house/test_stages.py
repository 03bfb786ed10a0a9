"""`make test` cannot end well on a run that failed, skipped or ran nothing."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.stages import CHEAP, DEAR, Outcome, Suite, left_out, tally

TESTS = Path(__file__).resolve().parents[1]


def report(tests: int, failures: int = 0, errors: int = 0, skipped: int = 0) -> str:
    return (
        f'<testsuites><testsuite tests="{tests}" failures="{failures}" errors="{errors}" '
        f'skipped="{skipped}"/></testsuites>'
    )


@pytest.mark.parametrize(
    ("text", "code", "outcome"),
    [
        (report(5), 0, Outcome(5, 0)),
        (report(5, failures=1, errors=1), 1, Outcome(3, 2)),
        (report(5, skipped=2), 0, Outcome(3, 2)),
        (report(0), 5, Outcome(0, 1)),
        (report(0), 0, Outcome(0, 1)),
        (report(5), 3, Outcome(5, 1)),
        ("", 139, Outcome(0, 1)),
    ],
)
def test_a_run_counts_for_what_it_was(text: str, code: int, outcome: Outcome) -> None:
    assert tally(text, code) == outcome


def test_a_test_counts_for_each_engine_it_passed_on() -> None:
    cases = {
        "test_a[sqlite]": "",
        "test_a[postgresql]": "",
        "test_b[postgresql-fail-7]": "",
        "test_c[postgresql]": "<failure/>",
        "test_d[sqlite-neo4j]": "",
        "test_sqlite": "",
        "test_e[sqlites]": "",
    }
    written = "".join(f'<testcase name="{name}">{end}</testcase>' for name, end in cases.items())
    text = f'<testsuites><testsuite tests="7" failures="1">{written}</testsuite></testsuites>'
    assert tally(text, 1) == Outcome(6, 1, Counter(sqlite=2, postgresql=2, neo4j=1))


TAKING = """
import pytest

@pytest.fixture
def neo4j(): ...
@pytest.fixture
def own_postgresql(): ...
@pytest.fixture
def both(neo4j, own_postgresql): ...

def test_one(neo4j): ...
def test_two(both): ...
@pytest.mark.parametrize("on", ["sqlite", "postgresql"])
def test_named(on, neo4j): ...
def test_neither(): ...
def test_failing(neo4j): assert False
"""


def test_a_test_that_takes_a_server_counts_for_it_unless_its_name_says_more(
    tmp_path: Path,
) -> None:
    (tmp_path / "conftest.py").write_text(
        "from tests.conftest import pytest_collection_modifyitems"
    )
    (tmp_path / "test_taking.py").write_text(TAKING)
    written = tmp_path / "report.xml"
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junit-xml={written}"]
    code = subprocess.run(
        [sys.executable, *command, "--rootdir", tmp_path, tmp_path],
        cwd=TESTS.parent,
        capture_output=True,
        check=False,
    ).returncode
    expected = Counter(neo4j=2, postgresql=2, sqlite=1)
    assert tally(written.read_text("utf-8"), code) == Outcome(5, 1, expected)


def test_an_engine_on_which_nothing_passed_is_named() -> None:
    assert left_out(Counter(sqlite=3, postgresql=1, neo4j=2)) == []
    assert left_out(Counter(sqlite=3, neo4j=0)) == ["postgresql", "neo4j"]


def test_every_folder_of_tests_is_in_a_stage() -> None:
    run = {path for stage in CHEAP + DEAR if isinstance(stage, Suite) for path in stage.paths}
    there = {f"tests/{path.relative_to(TESTS).parts[0]}" for path in TESTS.rglob("test_*.py")}
    assert there <= run
