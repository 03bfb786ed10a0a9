"""What a policy may say: the vocabulary is closed, and what cannot be is refused."""

from __future__ import annotations

import copy
import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from app.core.errors import SchemaMismatch, UnknownKind
from app.core.ledger.canonical import canonical
from app.core.policy.document import parse_policy, policy_digest
from app.core.policy.rules import BiasRule, Bound, Mode, Part, ReviewsRule
from app.gates import policy_files
from tests.core.policy import worlds
from tests.core.policy.worlds import POLICY, RULES, changed, need

if TYPE_CHECKING:
    from app.core.jsonvalue import Json


EVAL = {"type": "eval-report/v1"}


def faults(document: object) -> dict[str, str]:
    with pytest.raises(SchemaMismatch) as refusal:
        parse_policy(cast("Json", document))
    return {fault.pointer: fault.message for fault in refusal.value.faults}


def with_rule(rule: dict[str, Any], **evidence: dict[str, Any]) -> dict[str, Any]:
    document = copy.deepcopy(POLICY)
    document["evidence"] |= evidence
    return {**document, "rules": [rule]}


def test_a_policy_is_named_by_the_canonical_json_of_its_document() -> None:
    document = {**POLICY, "rules": []}
    named = f"sha256:{hashlib.sha256(canonical(document)).hexdigest()}"
    assert policy_digest(document) == named == parse_policy(document).digest


def test_what_a_policy_leaves_out_has_the_strict_default() -> None:
    one = worlds.policy(
        {key: value for key, value in RULES["impact"].items() if key != "small_group"},
        RULES["people"],
    )
    impact, people = one.rules
    assert isinstance(impact, BiasRule)
    assert isinstance(people, ReviewsRule)
    assert impact.small_group == "deny"
    assert (impact.min_group_n, impact.min_denominator) == (30, 10)
    assert str(impact.max_unknown_share) == "0.10"
    assert people.distinct_persons
    assert set(people.exclude) == set(Part)
    assert set(people.bind) == set(Bound)
    assert people.expires_after == timedelta(days=14)
    assert one.valid_for == timedelta(days=7)
    assert one.mode is Mode.ENFORCE
    assert one.evidence["eval"].must_bind == ("model_digest",)
    assert one.evidence["card"].of == "model"


@pytest.mark.parametrize("name", ["waivers", "break_glass", "reevaluate"])
def test_a_block_that_would_do_nothing_is_refused_by_name(name: str) -> None:
    with pytest.raises(UnknownKind, match=f"#/{name}") as refusal:
        parse_policy({**POLICY, name: {}})
    assert refusal.value.faults[0].message == f"{name} comes with a later release"
    assert refusal.value.remedy == "take it out; it would give a protection that is not there"


@pytest.mark.parametrize("kind", ["expr", "validation"])
def test_a_rule_kind_that_does_not_exist_yet_is_refused_by_name(kind: str) -> None:
    with pytest.raises(UnknownKind, match="#/rules/1/kind"):
        parse_policy({**POLICY, "rules": [RULES["auc"], {"id": "x", "kind": kind}]})


def test_an_escalation_that_would_tell_nobody_is_refused() -> None:
    with pytest.raises(UnknownKind, match="#/rules/0/escalate"):
        parse_policy({**POLICY, "rules": [changed("people", escalate=[])]})


