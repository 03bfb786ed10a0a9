"""A model audit report says what the facts say, exceptions before good news."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest

from app.core.ledger.canonical import canonical
from app.core.report.compose import compose
from app.core.report.document import (
    AuditReport,
    Block,
    Cell,
    Heading,
    IntervalPlot,
    Paragraph,
    Particulars,
    PathDrawing,
    Table,
    Timeline,
    Tone,
    to_json,
)
from app.core.report.facts import DeploymentKind, ReportFacts
from app.core.report.paths import LineageFacts
from tests.core.report import samples


def blocks(report: AuditReport, section: str) -> tuple[Block, ...]:
    (found,) = (part for part in report.sections if part.id == section)
    return found.blocks


def tables(report: AuditReport, section: str) -> list[Table]:
    return [block for block in blocks(report, section) if isinstance(block, Table)]


def texts(report: AuditReport, section: str) -> str:
    said = []
    for block in blocks(report, section):
        if isinstance(block, Paragraph | Heading):
            said.append(block.text)
        if isinstance(block, Particulars):
            said += [f"{pair.label}: {pair.value.text}" for pair in block.pairs]
        if isinstance(block, Table):
            said += [" | ".join(cell.text for cell in row) for row in block.rows]
    return "\n".join(said)


def exceptions(report: AuditReport) -> dict[str, tuple[str, str]]:
    return {
        kind.text: (count.text, which.text) for kind, count, which in report.answer.exceptions.rows
    }


FULL = compose(samples.full())


def test_the_same_facts_give_the_same_bytes() -> None:
    once, again = (canonical(to_json(compose(samples.full()))) for _ in range(2))
    assert once == again


def test_an_almost_empty_report_has_every_section_and_says_no_record() -> None:
    report = compose(samples.empty())
    assert [part.number for part in report.sections] == list(range(1, 17))
    assert [part.id for part in report.sections] == [part.id for part in FULL.sections]
    for section in ("lineage", "data", "training", "metrics", "bias", "checks", "decisions"):
        assert "No record" in texts(report, section), section
    assert report.answer.verdict.text == "NO DECISION"
    assert report.answer.verdict.tone is Tone.CAUTION
    assert texts(report, "exceptions") == "None was found."
    assert report.answer.good == ()


def test_page_one_names_each_kind_of_exception_before_the_good_news() -> None:
    found = exceptions(FULL)
    assert found["Deployed without a usable decision"] == (
        "1",
        "model/credit-risk/1 went live in production: no decision was named",
    )
    assert found["Evidence overdue or expired"][0] == "2"
    assert found["Role granted by a single administrator"][1].startswith("Mary Somerville")
    assert found["Reported late"][0] == "1"
    assert found["Lineage not complete"][1].endswith("sources may be missing")
    members = list(FULL.answer.__slots__)
    assert members.index("exceptions") < members.index("good")


def test_an_allow_with_exceptions_beside_it_is_not_shown_as_good() -> None:
    assert FULL.answer.verdict.text == "ALLOW, with 6 exceptions"
    assert FULL.answer.verdict.tone is Tone.CAUTION


def test_an_allow_without_exceptions_is_good_and_a_deny_stays_bad() -> None:
    facts = samples.full()
    clean = replace(
        facts,
        entries=tuple(replace(entry, occurred_at=entry.recorded_at) for entry in facts.entries),
        as_of=samples.hour(24),
        datasets=(),
        reviews=facts.reviews[:1],
        deployments=facts.deployments[:2],
        lineage=replace(facts.lineage, status="complete"),
    )
    assert compose(clean).answer.verdict == Cell(
        "ALLOW", form=FULL.answer.verdict.form, tone=Tone.GOOD
    )
    denied = compose(replace(facts, decisions=facts.decisions[:1]))
    assert denied.answer.verdict.text == "DENY, with 5 exceptions"
    assert denied.answer.verdict.tone is Tone.BAD
    assert "2 rules looked at, 2 not met" in denied.answer.sentence.text


def test_more_than_three_exceptions_of_a_kind_are_counted_on_page_one_and_listed_in_full() -> None:
    facts = samples.full()
    late = tuple(
        replace(entry, occurred_at=entry.recorded_at - timedelta(days=2)) for entry in facts.entries
    )
    report = compose(replace(facts, entries=late))
    count, which = exceptions(report)["Reported late"]
    assert count == "24"
    assert which.endswith("21 more under Exceptions in full")
    assert texts(report, "exceptions").count("Reported late") == 24


def test_what_was_retired_is_not_live_and_what_a_rollback_names_is() -> None:
    facts = samples.full()
    rolled = samples.deployed(13, DeploymentKind.ROLLED_BACK, samples.V1, gated=True)
    back = compose(replace(facts, deployments=(*facts.deployments, rolled)))
    assert any("model/credit-risk/1 is live" in good.text for good in back.answer.good)
    retired = samples.deployed(13, DeploymentKind.RETIRED, samples.V2, gated=False)
    failed = samples.deployed(14, DeploymentKind.FAILED, samples.V2, gated=False)
    report = compose(replace(facts, deployments=(*facts.deployments, retired, failed)))
    assert not any("is live" in good.text for good in report.answer.good)


def test_every_citation_leads_through_the_register_to_an_entry_and_its_leaf_hash() -> None:
    (register,) = tables(FULL, "evidence")
    numbers = {row[0].text for row in register.rows}
    facts = samples.full()
    hashes = {str(entry.index): entry.leaf_hash for entry in facts.entries}
    assert all(hashes[row[1].text] == row[5].text for row in register.rows)

    def cited(value: object) -> set[int]:
        if isinstance(value, dict):
            inner: set[int] = set().union(*map(cited, value.values()))
            return inner | set(value.get("evidence", ()))
        return set().union(*map(cited, value)) if isinstance(value, list) else set()

    used = cited(to_json(FULL))
    assert {f"E{number}" for number in used} == numbers
    assert numbers == {f"E{number}" for number in range(1, len(numbers) + 1)}


def test_a_fact_without_its_entry_is_a_broken_invariant() -> None:
    facts = samples.empty()
    with pytest.raises(AssertionError, match="entry 99 is cited"):
        compose(replace(facts, model=replace(facts.model, index=99)))


def test_the_signatures_on_page_one_carry_name_time_meaning_and_digest() -> None:
    (table,) = FULL.answer.signatures
    assert isinstance(table, Table)
    assert [cell.text for cell in table.rows[0]] == [
        "Grace Hopper",
        "2026-11-02 17:00:00 UTC",
        "review: approve",
        samples.digest("Grace Hopper"),
    ]
    assert table.rows[2][2].text == "review: approve, dismissed"


def test_an_undefined_rate_is_not_defined_and_never_zero() -> None:
    table = tables(FULL, "bias")[0]
    male, female, diverse, unknown = table.rows
    assert [cell.text for cell in male[:5]] == ["sex=male", "1,390", "667", "0.4799", "1.0000"]
    assert male[5].text == "reference"
    # LL144's worked example, 6 RCNY 5-301(b): 555/1181 over 667/1390 is 0.979.
    assert female[4].text == "0.9793"
    assert female[4].exact == "0.979336750"
    assert [cell.text for cell in diverse[3:]] == ["not defined"] * 3 + ["no"]
    assert unknown[4].text == "not taken"
    plots = [block for block in blocks(FULL, "bias") if isinstance(block, IntervalPlot)]
    assert [mark.point for mark in plots[0].marks][2:] == [None, None]


def test_a_plot_shows_the_threshold_of_the_rule_that_read_the_count_and_names_it() -> None:
    first, second = (block for block in blocks(FULL, "bias") if isinstance(block, IntervalPlot))
    assert first.threshold is not None
    assert first.threshold.label == "0.80 asked by production-default/fair.selection"
    assert first.threshold.at == 640
    assert first.ticks[0].label == "0.00"
    assert first.ticks[-1] == first.ticks[5]
    assert first.ticks[5].at == 1000
    assert second.threshold is None


def test_an_axis_grows_to_the_widest_interval_and_stops_at_two() -> None:
    facts = samples.full()
    (table,) = facts.bias[1:2]
    wide = replace(table, groups=(replace(table.groups[1], high="37.5"),))
    report = compose(replace(facts, bias=(wide,)))
    (plot,) = (block for block in blocks(report, "bias") if isinstance(block, IntervalPlot))
    assert plot.ticks[-1].label == "2.00"
    assert plot.marks[0].high == 1000
    assert plot.marks[0].point == 490


def test_a_later_upload_replaces_an_earlier_one_which_stays_counted() -> None:
    said = texts(FULL, "bias")
    assert "1 count replaced by a later upload of the same kind." in said
    assert tables(FULL, "bias")[-1].rows[0][4].text == "0.9793"
    facts = samples.full()
    nothing = replace(facts.bias[0], groups=facts.bias[0].groups[2:])
    undefined = compose(replace(facts, bias=(nothing, *facts.bias[1:])))
    assert tables(undefined, "bias")[-1].rows[0][4].text == "not defined"


def test_a_table_of_many_groups_is_plotted_in_parts() -> None:
    facts = samples.full()
    groups = tuple(samples.group(f"group {i}", 100, 50, (1, 2)) for i in range(60))
    report = compose(replace(facts, bias=(replace(samples.bias(9), groups=groups),)))
    plots = [block for block in blocks(report, "bias") if isinstance(block, IntervalPlot)]
    assert [len(plot.marks) for plot in plots] == [25, 25, 10]


def test_the_gate_table_gives_rule_actual_threshold_n_outcome_and_evidence() -> None:
    denied, allowed = tables(FULL, "checks")
    assert [cell.text for cell in allowed.rows[1]] == [
        "production-default/fair.selection (sex=female)",
        "PASS_BY_REVIEW (was INCONCLUSIVE)",
        "0.9794",
        ">= 0.8000",
        "1,181",
        "0.9040 to 1.0610",
        "1 outside this report",
    ]
    assert allowed.rows[1][6].evidence
    assert denied.caption == "Rules of decision-0006"
    said = texts(FULL, "checks")
    assert "Remedy: train without the columns age and sex" in said
    assert (
        "Missing: 1 more to sign (approval) as compliance for production-default/rev.required."
        in said
    )
    assert "1 earlier decision" in said


def test_decisions_and_signatures_stand_in_the_order_of_the_log() -> None:
    ordered = tables(FULL, "decisions")[0]
    whens = [row[1].text for row in ordered.rows]
    assert [text.split(" ")[0] for text in whens] == [
        "Gate",
        "Gate",
        "Gate",
        "Grace",
        "Promotion",
        "Emmy",
        "Mary",
    ]
    assert "Takes on: production-default/fair.selection." in texts(FULL, "decisions")
    assert "Dismissed: moved." in texts(FULL, "decisions")


def test_deployments_show_what_was_ungated_and_what_was_reported_late() -> None:
    (table,) = tables(FULL, "deployments")
    assert table.rows[2][1].text == "succeeded, reported late"
    assert table.rows[2][4].text == "ungated: no decision was named"
    (line,) = (block for block in blocks(FULL, "deployments") if isinstance(block, Timeline))
    assert [mark.at for mark in line.marks] == [990, 1000, 0]


def test_one_deployment_alone_has_a_timeline_too() -> None:
    facts = samples.full()
    report = compose(replace(facts, deployments=facts.deployments[:1]))
    (line,) = (block for block in blocks(report, "deployments") if isinstance(block, Timeline))
    assert [mark.at for mark in line.marks] == [0]


def test_a_why_path_is_drawn_and_said_as_a_table() -> None:
    (drawing,) = (block for block in blocks(FULL, "lineage") if isinstance(block, PathDrawing))
    path, sources = tables(FULL, "lineage")
    assert [stop.label for stop in drawing.stops] == [row[0].text for row in path.rows]
    assert path.rows[1][2].text == "was generated by"
    assert path.rows[3][2].text == "end of the path"
    assert sources.rows[0][2].text == "2"


def test_a_long_path_is_drawn_in_parts_and_listed_whole() -> None:
    node = samples.path()[0]
    facts = replace(samples.full(), lineage=LineageFacts((((node,) * 23),), (), "complete"))
    report = compose(facts)
    drawings = [block for block in blocks(report, "lineage") if isinstance(block, PathDrawing)]
    assert [len(drawing.stops) for drawing in drawings] == [10, 10, 3]
    assert len(tables(report, "lineage")[0].rows) == 23


def test_data_names_licence_approvals_and_columns_tagged_pii() -> None:
    said = texts(FULL, "data")
    assert "Licence: DbCL-1.0" in said
    assert "Columns tagged pii: age, sex" in said
    states = [row[4].text for row in tables(FULL, "data")[0].rows]
    assert states == ["in force", "expired", "in force", "revoked"]


def test_training_says_what_a_run_ran_in_and_when_no_run_is_known() -> None:
    said = texts(FULL, "training")
    assert "Environment: seed: 20260901" in said
    assert "Parameter: max_depth: 3" in said
    assert "Run: No record" in said
    facts = samples.full()
    running = replace(facts.versions[1], run="run/other")
    open_ended = texts(compose(replace(facts, versions=(running,))), "training")
    assert "Status: not finished" in open_ended
    assert "Finished" not in open_ended


def test_metrics_give_value_n_and_interval_or_say_that_none_was_given() -> None:
    (table,) = tables(FULL, "metrics")
    assert [cell.text for cell in table.rows[0]] == [
        "roc_auc",
        "all",
        "1,000",
        "0.7812",
        "0.7500 to 0.8100",
    ]
    assert table.rows[0][3].exact == "0.78125"
    assert table.rows[1][4].text == "0.6100 to unbounded"
    assert [cell.text for cell in table.rows[2][2:]] == ["not given", "0.1500", "not given"]


def test_what_is_missing_is_said_under_limits() -> None:
    said = texts(FULL, "limits")
    assert "model/credit-risk/1 has no document, no run." in said
    assert "dataset/other/1 has no approval." in said


def with_entries(count: int) -> ReportFacts:
    facts = samples.empty()
    return replace(facts, entries=samples.entries(count))


@pytest.mark.parametrize("count", [1, 2, 499, 500, 501, 1204])
def test_printed_and_embedded_rows_are_as_many_as_the_source_has(count: int) -> None:
    facts = with_entries(count)
    (table,) = tables(compose(facts), "log")
    assert len(table.rows) == count
    assert table.printed == min(count, 500)
    assert bool(table.note) == (count > 500)


def test_a_table_beyond_the_limit_says_how_many_are_printed_and_where_all_are() -> None:
    facts = with_entries(1204)
    (table,) = tables(compose(facts), "log")
    lines = "".join(f"{entry.line}\n" for entry in facts.entries)
    assert table.note == (
        f"500 of 1,204 printed; all in events.jsonl, SHA-256 {sha256(lines.encode()).hexdigest()}."
    )


def test_the_steps_to_verify_name_the_key_of_the_log() -> None:
    report = to_json(FULL)
    assert samples.VKEY in str(report)
    assert "pdfdetach -saveall report.pdf" in str(report)


def test_only_parts_of_a_report_become_json() -> None:
    with pytest.raises(AssertionError, match="set has no place"):
        to_json({1})
    assert to_json((None, True, 1, Tone.BAD)) == [None, True, 1, "bad"]
