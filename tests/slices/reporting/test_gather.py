"""Facts are what the log said at one size, each with the entry that says so."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from app.core.errors import Missing, Unavailable
from app.core.ledger.canonical import canonical
from app.core.report.compose import compose
from app.core.report.document import to_json
from app.core.report.facts import DeploymentKind

if TYPE_CHECKING:
    from app.core.report.facts import ReportFacts
    from tests.slices.reporting.conftest import Office


def gathered(office: Office, scope: str = "model/risk", size: int | None = None) -> ReportFacts:
    while True:
        try:
            with office.story.ledger.snapshot() as now:
                return office.gather(now, "report/1", scope, now.size if size is None else size)
        except Unavailable:
            continue


def test_the_whole_story_is_gathered(office: Office) -> None:
    office.story.whole()
    facts = gathered(office)
    assert [one.subject for one in facts.versions] == ["model/risk/1", "model/risk/2"]
    assert [one.decision.gate for one in facts.decisions] == ["DENY", "ALLOW"]
    assert [one.subject for one in facts.datasets] == ["dataset/credit/1"]
    assert [(one.subject, one.state) for one in facts.promotions] == [("promotion/p7", "live")]
    assert [one.kind for one in facts.deployments] == [DeploymentKind.SUCCEEDED] * 2
    assert facts.log.origin == "reports.test"
    assert facts.log.size >= facts.log.read


def test_every_line_leads_to_the_leaf_hash_and_every_deciding_entry_has_a_proof(
    office: Office,
) -> None:
    office.story.whole()
    facts = gathered(office)
    for entry in facts.entries:
        assert sha256(b"\0" + entry.line.encode()).hexdigest() == entry.leaf_hash
    proven = {proof.index for proof in facts.proofs}
    for kind in (facts.decisions, facts.reviews, facts.bias, facts.deployments, facts.versions):
        assert {one.index for one in kind} <= proven
    assert all(proof.text.startswith("c2sp.org/tlog-proof@v1\nindex ") for proof in facts.proofs)


def test_a_report_of_the_story_is_composed_and_names_its_exceptions(office: Office) -> None:
    office.story.whole()
    report = compose(gathered(office))
    said = {row[0].text: row[2].text for row in report.answer.exceptions.rows}
    assert "model/risk/1 went live in production" in said["Deployed without a usable decision"]
    assert "Alice Archer signed" in said["Role granted by a single administrator"]
    assert report.answer.verdict.text.startswith("ALLOW, with ")


def test_counts_become_one_table_per_attribute_and_intersection(office: Office) -> None:
    office.story.whole()
    facts = gathered(office)
    by = {table.attributes: table for table in facts.bias}
    assert set(by) == {("sex",), ("age",), ("sex", "age")}
    women, men = by["sex",].groups
    assert (women.n, women.selected, men.n, men.selected) == (460, 220, 500, 300)
    assert men.reference
    assert women.impact is not None
    assert women.impact[0] * 300 * 460 == women.impact[1] * 220 * 500
    assert by["sex",].unknown == 40
    assert by["sex", "age"].groups[-1].n == 0


def test_reviews_carry_name_statement_digest_and_what_became_of_them(office: Office) -> None:
    office.story.whole()
    dismissed, counted = gathered(office).reviews
    assert (dismissed.printed_name, dismissed.dismissed_because) == (
        "Maria Example",
        "new evidence",
    )
    assert (counted.printed_name, counted.single_administrator) == ("Alice Archer", True)
    payload = b'{"log":"muniment.local/0123456789abcdef"}'
    assert counted.statement_digest == f"sha256:{sha256(payload).hexdigest()}"


def test_a_why_path_leads_from_what_is_live_to_its_data(office: Office) -> None:
    office.story.whole()
    first = gathered(office).lineage.paths[0]
    assert first[0].label == "deployment/production/scoring"
    assert first[-1].label == "dataset/credit/1"
    assert all(node.index is not None for node in first[:-1])


def test_a_decisions_evidence_is_found_among_the_entries(office: Office) -> None:
    office.story.whole()
    facts = gathered(office)
    (rule,) = facts.decisions[0].decision.rules
    assert rule.indexes == (facts.bias[0].index,)


def test_a_version_alone_is_a_scope(office: Office) -> None:
    office.story.whole()
    facts = gathered(office, "model/risk/1")
    assert [one.subject for one in facts.versions] == ["model/risk/1"]
    assert facts.decisions == ()
    assert [one.subject for one in facts.deployments] == ["deployment/production/shadow"]


def test_an_earlier_size_tells_what_was_known_then(office: Office) -> None:
    office.story.whole()
    asked = office.story.asked
    then = gathered(office, size=asked + 1)
    assert [one.state for one in then.promotions] == ["requested"]
    assert (then.decisions, then.reviews, then.deployments) == ((), (), ())
    assert max(entry.index for entry in then.entries) == asked
    before = gathered(office, size=office.story.approval)
    assert before.datasets[0].approvals == ()
    states = {
        gathered(office, size=size).promotions[0].state for size in range(asked + 1, asked + 9)
    }
    assert states == {"requested", "allowed", "live"}


def test_a_run_that_had_not_ended_then_has_no_end(office: Office) -> None:
    office.story.whole()
    (run,) = gathered(office).runs
    assert run.finish is not None
    assert run.code is not None
    assert run.code.endswith("with changes not committed")
    assert ("trees", "200") in run.parameters
    (then,) = gathered(office, size=run.finish).runs
    assert (then.finish, then.finished_at, then.status) == (None, None, None)


def test_the_same_size_gives_the_same_report_when_the_log_has_grown(office: Office) -> None:
    office.story.whole()
    with office.story.ledger.snapshot() as now:
        size = now.size
    once = canonical(to_json(compose(gathered(office, size=size))))
    office.story.measures()
    office.story.deploys("retired", version="model/risk/2")
    assert canonical(to_json(compose(gathered(office, size=size)))) == once


@pytest.mark.parametrize("scope", ["model/nobody", "model/risk/9", "dataset/credit", "model/"])
def test_what_is_not_registered_has_no_report(office: Office, scope: str) -> None:
    office.story.has_model()
    with pytest.raises(Missing):
        gathered(office, scope)


def test_a_withdrawn_and_an_expired_promotion_say_so(office: Office) -> None:
    office.story.has_version()
    with office.story.ledger.snapshot() as now:
        before = now.size
    for name, kind in (("p1", "withdrawn"), ("p2", "expired")):
        asked = {"model_version": "model/risk/2", "submitter": "nobody"}
        office.story.promotes_only(name, asked, kind)
    facts = gathered(office)
    assert [one.state for one in facts.promotions] == ["withdrawn", "expired"]
    assert [one.requested_by for one in facts.promotions] == ["nobody", "nobody"]
    assert gathered(office, size=before).promotions == ()
