"""What a reviewer reads: the same values that are decided on, the worst first, in words."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from app.core.fairness.disparities import Metric
from app.core.policy.rules import BiasRule, Meaning
from app.reviews.groups import panels_of
from tests.living import expect
from tests.slices.gates.bank import DATA, STRADDLING, UNFAIR, cells, digest, policy
from tests.slices.reviews.looking import reviews_in, sheet

if TYPE_CHECKING:
    from tests.living import Person
    from tests.slices.gates.bank import Bank

IMPACT = "production-default/fair.impact"


@pytest.fixture
def promotion(bank: Bank) -> str:
    """A promotion that lacks nothing but signatures."""
    bank.publish()
    return bank.promote(bank.ready())


def test_checks_that_fail_come_first_and_say_what_to_do(bank: Bank) -> None:
    bank.publish()
    shown = sheet(bank, bank.promote(bank.ready(selected=UNFAIR)), bank.vera)
    [failed, other, *rest] = shown.checks
    assert (failed.rule, failed.outcome, failed.met) == (IMPACT, "FAIL", False)
    assert failed.remedy is not None
    assert (failed.actual, failed.op, failed.threshold) == ("0.6000", ">=", "0.8000")
    assert failed.group is not None
    assert failed.low is not None
    assert [one.kind for one in failed.evidence] == ["counts by group"]
    assert other.outcome == "FAIL"
    assert all(one.met or one.people for one in rest)
    assert shown.counts["FAIL"] == 2
    assert next(iter(shown.counts)) == "FAIL"
    assert shown.to_be_read == (failed, other)
    assert (shown.state, shown.gate) == ("denied", "DENY")


def test_evidence_of_a_check_is_an_entry_of_the_log(bank: Bank, promotion: str) -> None:
    shown = sheet(bank, promotion, bank.vera)
    cited = [one for check in shown.checks for one in check.evidence]
    assert cited
    with bank.world.house.ledger.snapshot() as now:
        kinds = {one.kind: now.entry(one.index).type for one in cited}
    assert kinds == {
        "evaluation": "evaluation.recorded.v1",
        "counts by group": "predictions.recorded.v1",
        "document": "document.recorded.v1",
    }


def test_a_check_that_straddles_may_be_taken_on(bank: Bank) -> None:
    bank.publish()
    shown = sheet(bank, bank.promote(bank.ready(selected=STRADDLING)), bank.vera)
    open_check = shown.acceptable[0]
    assert (open_check.rule, open_check.outcome) == (IMPACT, "AWAITING")
    assert open_check in shown.to_be_read
    assert any(seat.accepts and seat.rule == IMPACT for seat in shown.seats)


def test_what_a_policy_in_shadow_would_say_stands_apart(bank: Bank, promotion: str) -> None:
    document, cases = policy(metadata__name="trial", mode="shadow")
    bank.world.publish(document, cases, bank.paul, bank.petra)
    shown = sheet(bank, promotion, bank.vera)
    assert {one.rule.split("/")[0] for one in shown.shadow} == {"trial"}
    assert {one.rule.split("/")[0] for one in shown.checks} == {"production-default"}


# What changed


def test_where_nothing_is_live_there_is_nothing_to_compare_with(bank: Bank, promotion: str) -> None:
    compared = sheet(bank, promotion, bank.vera).comparison
    assert (compared.live, compared.metrics, compared.data) == (None, (), ())


def live(bank: Bank, promotion: str) -> None:
    """Let version 1 be signed and go live."""
    bank.sign(promotion)
    decision = bank.show(promotion)["decision"]["decision_id"]
    expect(201, bank.deploy("model/credit/1", decision))


def test_numbers_data_code_and_rules_stand_beside_those_of_the_live_version(
    bank: Bank, promotion: str
) -> None:
    live(bank, promotion)
    code = {"repo": "https://example.org/credit.git", "commit": "a" * 40, "dirty": True}
    more = bank.data("dataset/applicants/2")
    started = {"kind": "train", "inputs": [], "code": code}
    bank.world.record(bank.erin, "run.started", "run/second", started)
    subject = bank.model("2", run="run/second", trained_on=[more], framework="xgboost")
    ci = {"name": "roc_auc", "value": 0.83, "n": 4000, "ci": [0.81, 0.85]}
    bank.evaluated(subject, metrics=[ci, {"name": "brier", "value": 0.2}])
    bank.counted(subject, (480, 500, 500, 500))
    bank.card(subject)
    compared = sheet(bank, bank.promote(subject), bank.vera).comparison
    assert compared.live is not None
    assert (compared.live.subject, compared.live.gated, compared.same) == (
        "model/credit/1",
        True,
        False,
    )
    [auc, brier] = compared.metrics
    assert (auc.name, auc.on, auc.delta) == ("roc_auc", DATA, "+0.0300")
    assert auc.live is not None
    assert auc.candidate is not None
    assert (auc.live.value, auc.candidate.value) == ("0.8000", "0.8300")
    assert (auc.live.low, auc.candidate.low, auc.candidate.high) == (None, "0.8100", "0.8500")
    assert (brier.live, brier.delta) == (None, None)
    assert [(one.subject, one.live, one.candidate) for one in compared.data] == [
        (DATA, True, False),
        (more, False, True),
    ]
    texts = {one.name: one for one in compared.texts}
    assert texts["Framework"].changed
    assert not texts["Base model"].changed
    assert texts["Code"].candidate == (
        "https://example.org/credit.git at aaaaaaaaaaaa with uncommitted changes"
    )
    rules = {one.name: one for one in compared.rules}
    assert rules["production-default/perf.auc"].delta == "+0.0300"
    assert rules[IMPACT].delta == "-0.0200"
    assert not any(one.changed for one in compared.policies)


def test_a_policy_published_since_is_named(bank: Bank, promotion: str) -> None:
    live(bank, promotion)
    second = bank.promote(bank.another("2"))
    rules = policy()[0]["rules"]
    rules[0]["value"] = 0.695
    bank.publish(metadata__version="2.0.0", rules=rules)
    changed = [
        one.name for one in sheet(bank, second, bank.vera).comparison.policies if one.changed
    ]
    assert changed == ["production-default", "Policy digest"]


def test_a_live_version_that_no_decision_let_in_is_compared_without_one(
    bank: Bank, promotion: str
) -> None:
    bank.another("2")
    where = {"environment": "production", "model_version": "model/credit/2"}
    for name in ("scoring", "batch"):
        bank.world.record(
            bank.erin,
            "deployment.succeeded",
            f"deployment/production/{name}",
            {**where, "name": name},
        )
    where["model_version"] = "model/credit/1"
    bank.world.record(
        bank.erin, "deployment.succeeded", "deployment/production/old", {**where, "name": "old"}
    )
    compared = sheet(bank, promotion, bank.vera).comparison
    assert compared.live is not None
    assert (compared.live.deployment, compared.live.gated, compared.same) == ("old", False, True)
    assert compared.live.others == ("batch runs model/credit/2", "scoring runs model/credit/2")
    assert compared.rules == ()
    assert {one.live for one in compared.policies} == {None}
    assert [one.delta for one in compared.metrics] == ["0"]


# Groups


def test_groups_are_shown_as_the_rule_compared_them(bank: Bank, promotion: str) -> None:
    panels = sheet(bank, promotion, bank.vera).panels
    impact = [one for one in panels if one.rule == IMPACT]
    assert [one.by for one in impact] == ["sex", "age group"]
    [sex, _] = impact
    assert (sex.measure, sex.limit, sex.op) == ("impact ratio", 0.8, ">=")
    assert (sex.n, sex.counted_here, sex.earlier) == (4000, False, 0)
    assert [(row.group, row.n, row.selected, row.rate) for row in sex.rows] == [
        ("sex=F", 2000, 1000, "0.5000"),
        ("sex=M", 2000, 1000, "0.5000"),
    ]
    [reference] = [row for row in sex.rows if row.reference]
    assert (reference.value, reference.low) == ("1.0000", None)
    [other] = [row for row in sex.rows if not row.reference]
    assert other.mark is not None
    assert other.mark.low < other.mark.value == 1.0
    assert other.decisive
    assert other.verdict == "PASS"


def test_a_metric_of_two_rates_has_a_panel_for_each(bank: Bank, promotion: str) -> None:
    with bank.world.house.ledger.snapshot() as now:
        considered = reviews_in(bank).show(now, promotion).considered
    [published] = considered.policies
    [rule] = [
        one for one in published.rules if isinstance(one, BiasRule) and one.id == "fair.opportunity"
    ]
    both = replace(
        rule, metric=Metric.EQUALIZED_ODDS_DIFFERENCE, intersections=(("sex", "age_group"),)
    )
    asked = replace(published, rules=(both,))
    panels = panels_of([asked], considered.facts, considered.decision.as_of)
    odds = [one for one in panels if one.metric == "equalized odds difference"]
    assert {one.measure for one in odds} == {"true positive rate", "false positive rate"}
    assert {one.limit for one in odds} == {None}
    assert [one.by for one in odds][-1] == "sex and age group"
    assert all(row.mark is not None and row.low is not None for row in odds[0].rows)


def test_groups_too_small_are_marked_and_persons_are_not_counted_out(bank: Bank) -> None:
    bank.publish()
    bank.data()
    expect(201, bank.approve_data())
    subject = bank.model()
    bank.evaluated(subject)
    few = [
        *cells(),
        {"group": {"sex": "Y", "age_group": "to-25"}, "tp": 1, "fp": 0, "fn": 0, "tn": 0},
        {"group": {"sex": "X", "age_group": "to-25"}, "tp": 3, "fp": 0, "fn": 0, "tn": 1},
        {"group": {"sex": "X", "age_group": "over-25"}, "tp": 9, "fp": 0, "fn": 9, "tn": 0},
    ]
    bank.counted(subject, cells=few)
    shown = sheet(bank, bank.promote(subject), bank.vera)
    rows = {
        row.group: row for one in shown.panels if one.measure == "impact ratio" for row in one.rows
    }
    tiny = rows["sex=Y"]
    assert (tiny.n, tiny.selected, tiny.rate, tiny.value) == (None, None, "not shown", "not shown")
    assert (tiny.mark, tiny.low, tiny.small) == (None, None, True)
    small = rows["sex=X"]
    assert (small.n, small.small, small.verdict) == (22, True, None)


def test_counts_that_cannot_be_read_are_left_to_the_finding(bank: Bank) -> None:
    bank.publish()
    bank.data()
    subject = bank.model()
    bank.counted(
        subject,
        label=None,
        cells=[
            {"group": one["group"], "n": 1000, "selected": one["tp"] + one["fp"]} for one in cells()
        ],
    )
    shown = sheet(bank, bank.promote(subject), bank.vera)
    assert {one.measure for one in shown.panels} == {"impact ratio"}


# Where it comes from


def test_the_way_to_the_data_is_shown_with_its_risks(bank: Bank) -> None:
    bank.publish()
    columns = [{"name": "sex", "type": "VARCHAR", "tags": ["pii"]}]
    raw = bank.data("dataset/raw/1", schema={"columns": columns})
    bank.data(derived_from=[raw])
    expect(201, bank.approve_data())
    subject = bank.model()
    bank.measured(subject)
    origins = sheet(bank, bank.promote(subject), bank.vera).origins
    assert origins.status == "complete"
    assert [(one.subject, one.distance, one.risks) for one in origins.nodes] == [
        (subject, 0, ()),
        (DATA, 1, ()),
        (raw, 2, ("personal data", "not approved")),
    ]
    assert {(edge.src, edge.dst) for edge in origins.edges} == {
        ("dataset_version:raw/1", "dataset_version:applicants/1"),
        ("dataset_version:applicants/1", "model_version:credit/1"),
    }
    assert origins.left_out == 0


def test_at_most_sixty_nodes_are_drawn_and_the_rest_is_counted(bank: Bank) -> None:
    bank.publish()
    sources = [bank.data(f"dataset/source-{number}/1") for number in range(70)]
    bank.data()
    subject = bank.model(trained_on=[DATA, *sources])
    origins = sheet(bank, bank.promote(subject), bank.vera).origins
    assert (len(origins.nodes), origins.left_out) == (60, 12)
    shown = {one.gid for one in origins.nodes}
    assert all(edge.src in shown and edge.dst in shown for edge in origins.edges)


def test_an_approval_that_ended_is_a_risk(bank: Bank) -> None:
    bank.publish()
    bank.data()
    granted = expect(201, bank.approve_data(until="2026-01-20T00:00:00Z"))
    subject = bank.model()
    bank.measured(subject)
    promotion = bank.promote(subject)
    assert granted
    assert sheet(bank, promotion, bank.vera).origins.nodes[1].risks == ()
    bank.world.tick(20 * 86_400)
    assert sheet(bank, promotion, bank.vera).origins.nodes[1].risks == ("approval has run out",)


# People


def test_a_seat_says_who_signed_and_who_could(bank: Bank, promotion: str) -> None:
    before = sheet(bank, promotion, bank.vera).seats
    assert [(one.role, one.meaning, one.missing, one.could) for one in before] == [
        ("model-validator", "review", 1, ("Vera",)),
        ("compliance", "approval", 1, ("Carl",)),
    ]
    expect(201, bank.review(bank.vera, promotion, "review"))
    first, second = sheet(bank, promotion, bank.vera).seats
    assert (first.role, first.missing) == ("compliance", 1)
    [signed] = second.signed
    assert (signed.name, signed.single_administrator) == ("Vera", True)
    assert signed.at.startswith("2026-01-05T")
    assert second.could == ()


def words(bank: Bank, promotion: str, reader: Person) -> list[str]:
    return [one.sentence for one in sheet(bank, promotion, reader).standings]


def test_a_reader_is_told_in_words_whether_they_may_sign(bank: Bank, promotion: str) -> None:
    assert words(bank, promotion, bank.vera) == [
        "You can review.",
        "You cannot approve: you do not hold the role compliance.",
    ]
    [reviewing, approving] = sheet(bank, promotion, bank.vera).standings
    assert (reviewing.meaning, reviewing.may) == (Meaning.REVIEW, True)
    assert (approving.meaning, approving.may) == (Meaning.APPROVAL, False)


def test_an_author_is_told_what_part_they_had(bank: Bank, promotion: str) -> None:
    for role in ("reviewer", "model-validator"):
        bank.world.grant(bank.erin, role)
    said = words(bank, promotion, bank.erin)[0]
    assert said == (
        "You cannot review: you asked for this promotion and you trained version 1 and you "
        "recorded evidence about it."
    )
    bank.world.grant(bank.paul, "reviewer")
    assert "you wrote or published the policy" in words(bank, promotion, bank.paul)[0]


def test_who_may_not_review_at_all_is_told_so(bank: Bank, promotion: str) -> None:
    assert words(bank, promotion, bank.world.ada) == [
        "You cannot review: you may not review.",
        "You cannot approve: you may not review.",
    ]


def test_nobody_may_sign_what_is_decided(bank: Bank, promotion: str) -> None:
    bank.sign(promotion)
    assert words(bank, promotion, bank.vera)[0] == "You cannot review: the promotion is allowed."


def test_what_the_page_says_is_what_signing_does(bank: Bank, promotion: str) -> None:
    """For everybody and each meaning: allowed here is allowed there."""
    nina = bank.world.person("nina", "reviewer")
    bank.world.grant(nina, "model-validator", scope="model/other@production")
    gone = bank.world.grant(nina, "compliance")
    path = f"/api/v1/users/{nina.id}/roles/{gone}"
    assert bank.world.client(bank.world.ada).delete(path).status_code == 200
    for person in (bank.erin, bank.dora, nina, bank.world.ada, bank.vera, bank.carl):
        for standing in sheet(bank, promotion, person).standings:
            asked = {"decision": "request_changes"}
            answer = bank.review(person, promotion, standing.meaning.value, **asked)
            assert (answer.status_code == 201) is standing.may, (person.name, standing)


def test_a_reader_sees_what_they_signed_before(bank: Bank, promotion: str) -> None:
    assert sheet(bank, promotion, bank.vera).own is None
    expect(201, bank.review(bank.vera, promotion, "review"))
    own = sheet(bank, promotion, bank.vera).own
    assert own is not None
    assert (own.decision, own.meaning, own.dismissed) == ("approve", "review", None)
    bank.evaluated("model/credit/1", 0.9)
    expect(201, bank.review(bank.carl, promotion, "approval"))
    own = sheet(bank, promotion, bank.vera).own
    assert own is not None
    assert own.dismissed is not None


# What happened


def test_the_history_tells_every_entry_in_order(bank: Bank, promotion: str) -> None:
    expect(201, bank.review(bank.vera, promotion, "review", reason="sound *work*"))
    bank.evaluated("model/credit/1", 0.9)
    expect(201, bank.review(bank.carl, promotion, "approval"))
    expect(201, bank.review(bank.vera, promotion, "review"))
    decision = bank.show(promotion)["decision"]["decision_id"]
    expect(201, bank.deploy("model/credit/1", decision))
    told = sheet(bank, promotion, bank.vera).history
    assert [one.title.split(" (entry")[0] for one in told] == [
        "Asked for production",
        "The gate said PENDING",
        "Signed (review): approved",
        "The gate said PENDING",
        "Signed (approval): approved",
        "The review of Vera",
        "The gate said PENDING",
        "Signed (review): approved",
        "The gate said ALLOW",
        "The promotion is allowed",
        "Deployment succeeded: production/scoring",
    ]
    assert (told[0].who, told[2].who, told[2].text) == ("Erin", "Vera", "sound *work*")
    assert [one.index for one in told] == sorted(one.index for one in told)


@pytest.mark.parametrize(
    ("verdict", "title", "tone"),
    [
        ("reject", "Signed (approval): rejected", "bad"),
        ("request_changes", "Signed (approval): asked for changes", "wait"),
    ],
)
def test_what_was_said_against_it_stands_out(
    bank: Bank, promotion: str, verdict: str, title: str, tone: str
) -> None:
    expect(201, bank.review(bank.carl, promotion, "approval", decision=verdict))
    told = sheet(bank, promotion, bank.vera).history
    assert (title, tone) in [(one.title, one.tone) for one in told]


def test_a_request_that_was_taken_back_says_so(bank: Bank, promotion: str) -> None:
    path = f"/api/v1/promotions/{promotion}/withdraw"
    client = bank.world.client(bank.erin)
    expect(200, client.post(path, json={"reason": "wrong data"}))
    last = sheet(bank, promotion, bank.vera).history[-1]
    assert (last.title, last.text, last.who) == ("Taken back", "wrong data", "Erin")


def test_an_allowed_one_that_nobody_used_is_told_as_expired(bank: Bank, promotion: str) -> None:
    bank.sign(promotion)
    bank.world.tick(15 * 86_400)
    bank.check("model/credit/1")
    assert sheet(bank, promotion, bank.vera).history[-1].title == "Expired, unused"


def test_taking_a_rule_on_is_told(bank: Bank) -> None:
    bank.publish()
    promotion = bank.promote(bank.ready(selected=STRADDLING))
    expect(201, bank.review(bank.vera, promotion, "review", accepts=[IMPACT]))
    titles = [one.title for one in sheet(bank, promotion, bank.vera).history]
    assert f"Signed (review): approved, taking on {IMPACT}" in titles


def test_what_has_ended_is_shown_as_it_was_decided(bank: Bank, promotion: str) -> None:
    """Later evidence does not change what was decided; there is nothing left to sign."""
    bank.sign(promotion)
    before = sheet(bank, promotion, bank.vera)
    bank.evaluated("model/credit/1", 0.5)
    after = sheet(bank, promotion, bank.vera)
    assert after.checks == before.checks
    assert (after.gate, after.state, after.open) == ("ALLOW", "allowed", False)
    assert (after.bind, after.view, after.meanings) == (None, None, ())
    assert after.panels == before.panels


def test_what_is_signed_is_the_view_and_its_digests(bank: Bank, promotion: str) -> None:
    shown = sheet(bank, promotion, bank.vera)
    assert shown.bind is not None
    assert shown.view is not None
    asked = bank.world.client(bank.vera).get(f"/api/v1/promotions/{promotion}/view")
    assert shown.view == asked.content
    document = json.loads(shown.view)
    assert (
        document["bind"]["subject_digest"] == shown.bind.subject_digest == digest("model/credit/1")
    )
