"""Commands on a data folder of this machine: no server, no token, or another process's lock."""

from __future__ import annotations

import io
import json
import shutil
import sqlite3
from typing import TYPE_CHECKING

import pytest

from app.cli import run
from app.ledger.folder import Folder
from app.verification.offline import read_keys

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Go = Callable[..., tuple[int, str, str]]

PASSWORD = "correct horse battery staple\n"


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Go:
    """Run a command line for real."""
    for name in ("MUNIMENT_TOKEN", "NO_COLOR", "MUNIMENT_TRACE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MUNIMENT_URL", "http://localhost:9")
    monkeypatch.setenv("MUNIMENT_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("MUNIMENT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def command(*words: str, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        code = run(words)
        written = capfd.readouterr()
        return code, written.out, written.err

    return command


@pytest.fixture
def vkey(go: Go) -> str:
    """The key of a log that was just begun."""
    code, out, _ = go("init", "--admin", "root", "--password-stdin", "--json", stdin=PASSWORD)
    made = json.loads(out)
    assert code == 0
    assert made["admin"].startswith("u")
    assert made["otpauth"].startswith("otpauth://totp/")
    assert len(made["recovery_codes"]) == 10
    return str(made["vkey"])


def test_a_log_is_begun_once(go: Go, vkey: str) -> None:
    assert read_keys([vkey])
    code, out, err = go("init", "--admin", "more", "--password-stdin", stdin=PASSWORD)
    assert (code, out) == (1, "")
    assert err != ""


def test_people_are_administered_without_a_server(go: Go, vkey: str) -> None:
    code, out, _ = go("user", "add", "ida", "--printed-name", "Ida")
    assert code == 0
    assert "/invitations/" in out
    assert go("role", "grant", "ida", "engineer")[0] == 0
    assert "engineer" in go("user", "list")[1]
    assert go("token", "create", "ci", "--scope", "read")[1].startswith("gvs_")
    code, _, err = go("role", "grant", "ida", "compliance")
    assert code == 1
    assert err.startswith("Forbidden")


def test_a_folder_in_use_is_left_alone_by_name(go: Go, vkey: str, tmp_path: Path) -> None:
    with Folder(tmp_path / "data").lock():
        for words in (("user", "list"), ("migrate", "--rebuild", "all")):
            code, _, err = go(*words)
            assert code == 1
            assert "in use by the server with process id" in err


def test_no_log_is_begun_by_accident(go: Go, tmp_path: Path) -> None:
    code, _, err = go("user", "list")
    assert code == 1
    assert "→ muniment init" in err
    assert not (tmp_path / "data").exists()
    assert go("ledger", "fsck")[0] == 2


def test_the_whole_folder_is_checked(go: Go, vkey: str, tmp_path: Path) -> None:
    code, out, _ = go("ledger", "fsck", "--vkey", vkey)
    assert code == 0
    assert out.splitlines()[-1].startswith("VALID: ")
    code, out, err = go("ledger", "fsck")
    assert code == 0
    assert "no key was given" in err
    copy = tmp_path / "copy"
    shutil.copytree(tmp_path / "data", copy)
    other = go("init", "--admin", "x", "--password-stdin", "--json", "--data-dir",
               str(tmp_path / "other"), stdin=PASSWORD)  # fmt: skip
    strange = json.loads(other[1])["vkey"]
    assert go("ledger", "fsck", "--vkey", strange, "--data-dir", str(copy))[0] == 13
    (copy / "ledger.db").write_bytes(b"no database" * 500)
    assert go("ledger", "fsck", "--vkey", vkey, "--data-dir", str(copy))[0] == 10


def test_what_is_altered_is_told_with_its_class_and_what_that_means(
    go: Go, vkey: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, alone, _ = go("ledger", "fsck", "--vkey", vkey, "--json")
    assert code == 0
    file = sqlite3.connect(tmp_path / "data" / "ledger.db")
    file.execute("UPDATE heads SET idx = idx + 1 WHERE key = 'log'")
    file.commit()
    file.close()
    code, out, _ = go("ledger", "fsck", "--vkey", vkey, "--json", "--processes", "2")
    assert code == 10
    told = json.loads(out)
    titles = [one["title"] for one in told["checks"]]
    assert titles == [one["title"] for one in json.loads(alone)["checks"]]
    assert [one["number"] for one in told["checks"]] == list(range(1, 1 + len(titles)))
    findings = [one for check in told["checks"] for one in check["findings"]]
    assert {one["class"] for one in findings} == {"head"}
    assert all("hidden" in one["means"] for one in findings)
    assert all(one["index"] is not None for one in findings if "table heads says" in one["detail"])
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    code, out, err = go("ledger", "fsck", "--vkey", vkey)
    assert code == 10
    assert "     head: where the log" in out
    assert "100%" in err


def test_projections_are_made_again(go: Go, vkey: str) -> None:
    code, out, _ = go("migrate", "--rebuild", "all")
    assert code == 0
    assert out.startswith("rebuilt: ")
    assert go("ledger", "fsck", "--vkey", vkey)[0] == 0
    code, _, err = go("migrate", "--rebuild", "nonsense")
    assert code == 1
    assert "→ one of: " in err


def test_doctor_names_what_is_wrong(
    go: Go, vkey: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUNIMENT_HOST", "0.0.0.0")  # noqa: S104 - that is what is refused
    monkeypatch.setenv("MUNIMENT_TLS_KEY", str(tmp_path / "nowhere.key"))
    (tmp_path / "data" / "keys" / "log.key").chmod(0o644)
    code, _, err = go("doctor")
    assert code == 1
    for said in ("not loopback", "nowhere.key is not there", "log.key can be read", "no server"):
        assert said in err
    assert "holds no log yet" in go("doctor", "--data-dir", str(tmp_path / "none"))[2]


def test_a_setting_without_effect_is_refused_rather_than_passed_over(
    go: Go, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUNIMENT_METRICS_ADDRESS", "secret")
    code, _, err = go("doctor")
    assert code == 1
    assert "MUNIMENT_METRICS_ADDRESS is set" in err
    assert "secret" not in err


def test_a_database_of_another_kind_is_refused_without_repeating_its_address(
    go: Go, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUNIMENT_DATABASE_URL", "mysql://me:secret@host/db")
    code, _, err = go("doctor")
    assert code == 1
    assert "MUNIMENT_DATABASE_URL is no address such as postgresql+psycopg://" in err
    assert "secret" not in err


def test_serving_others_in_the_clear_is_refused(go: Go, tmp_path: Path) -> None:
    code, _, err = go("serve", "--host", "0.0.0.0")  # noqa: S104 - that is what is refused
    assert code == 1
    assert "→ set MUNIMENT_TLS_CERT" in err
    assert not (tmp_path / "data").exists()


def test_the_newest_checkpoint_is_printed(go: Go, vkey: str) -> None:
    code, out, _ = go("ledger", "checkpoint")
    assert code == 0
    assert out.splitlines()[0] == vkey.partition("+")[0]
