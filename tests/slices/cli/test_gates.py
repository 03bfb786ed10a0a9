"""What a pipeline learns from the exit code of `gate check` and `promote`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from app.gates.policy_files import load
from tests.slices.cli.conftest import decision, problem

if TYPE_CHECKING:
    from tests.slices.cli.conftest import Command, Server

ASK = "/api/v1/gates/production/evaluations"
CHECK = ("gate", "check", "model/credit/1", "--environment", "production")
PROMOTE = ("promote", "model/credit/1", "--environment", "production")
POLICIES = Path(__file__).parents[3] / "policies"


@pytest.mark.parametrize(("gate", "code"), [("ALLOW", 0), ("DENY", 1), ("PENDING", 3), ("NEW", 5)])
def test_the_gate_is_the_exit_code(command: Command, server: Server, gate: str, code: int) -> None:
    server.on("POST", ASK, (200, decision(gate)))
    ended = command(*CHECK)
    assert ended.code == code
    assert ended.out.startswith(f"{gate}  model/credit/1 from staging to production")


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, 5), (401, 4), (403, 4), (404, 2), (409, 2), (413, 5), (422, 2), (429, 5), (500, 5),
     (503, 5), (507, 5)],
)  # fmt: skip
def test_a_refused_question_is_never_a_verdict(
    command: Command, server: Server, status: int, code: int
) -> None:
    server.on("POST", ASK, problem(status, "no such thing", "do this"))
    ended = command(*CHECK)
    assert ended.code == code
    assert ended.out == ""
    assert "no such thing" in ended.err
    assert "→ " in ended.err


@pytest.mark.parametrize("words", [CHECK, PROMOTE])
def test_silence_and_nonsense_are_indeterminate(
    command: Command, server: Server, words: tuple[str, ...]
) -> None:
    for path in (ASK, "/api/v1/promotions"):
        server.on("POST", path, httpx.ConnectError("nobody there"), b"<html>", (200, {}))
    ended = command(*words)
    assert ended.code == 5
    assert "muniment serve" in ended.err
    assert command(*words).code == 5
    assert command(*words).code == 5


def test_a_denial_tells_reason_and_remedy(command: Command, server: Server) -> None:
    server.on("POST", ASK, (200, decision("DENY")))
    out = command(*CHECK).out
    assert "FAIL p/fair: the ratio is 0.59\n  → drop the column\n" in out
    assert "0.59    >= 0.8  sex=F  481  0.5 to …" in out


def test_a_warning_passes_unless_told_otherwise(command: Command, server: Server) -> None:
    server.on("POST", ASK, (200, decision("ALLOW", warnings=["p/age"])))
    assert command(*CHECK).code == 0
    ended = command(*CHECK, "--fail-on", "warn")
    assert ended.code == 1
    assert "p/age" in ended.err


def test_the_decision_is_written_as_json_to_a_file(
    command: Command, server: Server, tmp_path: Path
) -> None:
    server.on("POST", ASK, (200, decision("ALLOW")))
    out = tmp_path / "decision.json"
    ended = command(*CHECK, "--format", "json", "--out", str(out))
    assert (ended.code, ended.out) == (0, "")
    assert json.loads(out.read_text()) == decision("ALLOW")
    assert command(*CHECK, "--json").document == decision("ALLOW")


def test_the_digest_that_is_meant_is_sent(command: Command, server: Server) -> None:
    server.on("POST", ASK, (200, decision("ALLOW")))
    command(*CHECK, "--digest", "sha256:ab")
    assert server.body() == {"subject": "model/credit/1", "digest": "sha256:ab"}


def test_waiting_without_a_promotion_ends_at_once_and_names_promote(
    command: Command, server: Server
) -> None:
    server.on("POST", ASK, (200, decision("PENDING")))
    server.on("GET", "/api/v1/promotions", (200, {"items": [{"id": "old", "state": "denied"}]}))
    ended = command(*CHECK, "--wait", "30m")
    assert ended.code == 3
    assert "→ muniment promote model/credit/1 --environment production" in ended.err
    assert all(one.method != "POST" or one.url.path == ASK for one in server.asked)


@pytest.mark.parametrize(
    ("state", "gate", "code"), [("allowed", "ALLOW", 0), ("denied", "DENY", 1)]
)
def test_waiting_ends_with_what_becomes_of_the_promotion(
    command: Command, server: Server, state: str, gate: str, code: int
) -> None:
    server.on("POST", ASK, (200, decision("PENDING")))
    server.on("GET", "/api/v1/promotions", (200, {"items": [{"id": "p1", "state": "requested"}]}))
    still = {"id": "p1", "state": "pending", "decision": decision("PENDING")}
    then = {"id": "p1", "state": state, "decision": decision(gate)}
    server.on("GET", "/api/v1/promotions/p1", (200, still), (200, then))
    assert command(*CHECK, "--wait", "30m").code == code
    assert server.asked[-1].url.params["wait"] == "25"


@pytest.mark.parametrize("state", ["pending", "withdrawn", "expired"])
def test_where_waiting_decides_nothing_the_gate_is_asked_again(
    command: Command, server: Server, state: str
) -> None:
    server.on("POST", ASK, (200, decision("PENDING")), (200, decision("DENY")))
    server.on("GET", "/api/v1/promotions", (200, {"items": [{"id": "p1", "state": "requested"}]}))
    left = {"id": "p1", "state": state, "decision": decision("ALLOW")}
    server.on("GET", "/api/v1/promotions/p1", (200, left))
    assert command(*CHECK, "--wait", "0").code == 1


@pytest.mark.parametrize(
    ("state", "gate", "code"),
    [("allowed", "ALLOW", 0), ("denied", "DENY", 1), ("requested", "PENDING", 3)],
)
def test_promote_opens_a_promotion_and_ends_by_its_decision(
    command: Command, server: Server, state: str, gate: str, code: int
) -> None:
    opened = {"id": "p1", "state": state, "decision": decision(gate)}
    server.on("POST", "/api/v1/promotions", (201, opened))
    ended = command(*PROMOTE, "--reason", "better", "--json")
    assert ended.code == code
    assert ended.document["promotion"] == "p1"
    body = {"subject": "model/credit/1", "environment": "production", "reason": "better"}
    assert server.body() == body


def test_promote_waits_for_people(command: Command, server: Server) -> None:
    opened = {"id": "p1", "state": "requested", "decision": decision("PENDING")}
    server.on("POST", "/api/v1/promotions", (201, opened))
    done = {"id": "p1", "state": "allowed", "decision": decision("ALLOW")}
    server.on("GET", "/api/v1/promotions/p1", (200, done))
    ended = command(*PROMOTE, "--wait", "90s")
    assert ended.code == 0
    assert "deployment start ... --decision dec-1" in ended.err


@pytest.mark.parametrize(
    "words",
    [
        ("gate", "check"),
        ("gate", "check", "model/credit/1"),
        (*CHECK, "--wait", "soon"),
        (*CHECK, "--fail-on", "anything"),
        (*CHECK, "--policy", str(POLICIES / "staging-default.yaml")),
        ("gate", "check", "--dry-run", str(POLICIES / "staging-default.yaml")),
        ("promote", "model/credit/1"),
    ],
)
def test_a_command_line_that_cannot_be_meant_is_2(
    command: Command, server: Server, words: tuple[str, ...]
) -> None:
    ended = command(*words)
    assert ended.code == 2
    assert "→" in ended.err
    assert server.asked == []


def test_a_dry_run_asks_no_server_and_ends_by_the_would_be_gate(
    command: Command, server: Server, tmp_path: Path
) -> None:
    cases = load(POLICIES / "production-default.cases.yaml")
    assert isinstance(cases, list)
    assert isinstance(cases[0], dict)
    facts = cases[0]["facts"]
    assert isinstance(facts, dict)
    facts["reviews"] = []
    file = tmp_path / "facts.json"
    file.write_text(json.dumps(facts))
    policy = ("--policy", str(POLICIES / "production-default.yaml"))
    ended = command("gate", "check", "--dry-run", str(file), *policy, "--json")
    assert ended.document["gate"] == "DRY_RUN"
    codes = {"ALLOW": 0, "DENY": 1, "PENDING": 3}
    assert ended.code == codes[ended.document["would_be"]]
    assert "decision_id" not in ended.document
    other = command("gate", "check", "model/other/1", "--dry-run", str(file), *policy)
    assert other.code == 2
    file.write_text("{}")
    assert command("gate", "check", "--dry-run", str(file), *policy).code == 2
    assert server.asked == []


def test_an_interrupted_check_is_no_verdict(command: Command, server: Server) -> None:
    server.on("POST", ASK, KeyboardInterrupt())
    assert command(*CHECK).code == 130
