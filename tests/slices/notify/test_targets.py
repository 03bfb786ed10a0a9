"""A webhook reaches nothing inside, however its address is written or resolves."""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from app.core.errors import Forbidden, Rejected
from app.notify.outbox import About, By, Notice
from app.notify.targets import addresses_of, lies_inside, parse_target
from app.notify.webhook import NotDelivered, Webhook
from tests.slices.notify.receivers import Hook, hooked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

AT = datetime(2026, 1, 5, tzinfo=UTC)
NOTICE = Notice(About.TEST, -1, "log", By.WEBHOOK, AT, AT)
CONTEXT = ssl.create_default_context()
SECRET = "whsec_" + "c2VjcmV0" * 4

NAMES = {
    "localhost.example": ["127.0.0.1"],
    "localhost": ["127.0.0.1", "::1"],
    "localhost.": ["127.0.0.1"],
    "metadata.google.internal": ["169.254.169.254"],
    "db": ["10.0.0.7"],
    "intranet.example": ["192.168.1.4"],
    "both.example": ["93.184.215.14", "127.0.0.1"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "nat64.example": ["64:ff9b::7f00:1"],
    "six.example": ["2002:7f00:1::"],
    "ula.example": ["fd00:ec2::254"],
    "wire.example": ["168.63.129.16"],
    "127.0.0.1.nip.example": ["127.0.0.1"],
}
# {p}: the port at which somebody listens on loopback, and counts who comes.
CORPUS = (
    "https://127.0.0.1:{p}/", "https://localhost:{p}/", "https://LOCALHOST:{p}/",
    "https://localhost.:{p}/", "https://localhost.example:{p}/",
    "https://127.0.0.1.nip.example:{p}/", "https://127.1:{p}/", "https://127.0.1:{p}/",
    "https://2130706433:{p}/", "https://0x7f000001:{p}/", "https://0x7f.0.0.1:{p}/",
    "https://0177.0.0.1:{p}/", "https://017700000001:{p}/", "https://127.255.255.254:{p}/",
    "https://0.0.0.0:{p}/", "https://0:{p}/", "https://[::1]:{p}/", "https://[::]:{p}/",
    "https://[::ffff:127.0.0.1]:{p}/", "https://[::ffff:7f00:1]:{p}/",
    "https://[0:0:0:0:0:ffff:127.0.0.1]:{p}/", "https://[::127.0.0.1]:{p}/",
    "https://[64:ff9b::127.0.0.1]:{p}/", "https://[2002:7f00:1::]:{p}/",
    "https://[2001:0:0:0:0:0:80ff:fffe]:{p}/", "https://[fe80::1]:{p}/", "https://[fc00::1]:{p}/",
    "https://[ff02::1]:{p}/", "https://169.254.169.254/latest/meta-data/",
    "https://[fd00:ec2::254]/latest/meta-data/", "https://metadata.google.internal/",
    "https://100.100.100.200/", "https://168.63.129.16/", "https://192.0.0.192/",
    "https://10.0.0.1/", "https://172.16.0.1/", "https://192.168.0.1/", "https://100.64.0.1/",
    "https://db:{p}/", "https://intranet.example/", "https://both.example:{p}/",
    "https://mapped.example:{p}/", "https://nat64.example:{p}/", "https://six.example:{p}/",
    "https://ula.example:{p}/", "https://wire.example/", "http://127.0.0.1:{p}/",
    "http://hooks.example:{p}/", "https://hooks.example@127.0.0.1:{p}/",
    "https://user:secret@hooks.example/", "https://hooks.example\\@127.0.0.1:{p}/",
    "https://127.0.0.1:{p}#@hooks.example/", "ftp://127.0.0.1:{p}/", "file:///etc/passwd",
    "gopher://127.0.0.1:{p}/_x", "unix:///run/muniment.sock", "//127.0.0.1:{p}/",
    "https:///path", "https://", "https://127.0.0.1:{p}\t/", " https://127.0.0.1:{p}/",
    "https://①②⑦.⓪.⓪.①:{p}/", "https://127。0。0。1:{p}/", "https://hooks.example:0/",
    "https://hooks.example:99999/", "https://[::1%25lo]:{p}/", "https://%31%32%37.0.0.1:{p}/",
    "https://127.0.0.1%00.hooks.example:{p}/", "https://hooks.example\r\nHost: 127.0.0.1/",
)  # fmt: skip


def resolve(host: str, port: int) -> Sequence[str]:
    """Read what is a number as the system does, and look names up in the table."""
    if host in NAMES:
        return NAMES[host]
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    return [str(one[4][0]) for one in found]


@pytest.fixture(scope="module")
def hook() -> Iterator[Hook]:
    with hooked() as hook:
        yield hook


@pytest.mark.parametrize("written", CORPUS)
def test_nothing_inside_is_ever_reached(hook: Hook, written: str) -> None:
    before = hook.connections
    with pytest.raises((Rejected, NotDelivered)):
        Webhook(parse_target(written.replace("{p}", str(hook.port)), ()), SECRET, (), resolve).send(
            NOTICE, "http://localhost:8000/", AT
        )
    assert hook.connections == before
    assert hook.received == []


def test_there_are_fifty_addresses_and_more() -> None:
    assert len(set(CORPUS)) == len(CORPUS) >= 50


def test_without_the_guard_these_addresses_do_reach_the_listener() -> None:
    """Else a listener that nobody can reach would make every test above pass."""
    with hooked() as hook:
        numbers = ("127.0.0.1", "127.1", "2130706433", "0x7f000001", "localhost.example")
        for reached, written in enumerate(numbers, 1):
            target = parse_target(f"http://{written}:{hook.port}/", (written,))
            Webhook(target, SECRET, (written,), resolve, CONTEXT).send(NOTICE, "http://x/", AT)
            assert hook.connections == reached


@pytest.mark.parametrize(
    "address",
    ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "8.8.8.8"],
)
def test_the_public_internet_is_outside(address: str) -> None:
    assert not lies_inside(address)


