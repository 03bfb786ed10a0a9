"""Which evidence counts: the latest of each kind, for this model, by whom the policy says."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest

from app.core.policy.decide import decide
from app.core.policy.decision import Outcome
from app.core.policy.evidence import evidence_root, pick
from tests.core.policy import worlds
from tests.core.policy.worlds import AS_OF, FACTS, RULES, evidence


def ask(selector: dict[str, Any], items: list[dict[str, Any]], rule: str = "auc") -> Outcome:
    alias = RULES[rule]["from"]
    one = worlds.policy(RULES[rule], evidence={alias: selector})
    return decide([one], worlds.facts(policies=[one], evidence=items), AS_OF).rules[0].outcome


def later(place: int, **members: object) -> list[dict[str, Any]]:
    again = evidence(place, index=70, digest=worlds.digest(70), **members)[place]
    return [*FACTS["evidence"], again]


BAD = [{"name": "roc_auc", "value": "0.1", "n": 4000}]


def test_the_latest_upload_counts_whichever_comes_first_in_the_list() -> None:
    items = later(0, metrics=BAD)
    assert ask({"type": "eval-report/v1"}, items) is Outcome.FAIL
    assert ask({"type": "eval-report/v1"}, items[::-1]) is Outcome.FAIL


def test_evidence_about_another_artifact_does_not_count() -> None:
    other = evidence(0, model_digest=worlds.OTHER)
    assert ask({"type": "eval-report/v1"}, other) is Outcome.INCOMPLETE


def test_evidence_recorded_later_than_asked_about_does_not_exist_yet() -> None:
    selector = {"type": "eval-report/v1"}
    future = later(0, metrics=BAD, recorded_at="2026-05-10T12:00:00.000001Z")
    assert ask(selector, future) is Outcome.PASS
    just = later(0, metrics=BAD, recorded_at="2026-05-10T12:00:00Z")
    assert ask(selector, just) is Outcome.FAIL


@pytest.mark.parametrize(
    ("producer", "outcome"),
    [
        ({"service": "token-ci"}, Outcome.PASS),
        ({"service": "token-other"}, Outcome.INCOMPLETE),
        ({"workload": "token-ci"}, Outcome.INCOMPLETE),
        ({"person": "token-ci"}, Outcome.INCOMPLETE),
    ],
)
def test_a_selector_may_name_the_producer(producer: dict[str, str], outcome: Outcome) -> None:
    assert ask({"type": "eval-report/v1", "producer": producer}, FACTS["evidence"]) is outcome


def test_somebody_elses_later_upload_does_not_displace_the_named_producers() -> None:
    items = later(0, metrics=BAD, producer={"id": "mallory", "kind": "person"})
    named = {"type": "eval-report/v1", "producer": {"service": "token-ci"}}
    assert ask(named, items) is Outcome.PASS


@pytest.mark.parametrize(
    ("dataset", "outcome"),
    [
        ({"name": "d"}, Outcome.PASS),
        ({"name": "e"}, Outcome.INCOMPLETE),
        ({"role": "eval_set"}, Outcome.PASS),
        ({"role": "train_set"}, Outcome.INCOMPLETE),
        ({"name": "d", "role": "eval_set"}, Outcome.PASS),
        ({"name": "d", "role": "train_set"}, Outcome.INCOMPLETE),
    ],
)
def test_a_selector_may_name_the_dataset(dataset: dict[str, str], outcome: Outcome) -> None:
    assert ask({"type": "eval-report/v1", "dataset": dataset}, FACTS["evidence"]) is outcome


def test_counts_sent_by_a_client_do_not_count_where_the_service_must_compute() -> None:
    sent = evidence(1, computed_by="client")
    assert ask({"type": "bias-report/v1"}, sent, "impact") is Outcome.PASS
    asked = {"type": "bias-report/v1", "computed_by": "service"}
    assert ask(asked, sent, "impact") is Outcome.INCOMPLETE


def test_a_selector_may_ask_for_attributes() -> None:
    asked = {"type": "bias-report/v1", "attributes": ["sex", "race"]}
    assert ask(asked, FACTS["evidence"], "impact") is Outcome.INCOMPLETE
    assert ask({**asked, "attributes": ["sex"]}, FACTS["evidence"], "impact") is Outcome.PASS


def test_data_with_another_digest_than_registered_is_incomplete_where_it_must_bind() -> None:
    other = evidence(0, dataset_digest=worlds.OTHER)
    assert ask({"type": "eval-report/v1"}, other) is Outcome.PASS
    bound = {"type": "eval-report/v1", "must_bind": ["model_digest", "dataset_digest"]}
    assert ask(bound, other) is Outcome.INCOMPLETE
    assert ask(bound, FACTS["evidence"]) is Outcome.PASS


def test_documents_are_bound_by_their_subject_alone() -> None:
    bound = {"type": "document/v1", "document": "card", "must_bind": ["dataset_digest"]}
    assert ask(bound, FACTS["evidence"], "card") is Outcome.PASS


@pytest.mark.parametrize(
    ("measured_at", "outcome"),
    [("2026-04-10T12:00:00.000001Z", Outcome.PASS), ("2026-04-10T12:00:00Z", Outcome.INCOMPLETE)],
)
def test_evidence_too_old_for_its_selector_makes_the_rule_incomplete(
    measured_at: str, outcome: Outcome
) -> None:
    aged = {"type": "eval-report/v1", "max_age": "P30D"}
    assert ask(aged, evidence(0, measured_at=measured_at)) is outcome


def test_an_old_bad_measurement_does_not_disappear_by_growing_old() -> None:
    items = evidence(0, measured_at="2026-01-01T00:00:00Z", metrics=BAD)
    fresh = evidence(
        0,
        index=70,
        digest=worlds.digest(70),
        dataset={**worlds.DATASET, "digest": worlds.OTHER},
        dataset_digest=worlds.OTHER,
    )[0]
    aged = {"type": "eval-report/v1", "max_age": "P30D"}
    assert ask(aged, [*items, fresh]) is Outcome.INCOMPLETE


@pytest.mark.parametrize(
    ("rows", "least", "outcome"),
    [
        (4000, None, Outcome.PASS),
        (3999, None, Outcome.INCOMPLETE),
        (3600, 0.9, Outcome.PASS),
        (3599, 0.9, Outcome.INCOMPLETE),
        (4001, 0.9, Outcome.INCOMPLETE),
        (4000, 0.9, Outcome.PASS),
    ],
)
def test_rows_counted_have_to_be_the_datasets_rows(
    rows: int, least: float | None, outcome: Outcome
) -> None:
    counted = evidence(
        1,
        rows=rows,
        cells=[
            {"group": {"sex": "F"}, "n": 1800, "selected": 900},
            {"group": {"sex": "M"}, "n": rows - 1800, "selected": (rows - 1800) // 2},
        ],
    )
    selector: dict[str, Any] = {"type": "bias-report/v1"}
    if least is not None:
        selector["min_coverage"] = least
    assert ask(selector, counted, "impact") is outcome


def test_a_dataset_whose_rows_are_not_known_proves_nothing() -> None:
    unknown = {**worlds.DATASET, "rows": None}
    assert ask({"type": "eval-report/v1"}, evidence(0, dataset=unknown)) is Outcome.INCOMPLETE


def test_a_contradiction_is_named_before_what_is_merely_missing() -> None:
    items = evidence(0, measured_at="2026-05-01T09:06:00Z", dataset_digest=worlds.OTHER)
    bound = {"type": "eval-report/v1", "must_bind": ["dataset_digest"]}
    assert ask(bound, items) is Outcome.ERROR


def test_uploads_differ_by_label_and_attributes_whatever_their_order() -> None:
    two = {
        "attributes": ["sex", "race"],
        "cells": [
            {"group": {"sex": sex, "race": race}, "n": 1000, "selected": 500}
            for sex in ("F", "M")
            for race in ("a", "b")
        ],
    }
    first = evidence(1, **two)
    turned = evidence(
        1, index=71, digest=worlds.digest(71), **{**two, "attributes": ["race", "sex"]}
    )[1]
    labelled = evidence(1, index=72, digest=worlds.digest(72), **two, label="repaid")[1]
    selector = worlds.policy().evidence["bias"]
    picked = pick("bias", selector, worlds.facts(evidence=[*first, turned, labelled]), AS_OF)
    assert [item.index for item in picked.items] == [71, 72]


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def test_the_root_is_the_merkle_root_over_the_sorted_digests() -> None:
    facts, one = worlds.facts(), worlds.policy()
    picks = [pick(alias, selector, facts, AS_OF) for alias, selector in one.evidence.items()]
    leaves = [sha(b"\0" + number.to_bytes(32, "big")) for number in (40, 41, 42)]
    root = sha(b"\1" + sha(b"\1" + leaves[0] + leaves[1]) + leaves[2])
    assert evidence_root(picks) == f"sha256:{root.hex()}"
    assert evidence_root(picks[::-1] + picks) == f"sha256:{root.hex()}"


def test_the_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert evidence_root([]) == f"sha256:{sha(b'').hex()}"


def test_what_no_selector_names_is_not_in_the_root() -> None:
    one = worlds.policy(RULES["auc"], evidence={"eval": {"type": "eval-report/v1"}})
    before = decide([one], worlds.facts(policies=[one]), AS_OF)
    after = decide(
        [one], worlds.facts(policies=[one], evidence=evidence(1, digest=worlds.OTHER)), AS_OF
    )
    assert before.bind == after.bind


def test_a_picked_item_is_fresh_until_the_oldest_grows_too_old() -> None:
    selector = worlds.policy(
        evidence={
            **worlds.POLICY["evidence"],
            "eval": {"type": "eval-report/v1", "max_age": "P30D"},
        }
    ).evidence["eval"]
    picked = pick("eval", selector, worlds.facts(), AS_OF)
    assert picked.fresh_until == picked.items[0].measured_at + timedelta(days=30)
    assert pick("eval", selector, worlds.facts(evidence=[]), AS_OF).fresh_until is None
