"""The pages of what exists: an inventory that can be filtered, and what each thing is."""

from __future__ import annotations

import csv
import io
import re
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest

from app.web.paths import page_of
from tests.living import World
from tests.slices.gates.bank import Bank

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from tests.living import Person

HTML = {"Accept": "text/html"}


def filled(world: World) -> Bank:
    """A bank with one version live, one asked for and one bare; and two models beside it."""
    bank = Bank.founded(world)
    bank.publish()
    first = bank.ready("1")
    promotion = bank.promote(first)
    bank.sign(promotion)
    decision = bank.show(promotion)["decision"]["decision_id"]
    assert bank.deploy(first, decision).status_code == 201
    bank.promote(bank.another("2"))
    bank.model("3", labels={"branch": "main"})
    for name, tier in (("churn", "low"), ("pricing", "limited")):
        about = {"owner": "growth", "purpose": f"does {name}", "risk_tier": tier}
        world.record(bank.erin, "model.registered", f"model/{name}", about)
    return bank


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    """A bank that is only looked at."""
    with World.open(tmp_path_factory.mktemp("bank")) as world:
        yield filled(world)


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    """Another one, in which things are done."""
    with World.open(tmp_path_factory.mktemp("busy")) as world:
        yield filled(world)


def look(bank: Bank, path: str, by: Person | None = None, **query: str) -> httpx.Response:
    return bank.world.client(by or bank.erin).get(path, headers=HTML, params=query or None)


def text(bank: Bank, path: str, by: Person | None = None, **query: str) -> str:
    answer = look(bank, path, by, **query)
    assert answer.status_code == 200, answer.text[:3000]
    main = answer.text.partition("<main")[2].partition("</main>")[0]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", main)))


def token_of(bank: Bank, path: str) -> str:
    found = re.search(r'name="form_token" value="([^"]+)"', look(bank, path).text)
    assert found is not None
    return found[1]


# Models.


def test_the_inventory_says_who_answers_for_a_model_where_it_runs_and_what_was_said_last(
    bank: Bank,
) -> None:
    page = text(bank, "/models")
    assert "credit risk high no no 1 PENDING 2 → production" in page
    assert "churn growth low no no no none none" in page


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["churn", "credit", "pricing"]),
        ({"q": "growth does"}, ["churn", "pricing"]),
        ({"q": "CHURN"}, ["churn"]),
        ({"tier": "high"}, ["credit"]),
        ({"live": "production"}, ["credit"]),
        ({"live": "staging"}, []),
        ({"sort": "-name"}, ["pricing", "credit", "churn"]),
        ({"sort": "owner"}, ["churn", "pricing", "credit"]),
        ({"sort": "-risk_tier"}, ["churn", "pricing", "credit"]),
        ({"sort": "recorded_at", "limit": "2"}, ["credit", "churn"]),
        ({"q": "%"}, []),
    ],
)
def test_a_filter_and_an_order_in_the_address_hold_for_page_csv_and_json(
    bank: Bank, query: dict[str, str], names: list[str]
) -> None:
    shown = re.findall(
        r'class="id" href="/models/(\w+)"', look(bank, "/models", None, **query).text
    )
    assert shown == names
    del_limit = {name: value for name, value in query.items() if name != "limit"}
    file = look(bank, "/models", None, **del_limit, format="csv")
    rows = list(csv.DictReader(io.StringIO(file.text)))
    as_json = look(bank, "/models", None, **del_limit, format="json").json()
    assert [one["name"] for one in rows][: len(names)] == names
    assert [one["name"] for one in as_json["items"]][: len(names)] == names
    assert 'filename="models.csv"' in file.headers["Content-Disposition"]


