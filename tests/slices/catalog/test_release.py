"""One decision, one deployment; and what was live when."""

from __future__ import annotations

from datetime import UTC, datetime
from threading import Barrier, Thread
from typing import TYPE_CHECKING

import pytest

from app.catalog import queries
from app.core.errors import HeadMoved, ParentMissing, StaleDecision
from app.core.events import say
from app.ledger.posting import admit
from tests.slices.catalog.story import CI, example

if TYPE_CHECKING:
    from app.catalog.values import Deployment
    from tests.slices.catalog.story import Story


@pytest.fixture(autouse=True)
def model(story: Story) -> None:
    story.has_model()
    story.post(
        "model/risk/2",
        example(
            "model.version_registered",
            1,
            artifact={"digest": "sha256:" + "7" * 64, "uri": "x"},
            trained_on=[],
        ),
    )


def live(story: Story, name: str = "scoring") -> Deployment:
    with story.ledger.snapshot() as now:
        (found,) = [one for one in queries.deployments(now.connection) if one.name == name]
    return found


def promotion_state(story: Story, name: str) -> str:
    with story.ledger.snapshot() as now:
        found = queries.promotion(now.connection, name)
    assert found is not None
    return found.state


def test_the_first_start_that_names_a_decision_uses_it_up(story: Story) -> None:
    story.decides("d1")
    started = story.deploys("started", "d1")
    with story.ledger.snapshot() as now:
        decision = queries.decision(now.connection, "d1")
    assert decision is not None
    assert (decision.used_by, decision.used_index) == ("deployment/production/scoring", started)
    with pytest.raises(StaleDecision, match="used up"):
        story.deploys("started", "d1", name="elsewhere")


def test_later_events_of_the_same_deployment_repeat_the_decision_freely(story: Story) -> None:
    story.decides("d1")
    story.deploys("started", "d1")
    story.deploys("failed", "d1")
    story.deploys("started", "d1")
    story.deploys("succeeded", "d1")
    story.deploys("succeeded", "d1")
    assert live(story).gated is True


@pytest.mark.parametrize("between", ["rolled_back", "retired", "started"])
def test_a_decision_is_used_up_once_something_else_happened_there(
    story: Story, between: str
) -> None:
    story.decides("d1")
    story.deploys("succeeded", "d1")
    story.deploys(between)
    with pytest.raises(StaleDecision, match="used up"):
        story.deploys("started", "d1")
    story.deploys("succeeded", "d1")
    assert live(story).gated is False
    story.deploys("succeeded", "d1")
    assert live(story).gated is False


def test_naming_a_used_decision_twice_elsewhere_does_not_make_it_usable(story: Story) -> None:
    story.decides("d1")
    story.deploys("succeeded", "d1")
    for _ in range(2):
        story.deploys("succeeded", "d1", name="elsewhere")
        assert live(story, "elsewhere").gated is False


@pytest.mark.parametrize("gate", ["DENY", "PENDING"])
def test_a_decision_that_does_not_allow_starts_nothing(story: Story, gate: str) -> None:
    story.decides("d1", gate)
    with pytest.raises(StaleDecision, match=gate):
        story.deploys("started", "d1")


@pytest.mark.parametrize("gate", ["DENY", "PENDING"])
def test_an_allow_that_a_later_decision_overtook_starts_nothing(story: Story, gate: str) -> None:
    story.decides("d1")
    story.decides("d2", gate)
    with pytest.raises(StaleDecision, match=f"overtaken by d2, which says {gate}"):
        story.deploys("started", "d1")
    story.deploys("succeeded", "d1")
    assert live(story).gated is False


def test_an_unknown_a_foreign_and_an_expired_decision_start_nothing(story: Story) -> None:
    with pytest.raises(StaleDecision, match="no decision d1"):
        story.deploys("started", "d1")
    story.decides("d1")
    with pytest.raises(StaleDecision, match="is about model/risk/1"):
        story.deploys("started", "d1", version="model/risk/2")
    story.decides("d2", environment="staging")
    with pytest.raises(StaleDecision, match="in staging"):
        story.deploys("started", "d2")
    story.clock.advance(days=8)
    with pytest.raises(StaleDecision, match="expired"):
        story.deploys("started", "d1")


