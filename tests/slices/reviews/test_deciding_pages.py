"""From the inbox to a receipt on pages alone: what is shown, what is refused, what is kept."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from app.reviews.erasing import erase_notes
from app.reviews.notes import KEPT_FOR, draft_of, seen
from tests.living import PASSWORD, expect
from tests.slices.gates.bank import STRADDLING, UNFAIR
from tests.slices.reviews.deciding import REASON, checked, decide, forms, look, send, sign

if TYPE_CHECKING:
    import httpx

    from tests.living import Person
    from tests.slices.gates.bank import Bank

IMPACT = "production-default/fair.impact"


@pytest.fixture
def promotion(bank: Bank) -> str:
    """A promotion that lacks nothing but signatures."""
    bank.publish()
    return bank.promote(bank.ready())


def signed(bank: Bank) -> int:
    return len(list(bank.events("review.submitted")))


def text(page: httpx.Response) -> str:
    """Read a page as one line of text."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text))


# The way through


def test_a_reviewer_goes_from_the_inbox_to_a_receipt(bank: Bank, promotion: str) -> None:
    inbox = look(bank.world, bank.vera, "/inbox")
    assert f'href="/promotions/{promotion}"' in inbox.text
    assert "Yours to decide 1" in text(inbox)
    assert "You can review." in text(look(bank.world, bank.vera, f"/promotions/{promotion}"))
    sent = decide(bank.world, bank.vera, promotion)
    assert (sent.status_code, sent.headers["Location"]) == (303, f"/promotions/{promotion}/sign")
    page = look(bank.world, bank.vera, f"/promotions/{promotion}/sign")
    assert "I, Vera, approve the promotion of model/credit/1 to production, as a review." in text(
        page
    )
    for digest in bank.show(promotion)["bind"].values():
        assert digest in page.text
    assert REASON in page.text
    answer = sign(bank.world, bank.vera, forms(page)["sign"])
    assert answer.status_code == 303
    [recorded] = bank.events("review.submitted")
    assert answer.headers["Location"] == f"/promotions/{promotion}/reviews/{recorded['index']}"
    assert recorded["reason"] == REASON
    receipt = look(bank.world, bank.vera, answer.headers["Location"])
    assert "Signed and recorded" in text(receipt)
    assert "The promotion is now pending" in text(receipt)
    after = text(look(bank.world, bank.vera, "/inbox"))
    assert "Yours to decide 0" in after
    assert "Waiting on others 1" in after
    assert "1 compliance (approval)" in after


def test_what_is_archived_is_what_the_page_named(bank: Bank, promotion: str) -> None:
    decide(bank.world, bank.vera, promotion)
    form = checked(bank.world, bank.vera, promotion)
    shown = look(bank.world, bank.vera, f"/promotions/{promotion}/view")
    sign(bank.world, bank.vera, form)
    [recorded] = bank.events("review.submitted")
    assert recorded["view"].encode() == shown.content
    assert recorded["bind"] == {name: form.fields[name][0] for name in recorded["bind"]}


def test_a_receipt_has_files_that_anybody_can_check(bank: Bank, promotion: str) -> None:
    decide(bank.world, bank.vera, promotion)
    path = sign(bank.world, bank.vera, checked(bank.world, bank.vera, promotion)).headers[
        "Location"
    ]
    client = bank.world.client(bank.carl)
    proof = client.get(f"{path}/proof")
    assert proof.text.startswith("c2sp.org/tlog-proof@v1\n")
    statement = json.loads(client.get(f"{path}/statement").content)
    [recorded] = bank.events("review.submitted")
    assert statement == recorded["statement"]
    bundle = client.get(f"{path}/bundle")
    assert bundle.content[:2] == b"PK"
    for answer in (proof, bundle):
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert "sandbox" in answer.headers["Content-Security-Policy"]
    for what in ("", "/proof", "/statement", "/bundle"):
        other = path.rsplit("/", 1)[0] + f"/0{what}"
        assert look(bank.world, bank.carl, other).status_code == 404