def test_everything_unbuilt_is_named_at_once() -> None:
    with pytest.raises(UnknownKind) as refusal:
        parse_policy({**POLICY, "waivers": {}, "rules": [7, {"kind": "expr", "escalate": []}]})
    assert [fault.pointer for fault in refusal.value.faults] == [
        "#/waivers",
        "#/rules/1/kind",
        "#/rules/1/escalate",
    ]


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ([], "#"),
        ("policy", "#"),
        ({**POLICY, "apiVersion": "gates/v2"}, "#/apiVersion"),
        ({key: value for key, value in POLICY.items() if key != "apiVersion"}, "#/apiVersion"),
        ({**POLICY, "kind": "Wish"}, "#/kind"),
        ({**POLICY, "mode": "maybe"}, "#/mode"),
        ({**POLICY, "comment": "x"}, "#/comment"),
        ({**POLICY, "rules": 7}, "#/rules"),
        ({**POLICY, "metadata": {"name": "P", "version": "1", "owner": "o"}}, "#/metadata/name"),
        ({**POLICY, "metadata": {"name": "p", "version": "", "owner": "o"}}, "#/metadata/version"),
        (with_rule(changed("auc", id="A B")), "#/rules/0/id"),
        (with_rule(changed("auc", unknown=1)), "#/rules/0/unknown"),
        (with_rule(changed("auc", **{"from": "nothing"})), "#/rules/0/from"),
        (with_rule(changed("auc", **{"from": "bias"})), "#/rules/0/from"),
        (with_rule(changed("impact", **{"from": "eval"})), "#/rules/0/from"),
        (with_rule(changed("card", **{"from": "eval"})), "#/rules/0/from"),
        (with_rule(changed("fresh", **{"from": "nothing"})), "#/rules/0/from"),
        (with_rule(changed("impact", metric="niceness")), "#/rules/0/metric"),
        (with_rule(changed("impact", attributes=[])), "#/rules/0/attributes"),
        (with_rule(changed("impact", attributes=["sex", "sex"])), "#/rules/0/attributes"),
        (with_rule(changed("impact", intersections=[["sex"]])), "#/rules/0/intersections/0"),
        (with_rule(changed("impact", op="<=")), "#/rules/0/op"),
        (with_rule(changed("impact", value=0)), "#/rules/0/value"),
        (with_rule(changed("impact", min_group_n=0)), "#/rules/0/min_group_n"),
        (with_rule(changed("impact", max_unknown_share=1.5)), "#/rules/0/max_unknown_share"),
        (
            with_rule(changed("impact", decide_on={"ci": "newcombe", "straddle": "fail"})),
            "#/rules/0/decide_on/ci",
        ),
        (
            with_rule(
                changed(
                    "impact",
                    decide_on={"ci": "miettinen-nurminen", "level": 1, "straddle": "fail"},
                )
            ),
            "#/rules/0/decide_on/level",
        ),
        (
            with_rule(
                changed(
                    "impact",
                    decide_on={
                        "ci": "miettinen-nurminen",
                        "straddle": {"review": need("v", "review", 0)},
                    },
                )
            ),
            "#/rules/0/decide_on/straddle/review/count",
        ),
        (
            with_rule(changed("impact", small_group={"review": need("v", "review", 0)})),
            "#/rules/0/small_group/review/count",
        ),
        (
            with_rule(changed("impact", small_group="report_and_review", decide_on=None)),
            "#/rules/0/small_group",
        ),
        (with_rule(changed("impact", small_group=7)), "#/rules/0/small_group"),
        (with_rule(changed("origin", max_depth=0)), "#/rules/0/max_depth"),
        (with_rule(changed("origin", **{"assert": {"all": {}}})), "#/rules/0/assert/all"),
        (
            with_rule(
                changed(
                    "origin",
                    licences=["MIT"],
                    **{"assert": {"all": {"approval_status": "approved"}}},
                )
            ),
            "#/rules/0/licences",
        ),
        (with_rule(changed("disjoint", between=["a"])), "#/rules/0/between"),
        (with_rule(changed("disjoint", between=["a", "a"])), "#/rules/0/between"),
        (with_rule(changed("disjoint", between=["a", "b", "a"])), "#/rules/0/between"),
        (
            with_rule(changed("disjoint", **{"assert": {"rows_shared": -1}})),
            "#/rules/0/assert/rows_shared",
        ),
        (with_rule(changed("fresh", max_age="P1Y")), "#/rules/0/max_age"),
        (with_rule(changed("people", need=[])), "#/rules/0/need"),
        (with_rule(changed("people", need=[need("v", "review", 0)])), "#/rules/0/need"),
        (with_rule(changed("people", need=[need("v", "review", 21)])), "#/rules/0/need"),
        (with_rule(changed("people", need=[need("v", "review")] * 21)), "#/rules/0/need"),
        (
            with_rule(changed("impact", small_group={"review": need("v", "review", 10**15)})),
            "#/rules/0/small_group/review/count",
        ),
        (with_rule(changed("people", exclude=["trainer"])), "#/rules/0/exclude"),
        (with_rule(changed("people", bind=["subject_digest"])), "#/rules/0/bind"),
        (
            with_rule(RULES["auc"], x={**EVAL, "document": "c"}),
            "#/evidence/x/document",
        ),
        (with_rule(RULES["auc"], x={"type": "document/v1"}), "#/evidence/x/document"),
        (
            with_rule(
                RULES["auc"], x={"type": "document/v1", "document": "c", "min_coverage": 0.5}
            ),
            "#/evidence/x",
        ),
        (
            with_rule(
                RULES["auc"],
                x={"type": "document/v1", "document": "c", "dataset": {"role": "r"}},
            ),
            "#/evidence/x",
        ),
        (
            with_rule(RULES["auc"], x={**EVAL, "of": "datasets"}),
            "#/evidence/x/of",
        ),
        (
            with_rule(RULES["auc"], x={"type": "eval-report/v1", "computed_by": "service"}),
            "#/evidence/x/computed_by",
        ),
        (
            with_rule(RULES["auc"], x={"type": "eval-report/v1", "attributes": ["sex"]}),
            "#/evidence/x/attributes",
        ),
        (
            with_rule(RULES["auc"], x={"type": "eval-report/v1", "min_coverage": 0}),
            "#/evidence/x/min_coverage",
        ),
        (
            with_rule(RULES["auc"], x={"type": "eval-report/v1", "min_coverage": 1.01}),
            "#/evidence/x/min_coverage",
        ),
        (
            with_rule(RULES["auc"], x={**EVAL, "producer": {}}),
            "#/evidence/x/producer",
        ),
        (
            with_rule(RULES["auc"], x={**EVAL, "dataset": {}}),
            "#/evidence/x/dataset",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_its_pointer(document: object, pointer: str) -> None:
    assert pointer in faults(document)


def test_one_rule_id_names_one_rule() -> None:
    assert faults({**POLICY, "rules": [RULES["auc"], RULES["auc"]]}) == {
        "#/rules/1/id": "is used by an earlier rule"
    }


def test_all_faults_are_named_at_once() -> None:
    found = faults(with_rule(changed("people", need=[], exclude=[])))
    assert set(found) == {"#/rules/0/need", "#/rules/0/exclude"}


@pytest.mark.parametrize("rule", list(RULES))
def test_the_schema_and_the_reader_agree_on_what_is_right(rule: str) -> None:
    document = with_rule(RULES[rule])
    policy_files.check(document, policy_files.POLICY)
    assert policy_files.read_policy(document).rules[0].id == rule