def test_a_start_within_validity_may_succeed_after_it(story: Story) -> None:
    story.decides("d1")
    story.deploys("started", "d1")
    story.clock.advance(days=8)
    story.deploys("succeeded", "d1")
    assert live(story).gated is True


@pytest.mark.parametrize(
    ("decision", "because"),
    [
        (None, "no decision was named"),
        ("none", "there is no decision none"),
        ("denied", "decision denied says DENY"),
        ("used", "decision used is used up, by deployment/production/elsewhere"),
    ],
)
def test_a_success_is_recorded_whatever_its_decision_and_says_why_it_is_not_gated(
    story: Story, decision: str | None, because: str
) -> None:
    story.decides("denied", "DENY")
    story.decides("used")
    story.deploys("succeeded", "used", name="elsewhere")
    story.deploys("succeeded", decision)
    assert live(story).gated is False
    assert live(story).ungated_because == because


def test_a_start_without_a_decision_is_recorded(story: Story) -> None:
    story.deploys("started")


def test_a_deployment_is_of_a_registered_version(story: Story) -> None:
    with pytest.raises(ParentMissing):
        story.deploys("succeeded", version="model/risk/3")
    with pytest.raises(ParentMissing):
        story.deploys("succeeded", version="model/none/1")


def test_within_one_batch_a_decision_is_used_once(story: Story) -> None:
    story.decides("d1")
    events = [
        say(
            f"deployment/production/{name}",
            example(
                f"deployment.{kind}",
                1,
                name=name,
                model_version="model/risk/1",
                decision_id=decision,
                ungated_because=None,
            ),
        )
        for kind, name, decision in (
            ("started", "scoring", "d1"),
            ("succeeded", "scoring", "d1"),
            ("succeeded", "elsewhere", "d1"),
            ("succeeded", "scoring", None),
            ("succeeded", "scoring", "d1"),
        )
    ]
    indexes = story.post_all(events)
    with story.ledger.snapshot() as now:
        steps = queries.deployment_steps(now.connection, "model/risk/1")
    assert [one.created_index for one in steps] == indexes
    assert [one.gated for one in steps] == [None, True, False, False, False]