def test_a_dismissed_review_says_so_on_its_receipt(bank: Bank, promotion: str) -> None:
    index = expect(201, bank.review(bank.vera, promotion, "review"))["receipt"]["index"]
    bank.evaluated("model/credit/1", 0.9)
    expect(201, bank.review(bank.carl, promotion, "approval"))
    page = text(look(bank.world, bank.vera, f"/promotions/{promotion}/reviews/{index}"))
    assert "This review does not count any more" in page
    assert "Next: credit/1" in page


@pytest.mark.parametrize(
    ("decision", "state"), [("reject", "denied"), ("request_changes", "pending")]
)
def test_a_reviewer_may_say_no(bank: Bank, promotion: str, decision: str, state: str) -> None:
    decide(bank.world, bank.carl, promotion, decision)
    answer = sign(bank.world, bank.carl, checked(bank.world, bank.carl, promotion))
    assert answer.status_code == 303
    assert bank.show(promotion)["state"] == state
    [recorded] = bank.events("review.submitted")
    assert (recorded["decision"], recorded["meaning"]) == (decision, "approval")


def test_an_approval_says_of_what_fails_that_it_was_read(bank: Bank) -> None:
    bank.publish()
    promotion = bank.promote(bank.ready(selected=STRADDLING))
    page = look(bank.world, bank.vera, f"/promotions/{promotion}?decide=approve")
    assert f"I have read {IMPACT}: AWAITING" in text(page)
    refused = decide(bank.world, bank.vera, promotion)
    assert refused.status_code == 422
    assert REASON in refused.text
    assert f"Say that you have read {IMPACT}" in text(refused)
    rules = re.findall(r'name="read" value="([^"]+)"', page.text)
    sent = decide(bank.world, bank.vera, promotion, read=rules, accepts=[IMPACT])
    assert sent.status_code == 303
    page = look(bank.world, bank.vera, f"/promotions/{promotion}/sign")
    assert f"I take on what the numbers leave open: {IMPACT}" in text(page)
    sign(bank.world, bank.vera, forms(page)["sign"])
    [recorded] = bank.events("review.submitted")
    assert recorded["accepts"] == [IMPACT]


def test_a_rejection_takes_nothing_on(bank: Bank) -> None:
    bank.publish()
    promotion = bank.promote(bank.ready(selected=STRADDLING))
    decide(bank.world, bank.vera, promotion, "reject", accepts=[IMPACT])
    sign(bank.world, bank.vera, checked(bank.world, bank.vera, promotion))
    [recorded] = bank.events("review.submitted")
    assert recorded["accepts"] == []


def test_a_rule_that_waits_for_nobody_cannot_be_slipped_in(bank: Bank, promotion: str) -> None:
    decide(bank.world, bank.vera, promotion, accepts=[IMPACT])
    answer = sign(bank.world, bank.vera, checked(bank.world, bank.vera, promotion))
    assert answer.status_code == 422
    assert "is no rule that waits for a reviewer" in text(answer)
    assert signed(bank) == 0


# What keeps a form from going on


@pytest.mark.parametrize(
    ("filled", "said"),
    [
        ({"reason": " . "}, "Say why, in a few words"),
        ({"decision": ""}, "Choose what you decide"),
        ({"meaning": "authorship"}, "does not hold"),
        ({"meaning": "anything"}, "Choose what your signature means"),
    ],
)
def test_an_unfinished_form_comes_back_with_what_was_typed(
    bank: Bank, promotion: str, filled: dict[str, str], said: str
) -> None:
    page = look(bank.world, bank.vera, f"/promotions/{promotion}?decide=approve")
    answer = send(
        bank.world, bank.vera, forms(page)["decide"], **{"reason": "typed <b>this</b>", **filled}
    )
    if filled.get("meaning") == "authorship":
        assert answer.status_code == 403  # no policy asks for one
        return
    assert answer.status_code == 422
    assert said in text(answer)
    if "reason" not in filled and "decision" not in filled:
        assert "typed &lt;b&gt;this&lt;/b&gt;" in answer.text


def test_there_is_nothing_to_check_before_something_is_written(bank: Bank, promotion: str) -> None:
    answer = look(bank.world, bank.vera, f"/promotions/{promotion}/sign")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/promotions/{promotion}")


