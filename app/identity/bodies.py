"""The JSON bodies of the routes about people, in and out."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from app.core.access import Scope

Name = Annotated[str, Field(min_length=1, max_length=100)]
Password = Annotated[str, Field(min_length=1, max_length=1024)]
Reason = Annotated[str, Field(min_length=1, max_length=2000)]
ReasonQuery = Annotated[
    str | None, Query(min_length=1, max_length=2000, description="why, kept with the change")
]
Code = Annotated[str, Field(min_length=1, max_length=20)]


def _written(value: object) -> object:
    """Let a time be written as text alone; a number would be taken for seconds."""
    if not isinstance(value, str):
        raise ValueError("must be an RFC 3339 time")  # noqa: TRY004 - what the framework reads
    return value


Time = Annotated[AwareDatetime, BeforeValidator(_written)]


class Body(BaseModel):
    """A closed object: unknown members are refused, and nothing is turned into a string."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class InvitationBody(Body):
    name: Name
    printed_name: Annotated[str, Field(min_length=1, max_length=200)]
    reason: Reason | None = None


class AcceptBody(Body):
    password: Password


class ConfirmBody(Body):
    totp: Code


class SessionBody(Body):
    name: Name
    password: Password
    totp: Code | None = None
    recovery_code: Annotated[str, Field(min_length=1, max_length=40)] | None = None


class RoleBody(Body):
    role: Annotated[str, Field(min_length=1, max_length=64)]
    team: Name | None = None
    scope: Annotated[str, Field(min_length=1, max_length=250)] | None = None
    reason: Reason | None = None


class TokenBody(Body):
    name: Name
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1, max_length=12)]
    owner: Name | None = None
    subject_prefix: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    environment: Name | None = None
    team: Name | None = None
    expires_at: Time | None = None
    reason: Reason | None = None


class Invited(Body):
    """``url``: shown this once."""

    id: str
    url: str
    expires_at: str


class Enrolment(Body):
    """``totp_uri``: otpauth address for the person's authenticator."""

    totp_uri: str


class Confirmed(Body):
    """Both are shown this once."""

    session: str
    recovery_codes: tuple[str, ...]


class SessionAnswer(Body):
    """``session`` is null where ``must_enrol`` is given: sign in again with its first code."""

    session: str | None
    must_enrol: str | None = None


class RoleHeld(Body):
    """``grant``: entry that granted it. ``approval``: a role that policies ask for."""

    grant: int
    role: str
    approval: bool
    team: str | None
    scope: str | None
    single_administrator: bool
    granted_at: str


class Me(Body):
    """Who calls. ``owner``: who answers for a token; ``permissions``: what may be done."""

    id: str
    kind: Literal["person", "service", "workload"]
    name: str | None
    printed_name: str | None
    owner: str | None
    roles: tuple[RoleHeld, ...]
    teams: tuple[str, ...] | None
    permissions: tuple[str, ...]
    log_size: int


class GrantAnswer(Body):
    """``grant``: entry that granted it."""

    grant: int


class GrantPending(Body):
    """``grant_id``: what a second administrator confirms, within a week."""

    grant_id: str


class ConflictAnswer(Body):
    """``kind``: a word that names it. ``text``: what is the matter, for a person."""

    kind: str
    text: str


class ConflictsAnswer(Body):
    """Empty: there is none."""

    conflicts: tuple[ConflictAnswer, ...]


class WaitingGrant(Body):
    """A grant that a second administrator confirms, within a week."""

    grant_id: str
    user: str
    role: str
    team: str | None
    scope: str | None
    reason: str | None
    asked_by: str
    asked_at: str


class WaitingAnswer(Body):
    items: tuple[WaitingGrant, ...]
    log_size: int


class ReasonBody(Body):
    reason: Reason


class OutcomeAnswer(Body):
    """``pending``: the other one of the last two administrators has to ask for the same."""

    state: Literal["done", "pending"]


class TokenAnswer(Body):
    """``token``: shown this once."""

    id: str
    token: str
    expires_at: str
