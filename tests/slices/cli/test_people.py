"""People's commands: secrets are asked for and kept with care, refusals say what to type."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import keyring.errors
import pytest

from app.cli import credentials
from tests.slices.cli.conftest import problem, session

if TYPE_CHECKING:
    from pathlib import Path

    from tests.slices.cli.conftest import Command, Server


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, command: Command) -> None:
    monkeypatch.delenv("MUNIMENT_TOKEN")


def test_login_keeps_the_session_for_its_owner_alone(
    command: Command, server: Server, tmp_path: Path
) -> None:
    server.on("POST", "/api/v1/sessions", (200, {"session": "secret", "must_enrol": None}))
    server.on("GET", "/api/v1/me", (200, me()))
    words = ("login", "ida", "--password-stdin", "--totp", "123 456")
    ended = command(*words, stdin="correct horse\n")
    assert ended.code == 0
    assert "secret" not in ended.out + ended.err
    assert server.body() == {"name": "ida", "password": "correct horse", "totp": "123456"}
    kept = tmp_path / "config" / "credentials"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert command("whoami").out.startswith("name         ida\n")
    assert server.asked[-1].headers["Authorization"] == "Bearer secret"


def test_a_session_is_for_its_server_alone(command: Command, server: Server) -> None:
    server.on("POST", "/api/v1/sessions", (200, {"session": "secret", "must_enrol": None}))
    server.on("GET", "/api/v1/me", (200, me()))
    command("login", "ida", "--password-stdin", stdin="p\n")
    command("whoami", "--server", "http://elsewhere.example")
    assert "Authorization" not in server.asked[-1].headers


def test_who_has_to_enrol_is_not_signed_in(command: Command, server: Server) -> None:
    answer = {"session": None, "must_enrol": "otpauth://totp/x"}
    server.on("POST", "/api/v1/sessions", (200, answer))
    ended = command("login", "ida", "--password-stdin", stdin="p\n")
    assert ended.code == 4
    assert ended.out == "otpauth://totp/x\n"
    assert "→ muniment login ida" in ended.err


def test_logout_forgets_even_where_the_server_did_before(command: Command, server: Server) -> None:
    server.on("POST", "/api/v1/sessions", (200, {"session": "secret", "must_enrol": None}))
    server.on("DELETE", "/api/v1/sessions/current", problem(401, "it has ended"))
    command("login", "ida", "--password-stdin", stdin="p\n")
    ended = command("logout")
    assert ended.code == 0
    assert "it has ended" in ended.err
    assert command("logout").code == 2


def test_a_password_is_never_taken_from_nowhere(command: Command, server: Server) -> None:
    for words in (("login", "ida"), ("login", "ida", "--password-stdin")):
        ended = command(*words)
        assert ended.code == 2
        assert "password" in ended.err
    assert server.asked == []


def test_an_invitation_is_added_accepted_and_confirmed(command: Command, server: Server) -> None:
    link = "http://localhost:8000/invitations/abc"
    invited = {"id": "u1", "url": link, "expires_at": "2026-11-28T00:00:00Z"}
    server.on("POST", "/api/v1/invitations", (201, invited))
    server.on("POST", "/api/v1/invitations/abc/accept", (200, {"totp_uri": "otpauth://x"}))
    confirmed = {"session": "s", "recovery_codes": ["aaaa", "bbbb"]}
    server.on("POST", "/api/v1/invitations/abc/confirm", (200, confirmed))
    assert command("user", "add", "ida", "--printed-name", "Ida").out == f"{link}\n"
    accepted = command("user", "accept", link, "--password-stdin", stdin="p\n")
    assert accepted.out == "otpauth://x\n"
    assert command("user", "confirm", link, "--totp", "1").out == "aaaa\nbbbb\n"


def test_a_token_is_printed_alone(command: Command, server: Server) -> None:
    made = {"id": "t1", "token": "gvs_x", "expires_at": "2027-01-01T00:00:00Z"}
    server.on("POST", "/api/v1/tokens", (201, made))
    ended = command("token", "create", "ci", "--scope", "read, gate:check", "--owner", "ida")
    assert ended.out == "gvs_x\n"
    assert server.body() == {"name": "ci", "scopes": ["read", "gate:check"], "owner": "ida"}


def test_a_role_that_needs_a_second_administrator_says_so(command: Command, server: Server) -> None:
    server.on("POST", "/api/v1/users/ida/roles", (202, {"grant_id": "g7"}))
    ended = command("role", "grant", "ida", "compliance", "--scope", "model/*@production")
    assert ended.out == "g7\n"
    assert "→ muniment role confirm g7" in ended.err
    assert server.body() == {"role": "compliance", "scope": "model/*@production"}


def test_a_role_is_revoked_by_its_name(command: Command, server: Server) -> None:
    held = {"grant": 9, "role": "engineer", "scope": None, "team": None}
    ida = {"id": "u1", "name": "ida", "roles": [held]}
    server.on("GET", "/api/v1/users", (200, {"items": [ida], "next_cursor": None}))
    server.on("DELETE", "/api/v1/users/u1/roles/9", (200, {"state": "done"}))
    assert command("role", "revoke", "ida", "engineer").out == "revoked\n"
    ended = command("role", "revoke", "ida", "auditor")
    assert ended.code == 1
    assert "→ muniment user list" in ended.err


def test_a_reason_goes_along_with_each_change(command: Command, server: Server) -> None:
    why = ("--reason", "Left & moved")
    server.on("POST", "/api/v1/users/ida/roles", (201, {"grant": 9}))
    assert command("role", "grant", "ida", "engineer", *why).code == 0
    assert server.body() == {"role": "engineer", "reason": "Left & moved"}
    server.on("POST", "/api/v1/users/ida/disable", (200, {"state": "done"}))
    assert command("user", "disable", "ida", *why).out == "disabled\n"
    assert server.asked[-1].url.params["reason"] == "Left & moved"
    server.on("DELETE", "/api/v1/tokens/t1", (204, None))
    assert command("token", "revoke", "t1", *why).code == 0
    assert server.asked[-1].url.params["reason"] == "Left & moved"


def test_who_lost_their_factor_is_reset_by_two(command: Command, server: Server) -> None:
    server.on("POST", "/api/v1/users/ida/factor-reset", (202, {"state": "pending"}))
    asked = command("user", "reset", "ida", "--reason", "lost")
    assert asked.out == "waits for another administrator\n"
    assert "→ muniment user reset ida --confirm" in asked.err
    assert server.body() == {"reason": "lost"}
    link = "http://localhost:8000/invitations/abc"
    made = {"id": "u1", "url": link, "expires_at": "2026-11-28T00:00:00Z"}
    server.on("POST", "/api/v1/users/ida/factor-reset/confirm", (201, made))
    confirmed = command("user", "reset", "ida", "--confirm")
    assert confirmed.out == f"{link}\n"
    assert "sign nothing for 24 hours" in confirmed.err
    for words in ((), ("--reason", "lost", "--confirm")):
        assert command("user", "reset", "ida", *words).code == 2


def test_conflicts_are_said_and_what_waits_is_listed(command: Command, server: Server) -> None:
    told = {"conflicts": [{"kind": "own-grant", "text": "You would grant it to yourself."}]}
    server.on("GET", "/api/v1/users/ida/roles/check", (200, told))
    assert command("role", "check", "ida", "auditor").out == "You would grant it to yourself.\n"
    assert dict(server.asked[-1].url.params) == {"role": "auditor"}
    server.on("GET", "/api/v1/users/ida/roles/check", (200, {"conflicts": []}))
    assert command("role", "check", "ida", "auditor").out == "no conflict of duties\n"
    waits = {"grant_id": "g7", "user": "u1", "role": "compliance", "scope": None, "team": None}
    waits |= {"asked_by": "u2", "reason": "course passed", "asked_at": "2026-11-28T00:00:00Z"}
    server.on("GET", "/api/v1/role-grants", (200, {"items": [waits], "log_size": 9}))
    assert "g7" in command("role", "waiting").out


@pytest.mark.parametrize(("status", "code"), [(401, 4), (403, 1), (404, 1), (409, 1), (422, 1)])
def test_refusals_of_people_s_commands(
    command: Command, server: Server, status: int, code: int
) -> None:
    server.on("POST", "/api/v1/users/ida/disable", problem(status, "no", "so", "#/name"))
    ended = command("user", "disable", "ida")
    assert ended.code == code
    assert "#/name: is wrong" in ended.err


SIGNING = (
    ("review", "approve", "p1", "--meaning", "review", "--reason", "r"),
    ("review", "reject", "p1", "--meaning", "review", "--reason", "r"),
    ("review", "request-changes", "p1", "--meaning", "review", "--reason", "r"),
    ("policy", "publish", "p", "1", "--reason", "r"),
    ("dataset", "approve", "dataset/d/1", "--role", "compliance"),
)


@pytest.mark.parametrize("words", SIGNING, ids=" ".join)
def test_nobody_signs_with_a_service_token(
    command: Command, server: Server, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("MUNIMENT_TOKEN", "gvs_token")
    ended = command(*words, "--password-stdin", "--totp", "1", stdin="p\n")
    assert ended.code == 4
    assert "→ muniment login" in ended.err
    assert server.asked == []


def test_a_review_is_bound_to_what_is_shown(
    command: Command, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    session(monkeypatch)
    view = "sha256:" + "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    shown = promotion(view)
    server.on("GET", "/api/v1/promotions/p1", (200, shown))
    server.on("GET", "/api/v1/promotions/p1/view", b"{}")
    answer = {"receipt": {"index": 7}, "promotion": {"state": "allowed"}}
    server.on("POST", "/api/v1/promotions/p1/reviews", (201, answer))
    words = (*SIGNING[0], "--accept", "p/fair", "--password-stdin", "--totp", "1")
    ended = command(*words, stdin="p\n")
    assert ended.out == "signed, entry 7; promotion p1 is allowed\n"
    assert server.body()["bind"] == shown["bind"]
    assert server.body()["accepts"] == ["p/fair"]
    older = "sha256:" + "0" * 64
    command(*words, "--view", older, stdin="p\n")
    assert server.body()["bind"]["rendered_view_digest"] == older


def test_bytes_that_are_not_what_the_server_names_are_not_signed(
    command: Command, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    session(monkeypatch)
    server.on("GET", "/api/v1/promotions/p1", (200, promotion("sha256:00")))
    server.on("GET", "/api/v1/promotions/p1/view", b"{}")
    ended = command(*SIGNING[0], "--password-stdin", "--totp", "1", stdin="p\n")
    assert ended.code == 1
    assert "→ muniment review show p1" in ended.err
    assert all(one.method == "GET" for one in server.asked)


def test_a_policy_is_published_as_it_is_drafted_now(
    command: Command, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    session(monkeypatch)
    server.on("GET", "/api/v1/policies/p/versions/1", (200, {"digest": "sha256:ab"}))
    receipt = {"index": 3, "subject": "policy/p/1"}
    server.on("POST", "/api/v1/policies/p/versions/1/publish", (201, receipt))
    words = (*SIGNING[3], "--password-stdin", "--totp", "1")
    assert command(*words, stdin="p\n").out == "recorded as entry 3: policy/p/1\n"
    assert server.body()["digest"] == "sha256:ab"


def test_a_person_and_a_token_end(command: Command, server: Server) -> None:
    server.on("POST", "/api/v1/users/ida/disable", (200, {"state": "done"}), (202, PENDING))
    server.on("DELETE", "/api/v1/tokens/t1", (204, None))
    server.on("POST", "/api/v1/role-grants/g7/confirm", (201, {"grant": 12}))
    assert command("user", "disable", "ida").out == "disabled\n"
    assert "other administrator" in command("user", "disable", "ida").out
    assert command("token", "revoke", "t1").code == 0
    assert command("role", "confirm", "g7").out == "granted by entry 12\n"


PENDING = {"state": "pending"}


class Keyring:
    """A keyring in memory, in the place of the desktop's."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False

    def set_password(self, service: str, server: str, session: str) -> None:
        self._look()
        self.kept[service, server] = session

    def get_password(self, service: str, server: str) -> str | None:
        self._look()
        return self.kept.get((service, server))

    def delete_password(self, service: str, server: str) -> None:
        self._look()
        if self.kept.pop((service, server), None) is None:
            raise keyring.errors.PasswordDeleteError("not there")

    def _look(self) -> None:
        if self.locked:
            raise keyring.errors.KeyringLocked("locked")


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Keyring:
    """A desktop with a keyring, and no folder named."""
    made = Keyring()
    for name in ("set_password", "get_password", "delete_password"):
        monkeypatch.setattr(f"keyring.{name}", getattr(made, name))
    monkeypatch.delenv("MUNIMENT_CONFIG_DIR")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
    return made