def test_what_is_decided_already_is_decided_by_nobody(bank: Bank, promotion: str) -> None:
    decide(bank.world, bank.vera, promotion)
    form = checked(bank.world, bank.vera, promotion)
    page = look(bank.world, bank.vera, f"/promotions/{promotion}?decide=approve")
    bank.sign(promotion)
    late = send(bank.world, bank.vera, forms(page)["decide"], reason=REASON)
    assert late.status_code == 409
    assert sign(bank.world, bank.vera, form).status_code == 409
    assert look(bank.world, bank.vera, f"/promotions/{promotion}/sign").status_code == 303
    assert look(bank.world, bank.vera, f"/promotions/{promotion}/view").status_code == 404
    assert signed(bank) == 2


# Drafts


def test_a_draft_is_kept_and_says_that_it_is_not_signed(bank: Bank, promotion: str) -> None:
    decide(bank.world, bank.vera, promotion, reason="half a thought")
    page = look(bank.world, bank.vera, f"/promotions/{promotion}")
    assert "draft, not signed" in text(page)
    assert "half a thought" in page.text
    assert "half a thought" not in look(bank.world, bank.carl, f"/promotions/{promotion}").text
    assert signed(bank) == 0
    forgotten = send(bank.world, bank.vera, forms(page)["forget"])
    assert forgotten.status_code == 303
    assert "half a thought" not in look(bank.world, bank.vera, f"/promotions/{promotion}").text


def test_a_signed_draft_is_gone(bank: Bank, promotion: str) -> None:
    decide(bank.world, bank.vera, promotion)
    sign(bank.world, bank.vera, checked(bank.world, bank.vera, promotion))
    assert (
        REASON
        not in forms(look(bank.world, bank.vera, f"/promotions/{promotion}?decide=reject"))[
            "decide"
        ].fields["reason"]
    )


def test_a_draft_that_changed_in_another_window_is_not_signed(bank: Bank, promotion: str) -> None:
    decide(bank.world, bank.vera, promotion, reason="the first text")
    form = checked(bank.world, bank.vera, promotion)
    decide(bank.world, bank.vera, promotion, "reject", reason="the second text")
    answer = sign(bank.world, bank.vera, form)
    assert answer.status_code == 409
    assert "changed in another window" in text(answer)
    assert "the second text" in answer.text
    assert signed(bank) == 0


def test_old_drafts_and_views_are_forgotten(bank: Bank, promotion: str) -> None:
    decide(bank.world, bank.vera, promotion)
    bank.world.tick(KEPT_FOR.total_seconds())
    decide(bank.world, bank.carl, promotion)
    with bank.world.house.ledger.snapshot() as now:
        assert draft_of(now.connection, bank.vera.id, promotion) is None
        assert seen(now.connection, bank.vera.id, promotion) == []
        assert draft_of(now.connection, bank.carl.id, promotion) is not None


def test_what_was_typed_outlives_the_session(bank: Bank, promotion: str) -> None:
    """The form is sent after the session ended; whoever signs in again finds it filled in."""
    page = look(bank.world, bank.vera, f"/promotions/{promotion}?decide=approve")
    form = forms(page)["decide"]
    origin = bank.world.house.settings.public_url
    cookies = {"Cookie": f"muniment-dev={bank.world.session(bank.vera)}"}
    bank.world.tick(31 * 60)
    answer = bank.world.client(None).post(
        form.action,
        data={**form.fields, "reason": "typed before it ended"},
        headers={
            "Accept": "text/html",
            "Referer": f"{origin}/promotions/{promotion}?decide=approve",
            "Origin": origin,
            **cookies,
        },
    )
    assert answer.status_code == 401
    draft = forms(answer)["sign-in"].fields["draft"][0]
    assert draft
    back = look(bank.world, bank.vera, f"/promotions/{promotion}?decide=approve&draft={draft}")
    assert "typed before it ended" in back.text
    assert "Not sent, not signed" in text(back)
    sent = send(bank.world, bank.vera, forms(back)["decide"])
    assert sent.status_code == 303
    assert signed(bank) == 0


# Who it is


