"""The packs in policies/: each is fit to publish, by the rule that publishing applies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.core.policy.cases import run_cases
from app.core.policy.decision import Outcome
from app.core.policy.lint import lint
from app.core.policy.rules import BiasRule, MetricRule
from app.gates import policy_files
from app.resources import Resource, folder

if TYPE_CHECKING:
    from pathlib import Path

    from app.core.policy.cases import CasesReport
    from app.core.policy.document import Policy

PACKS = sorted(
    path for path in folder(Resource.POLICIES).glob("*.yaml") if ".cases" not in path.name
)


def read(path: Path) -> tuple[Policy, CasesReport]:
    policy = policy_files.read_policy(policy_files.load(path))
    cases = policy_files.load(path.with_suffix(".cases.yaml"))
    policy_files.check(cases, policy_files.CASES)
    return policy, run_cases(policy, cases)


def test_the_packs_are_those_that_the_documentation_names() -> None:
    assert [path.stem for path in PACKS] == [
        "demo-credit",
        "nyc-ll144",
        "production-default",
        "staging-default",
    ]


@pytest.mark.parametrize("path", PACKS, ids=lambda path: path.stem)
def test_a_pack_decides_as_its_cases_say_and_leaves_nothing_untested(path: Path) -> None:
    policy, report = read(path)
    assert policy.name == path.stem
    assert [(one.name, one.differs) for one in report.results if one.differs] == []
    assert report.untested == ()
    assert report.fit_to_publish


@pytest.mark.parametrize("path", PACKS, ids=lambda path: path.stem)
def test_a_pack_can_be_fulfilled_by_a_small_team(path: Path) -> None:
    policy, _ = read(path)
    faults = lint(
        policy,
        environments=("development", "staging", "production"),
        holders={"model-validator": ["vera"], "compliance": ["carl"]},
        submitters=["ada"],
        drafter="paul",
    )
    assert faults == ()


@pytest.mark.parametrize("path", PACKS, ids=lambda path: path.stem)
def test_every_blocking_finding_of_a_pack_says_what_to_do(path: Path) -> None:
    _, report = read(path)
    silent = [
        (one.name, rule.id)
        for one in report.results
        for rule in one.decision.rules
        if rule.outcome not in {Outcome.PASS, Outcome.PASS_BY_REVIEW} and not rule.remedy
    ]
    assert silent == []


def test_the_new_york_pack_judges_no_number_because_the_law_names_none() -> None:
    policy, _ = read(next(path for path in PACKS if path.stem == "nyc-ll144"))
    assert not any(isinstance(rule, BiasRule | MetricRule) for rule in policy.rules)