def test_a_keyring_keeps_the_session(ring: Keyring, tmp_path: Path) -> None:
    assert credentials.save("http://a", "secret") == "the keyring"
    assert credentials.load("http://a") == "secret"
    assert credentials.load("http://b") is None
    assert not (tmp_path / "home").exists()
    credentials.forget("http://a")
    credentials.forget("http://a")
    assert ring.kept == {}


def test_a_keyring_that_stays_locked_gives_way_to_the_file(ring: Keyring, tmp_path: Path) -> None:
    ring.locked = True
    kept = tmp_path / "home" / "muniment" / "credentials"
    assert credentials.save("http://a", "secret") == str(kept)
    assert credentials.load("http://a") == "secret"
    assert credentials.load("http://b") is None
    credentials.forget("http://a")
    assert credentials.load("http://a") is None


def me() -> dict[str, object]:
    role = {"role": "engineer"}
    return {"name": "ida", "id": "u1", "kind": "person", "roles": [role], "permissions": ["read"]}


def promotion(view: str) -> dict[str, object]:
    digests = ("subject_digest", "evidence_root", "policy_digest")
    bind = dict.fromkeys(digests, "sha256:11") | {"rendered_view_digest": view}
    need = {"rule": "p/fair", "role": "v", "meaning": "review", "count": 1, "accepts": True}
    return {
        "id": "p1",
        "subject": "model/credit/1",
        "state": "pending",
        "decision": None,
        "reviews": [],
        "needs": [need | {"eligible": 2}],
        "bind": bind,
    }