@pytest.mark.parametrize(
    "changed",
    [
        {"password": "wrong"},
        {"password": ""},
        {"password": PASSWORD.upper()},
        {"totp": "000000"},
        {"totp": ""},
    ],
)
def test_whoever_does_not_say_who_they_are_signs_nothing(
    bank: Bank, promotion: str, changed: dict[str, str]
) -> None:
    decide(bank.world, bank.vera, promotion)
    answer = sign(bank.world, bank.vera, checked(bank.world, bank.vera, promotion), **changed)
    assert answer.status_code == 401
    assert "Nothing was signed" in text(answer)
    assert REASON in answer.text
    assert signed(bank) == 0
    assert len(list(bank.events("session.refused"))) == 1


def test_a_recovery_code_signs_nothing_here_either(bank: Bank, promotion: str) -> None:
    decide(bank.world, bank.vera, promotion)
    form = checked(bank.world, bank.vera, promotion)
    answer = sign(bank.world, bank.vera, form, totp=bank.vera.recovery_codes[0])
    assert answer.status_code in (401, 422)
    assert signed(bank) == 0


def test_a_code_signs_once_on_pages_too(bank: Bank, promotion: str) -> None:
    decide(bank.world, bank.vera, promotion, "request_changes")
    form = checked(bank.world, bank.vera, promotion)
    given = bank.world.signed(bank.vera)
    assert send(bank.world, bank.vera, form, **given).status_code == 303
    decide(bank.world, bank.vera, promotion)
    again = send(bank.world, bank.vera, checked(bank.world, bank.vera, promotion), **given)
    assert again.status_code == 401
    assert signed(bank) == 1


def test_guessing_ends_on_pages_too_and_what_was_written_is_kept(
    bank: Bank, promotion: str
) -> None:
    decide(bank.world, bank.vera, promotion)
    form = checked(bank.world, bank.vera, promotion)
    for _ in range(5):
        assert sign(bank.world, bank.vera, form, totp="000000").status_code == 401
    locked = sign(bank.world, bank.vera, form)
    assert locked.status_code == 429
    assert REASON in locked.text
    assert len(list(bank.events("session.refused"))) == 1


# What moved meanwhile


def test_who_wrote_about_something_else_is_shown_what_moved(bank: Bank, promotion: str) -> None:
    page = look(bank.world, bank.vera, f"/promotions/{promotion}?decide=approve")
    bank.evaluated("model/credit/1", 0.9)
    answer = send(bank.world, bank.vera, forms(page)["decide"], reason="typed in vain?")
    assert answer.status_code == 409
    said = text(answer)
    assert "2 checks changed while you were reading" in said
    assert (
        "Check production-default/perf.auc PASS, 0.8000 (asked &gt;= 0.7000) → PASS, 0.9000" in said
    )
    assert "typed in vain?" in answer.text
    again = send(bank.world, bank.vera, forms(answer)["decide"])
    assert again.status_code == 303
    assert sign(bank.world, bank.vera, checked(bank.world, bank.vera, promotion)).status_code == 303


def test_a_check_page_that_is_overtaken_signs_nothing(bank: Bank, promotion: str) -> None:
    decide(bank.world, bank.vera, promotion)
    form = checked(bank.world, bank.vera, promotion)
    bank.evaluated("model/credit/1", 0.9)
    answer = sign(bank.world, bank.vera, form)
    assert answer.status_code == 409
    assert "checks changed while you were reading" in text(answer)
    assert REASON in answer.text
    assert signed(bank) == 0
    shown = look(bank.world, bank.vera, f"/promotions/{promotion}/sign")
    assert shown.status_code == 409
    assert "sign" not in forms(shown)


def test_a_view_that_was_never_shown_is_not_signed_for(bank: Bank, promotion: str) -> None:
    page = look(bank.world, bank.vera, f"/promotions/{promotion}?decide=approve")
    answer = send(
        bank.world, bank.vera, forms(page)["decide"], view="sha256:" + "0" * 64, reason=REASON
    )
    assert answer.status_code == 409
    assert "What you saw is not kept any more" in text(answer)


def test_the_inbox_says_what_changed_since_one_looked(bank: Bank, promotion: str) -> None:
    assert "new to you" in text(look(bank.world, bank.vera, "/inbox"))
    look(bank.world, bank.vera, f"/promotions/{promotion}")
    assert "nothing changed" in text(look(bank.world, bank.vera, "/inbox"))
    bank.evaluated("model/credit/1", 0.9)
    assert "3 changes" in text(look(bank.world, bank.vera, "/inbox"))


