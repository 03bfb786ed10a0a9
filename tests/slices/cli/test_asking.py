"""Asking: lineage, entries, reports, policies; nothing found is 1, and what is partial says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.slices.cli.conftest import decision, problem

if TYPE_CHECKING:
    from tests.slices.cli.conftest import Command, Server

POLICIES = Path(__file__).parents[3] / "policies"
EDGE = {"src": "dataset_version:d/1", "dst": "model_version:m/1", "type": "trained", "index": 4}


def lineage(result: dict[str, Any], status: str = "complete") -> tuple[int, dict[str, Any]]:
    return 200, {"result": result, "status": status, "graph_seq": 9, "log_size": 9, "source": "sql"}


NODES = [
    {"gid": "dataset_version:d/1", "subject": "dataset/d/1", "kind": "dataset", "distance": 0},
    {"gid": "column:x", "kind": "column", "distance": 1},
]
AFFECTED = {"gid": "deployment:p/a", "subject": "deployment/p/a", "kind": "deployment",
            "state": "live", "distance": 2, "why": [EDGE]}  # fmt: skip
ASKED = [
    (("upstream", "dataset/d/1"), "closure", {"nodes": NODES, "edges": []},
     {"nodes": NODES[:1], "edges": []}),
    (("downstream", "dataset/d/1"), "closure", {"nodes": NODES, "edges": []},
     {"nodes": [], "edges": []}),
    (("impact", "dataset/d/1", "--why"), "impact", {"affected": [AFFECTED]}, {"affected": []}),
    (("why", "dataset/d/1", "model/m/1"), "why", {"path": [EDGE]}, {"path": None}),
]  # fmt: skip


@pytest.mark.parametrize(("words", "route", "found", "nothing"), ASKED)
def test_nothing_found_is_1(
    command: Command,
    server: Server,
    words: tuple[str, ...],
    route: str,
    found: dict[str, Any],
    nothing: dict[str, Any],
) -> None:
    server.on("GET", f"/api/v1/graph/{route}", lineage(found), lineage(nothing))
    ended = command("lineage", *words)
    assert ended.code == 0
    assert ended.out != ""
    empty = command("lineage", *words)
    assert (empty.code, empty.out) == (1, "")
    assert "nothing found, at log size 9" in empty.err
    assert command("lineage", *words, "--json").document["result"] == nothing


def test_why_is_told_entry_by_entry(command: Command, server: Server) -> None:
    server.on("GET", "/api/v1/graph/why", lineage({"path": [EDGE]}))
    out = command("lineage", "why", "dataset/d/1", "model/m/1", "--as-of", "9").out
    assert out == "  dataset_version:d/1 trained model_version:m/1  (entry 4)\n"
    query = dict(server.asked[-1].url.params)
    assert query == {"from": "dataset/d/1", "to": "model/m/1", "as_of_seq": "9"}


def test_a_truncated_answer_says_so(command: Command, server: Server) -> None:
    server.on("GET", "/api/v1/graph/closure", lineage({"nodes": NODES}, "truncated"))
    ended = command("lineage", "upstream", "dataset/d/1")
    assert ended.code == 0
    assert "truncated" in ended.err


@pytest.mark.parametrize(("status", "code"), [(401, 4), (403, 1), (404, 1), (422, 1), (503, 5)])
def test_exit_codes_of_asking(command: Command, server: Server, status: int, code: int) -> None:
    server.on("GET", "/api/v1/graph/closure", problem(status, "no"))
    server.on("GET", "/api/v1/events/3", problem(status, "no"))
    server.on("GET", "/readyz", problem(status, "no"))
    for words in (("lineage", "upstream", "x/1"), ("event", "show", "3"), ("status",)):
        assert command(*words).code == code


def test_an_entry_is_shown_and_proven(command: Command, server: Server, tmp_path: Path) -> None:
    entry = {"type": "dataset.registered.v1", "subject": "dataset/d"}
    shown = {"entry": entry, "leaf_hash": "ab", "data": {"owner": "me"}}
    server.on("GET", "/api/v1/events/3", (200, shown))
    server.on("GET", "/api/v1/events/3/proof", b"c2sp.org/tlog-proof@v1\n")
    assert '"owner": "me"' in command("event", "show", "3").out
    assert command("event", "proof", "3").out == "c2sp.org/tlog-proof@v1\n"
    out = tmp_path / "it.tlog-proof"
    assert command("event", "proof", "3", "--size", "5", "--out", str(out)).out == ""
    assert out.read_bytes() == b"c2sp.org/tlog-proof@v1\n"
    assert server.asked[-1].headers["Accept"] == "text/plain"
    assert command("event", "show", "-1").code == 2


def job(state: str, **more: object) -> dict[str, Any]:
    return {"id": "r1", "type": "model-audit", "scope": "model/m", "state": state, "progress": 50,
            "digests": {"pdf": "sha256:aa"}, "problem": None, **more}  # fmt: skip


def test_a_report_is_awaited_and_taken(
    command: Command, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.cli.reports.PAUSE", 0)
    server.on("POST", "/api/v1/reports", (202, job("queued")))
    server.on("GET", "/api/v1/reports/r1", (200, job("rendering")), (200, job("done")))
    server.on("GET", "/api/v1/reports/r1.pdf", b"%PDF")
    server.on("GET", "/api/v1/reports/r1.bundle.zip", b"PK")
    pdf, bundle = tmp_path / "r.pdf", tmp_path / "r.zip"
    words = ("report", "create", "model-audit", "--scope", "model/m", "--as-of", "7")
    ended = command(*words, "--wait", "--out", str(pdf), "--bundle", str(bundle))
    assert ended.code == 0
    assert "pdf=sha256:aa" in ended.out
    assert (pdf.read_bytes(), bundle.read_bytes()) == (b"%PDF", b"PK")
    assert json.loads(server.asked[0].content)["as_of_seq"] == 7


def test_a_report_that_failed_is_1_and_leaves_no_file(
    command: Command, server: Server, tmp_path: Path
) -> None:
    failed = job("failed", problem={"detail": "no fonts", "remedy": "install some"})
    server.on("GET", "/api/v1/reports/r1", (200, failed))
    out = tmp_path / "r.pdf"
    ended = command("report", "get", "r1", "--out", str(out))
    assert ended.code == 1
    assert "no fonts\n  → install some" in ended.err
    assert not out.exists()


def test_a_report_under_way_says_how_to_get_it(command: Command, server: Server) -> None:
    server.on("POST", "/api/v1/reports", (202, job("queued")))
    ended = command("report", "create", "model-audit", "--scope", "model/m")
    assert ended.code == 0
    assert "→ muniment report get r1" in ended.err


def test_policies_are_linted_and_tested_without_a_server(
    command: Command, server: Server, tmp_path: Path
) -> None:
    policy = POLICIES / "production-default.yaml"
    assert command("policy", "lint", str(policy)).code == 0
    assert command("policy", "test", str(policy)).code == 0
    assert command("policy", "test", str(policy), "--scaffold").err == "every outcome is tested\n"
    alone = tmp_path / "alone.yaml"
    alone.write_text(policy.read_text())
    ended = command("policy", "test", str(alone))
    assert ended.code == 1
    assert "no case reaches PASS of the rule perf.auc" in ended.err
    assert "confirm: true" in command("policy", "test", str(alone), "--scaffold").out
    alone.write_text("rules: [")
    refused = command("policy", "lint", str(alone))
    assert refused.code == 1
    assert "line 1" in refused.err
    assert server.asked == []


def test_lint_names_what_makes_a_sound_policy_unfit(command: Command, tmp_path: Path) -> None:
    for pack in sorted(POLICIES.glob("*.yaml")):
        if not pack.name.endswith(".cases.yaml"):
            assert command("policy", "lint", str(pack)).code == 0
    unfit = tmp_path / "unfit.yaml"
    written = (POLICIES / "production-default.yaml").read_text()
    unfit.write_text(written.replace("value: 0.70", "value: 1.70"))
    ended = command("policy", "lint", str(unfit))
    assert ended.code == 1
    assert "#/rules/0/value roc_auc lies in 0 to 1: never passes" in ended.err
    assert command("policy", "lint", str(unfit), "--json").document["faults"] != []


def test_a_draft_is_sent_with_its_cases_and_its_lint_is_told(
    command: Command, server: Server
) -> None:
    lint = [{"pointer": "#/rules/0", "message": "nobody could meet it"}]
    answer = {"name": "p", "version": "1", "digest": "sha256:aa", "lint": lint}
    server.on("POST", "/api/v1/policies", (201, answer), (201, answer | {"lint": []}))
    words = ("policy", "draft", str(POLICIES / "staging-default.yaml"))
    assert "#/rules/0 nobody could meet it" in command(*words).err
    assert len(server.body()["cases"]) > 1
    assert "→ a second person: muniment policy publish p 1" in command(*words).err


def test_a_decision_that_does_not_replay_is_1(command: Command, server: Server) -> None:
    path = "/api/v1/decisions/dec-1/replay"
    good = {"holds": True, "recorded": "sha256:a", "recomputed": "sha256:a", "differs": []}
    bad = good | {"holds": False, "recomputed": "sha256:b", "differs": ["rules"]}
    server.on("GET", path, (200, good), (200, bad))
    assert command("policy", "replay", "dec-1").code == 0
    ended = command("policy", "replay", "dec-1")
    assert ended.code == 1
    assert "does NOT hold" in ended.out


def test_a_policy_is_shown_as_it_was_written(command: Command, server: Server) -> None:
    found = {"name": "p", "version": "1", "document": {"metadata": {"name": "p"}}}
    server.on("GET", "/api/v1/policies/p/versions/1", (200, found))
    assert "metadata:\n  name: p" in command("policy", "show", "p", "1").out


LISTS: dict[tuple[str, ...], str] = {
    ("dataset", "list"): "/api/v1/datasets",
    ("model", "list"): "/api/v1/models",
    ("deployment", "list"): "/api/v1/deployments",
    ("policy", "list"): "/api/v1/policies",
    ("report", "list"): "/api/v1/reports",
    ("user", "list"): "/api/v1/users",
    ("token", "list"): "/api/v1/tokens",
    ("event", "list", "--type", "gate.decided"): "/api/v1/events",
}


@pytest.mark.parametrize("words", LISTS, ids=" ".join)
def test_lists_follow_their_pages(command: Command, server: Server, words: tuple[str, ...]) -> None:
    items: list[dict[str, Any]] = [{"name": name, "roles": []} for name in ("first", "second")]
    pages = [(200, {"items": [one], "next_cursor": "on"}) for one in items[:1]]
    last = (200, {"items": items[1:], "next_cursor": None})
    server.on("GET", LISTS[words], *pages, last)
    assert command(*words, "--json").document == {"items": items}
    server.on("GET", LISTS[words], (200, {"items": [], "next_cursor": None}))
    assert command(*words).err == "nothing there\n"


def test_a_terminal_gets_a_table_and_a_bar(
    command: Command, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr("app.cli.reports.PAUSE", 0)
    items = [{"id": "r1", "type": "model-audit"}]
    server.on("GET", "/api/v1/reports", (200, {"items": items, "next_cursor": None}))
    assert "model-audit" in command("report", "list").out
    server.on("POST", "/api/v1/reports", (202, job("queued")))
    server.on("GET", "/api/v1/reports/r1", (200, job("rendering")), (200, job("done")))
    assert command("report", "create", "model-audit", "--scope", "m", "--wait").code == 0
    server.on("GET", "/api/v1/reports", problem(404, "no"))
    assert "\x1b[31m" in command("report", "list").err
    assert "\x1b[31m" not in command("report", "list", "--no-color").err


def test_versions_are_shown_with_what_is_known_of_them(command: Command, server: Server) -> None:
    parts = ("evaluations", "predictions", "documents", "promotions", "deployments")
    metrics = [{"name": "auc", "value": 0.8}]
    model = {"subject": "model/m/1", "decisions": {"production": decision("DENY")}}
    shown = model | {key: [] for key in parts} | {"evaluations": [{"metrics": metrics}]}
    server.on("GET", "/api/v1/models/m/versions/1", (200, shown))
    for words in (("model", "show", "m/1"), ("status", "model/m/1")):
        out = command(*words).out
        assert "production   DENY  dec-1" in out
        assert "auc=0.8" in out
    column = {"name": "age", "type": "BIGINT", "tags": ["pii"]}
    approval = {"role": "compliance", "approver": "u1"}
    data = {"subject": "dataset/d/1", "columns": [column], "approvals": [approval], "documents": []}
    server.on("GET", "/api/v1/datasets/d/versions/1", (200, data))
    out = command("dataset", "show", "d/1").out
    assert "age   BIGINT  pii" in out
    assert "compliance" in out
    for kind in ("model", "dataset"):
        server.on("GET", f"/api/v1/{kind}s/x", (200, {"name": "x", "owner": "me"}))
        pages = (200, {"items": [{"version": "1"}], "next_cursor": None})
        server.on("GET", f"/api/v1/{kind}s/x/versions", pages)
        assert "VERSION" in command(kind, "show", "x").out
    assert command("status", "model/m").code == 2


def test_status_tells_the_server_s_state(command: Command, server: Server) -> None:
    server.on("GET", "/readyz", (200, {"status": "ready"}))
    graph = {"store": "sql", "graph_seq": 9, "log_size": 9, "lag": 0, "last_error": None}
    server.on("GET", "/api/v1/graph/status", (200, graph))
    server.on("GET", "/api/v1/me", (200, {"name": "ida", "id": "u1"}))
    assert command("status", "--json").document["log_size"] == 9
    assert command("graph", "status").out.startswith("store      sql")


def test_open_promotions_are_listed_and_shown(command: Command, server: Server) -> None:
    server.on("GET", "/api/v1/reviews/inbox", (200, {"items": [{"id": "p1"}], "next_cursor": None}))
    assert "p1" in command("review", "list").out
    need = {"rule": "p/fair", "role": "v", "meaning": "review", "count": 1, "accepts": True}
    shown = {
        "id": "p1",
        "state": "pending",
        "decision": decision("PENDING"),
        "reviews": [{"reviewer": "u1", "decision": "approve"}],
        "needs": [need | {"eligible": 2}],
        "bind": {"rendered_view_digest": "sha256:aa"},
    }
    server.on("GET", "/api/v1/promotions/p1", (200, shown))
    out = command("review", "show", "p1").out
    assert "→ muniment review approve p1 --meaning review --reason R --accept p/fair" in out
    assert "view sha256:aa" in out
