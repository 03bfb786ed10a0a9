"""The command in this process, and a fake server of the test's own."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from app.cli import run

if TYPE_CHECKING:
    from pathlib import Path

Answer = tuple[int, Any] | bytes | BaseException


@dataclass
class Server:
    """Answers by method and path; the last of several answers stays. Keeps what it was asked."""

    answers: dict[tuple[str, str], list[Answer]] = field(default_factory=dict)
    asked: list[httpx.Request] = field(default_factory=list)

    def on(self, method: str, path: str, *answers: Answer) -> None:
        self.answers[method, path] = list(answers)

    def handle(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.asked.append(request)
        waiting = self.answers.get((request.method, request.url.path))
        if waiting is None:
            return refusal(404, f"nothing at {request.method} {request.url.path}")
        answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(answer, BaseException):
            raise answer
        if isinstance(answer, bytes):
            return httpx.Response(200, content=answer)
        status, body = answer
        return httpx.Response(status) if body is None else httpx.Response(status, json=body)

    def body(self, place: int = -1) -> Any:  # noqa: ANN401 - any JSON value
        return json.loads(self.asked[place].content)


def refusal(
    status: int, detail: str, remedy: str | None = None, pointer: str | None = None
) -> httpx.Response:
    return httpx.Response(status, json=problem(status, detail, remedy, pointer)[1])


def problem(
    status: int, detail: str, remedy: str | None = None, pointer: str | None = None
) -> tuple[int, dict[str, Any]]:
    body: dict[str, Any] = {"title": "Refused", "status": status, "detail": detail}
    if remedy is not None:
        body["remedy"] = remedy
    if pointer is not None:
        body["errors"] = [{"pointer": pointer, "message": "is wrong"}]
    return status, body


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:  # noqa: ANN401 - any JSON value
        return json.loads(self.out)


Command = Callable[..., Ended]


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def command(
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> Command:
    """Run one command line against the fake server, with a token and folders of its own."""
    for name in ("MUNIMENT_URL", "NO_COLOR", "MUNIMENT_TRACE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MUNIMENT_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("MUNIMENT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("MUNIMENT_TOKEN", "gvs_token")
    monkeypatch.setattr("stamina.retry", _once)

    def go(*words: str, stdin: str = "") -> Ended:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        code = run(list(words), httpx.MockTransport(server.handle))
        written = capsysbinary.readouterr()
        return Ended(code, written.out.decode(), written.err.decode())

    return go


def _once(**_: object) -> Callable[[Callable[[], httpx.Response]], Callable[[], httpx.Response]]:
    """Stand in for the pauses between retries."""
    return lambda attempt: attempt


def session(monkeypatch: pytest.MonkeyPatch) -> None:
    """Call as a person who is signed in."""
    monkeypatch.setenv("MUNIMENT_TOKEN", "a-session")


def decision(gate: str, *, warnings: Sequence[str] = ()) -> dict[str, Any]:
    """A decision as served, with one rule."""
    return {
        "gate": gate,
        "reason": "as the policy says",
        "subject": {"name": "credit", "version": "1", "digest": "sha256:00"},
        "transition": {"from": "staging", "to": "production"},
        "policies": [{"name": "p", "version": "1", "mode": "enforce", "gate": gate}],
        "rules": [
            {
                "id": "p/fair",
                "outcome": {"ALLOW": "PASS", "DENY": "FAIL"}.get(gate, "AWAITING"),
                "blocking": True,
                "message": "the ratio is 0.59",
                "remedy": "drop the column",
                "actual": "0.590000000",
                "op": ">=",
                "threshold": "0.800000000",
                "group": "sex=F",
                "n": 481,
                "ci": {"low": "0.500000000", "high": None},
            }
        ],
        "warnings": list(warnings),
        "missing": [],
        "decision_id": "dec-1",
        "expires_at": "2026-11-28T00:00:00Z",
        "single_administrator": False,
    }
