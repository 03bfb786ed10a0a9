from __future__ import annotations

import base64
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import pytest

from app.core.access import Scope
from app.core.errors import Forbidden, HeadMoved, TooManyAttempts, Unauthenticated
from app.core.events import ActorKind, AuthMethod, say
from app.core.events.kinds.people import SessionRefused
from app.identity.authentication import recognise_token
from app.identity.issuing import Wanted
from app.identity.local import local_principal
from app.identity.signing import pre_authentication_encoding
from tests.slices.identity.town import APPROVALS, PASSWORD, Someone

if TYPE_CHECKING:
    from app.identity.signing import Signer
    from app.ledger.record import Ledger
    from tests.slices.identity.town import Clock, Town

HERE = "127.0.0.1"
TYPE = "application/vnd.muniment.review.v1+json"


def step_up(town: Town, someone: Someone, code: str | None = None) -> Signer:
    given = town.code(someone) if code is None else code
    return town.identity.signing.step_up(town.principal(someone), PASSWORD, given, HERE)


def sign(ledger: Ledger, signer: Signer, expects: dict[str, int | None] | None = None) -> None:
    """Record something in the signer's name, as reviews do."""
    said = say(f"user/{signer.person}", SessionRefused("stands for what is signed"))
    ledger.record(said, signer.actor, expects=expects, beside=signer.spend)


def test_the_bytes_that_are_signed_are_those_of_the_dsse_specification() -> None:
    # protocol.md of DSSE 1.0, "Test Vectors".
    assert pre_authentication_encoding("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_lengths_are_of_bytes() -> None:
    assert pre_authentication_encoding("é", "ü".encode()) == "DSSEv1 2 é 2 ü".encode()


def test_an_envelope_verifies_under_the_approvals_key(town: Town) -> None:
    payload = b'{"meaning":"approval"}'
    envelope = town.identity.signing.envelope(TYPE, payload)
    assert envelope["payloadType"] == TYPE
    assert base64.b64decode(str(envelope["payload"])) == payload
    [signature] = cast("list[dict[str, str]]", envelope["signatures"])
    assert signature["keyid"] == "approvals+00000000+key"
    raw = base64.b64decode(signature["sig"])
    APPROVALS.public_key().verify(raw, pre_authentication_encoding(TYPE, payload))


def test_a_signer_is_known_by_password_and_code(town: Town, clock: Clock) -> None:
    ada = town.found()
    signer = step_up(town, ada)
    assert (signer.person, signer.printed_name) == (ada.id, "Ada")
    assert signer.methods == ("password", "totp")
    assert signer.authenticated_at == clock.now
    assert (signer.actor.kind, signer.actor.auth) == (ActorKind.PERSON, AuthMethod.PASSWORD_TOTP)


def test_one_code_signs_once(town: Town, ledger: Ledger) -> None:
    ada = town.found()
    code = town.code(ada)
    sign(ledger, step_up(town, ada, code))
    with pytest.raises(Unauthenticated):
        step_up(town, ada, code)


def test_of_two_racing_signatures_with_one_code_one_is_recorded(town: Town, ledger: Ledger) -> None:
    ada = town.found()
    code = town.code(ada)
    signers = [step_up(town, ada, code) for _ in range(4)]
    with ledger.snapshot() as now:
        before = now.size
    outcomes: list[str] = []

    def race(signer: Signer) -> None:
        try:
            sign(ledger, signer)
        except Unauthenticated:
            outcomes.append("refused")
        else:
            outcomes.append("signed")

    threads = [threading.Thread(target=race, args=(one,)) for one in signers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused", "refused", "refused", "signed"]
    with ledger.snapshot() as now:
        assert now.size == before + 1


def test_what_is_not_recorded_uses_up_no_code(town: Town, ledger: Ledger) -> None:
    ada = town.found()
    code = town.code(ada)
    with pytest.raises(HeadMoved):
        sign(ledger, step_up(town, ada, code), expects={"environments": 7})
    sign(ledger, step_up(town, ada, code))


def test_a_code_that_opened_a_session_does_not_sign(town: Town) -> None:
    ada = town.found()
    code = town.code(ada)
    town.identity.sessions.open(ada.name, PASSWORD, totp=code, address=HERE)
    with pytest.raises(Unauthenticated):
        step_up(town, ada, code)


def test_a_recovery_code_never_signs(town: Town) -> None:
    ada = town.found()
    with pytest.raises(Unauthenticated):
        step_up(town, ada, ada.recovery_codes[0])
    opened = town.identity.sessions.open(
        ada.name, PASSWORD, recovery_code=ada.recovery_codes[0], address=HERE
    )
    assert opened.session is not None


def test_a_wrong_password_or_code_does_not_sign_and_locks_like_a_sign_in(town: Town) -> None:
    ada = town.found()
    signing, principal = town.identity.signing, town.principal(ada)
    with pytest.raises(Unauthenticated):
        signing.step_up(principal, "wrong wrong wrong", town.code(ada), HERE)
    for _ in range(4):
        with pytest.raises(Unauthenticated):
            signing.step_up(principal, PASSWORD, "000000", HERE)
    with pytest.raises(TooManyAttempts):
        step_up(town, ada)
    with pytest.raises(TooManyAttempts):
        town.sign_in(ada)


def test_no_token_signs_whoever_owns_it(town: Town, ledger: Ledger) -> None:
    ada = town.found()
    issued = town.identity.tokens.create(town.principal(ada), Wanted("ci", tuple(Scope)))
    with ledger.snapshot() as now:
        token = recognise_token(now.connection, issued.secret, town.clock()).principal
    with pytest.raises(Forbidden, match="only a person signs"):
        town.identity.signing.step_up(token, PASSWORD, town.code(ada), HERE)


def test_the_local_operator_does_not_sign(town: Town) -> None:
    ada = town.found()
    with pytest.raises(Forbidden, match="only a person signs"):
        town.identity.signing.step_up(local_principal(1000), PASSWORD, town.code(ada), HERE)


def test_nobody_signs_without_a_confirmed_second_factor(town: Town) -> None:
    ada = town.found()
    accounts = town.identity.accounts
    invitation = accounts.invite(town.principal(ada), "grace", "Grace")
    accounts.accept(invitation.secret, PASSWORD)
    opened = town.identity.sessions.open("grace", PASSWORD, address=HERE)
    grace = Someone(invitation.user, "grace", ada.authenticator, session=str(opened.session))
    with pytest.raises(Forbidden, match="second factor"):
        step_up(town, grace, "000000")


def test_a_refused_signing_is_recorded_once(town: Town, ledger: Ledger, clock: Clock) -> None:
    ada = town.found()
    with ledger.snapshot() as now:
        before = now.size
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            step_up(town, ada, "000000")
    with ledger.snapshot() as now:
        assert now.size == before + 1
    clock.now += timedelta(minutes=15)
    sign(ledger, step_up(town, ada))