def test_of_two_deployments_that_race_for_a_decision_one_gets_it(story: Story) -> None:
    story.decides("d1")
    postings = []
    for name in ("one", "two"):
        event = example(
            "deployment.started", 1, name=name, model_version="model/risk/1", decision_id="d1"
        )
        said = say(f"deployment/production/{name}", event)
        postings.append(admit(story.ledger, story.rules, [said], CI))
    outcomes: list[object] = []
    together = Barrier(2)

    def record(place: int) -> None:
        together.wait()
        posting = postings[place]
        try:
            outcomes.append(story.ledger.record_all(posting.fresh, CI, expects=posting.expects))
        except HeadMoved as refusal:
            outcomes.append(refusal)

    threads = [Thread(target=record, args=(place,)) for place in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(type(one) is HeadMoved for one in outcomes) == [False, True]


def test_a_promotion_goes_live_and_ends_by_what_comes_after(story: Story) -> None:
    for number, (ending, state) in enumerate(
        [("succeeded", "superseded"), ("rolled_back", "rolled_back"), ("retired", "retired")]
    ):
        story.promotes(f"p{number}", f"d{number}")
        assert promotion_state(story, f"p{number}") == "allowed"
        story.deploys("started", f"d{number}")
        assert promotion_state(story, f"p{number}") == "allowed"
        story.deploys("succeeded", f"d{number}")
        assert promotion_state(story, f"p{number}") == "live"
        story.deploys(ending)
        assert promotion_state(story, f"p{number}") == state


def test_a_promotions_decision_carries_a_deployment_only_while_the_promotion_is_allowed(
    story: Story,
) -> None:
    story.say("promotion/p", example("promotion.requested", model_version="model/risk/1"))
    story.decides("d1", promotion="p")
    with pytest.raises(StaleDecision, match="promotion p is requested"):
        story.deploys("started", "d1")
    story.say("promotion/p", example("promotion.decided", decision_id="d1"))
    story.say("promotion/p", example("promotion.expired"))
    with pytest.raises(StaleDecision, match="promotion p is expired"):
        story.deploys("started", "d1")


def test_a_promotion_that_was_decided_again_uses_one_of_its_decisions(story: Story) -> None:
    story.promotes("p", "d1")
    story.decides("d2", promotion="p")
    events = [
        say(
            f"deployment/production/{name}",
            example(
                "deployment.started",
                1,
                name=name,
                model_version="model/risk/1",
                decision_id=decision,
            ),
        )
        for name, decision in (("scoring", "d2"), ("elsewhere", "d1"))
    ]
    with pytest.raises(StaleDecision, match="promotion p used decision d2"):
        story.post_all(events)
    story.deploys("started", "d2")
    with pytest.raises(StaleDecision, match="promotion p used decision d2"):
        story.deploys("started", "d1", name="elsewhere")
    story.deploys("succeeded", "d2")
    assert promotion_state(story, "p") == "live"
    story.deploys("succeeded")
    assert promotion_state(story, "p") == "superseded"


def test_a_withdrawal_in_between_stops_the_deployment(story: Story) -> None:
    """The start looked while the promotion was allowed; by the append it is expired."""
    story.promotes("p", "d1")
    event = example("deployment.started", 1, model_version="model/risk/1", decision_id="d1")
    said = say("deployment/production/scoring", event)
    posting = admit(story.ledger, story.rules, [said], CI)
    story.say("promotion/p", example("promotion.expired"))
    with pytest.raises(HeadMoved, match="promotion/p"):
        story.ledger.record_all(posting.fresh, CI, expects=posting.expects)


def at(hour: int) -> datetime:
    return datetime(2026, 11, 20, hour, tzinfo=UTC)


def versions_at(story: Story, moment: datetime | None, size: int | None = None) -> list[str]:
    with story.ledger.snapshot() as now:
        found = queries.deployments_at(now.connection, at=moment, size=size or now.size)
    return [one.model_version for one in found]


def test_what_was_live_when_is_asked_in_valid_time_and_as_of_a_size(story: Story) -> None:
    story.deploys("succeeded", at=at(10))
    story.deploys("succeeded", version="model/risk/2", at=at(14))
    with story.ledger.snapshot() as now:
        before = now.size
    story.deploys("retired", version="model/risk/2", at=at(12))  # reported late
    assert versions_at(story, at(9)) == []
    assert versions_at(story, at(10)) == ["model/risk/1"]
    assert versions_at(story, at(13)) == []
    assert versions_at(story, at(13), before) == ["model/risk/1"]
    assert versions_at(story, at(15)) == versions_at(story, None) == ["model/risk/2"]
    assert live(story).model_version == "model/risk/2"


def test_a_success_reported_late_does_not_unseat_what_runs_now(story: Story) -> None:
    story.promotes("p1", "d1")
    story.deploys("succeeded", "d1", at=at(14))
    story.promotes("p2", "d2")
    story.deploys("succeeded", "d2", at=at(10))
    assert live(story).decision_id == "d1"
    assert promotion_state(story, "p1") == "live"
    assert promotion_state(story, "p2") == "superseded"


def test_a_roll_back_says_what_runs_instead(story: Story) -> None:
    story.deploys("succeeded", version="model/risk/2")
    story.deploys("rolled_back", version="model/risk/1")
    story.deploys("failed", version="model/risk/2")
    found = live(story)
    assert (found.state, found.model_version, found.gated) == ("live", "model/risk/1", None)
    story.deploys("retired")
    assert live(story).state == "retired"
    assert versions_at(story, None) == []


def test_deployments_are_found_by_place_and_by_version(story: Story) -> None:
    story.deploys("succeeded", name="a")
    story.deploys("succeeded", name="b", version="model/risk/2")
    with story.ledger.snapshot() as now:
        connection, size = now.connection, now.size
        by_place = queries.deployments(connection, environment="production")
        by_version = queries.deployments(connection, model_version="model/risk/2")
        then = queries.deployments_at(connection, at=None, size=size, model_version="model/risk/2")
        elsewhere = queries.deployments(connection, environment="staging")
    assert [one.name for one in by_place] == ["a", "b"]
    assert [one.name for one in by_version] == [one.name for one in then] == ["b"]
    assert elsewhere == ()