def test_views_that_are_kept_are_few(bank: Bank, promotion: str) -> None:
    for number in range(6):
        bank.evaluated("model/credit/1", 0.8 + number / 100)
        look(bank.world, bank.vera, f"/promotions/{promotion}")
        look(bank.world, bank.vera, f"/promotions/{promotion}")
    with bank.world.house.ledger.snapshot() as now:
        assert len(seen(now.connection, bank.vera.id, promotion)) == 3


# The inbox as a list


def test_an_empty_inbox_names_what_was_decided_last(bank: Bank, promotion: str) -> None:
    bank.sign(promotion)
    page = text(look(bank.world, bank.vera, "/inbox"))
    assert "Nothing waits for you." in page
    assert "Last decided: credit/1 → production, allowed" in page


def test_before_anything_happened_the_inbox_says_what_to_do(bank: Bank) -> None:
    page = look(bank.world, bank.vera, "/inbox")
    assert "nothing was decided yet" in text(page)
    assert 'href="/promotions"' in page.text


def test_what_has_run_out_stands_on_top(bank: Bank, promotion: str) -> None:
    bank.world.tick(8 * 86_400)
    bank.promote(bank.another("2"))
    rows = bank.world.client(bank.vera).get("/inbox?format=json").json()["items"]
    assert [(one["subject"], one["overdue"]) for one in rows] == [
        ("model/credit/1", True),
        ("model/credit/2", False),
    ]
    page = text(look(bank.world, bank.vera, "/inbox"))
    assert page.index("overdue") < page.index("credit/2")


def test_a_list_is_filtered_in_its_address_and_its_file_is_the_same(
    bank: Bank, promotion: str
) -> None:
    bank.promote(bank.another("2", UNFAIR))
    expect(201, bank.review(bank.vera, promotion, "review"))
    client = bank.world.client(bank.vera)
    groups = {
        name: [
            one["subject"] for one in client.get(f"/inbox?group={name}&format=json").json()["items"]
        ]
        for name in ("yours", "others", "decided")
    }
    assert groups == {"yours": [], "others": ["model/credit/1"], "decided": ["model/credit/2"]}
    page = look(bank.world, bank.vera, "/inbox?group=decided&environment=production")
    assert "credit/1" not in text(page)
    [csv] = re.findall(r'href="([^"]+format=csv)"', page.text)
    lines = client.get(csv.replace("&amp;", "&")).text.splitlines()
    assert lines[0].startswith("group,id,subject,environment,asked_by")
    assert [line.split(",")[2] for line in lines[1:]] == ["model/credit/2"]
    for query in ("model=none", "environment=staging", "tier=low"):
        assert client.get(f"/inbox?{query}&format=json").json()["items"] == []


def test_what_a_team_keeps_to_itself_is_in_nobody_elses_inbox(bank: Bank, promotion: str) -> None:
    stranger = bank.world.person("sten")
    bank.world.grant(stranger, "reviewer", team="others")
    about = {
        "owner": "risk",
        "purpose": "x",
        "risk_tier": "high",
        "team": "risk",
        "team_only": True,
    }
    bank.world.grant(bank.erin, "engineer", team="risk")
    bank.world.record(bank.erin, "model.registered", "model/secret", about)
    registered = {
        "artifact": {"digest": "sha256:" + "5" * 64, "uri": "file:///secret"},
        "framework": "x",
        "trained_on": [],
    }
    bank.world.record(bank.erin, "model.version_registered", "model/secret/1", registered)
    hidden = bank.promote("model/secret/1")
    page = look(bank.world, stranger, "/inbox")
    assert "credit/1" in page.text
    assert "secret" not in page.text
    assert look(bank.world, stranger, f"/promotions/{hidden}").status_code == 404


# Asking for a promotion, and taking it back


def ask(bank: Bank, person: Person, **filled: str) -> httpx.Response:
    page = look(bank.world, person, "/promotions?subject=model/credit/1&environment=production")
    return send(bank.world, person, forms(page)["promotions"], **filled)