def test_what_a_translator_would_reach_counts_as_inside() -> None:
    assert lies_inside("64:ff9b::808:808")


def test_a_name_that_says_something_else_a_moment_later_is_connected_to_as_it_was(
    hook: Hook,
) -> None:
    """The address that was looked at is the one that is used: there is no second question."""
    answers = iter([["93.184.215.14"], ["127.0.0.1"], ["127.0.0.1"]])
    asked: list[str] = []

    def rebinding(host: str, _: int) -> Sequence[str]:
        asked.append(host)
        return next(answers)

    target = parse_target("https://rebinding.example/", ())
    assert addresses_of(target, (), rebinding) == ["93.184.215.14"]
    with pytest.raises(Forbidden, match="lies inside"):
        addresses_of(target, (), rebinding)
    assert asked == ["rebinding.example"] * 2
    assert hook.received == []


def test_a_declared_host_may_be_inside_and_in_the_clear_and_no_other() -> None:
    target = parse_target("http://hooks.internal:8080/x?y=1", ("hooks.internal:8080",))
    assert (target.scheme, target.port, target.path) == ("http", 8080, "/x?y=1")
    declared = ("hooks.internal:8080",)
    assert addresses_of(target, declared, lambda *_: ["10.0.0.9"]) == ["10.0.0.9"]
    for other in ("http://hooks.internal:8081/", "http://other.internal:8080/"):
        with pytest.raises(Rejected, match="not https"):
            parse_target(other, declared)


def test_a_target_is_written_without_its_path() -> None:
    assert str(parse_target("https://hooks.example/T0/secret", ())) == "https://hooks.example:443"
    assert str(parse_target("https://[2001:db8::1]:8443/", ())) == "https://[2001:db8::1]:8443"


def test_what_no_library_reads_is_inside() -> None:
    assert lies_inside("nonsense")
    assert lies_inside("fe80::1%eth0")
