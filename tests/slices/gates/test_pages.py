"""The pages of policies: what each asks, in sentences beside its source."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import TYPE_CHECKING

import pytest

from app.core.policy.document import parse_policy
from app.gates.policy_files import load
from app.gates.readable import about, policy_sentences, span
from tests.living import World, expect
from tests.slices.gates.bank import POLICIES, Bank, policy

if TYPE_CHECKING:
    from collections.abc import Iterator

HTML = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    with World.open(tmp_path_factory.mktemp("bank")) as world:
        bank = Bank.founded(world)
        bank.publish()
        bank.check(bank.ready("1"))
        document, cases = policy("production-default", metadata__version="2.0.0")
        body = {"document": document, "cases": cases}
        expect(201, world.client(bank.paul).post("/api/v1/policies", json=body))
        yield bank


def text(bank: Bank, path: str) -> str:
    answer = bank.world.client(bank.erin).get(path, headers=HTML)
    assert answer.status_code == 200, answer.text[:2000]
    main = answer.text.partition("<main")[2].partition("</main>")[0]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", main)))


def test_policies_are_listed_with_who_drafted_and_who_published_them(bank: Bank) -> None:
    page = text(bank, "/policies")
    assert "production-default 1.0.0 published Paul Petra" in page
    assert "production-default 2.0.0 draft Paul" in page
    drafts = bank.world.client(bank.erin).get("/policies?state=draft&format=json", headers=HTML)
    assert [one["version"] for one in drafts.json()["items"]] == ["2.0.0"]
    assert "Nothing matches" in text(bank, "/policies?state=retired")


def test_the_address_of_a_policy_leads_to_the_version_in_force(bank: Bank) -> None:
    client = bank.world.client(bank.erin)
    answer = client.get("/policies/production-default", headers=HTML)
    assert answer.headers["Location"] == "/policies/production-default/versions/1.0.0"
    assert client.get("/policies/none", headers=HTML).status_code == 404
    assert client.get("/policies/none/versions/1", headers=HTML).status_code == 404


def test_a_policy_says_what_it_asks_beside_its_source_and_what_it_decided(bank: Bank) -> None:
    page = text(bank, "/policies/production-default/versions/1.0.0")
    assert "It decides about every promotion to production" in page
    assert "apiVersion: gates/v1 kind: Policy metadata: name: production-default" in page
    assert page.index("evidence: ") < page.index("rules: - ")
    assert "People sign: 1 in the role model-validator (review)" in page
    assert "Published by Petra" in page
    assert "model/credit/1 production PENDING" in page
    draft = text(bank, "/policies/production-default/versions/2.0.0")
    assert "It has decided nothing yet." in draft


@pytest.mark.parametrize(
    "name", ["production-default", "staging-default", "demo-credit", "nyc-ll144"]
)
def test_every_rule_of_our_policies_has_its_sentence(name: str) -> None:
    parsed = parse_policy(load(POLICIES / f"{name}.yaml"))
    sentences = policy_sentences(parsed)
    assert [one.id for one in sentences] == [one.id for one in parsed.rules]
    for one in sentences:
        assert one.asks.endswith(".")
        assert "None" not in one.asks
        assert all("None" not in more for more in one.more)
    assert parsed.applies.transition.to in about(parsed)


RULES: list[tuple[dict[str, object], str, str]] = [
    (
        {"id": "r", "kind": "metric", "from": "eval", "metric": "auc", "op": ">=", "value": "0.8",
         "rationale": "as agreed", "when": {"risk_tier": ["high", "limited"]}},
        "auc >= 0.8, from an evaluation on holdout not older than 30 days.",
        "Only of risk tier high or limited. Why: as agreed",
    ),
    (
        {"id": "r", "kind": "lineage", "query": "overlap", "between": ["train_set", "eval_set"],
         "assert": {"rows_shared": 0}},
        "The datasets train_set and eval_set share at most 0 rows.",
        "",
    ),
    (
        {"id": "r", "kind": "lineage", "query": "ancestors", "node": "Dataset",
         "assert": {"all": {"licence_ok": True}}, "licences": ["CC0-1.0", "MIT"]},
        (
            "Every dataset that the model comes from, up to 12 steps away, "
            "states a licence out of CC0-1.0 and MIT."
        ),
        "",
    ),
    (
        {"id": "r", "kind": "freshness", "from": "eval", "max_age": "PT36H"},
        "An evaluation on holdout not older than 30 days was measured at most 36 hours ago.",
        "",
    ),
    (
        {"id": "r", "kind": "documentation", "from": "sheet", "fields": ["origin"]},
        "There is a document of kind datasheet for each dataset behind it, with origin filled in.",
        "",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "asks", "more"), RULES)
def test_a_rule_is_said_as_people_would(rule: dict[str, object], asks: str, more: str) -> None:
    document = {
        "apiVersion": "gates/v1",
        "kind": "Policy",
        "metadata": {"name": "p", "version": "1", "owner": "role:x"},
        "applies": {"transition": {"from": "staging", "to": "production"}},
        "mode": "warn",
        "evidence": {
            "eval": {"type": "eval-report/v1", "max_age": "P30D", "dataset": {"name": "holdout"}},
            "sheet": {"type": "document/v1", "document": "datasheet", "of": "datasets"},
        },
        "rules": [rule],
    }
    parsed = parse_policy(document)  # type: ignore[arg-type]
    [said] = policy_sentences(parsed)
    assert said.asks == asks
    assert " ".join(said.more) == more
    assert about(parsed) == (
        "It warns about every promotion to production from staging; a decision holds for 7 days."
    )


@pytest.mark.parametrize(
    ("time", "words"),
    [
        (timedelta(days=1), "1 day"),
        (timedelta(hours=36), "36 hours"),
        (timedelta(minutes=90), "90 minutes"),
        (timedelta(seconds=61), "61 seconds"),
    ],
)
def test_a_length_of_time_is_said_in_its_largest_whole_unit(time: timedelta, words: str) -> None:
    assert span(time) == words
