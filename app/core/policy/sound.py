"""What in a policy cannot be, though each member is of the right type."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from app.core.errors import Fault, SchemaMismatch
from app.core.events.envelope import NAME
from app.core.fairness.assessment import check_question
from app.core.policy.bias import question_of
from app.core.policy.rules import (
    AncestorsRule,
    BiasRule,
    Bound,
    ByReview,
    DocumentationRule,
    FreshnessRule,
    FromProducer,
    MetricRule,
    OnDataset,
    OverlapRule,
    Part,
    ReviewsRule,
    Rule,
    Selector,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PAIR = 2
MOST_PEOPLE = 20
MOST_NEEDS = 20


def unsound(
    name: str, version: str, evidence: Mapping[str, Selector], rules: Sequence[Rule]
) -> Iterator[Fault]:
    """Find every such fault, with its pointer into the policy's document."""
    for member, text in (("name", name), ("version", version)):
        if not NAME.fullmatch(text):
            yield Fault(f"#/metadata/{member}", f"must match {NAME.pattern}")
    for alias, selector in evidence.items():
        for where, message in _selector(selector):
            yield Fault(f"#/evidence/{alias}{where}", message)
    seen: set[str] = set()
    for place, rule in enumerate(rules):
        if not NAME.fullmatch(rule.id):
            yield Fault(f"#/rules/{place}/id", f"must match {NAME.pattern}")
        if rule.id in seen:
            yield Fault(f"#/rules/{place}/id", "is used by an earlier rule")
        seen.add(rule.id)
        for where, message in _rule(rule, evidence):
            yield Fault(f"#/rules/{place}{where}", message)


def _selector(selector: Selector) -> Iterator[tuple[str, str]]:
    is_document = selector.type == "document/v1"
    if is_document is (selector.document is None):
        yield "/document", "names the kind of a document/v1, and of nothing else"
    if is_document and (selector.dataset or selector.min_coverage is not None):
        yield "", "a document is measured on no dataset"
    if not is_document and selector.of != "model":
        yield "/of", "only documents are of datasets"
    if selector.attributes and selector.type != "bias-report/v1":
        yield "/attributes", "only bias reports count by attributes"
    if selector.computed_by and selector.type != "bias-report/v1":
        yield "/computed_by", "the service computes bias reports only"
    if selector.min_coverage is not None and not 0 < selector.min_coverage <= 1:
        yield "/min_coverage", "must be above 0 and at most 1"
    if selector.producer == FromProducer():
        yield "/producer", "names nobody"
    if selector.dataset == OnDataset():
        yield "/dataset", "names nothing"


def _rule(rule: Rule, evidence: Mapping[str, Selector]) -> Iterator[tuple[str, str]]:
    match rule:
        case MetricRule():
            yield from _alias(rule.from_, evidence, "eval-report/v1")
        case BiasRule():
            yield from _alias(rule.from_, evidence, "bias-report/v1")
            yield from _bias(rule)
        case DocumentationRule():
            yield from _alias(rule.from_, evidence, "document/v1")
        case FreshnessRule():
            yield from _alias(rule.from_, evidence, None)
        case AncestorsRule():
            yield from _ancestors(rule)
        case OverlapRule():
            yield from _overlap(rule)
        case ReviewsRule():
            yield from _reviews(rule)
        case _:
            assert_never(rule)


def _alias(
    alias: str, evidence: Mapping[str, Selector], wanted: str | None
) -> Iterator[tuple[str, str]]:
    selector = evidence.get(alias)
    if selector is None:
        yield "/from", f"no evidence is called {alias!r}"
    elif wanted is not None and selector.type != wanted:
        yield "/from", f"{alias!r} is {selector.type}, this rule reads {wanted}"


def _ancestors(rule: AncestorsRule) -> Iterator[tuple[str, str]]:
    if rule.assert_.all.approval_status is None and rule.assert_.all.licence_ok is None:
        yield "/assert/all", "asserts nothing"
    if rule.licences and not rule.assert_.all.licence_ok:
        yield "/licences", "are read only with licence_ok: true"
    if rule.max_depth < 1:
        yield "/max_depth", "must be at least 1"


def _overlap(rule: OverlapRule) -> Iterator[tuple[str, str]]:
    if len(rule.between) != PAIR or len(set(rule.between)) != PAIR:
        yield "/between", "names two different roles"
    if rule.assert_.rows_shared < 0:
        yield "/assert/rows_shared", "must be at least 0"


def _bias(rule: BiasRule) -> Iterator[tuple[str, str]]:
    straddle = rule.decide_on.straddle if rule.decide_on else None
    if rule.small_group == "report_and_review" and not isinstance(straddle, ByReview):
        yield "/small_group", "name the reviewers: {review: {role, count, meaning}}"
    for where, asked in (("small_group", rule.small_group), ("decide_on/straddle", straddle)):
        if isinstance(asked, ByReview) and not 1 <= asked.review.count <= MOST_PEOPLE:
            yield f"/{where}/review/count", f"must be 1 to {MOST_PEOPLE}"
    if len(set(rule.attributes)) != len(rule.attributes):
        yield "/attributes", "names one attribute twice"
    try:
        check_question(question_of(rule))
    except SchemaMismatch as refusal:
        yield from ((fault.pointer.removeprefix("#"), fault.message) for fault in refusal.faults)


def _reviews(rule: ReviewsRule) -> Iterator[tuple[str, str]]:
    if not 1 <= len(rule.need) <= MOST_NEEDS:
        yield "/need", f"must be 1 to {MOST_NEEDS} needs"
    if not all(1 <= need.count <= MOST_PEOPLE for need in rule.need):
        yield "/need", f"every count must be 1 to {MOST_PEOPLE}"
    if Part.SUBMITTER not in rule.exclude:
        yield "/exclude", "must name the submitter: nobody approves their own"
    if set(rule.bind) != set(Bound):
        yield "/bind", f"must be all of: {', '.join(Bound)}"