def test_an_engineer_asks_for_a_promotion_and_takes_it_back(bank: Bank) -> None:
    bank.publish()
    bank.ready()
    answer = ask(bank, bank.erin, environment="production", reason="better for <everybody>")
    assert answer.status_code == 303
    page = look(bank.world, bank.erin, answer.headers["Location"])
    assert "better for &lt;everybody&gt;" in page.text
    assert "You cannot review" in text(page)
    taken = send(bank.world, bank.erin, forms(page)["withdraw"], reason="not yet")
    assert taken.status_code == 303
    assert "withdrawn" in text(look(bank.world, bank.erin, answer.headers["Location"]))
    vera = look(bank.world, bank.vera, answer.headers["Location"])
    assert "withdraw" not in forms(vera)


def test_a_request_that_is_refused_says_why_and_keeps_what_was_typed(
    bank: Bank, promotion: str
) -> None:
    again = ask(bank, bank.erin, environment="production", reason="once more")
    assert again.status_code == 409
    assert f"promotion {promotion}" in text(again).lower()
    assert "once more" in again.text
    unknown = ask(bank, bank.erin, subject="model/credit/9", environment="production")
    assert unknown.status_code == 404
    nowhere = ask(bank, bank.erin, subject="model/credit/1", environment="moon")
    assert nowhere.status_code == 422
    assert ask(bank, bank.vera, environment="production").status_code == 403


def test_two_who_sign_on_pages_at_once_both_count(bank: Bank, promotion: str) -> None:
    people = (bank.vera, bank.carl)
    ready = []
    for person in people:
        decide(bank.world, person, promotion)
        ready.append((person, checked(bank.world, person, promotion), bank.world.signed(person)))
    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(lambda one: send(bank.world, one[0], one[1], **one[2]), ready))
    assert [answer.status_code for answer in answers] == [303, 303]
    assert bank.show(promotion)["state"] == "allowed"


def test_an_earlier_and_a_later_one_that_wait_are_a_key_away(bank: Bank, promotion: str) -> None:
    second = bank.promote(bank.another("2"))
    first_page = look(bank.world, bank.vera, f"/promotions/{promotion}").text
    assert f'href="/promotions/{second}" data-key="]"' in first_page
    assert 'data-key="["' not in first_page
    second_page = look(bank.world, bank.vera, f"/promotions/{second}").text
    assert f'href="/promotions/{promotion}" data-key="["' in second_page


def test_drafts_and_views_that_hold_an_erased_value_are_erased_with_it(
    bank: Bank, promotion: str
) -> None:
    """What somebody copied into a draft, or had before them, does not outlive the original."""
    world, readers = bank.world, (bank.vera, bank.carl)
    officers = [world.person(name, "compliance_officer") for name in ("una", "ugo")]
    data = {"about": "model/credit/1", "severity": "low", "owner": "o", "text": "Zoe Nowhere said"}
    told = world.record(bank.erin, "finding.raised", "finding/f9", data)
    decide(world, bank.vera, promotion, reason="Zoe Nowhere said it is odd")
    decide(world, bank.carl, promotion, meaning="approval", reason="nothing of hers")

    def kept() -> tuple[list[bool], list[bool]]:
        with world.house.ledger.snapshot() as now:
            drafts = [draft_of(now.connection, one.id, promotion) for one in readers]
            views = [seen(now.connection, one.id, promotion) for one in readers]
        return [one is not None for one in drafts], [bool(one) for one in views]

    assert kept() == ([True, True], [True, True])
    path = f"/api/v1/events/{told['index']}/redactions"
    wish = {"members": ["text"], "reason": "asked", "legal_basis": "GDPR Art. 17"}
    asked = expect(201, world.client(officers[0]).post(path, json=wish))
    confirmed = world.client(officers[1]).post(f"{path}/{asked['id']}/confirm")
    assert confirmed.status_code < 300
    assert kept() == ([False, True], [True, True])
    shown = bank.show(promotion)["bind"]["subject_digest"].encode()
    world.house.ledger.operate(lambda one: erase_notes(one, {"any": shown}, 0))
    assert kept() == ([False, True], [False, False])
