"""A webhook, posted to real servers and verified with the reference library."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from standardwebhooks.webhooks import Webhook as Reference
from standardwebhooks.webhooks import WebhookVerificationError

from app.notify import webhook
from app.notify.outbox import About, By, Notice
from app.notify.targets import parse_target
from app.notify.webhook import NotDelivered, Webhook
from tests.slices.notify.receivers import certified, hooked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECRET = "whsec_" + "c2VjcmV0" * 4
OTHER = "whsec_" + "b3RoZXIh" * 4


def notice() -> Notice:
    now = datetime.now(UTC)
    return Notice(About.PROMOTION_DECIDED, 41, "promotion/p1", By.WEBHOOK, now, now)


def to(url: str, **more: object) -> Webhook:
    host = url.partition("://")[2].partition("/")[0]
    return Webhook(parse_target(url, (host,)), SECRET, (host,), **more)  # type: ignore[arg-type]


def test_the_reference_library_takes_it_with_the_secret_and_with_no_other() -> None:
    with hooked() as hook:
        url = f"http://127.0.0.1:{hook.port}/hooks/muniment?team=risk"
        to(url).send(notice(), "http://localhost:8000/promotions/p1", datetime.now(UTC))
    [(headers, body, path)] = hook.received
    assert path == "/hooks/muniment?team=risk"
    said = Reference(SECRET).verify(body, headers)
    assert said["type"] == "promotion.decided"
    assert said["data"] == {
        "subject": "promotion/p1",
        "index": 41,
        "url": "http://localhost:8000/promotions/p1",
    }
    assert headers["webhook-id"] == "msg_000000000041-webhook"
    with pytest.raises(WebhookVerificationError):
        Reference(OTHER).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Reference(SECRET).verify(body.replace(b"p1", b"p2"), headers)
    assert json.loads(body)["timestamp"].endswith("Z")


def test_over_https_the_name_is_proven_and_the_address_is_the_one_that_was_looked_at(
    tmp_path: Path,
) -> None:
    server, trusting = certified(tmp_path, "hooks.example")
    with hooked(server) as hook:
        url = f"https://hooks.example:{hook.port}/"
        hither = to(url, resolve=lambda *_: ["127.0.0.1"], context=trusting)
        hither.send(notice(), "http://x/", datetime.now(UTC))
        assert len(hook.received) == 1
        assert hook.received[0][0]["Host"] == f"hooks.example:{hook.port}"
        other = to(
            f"https://other.example:{hook.port}/",
            resolve=lambda *_: ["127.0.0.1"],
            context=trusting,
        )
        with pytest.raises(NotDelivered, match=r"does not answer.*(mismatch|not valid for)"):
            other.send(notice(), "http://x/", datetime.now(UTC))
        with pytest.raises(NotDelivered, match=r"does not answer.*certificate"):
            to(url, resolve=lambda *_: ["127.0.0.1"]).send(notice(), "x", datetime.now(UTC))
        assert len(hook.received) == 1


def test_a_redirect_is_not_followed() -> None:
    with hooked() as hook:
        hook.status = 307
        with pytest.raises(NotDelivered, match="none is followed") as failure:
            to(f"http://127.0.0.1:{hook.port}/").send(notice(), "http://x/", datetime.now(UTC))
        assert not failure.value.for_good
    assert [path for _, _, path in hook.received] == ["/"]


@pytest.mark.parametrize(("status", "for_good"), [(500, False), (404, False), (410, True)])
def test_a_refusal_is_tried_again_unless_the_hook_is_gone(status: int, for_good: bool) -> None:
    with hooked() as hook:
        hook.status = status
        with pytest.raises(NotDelivered, match=f"answered .{status}.") as failure:
            to(f"http://127.0.0.1:{hook.port}/").send(notice(), "http://x/", datetime.now(UTC))
    assert failure.value.for_good is for_good


def test_the_next_address_is_tried_where_the_first_one_does_not_answer() -> None:
    with hooked() as hook:
        hither = to(
            f"http://two.example:{hook.port}/", resolve=lambda *_: ["127.0.0.9", "127.0.0.1"]
        )
        hither.send(notice(), "http://x/", datetime.now(UTC))
    assert len(hook.received) == 1


def test_a_name_without_addresses_and_a_closed_port_are_said() -> None:
    def nowhere(*_: object) -> list[str]:
        raise OSError("no such host")

    with pytest.raises(NotDelivered, match="no such host"):
        to("https://gone.example/", resolve=nowhere).send(notice(), "x", datetime.now(UTC))
    with pytest.raises(NotDelivered, match="has no address"):
        to("https://gone.example/", resolve=lambda *_: []).send(notice(), "x", datetime.now(UTC))
    with hooked() as hook:
        closed = hook.port
    with pytest.raises(NotDelivered, match="does not answer"):
        to(f"http://127.0.0.1:{closed}/").send(notice(), "x", datetime.now(UTC))


@contextmanager
def says(answer: bytes, *, forever: bool = False) -> Iterator[int]:
    """Listen once, and say something that is no answer; then hang up, or drip for ever."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stopping = threading.Event()

        def talk() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.recv(65_536)
                peer.sendall(answer)
                while forever and not stopping.wait(0.02):
                    try:
                        peer.sendall(b"X")
                    except OSError:
                        return

        thread = threading.Thread(target=talk)
        thread.start()
        yield listener.getsockname()[1]
        stopping.set()
        thread.join()


def test_what_does_not_speak_http_is_said() -> None:
    with says(b"220 mail.example ESMTP\r\n") as port, pytest.raises(NotDelivered, match="HTTP"):
        to(f"http://127.0.0.1:{port}/").send(notice(), "http://x/", datetime.now(UTC))


def test_who_drips_for_ever_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "PATIENCE", 0.2)
    with (
        says(b"HTTP/1.1 200 OK\r\nX-Header: ", forever=True) as port,
        pytest.raises(NotDelivered, match=r"takes too long|does not answer"),
    ):
        to(f"http://127.0.0.1:{port}/").send(notice(), "http://x/", datetime.now(UTC))
