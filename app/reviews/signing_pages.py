"""From a filled form to a signature: check what will be signed, say who you are, sign.

What is signed is what the check page showed: its form names the four digests and the draft,
and each is compared again. A refusal keeps what was written.
"""

from __future__ import annotations

import hmac
import json
from typing import TYPE_CHECKING, Annotated

from fastapi import Form, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from app.core.errors import Rejected, StaleReview, TooManyAttempts, Unauthenticated
from app.core.events.kinds.decisions import Bind
from app.core.policy.rules import Meaning
from app.identity.routes import address_of
from app.reviews.deciding_form import CONFLICT, Filled, faults_of, show_promotion
from app.reviews.notes import Draft
from app.reviews.statement import about_to_sign, bind_rows, sentence_of
from app.reviews.submit import DECISIONS, Verdict, check_may_sign
from app.web.errors import status_of

if TYPE_CHECKING:
    from fastapi import APIRouter

    from app.core.errors import Refusal
    from app.reviews.looking import Before, Looking

UNFINISHED = 422
Text = Annotated[str, Field(max_length=4000)]
Rules = Annotated[list[Annotated[str, Field(max_length=300)]], Field(max_length=200)]


class Deciding(BaseModel):
    """What the form under a promotion sends. ``view``: digest of what was shown above it.

    ``draft``: what was kept of it when a session ended.
    """

    view: Text
    decision: Text = ""
    meaning: Text = ""
    reason: Text = ""
    accepts: Rules = []
    read: Rules = []
    draft: Text = ""


class Signature(BaseModel):
    """What the check page sends. ``written``: names the draft that it showed."""

    written: Text
    subject_digest: Text
    evidence_root: Text
    policy_digest: Text
    rendered_view_digest: Text
    password: Annotated[str, Field(max_length=1024)] = ""
    totp: Annotated[str, Field(max_length=20)] = ""


def signing_pages(looking: Looking) -> APIRouter:
    """Build the pages on which somebody decides and signs."""
    router = looking.desk.router()
    desk = looking.desk

    @router.post("/promotions/{promotion_id}/decide")
    def decide(request: Request, promotion_id: str, form: Annotated[Deciding, Form()]) -> Response:
        """Keep what is decided as a draft, and go on to where it is checked and signed."""
        return _decide(looking, request, promotion_id, form)

    @router.get("/promotions/{promotion_id}/sign")
    def check(request: Request, promotion_id: str) -> Response:
        """Show exactly what will be signed, and ask for password and code."""
        before = looking.before(looking.reader(request), promotion_id)
        if before.draft is None or not before.sheet.open:
            return desk.to(request, f"/promotions/{promotion_id}")
        return _check(looking, request, before, before.draft)

    @router.post("/promotions/{promotion_id}/sign")
    def sign(request: Request, promotion_id: str, form: Annotated[Signature, Form()]) -> Response:
        """Sign what the page showed."""
        return _sign(looking, request, promotion_id, form)

    @router.post("/promotions/{promotion_id}/forget")
    def forget(request: Request, promotion_id: str) -> Response:
        """Forget a draft."""
        caller = looking.reader(request)
        looking.notes.signed(str(caller.person), promotion_id)
        return desk.to(request, f"/promotions/{promotion_id}")

    return router


def _decide(looking: Looking, request: Request, promotion_id: str, form: Deciding) -> Response:
    caller = looking.reader(request)
    before = looking.before(caller, promotion_id)
    filled = Filled(form.decision, form.meaning, form.reason, tuple(form.accepts), tuple(form.read))
    if form.decision in DECISIONS and form.meaning in list(Meaning):
        meaning = Meaning(form.meaning)
        check_may_sign(before.shown, caller, meaning)
        looking.notes.write(
            str(caller.person),
            promotion_id,
            Draft(
                form.decision,
                meaning,
                form.reason.strip(),
                tuple(form.accepts),
                tuple(form.read),
                form.view,
            ),
        )
        looking.desk.sent(request, form.draft)
    return _unless_ready(looking, request, before, filled, form.view) or looking.desk.to(
        request, f"/promotions/{promotion_id}/sign"
    )


def _sign(looking: Looking, request: Request, promotion_id: str, form: Signature) -> Response:
    caller = looking.reader(request)
    before = looking.before(caller, promotion_id)
    draft = before.draft
    if draft is None or not hmac.compare_digest(form.written.encode(), draft.digest.encode()):
        fault = ("decision", "What you wrote was changed in another window; check it again")
        filled = Filled.drafted(draft)
        return show_promotion(looking, request, before, filled, status=CONFLICT, faults=[fault])
    bind = Bind(
        form.subject_digest, form.evidence_root, form.policy_digest, form.rendered_view_digest
    )
    try:
        receipt, _ = looking.reviews.submit(
            caller,
            promotion_id,
            verdict_of(draft, bind),
            form.password,
            form.totp.replace(" ", ""),
            address_of(request),
        )
    except StaleReview:
        now = looking.before(caller, promotion_id)
        moved = now.moved_since(form.rendered_view_digest)
        filled = Filled.drafted(draft)
        return show_promotion(looking, request, now, filled, status=CONFLICT, moved=moved)
    except (Unauthenticated, TooManyAttempts, Rejected) as refusal:
        return _check(looking, request, before, draft, refusal)
    looking.notes.signed(str(caller.person), promotion_id)
    return looking.desk.to(request, f"/promotions/{promotion_id}/reviews/{receipt.index}")


def _unless_ready(
    looking: Looking, request: Request, before: Before, filled: Filled, view: str
) -> Response | None:
    """Show the promotion again unless it can be signed as it is filled in and was seen."""
    moved = before.moved_since(view)
    faults = faults_of(filled, before.sheet) if before.sheet.open else ()
    if not moved and not faults and before.sheet.open:
        return None
    status = UNFINISHED if faults and not moved else CONFLICT
    return show_promotion(
        looking, request, before, filled, status=status, faults=faults, moved=moved
    )


def verdict_of(draft: Draft, bind: Bind) -> Verdict:
    """Make what is signed of a draft and the digests of what was shown."""
    accepts = draft.accepts if draft.decision == "approve" else ()
    return Verdict(draft.decision, draft.meaning, draft.reason, accepts, bind)


def _check(
    looking: Looking,
    request: Request,
    before: Before,
    draft: Draft,
    refusal: Refusal | None = None,
) -> Response:
    """Show the check page, or the promotion where something moved or is missing."""
    again = _unless_ready(looking, request, before, Filled.drafted(draft), draft.view)
    sheet = before.sheet
    if again is not None or sheet.bind is None:
        return again or looking.desk.to(request, f"/promotions/{sheet.promotion.id}")
    visitor = looking.desk.visitor(request)
    verdict = verdict_of(draft, sheet.bind)
    statement = about_to_sign(
        verdict,
        origin=looking.ledger.store.origin,
        promotion=sheet.promotion.id,
        signer=visitor.user,
    )
    return looking.desk.page(
        request,
        "reviews/sign",
        title="Check and sign",
        status=200 if refusal is None else status_of(type(refusal)),
        sheet=sheet,
        verdict=verdict,
        sentence=sentence_of(
            verdict,
            name=visitor.printed_name,
            subject=sheet.promotion.model_version,
            environment=sheet.promotion.environment,
        ),
        statement=json.dumps(statement, indent=2, ensure_ascii=False),
        view=json.dumps(json.loads(sheet.view or b"null"), indent=2, ensure_ascii=False),
        binds=bind_rows(sheet.bind),
        bind=sheet.bind,
        written=draft.digest,
        name=visitor.name,
        refusal=refusal,
    )
