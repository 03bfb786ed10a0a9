"""Mail, given to a real server on loopback."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from app.notify.assembly import ways_of
from app.notify.mail import ADDRESS, Mail
from app.notify.outbox import About, By, Notice
from app.notify.webhook import NotDelivered
from app.settings import Settings
from tests.slices.notify.receivers import certified, postbox

if TYPE_CHECKING:
    from pathlib import Path

AT = datetime(2026, 1, 5, tzinfo=UTC)
NOTICE = Notice(About.REVIEW_WAITING, 41, "promotion/p1", By.MAIL, AT, AT, to="u1")
PAGE = "http://localhost:8000/promotions/p1"


def through(port: int, **more: object) -> Mail:
    given = {"host": "127.0.0.1", "port": port, "sender": "muniment@bank.example"}
    return Mail(**given, origin="muniment.local/abc", **more)  # type: ignore[arg-type]


def test_a_person_is_told_in_plain_text_and_twice_is_known_by_its_id() -> None:
    with postbox() as box:
        through(box.port).send(NOTICE, "vera@bank.example", PAGE)
        through(box.port).send(NOTICE, "vera@bank.example", PAGE)
    first, second = box.messages
    assert first["To"] == "vera@bank.example"
    assert first["From"] == "muniment@bank.example"
    assert first["Subject"] == "A review waits for you: promotion/p1"
    assert first["Message-ID"] == second["Message-ID"]
    assert first["Message-ID"] == "<000000000041-mail-u1@muniment.local.abc>"
    assert first.get_content_type() == "text/plain"
    assert PAGE in str(first.get_payload())
    assert "It is entry 41 of the ledger." in str(first.get_payload())


def test_off_this_machine_the_server_is_proven(tmp_path: Path) -> None:
    server, trusting = certified(tmp_path, "127.0.0.1")
    with postbox(server) as box:
        through(box.port, starttls=True, context=trusting).send(NOTICE, "v@bank.example", PAGE)
        assert len(box.messages) == 1
        with pytest.raises(NotDelivered, match="takes no mail"):
            through(box.port, starttls=True).send(NOTICE, "v@bank.example", PAGE)
        assert len(box.messages) == 1
    with postbox() as plain, pytest.raises(NotDelivered):
        through(plain.port, starttls=True).send(NOTICE, "v@bank.example", PAGE)
    assert plain.messages == []


@pytest.mark.parametrize(
    ("answer", "for_good"), [("550 no such person", True), ("451 try later", False)]
)
def test_who_is_not_there_is_given_up_and_who_is_busy_is_not(answer: str, for_good: bool) -> None:
    with postbox() as box:
        box.refuses = answer
        with pytest.raises(NotDelivered, match="for that address") as failure:
            through(box.port).send(NOTICE, "vera@bank.example", PAGE)
    assert failure.value.for_good is for_good


def test_a_server_that_is_away_is_said() -> None:
    with postbox() as box:
        port = box.port
    with pytest.raises(NotDelivered, match="takes no mail"):
        through(port).send(NOTICE, "vera@bank.example", PAGE)


def test_the_settings_say_how_the_server_is_reached() -> None:
    def read(url: str) -> Mail:
        settings = replace(Settings(), smtp_url=url, mail_from="m@bank.example")
        mail = ways_of(settings, "log").mail
        assert mail is not None
        return mail

    outside = read("smtp://me%40bank:p%2Fw@mail.example")
    assert (outside.port, outside.starttls, outside.tls) == (587, True, False)
    assert (outside.username, outside.password) == ("me@bank", "p/w")
    assert "p/w" not in repr(outside)
    assert (read("smtps://mail.example").port, read("smtps://mail.example").tls) == (465, True)
    here = read("smtp://127.0.0.1:2525")
    assert (here.port, here.starttls, here.context) == (2525, False, None)
    assert not ways_of(Settings(), "log")


@pytest.mark.parametrize(
    "name", ["vera", "vera@bank", "vera@-bank.example", "@bank.example", "vera@bank..example"]
)
def test_a_name_that_is_no_address_gets_no_mail(name: str) -> None:
    assert not ADDRESS.fullmatch(name)
    assert ADDRESS.fullmatch("vera.lang+x@mail.bank.example")