@pytest.mark.parametrize("sort", ["name", "-name", "owner", "-owner", "-risk_tier", "recorded_at"])
def test_pages_of_any_order_follow_each_other_without_a_gap(bank: Bank, sort: str) -> None:
    found: list[str] = []
    path: str | None = f"/models?sort={sort}&limit=1"
    while path is not None:
        page = look(bank, path).text
        found += re.findall(r'class="id" href="/models/(\w+)"', page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        path = None if following is None else unescape(following[1])
    whole = look(bank, f"/models?sort={sort}&format=json").json()["items"]
    assert found == [one["name"] for one in whole]
    assert len(found) == 3


def test_an_order_that_is_none_is_refused(bank: Bank) -> None:
    assert look(bank, "/models", sort="colour").status_code == 422


PARTS = ["", "/versions", "/evidence", "/decisions", "/deployments"]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("name", ["credit", "churn"])
def test_every_part_of_a_model_opens_full_or_empty_and_can_be_cited(
    bank: Bank, name: str, part: str
) -> None:
    page = text(bank, f"/models/{name}{part}")
    assert name in page
    assert f"Cite http://localhost:8000/models/{name}{part}" in page
    tabs = ["Overview", "Versions", "Evidence", "Lineage", "Decisions", "Deployments", "Log"]
    assert " ".join(tabs) in page


@pytest.mark.parametrize("path", [*(f"/models/none{one}" for one in PARTS), "/datasets/none"])
def test_what_is_not_there_has_no_page(bank: Bank, path: str) -> None:
    assert look(bank, path).status_code == 404


def test_a_model_says_what_runs_and_what_was_live_when(bank: Bank) -> None:
    assert "production /scoring: 1 since" in text(bank, "/models/credit")
    timeline = text(bank, "/models/credit/deployments")
    assert "Erin Version 1 went live in production/scoring" in timeline


def test_any_two_versions_are_compared(bank: Bank) -> None:
    page = text(bank, "/models/credit/compare", left="1", right="3")
    assert "Framework scikit-learn scikit-learn same" in page
    assert "Label branch none main differs" in page
    assert "roc_auc on dataset/applicants/1 0.8 none differs" in page
    assert look(bank, "/models/credit/compare", left="1", right="9").status_code == 404
    assert look(bank, "/models/credit/compare", left="1").status_code == 422


def test_a_metric_that_both_have_shows_by_how_much_it_changed(bank: Bank) -> None:
    page = text(bank, "/models/credit/compare", left="1", right="2")
    assert "roc_auc on dataset/applicants/1 0.8 0.8 same" in page


def test_evidence_and_decisions_are_lists_with_their_entries(bank: Bank) -> None:
    evidence = look(bank, "/models/credit/evidence", format="json").json()["items"]
    assert {one["kind"] for one in evidence} == {"evaluation", "predictions", "card"}
    indexes = [one["created_index"] for one in evidence]
    assert indexes == sorted(indexes, reverse=True)
    decided = look(bank, "/models/credit/decisions", format="json").json()["items"]
    assert {one["gate"] for one in decided} == {"PENDING", "ALLOW"}
    page = look(bank, "/models/credit/decisions", limit="1").text
    following = re.search(r'rel="next" href="([^"]+)"', page)
    assert following is not None
    assert look(bank, unescape(following[1])).status_code == 200
    following = re.search(
        r'rel="next" href="([^"]+)"', look(bank, "/models/credit/evidence", limit="2").text
    )
    assert following is not None
    assert look(bank, unescape(following[1])).status_code == 200


# A version.


def test_a_version_says_what_is_missing_who_brings_it_and_with_which_command(bank: Bank) -> None:
    page = text(bank, "/models/credit/versions/3?for=production")
    assert "Am I ready for production?" in page
    assert "DENY" in page
    assert "muniment document add model/credit/3" in page
    assert "muniment gate check model/credit/3 --environment production" in page
    assert "Request promotion to production" in page
    assert "muniment promote model/credit/3 --environment production" in page


def test_the_tasks_of_a_version_are_the_findings_of_the_gate(busy: Bank) -> None:
    page = text(busy, "/models/credit/versions/3?for=production")
    size = busy.size
    decided = busy.check("model/credit/3")
    assert busy.size == size + 1
    for rule in decided["rules"]:
        assert f"Rule {rule['id']}." in page
    assert len(decided["rules"]) == page.count("Rule production-default/")


def test_looking_at_a_version_records_nothing(bank: Bank) -> None:
    size = bank.size
    text(bank, "/models/credit/versions/2")
    assert bank.size == size


def test_where_only_people_are_missing_it_says_who_could_sign(bank: Bank) -> None:
    page = text(bank, "/models/credit/versions/2?for=production")
    assert "Only people's signatures are missing." in page
    assert "1 more with the role model-validator, signing with the meaning review" in page
    assert "is open." in page


def test_an_environment_that_is_not_published_is_said_to_be_none(bank: Bank) -> None:
    page = text(bank, "/models/credit/versions/3?for=moon")
    assert "No environment of this name is published." in page


def test_who_may_not_ask_for_promotions_is_told_what_it_takes(bank: Bank) -> None:
    page = text(bank, "/models/credit/versions/3?for=production", bank.vera)
    assert "Requesting a promotion takes the role engineer." in page


def send(bank: Bank, path: str, by: Person | None = None, **parts: Any) -> httpx.Response:  # noqa: ANN401
    """Send a form of the version page."""
    page = "/".join(path.split("/")[:5])
    fields = {"form_token": token_of(bank, page), **parts.pop("data", {})}
    return bank.world.client(by or bank.erin).post(path, headers=HTML, data=fields, **parts)


def test_a_promotion_is_asked_for_on_the_page_and_twice_is_said_on_the_page(busy: Bank) -> None:
    path = "/models/credit/versions/3/promotions"
    asked = {"environment": "development", "reason": "to <b>try</b> it"}
    sent = send(busy, path, data=asked)
    assert sent.status_code == 303
    promotion = sent.headers["Location"].removeprefix("/promotions/")
    shown = busy.show(promotion)
    assert shown["subject"] == "model/credit/3"
    assert shown["environment"] == "development"
    last = list(busy.events("promotion.requested"))[-1]
    assert last["reason"] == "to <b>try</b> it"
    missing = send(busy, path, data={"environment": "moon", "reason": "again"})
    assert missing.status_code == 422
    assert "is not a published environment" in unescape(missing.text)
    assert ">again</textarea>" in missing.text or "moon" in missing.text


def test_a_promotion_of_the_same_pair_keeps_what_was_typed(busy: Bank) -> None:
    again = send(
        busy,
        "/models/credit/versions/2/promotions",
        data={"environment": "production", "reason": "once more"},
    )
    assert again.status_code == 409
    assert "is requested already" in again.text


def test_a_file_is_recorded_on_the_page_and_downloaded_as_an_attachment(busy: Bank) -> None:
    path = "/models/credit/versions/3/documents"
    file = ("<script>.pdf", b"%PDF-1.7", "application/pdf")
    fields = {"kind": "validation_report", "title": "{{ 7*7 }} <script>x</script>"}
    sent = send(busy, path, data=fields, files={"file": file})
    assert sent.status_code == 303
    page = look(busy, "/models/credit/versions/3").text
    assert "{{ 7*7 }} &lt;script&gt;x&lt;/script&gt;" in page
    link = re.search(r'href="(/api/v1/blobs/\w+)" download>\{\{', page)
    assert link is not None
    given = busy.world.client(busy.erin).get(link[1])
    assert given.content == b"%PDF-1.7"
    assert given.headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize("page", ["/models/credit/versions/3", "/datasets/applicants/versions/1"])
def test_no_file_and_an_unknown_kind_are_said_on_the_page(busy: Bank, page: str) -> None:
    path = f"{page}/documents"
    empty = send(busy, path, data={"kind": "card"}, files={"file": ("x", b"", "text/plain")})
    assert empty.status_code == 422
    assert "No file was chosen" in empty.text
    assert 'role="alert"' in empty.text


def test_a_file_of_a_dataset_version_is_recorded_on_its_page(busy: Bank) -> None:
    path = "/datasets/applicants/versions/1/documents"
    file = {"file": ("sheet.txt", b"whence", "text/plain")}
    assert send(busy, path, data={"kind": "datasheet"}, files=file).status_code == 303
    assert "sheet.txt" in text(busy, "/datasets/applicants/versions/1")


def test_a_file_takes_the_permission_to_record_evidence(busy: Bank) -> None:
    path = "/models/credit/versions/3"
    assert "Record the file" not in text(busy, path, busy.vera)
    found = re.search(r'name="form_token" value="([^"]+)"', look(busy, path, busy.vera).text)
    assert found is not None
    refused = busy.world.client(busy.vera).post(
        f"{path}/documents",
        headers=HTML,
        data={"form_token": found[1], "kind": "card"},
        files={"file": ("x", b"x", "text/plain")},
    )
    assert refused.status_code == 403


@pytest.mark.parametrize("path", ["/models/credit/versions/9", "/datasets/applicants/versions/9"])
def test_a_version_that_is_not_there_has_no_page(bank: Bank, path: str) -> None:
    assert look(bank, path).status_code == 404


# Data.


def test_datasets_are_listed_and_found_by_words(bank: Bank) -> None:
    assert "applicants risk CC-BY-4.0 applicants" in text(bank, "/datasets")
    assert "Nothing matches" in text(bank, "/datasets", q="moon")
    assert look(bank, "/datasets", format="csv").text.startswith("name,owner,licence")


def test_a_dataset_says_who_is_built_on_it(bank: Bank) -> None:
    page = text(bank, "/datasets/applicants")
    assert "Used by 3 versions, 1 live." in page
    assert "CC-BY-4.0" in page


def test_a_dataset_version_shows_its_schema_approvals_and_origin(bank: Bank) -> None:
    page = text(bank, "/datasets/applicants/versions/1")
    assert "Used by 3 versions, 1 live." in page
    assert "1 column, 0 with personal data" in page
    assert "data-steward, Dora" in page
    assert look(bank, "/datasets/applicants", format="csv").text.startswith("name,version,digest")


# What runs.


def test_deployments_tell_what_is_live_and_what_was(bank: Bank) -> None:
    assert "production scoring model/credit/1" in text(bank, "/deployments")
    then = text(bank, "/deployments", at="2020-01-01T00:00:00")
    assert "What was live" in then
    assert "model/credit/1" not in then
    assert "production scoring" in text(bank, "/deployments", at="2999-01-01T00:00:00+01:00")
    assert "production scoring" not in text(bank, "/deployments", environment="staging")
    assert look(bank, "/deployments", at="soon").status_code == 422
    assert look(bank, "/deployments", format="csv").text.startswith("environment,name")


@pytest.mark.parametrize("path", ["/models", "/datasets", "/deployments", "/models/credit"])
def test_nobody_is_sent_to_sign_in_and_back(bank: Bank, path: str) -> None:
    answer = bank.world.client(None).get(path, headers=HTML)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/sign-in?next=")


def test_what_is_for_a_team_alone_has_no_page_for_others(busy: Bank) -> None:
    secret = {"owner": "x", "purpose": "hidden", "risk_tier": "low", "team": "a", "team_only": True}
    busy.world.grant(busy.erin, "engineer", team="a")
    busy.world.record(busy.erin, "model.registered", "model/covert", secret)
    zoe = busy.world.person("zoe")
    busy.world.grant(zoe, "auditor", team="b")
    assert "covert" not in look(busy, "/models", zoe, format="csv").text
    assert look(busy, "/models/covert", zoe).status_code == 404


def test_what_was_found_is_on_the_pages_of_the_model_and_in_the_inventory(busy: Bank) -> None:
    raised = {"severity": "high", "owner": busy.erin.id, "text": "no word about <b>the young</b>"}
    for number, about in enumerate(("model/credit", "model/credit/1", "model/credit/1")):
        data = {**raised, "about": about}
        busy.world.record(busy.erin, "finding.raised", f"finding/inv{number}", data)
    busy.world.record(busy.erin, "finding.closed", "finding/inv2", {"text": "mended"})
    [credit] = [
        one
        for one in look(busy, "/models", format="json").json()["items"]
        if one["name"] == "credit"
    ]
    assert credit["open_findings"] == 2
    assert credit["revalidation_due"].startswith("2026-01-12")
    head = look(busy, "/models", format="csv").text.splitlines()[0]
    assert {"revalidation_due", "open_findings"} <= set(head.split(","))
    for path in ("/models/credit", "/models/credit/versions/1"):
        page = look(busy, path).text
        assert "no word about &lt;b&gt;the young&lt;/b&gt;" in page
        assert "<b>the young" not in page
    assert "overdue" not in text(busy, "/models")


def test_a_link_to_a_deployment_leads_to_it_alone(busy: Bank) -> None:
    client = busy.world.client(busy.erin)
    [scoring] = client.get("/deployments?format=json").json()["items"]
    for name, found in (("scoring", [scoring]), ("other", [])):
        path = page_of(f"deployment/production/{name}")
        assert client.get(f"{path}&format=json").json()["items"] == found
