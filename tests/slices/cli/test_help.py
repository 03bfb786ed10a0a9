"""The command line itself: quick, documented, with the common flags anywhere."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import typer.main

from app.cli.calling import read_call
from app.cli.commands import app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.slices.cli.conftest import Command, Server

SLOW = ("cryptography", "duckdb", "fastapi", "httpx", "keyring", "pydantic", "rich", "sqlalchemy",
        "stamina", "uvicorn", "weasyprint")  # fmt: skip


def _commands(group: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:  # noqa: ANN401 - typer's own
    for name, one in group.commands.items():
        if hasattr(one, "commands"):
            yield from _commands(one, (*words, name))
        else:
            yield (*words, name), one


COMMANDS = dict(_commands(typer.main.get_command(app)))


def test_help_imports_nothing_slow() -> None:
    told = (
        "import sys\nfrom app.cli import run\nassert run(['--help']) == 0\n"
        "print('MODULES', *sorted(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.partition("MODULES")[2].split())
    assert "app.cli.commands" in loaded
    assert not loaded & set(SLOW)
    assert "--server URL" in done.stdout


def test_the_documented_commands_are_there() -> None:
    for line in (
        "serve", "init", "doctor", "migrate", "demo", "user add", "user accept", "user confirm",
        "user disable", "user list", "role grant", "role revoke", "role confirm", "token create",
        "token list", "token revoke", "login", "logout", "whoami", "dataset register",
        "dataset version add", "dataset approve", "dataset list", "dataset show",
        "model register", "model version add", "model list", "model show", "run",
        "evaluation add", "document add", "predictions upload", "deployment start",
        "deployment succeed", "deployment fail", "deployment rollback", "deployment retire",
        "event add", "event list", "event show", "event proof", "gate check", "promote",
        "review list", "review show", "review approve", "review reject", "review request-changes",
        "lineage upstream", "lineage downstream", "lineage impact", "lineage why", "status",
        "report create", "report list", "report get", "verify", "ledger fsck",
        "ledger checkpoint", "policy lint", "policy test", "policy draft", "policy publish",
        "policy replay", "policy show", "graph status",
    ):  # fmt: skip
        assert tuple(line.split()) in COMMANDS


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_says_what_it_does(command: Command, words: tuple[str, ...]) -> None:
    ended = command(*words, "--help")
    assert ended.code == 0
    assert "Usage: muniment " + " ".join(words) in ended.out
    assert COMMANDS[words].help


def test_common_flags_stand_anywhere() -> None:
    call, rest = read_call(["--json", "gate", "--server=http://a", "check", "x", "--token", "t"])
    assert (call.json, call.server, call.token, rest) == (
        True,
        "http://a",
        "t",
        ["gate", "check", "x"],
    )


def test_what_follows_a_lone_double_dash_is_not_ours() -> None:
    call, rest = read_call(["run", "--quiet", "--", "train", "--json"])
    assert (call.quiet, call.json, rest) == (True, False, ["run", "--", "train", "--json"])


def test_the_environment_serves_where_no_flag_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUNIMENT_URL", "http://a/")
    monkeypatch.setenv("MUNIMENT_DATA_DIR", "elsewhere")
    monkeypatch.setenv("NO_COLOR", "1")
    call, _ = read_call(["status"])
    assert (call.server, str(call.data_dir), call.color) == ("http://a", "elsewhere", False)
    assert read_call(["--server", "http://b", "status"])[0].server == "http://b"


@pytest.mark.parametrize("words", [["--server"], ["nonsense"], ["gate"], ["gate", "chek"], []])
def test_a_wrong_command_line_is_2_and_says_nothing_on_stdout(
    command: Command, words: list[str]
) -> None:
    ended = command(*words)
    assert ended.code == 2
    assert ended.out == ""
    assert ended.err != ""


def test_results_are_on_stdout_and_quiet_silences_the_rest(
    command: Command, server: Server
) -> None:
    made = {"id": "t1", "token": "gvs_x", "expires_at": "2027-01-01T00:00:00Z"}
    server.on("POST", "/api/v1/tokens", (201, made))
    words = ("token", "create", "ci", "--scope", "read")
    assert command(*words).err != ""
    quiet = command(*words, "--quiet")
    assert (quiet.out, quiet.err) == ("gvs_x\n", "")
    assert json.loads(command(*words, "--json").out) == made
