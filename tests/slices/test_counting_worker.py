"""The reader runs in a process of its own that can read one file and do nothing else."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import duckdb
import pytest

from app.core.errors import EmptyGroup, Malformed, SchemaMismatch, TooLarge
from app.gates import counting, counting_worker
from app.gates.counting import CountingQuestion, Prediction, count

if TYPE_CHECKING:
    from pathlib import Path

PREDICTED = CountingQuestion(("sex",), "1", Prediction("decision"))
SOUND = b"sex,decision\nF,1\n"


@pytest.fixture
def upload(tmp_path: Path) -> Path:
    path = tmp_path / "upload"
    path.write_bytes(SOUND)
    return path


def test_a_file_is_counted_or_refused_across_the_two_processes(upload: Path) -> None:
    assert count(upload, PREDICTED).rows == 1
    upload.write_bytes(SOUND + "F,\u00fc\n".encode())
    with pytest.raises(SchemaMismatch) as refused:
        count(upload, PREDICTED)
    assert refused.value.detail == "line 3, column 'decision': '\u00fc': neither '1' nor '0'"


@pytest.mark.parametrize("name", ["up'load.csv", 'up"load', "upload.parquet", "ü p.csv", "x=1"])
def test_the_name_of_the_file_means_nothing(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "a[1]*'b"
    folder.mkdir()
    (folder / name).write_bytes(b"sex,decision\nF,1\n")
    assert count(folder / name, PREDICTED).rows == 1
    assert count(folder / ".." / folder.name / name, PREDICTED).rows == 1


@pytest.mark.parametrize("name", ["*.csv", "?.csv", "[a-z].csv"])
def test_a_name_in_the_form_of_a_pattern_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "x.csv").write_bytes(b"sex,decision\nF,1\n")
    (tmp_path / name).write_bytes(b"sex,decision\nF,1\n")
    with pytest.raises(SchemaMismatch):
        count(tmp_path / name, PREDICTED)


def test_flipped_bytes_of_a_parquet_file_never_get_past_a_refusal(tmp_path: Path) -> None:
    path, drawn = tmp_path / "p", random.Random(3)
    rows = "select 'F' as sex, i % 2 as decision from range(999) t(i)"
    duckdb.execute(f"copy ({rows}) to '{path}' (format parquet)")
    content = path.read_bytes()
    for _ in range(25):
        flipped = bytearray(content)
        flipped[drawn.randrange(len(content))] ^= 1 << drawn.randrange(8)
        try:
            path.write_bytes(flipped)
            assert count(path, PREDICTED).rows > 0
        except (Malformed, SchemaMismatch, EmptyGroup, TooLarge) as refused:
            assert refused.detail  # noqa: PT017 - either outcome is right


ATTACKS = [
    "select * from read_csv('/etc/passwd', auto_detect = false, columns = {'a': 'VARCHAR'})",
    "select * from read_text('../secret')",
    "select * from read_text('upload/../secret')",
    "select * from read_text('*')",
    "select * from glob('*')",
    "select * from 'secret'",
    "copy (select 1) to 'stolen'",
    "copy (select 1) to 'upload'",
    "export database 'stolen'",
    "attach 'stolen.db'",
    "attach 'http://127.0.0.1:1/x.db'",
    "install httpfs",
    "load httpfs",
    "load 'secret'",
    "set enable_external_access = true",
    "set allowed_paths = ['/etc/passwd']",
    "set temp_directory = '.'",
    "set autoinstall_known_extensions = true",
    "reset lock_configuration",
    "pragma enable_profiling",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_reader_can_read_the_upload_and_do_nothing_else(
    upload: Path, monkeypatch: pytest.MonkeyPatch, attack: str
) -> None:
    monkeypatch.chdir(upload.parent)
    (upload.parent / "secret").write_text("a\n")
    connection = counting_worker.connect("upload")
    with pytest.raises(duckdb.Error):
        connection.execute(attack).fetchall()
    assert connection.execute("select content from read_text('upload')").fetchall()
    assert sorted(path.name for path in upload.parent.iterdir()) == ["secret", "upload"]


def script(folder: Path, code: str) -> Path:
    path = folder / "worker.py"
    path.write_text(code)
    return path


def test_the_reader_sees_nothing_of_the_servers_environment(
    upload: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUNIMENT_DATABASE_URL", "postgresql://secret")
    reply = 'import os; print(\'{"refused": "malformed", "detail": "%s"}\' % sorted(os.environ))'
    monkeypatch.setattr(counting, "WORKER", script(upload.parent, reply))
    with pytest.raises(Malformed) as refused:
        count(upload, PREDICTED)
    assert "LC_CTYPE" in refused.value.detail
    assert "MUNIMENT" not in refused.value.detail


def test_a_file_that_kills_its_reader_is_malformed_and_the_server_lives(
    upload: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = script(upload.parent, "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    monkeypatch.setattr(counting, "WORKER", killed)
    with pytest.raises(Malformed, match="signal 11"):
        count(upload, PREDICTED)


def test_a_file_that_takes_too_long_is_given_up(
    upload: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "WORKER", script(upload.parent, "import time; time.sleep(60)"))
    monkeypatch.setattr(counting, "SECONDS", 0.2)
    with pytest.raises(TooLarge):
        count(upload, PREDICTED)


def test_a_worker_that_breaks_is_our_fault_and_not_the_files(
    upload: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "WORKER", script(upload.parent, "raise SystemExit(1)"))
    with pytest.raises(AssertionError):
        count(upload, PREDICTED)
