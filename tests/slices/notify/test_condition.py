"""What doctor says of notices."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.notify.condition import condition_of
from app.settings import Settings

SETTINGS = replace(
    Settings(),
    webhook_url="https://hooks.example/T0/path-secret",
    webhook_secret="whsec_" + "c2VjcmV0" * 4,
)


def test_without_settings_notices_go_nowhere() -> None:
    found = condition_of(Settings(), None)
    assert found.facts["notices"].startswith("nowhere")
    assert not found.problems


def test_where_they_go_is_said_without_what_is_secret() -> None:
    settings = replace(
        SETTINGS, smtp_url="smtps://me:word@mail.example", mail_from="muniment@bank.example"
    )
    found = condition_of(settings, None, lambda *_: ["93.184.215.14"])
    assert found.facts["notices"] == "https://hooks.example:443, mail by mail.example:465"
    assert not found.problems


@pytest.mark.parametrize(
    ("addresses", "problem"),
    [(["10.0.0.7"], "is never posted: hooks.example is 10.0.0.7"), ([], "is not found")],
)
def test_a_webhook_that_is_never_posted_is_a_problem(addresses: list[str], problem: str) -> None:
    def resolve(*_: object) -> list[str]:
        if not addresses:
            raise OSError("no such host")
        return addresses

    [(said, _)] = condition_of(SETTINGS, None, resolve).problems
    assert problem in said


def test_an_address_that_may_not_be_one_and_a_sender_that_is_none_are_problems() -> None:
    [(said, _)] = condition_of(replace(SETTINGS, webhook_url="http://x.example/"), None).problems
    assert "not https" in said
    mail = replace(Settings(), smtp_url="smtp://127.0.0.1", mail_from="nobody")
    [(said, _)] = condition_of(mail, None).problems
    assert "no mail address" in said
