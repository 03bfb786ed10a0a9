"""Policy files: the subset of YAML that is read, and everything that is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator

from app.core.errors import Malformed, SchemaMismatch, TooLarge, UnknownKind
from app.gates import policy_files
from app.gates.policy_files import CASES, ENVIRONMENTS, POLICY, check, load, read_policy
from app.resources import Resource, folder

if TYPE_CHECKING:
    from pathlib import Path

    from app.core.jsonvalue import Json

MINIMAL: dict[str, Json] = {
    "apiVersion": "gates/v1",
    "kind": "Policy",
    "metadata": {"name": "p", "version": "1", "owner": "o"},
    "applies": {"transition": {"to": "production"}},
    "mode": "enforce",
    "rules": [],
}

CASE: dict[str, Json] = {
    "name": "x",
    "as_of": "2026-01-01T00:00:00Z",
    "expect": {"gate": "ALLOW"},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on: yes", {"on": "yes"}),
        ("a: true\nb: False", {"a": True, "b": False}),
        ("a: null\nb: ~\nc:", {"a": None, "b": None, "c": None}),
        ("a: 3\nb: -0.25\nc: 1e3", {"a": 3, "b": -0.25, "c": 1000.0}),
        ("a: 2026-05-01", {"a": "2026-05-01"}),
        ("b: 2026-05-01T00:00:00Z", {"b": "2026-05-01T00:00:00Z"}),
        ('a: "1.10"', {"a": "1.10"}),
        ("[1, {a: [x]}]", [1, {"a": ["x"]}]),
        ('{"a": [1, "x", null]}', {"a": [1, "x", None]}),
        ("a: >-\n  two\n  lines", {"a": "two lines"}),
        ("a: 4.2.0", {"a": "4.2.0"}),
        ("plain", "plain"),
        ("# comment\na: 1  # more", {"a": 1}),
        ("a: 9007199254740991", {"a": 2**53 - 1}),
    ],
)
def test_yaml_is_read_as_json_values(text: str, value: Json) -> None:
    assert load(text.encode()) == value


def test_a_file_is_read_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("a: 1", encoding="utf-8")
    assert load(path) == {"a": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x 1", "an anchor at line 1, column 4"),
        ("a: &x 1\nb: *x", "an anchor"),
        ("a: *x", "an alias at line 1, column 4"),
        ("a: !!python/object:os.system x", "a tag"),
        ("a: !x 1", "a tag"),
        ("%YAML 1.1\n---\na: 1", "a directive"),
        ("a: 1\na: 2", "'a' stands there twice"),
        ('a: 1\n"a": 2', "'a' stands there twice"),
        ("<<: {a: 1}", "merge values are not read"),
        ("true: 1", "a member's name is text"),
        ("null: 1", "a member's name is text"),
        ("1: 1", "a member's name is text"),
        ("? [a]\n: 1", "a member's name is text"),
        ("a: .inf", "write the number '.inf' as in JSON"),
        ("a: .NaN", "write the number '.NaN' as in JSON"),
        ("a: 0x1F", "write the number '0x1F' as in JSON"),
        ("a: 0o17", "write the number '0o17' as in JSON"),
        ("a: 1_000", "write the number '1_000' as in JSON"),
        ("a: +1", "as in JSON"),
        ("a: 012", "as in JSON"),
        ("a: 9007199254740992", "beyond 2^53 - 1"),
        ("a: " + "9" * 400, "beyond 2^53 - 1"),
        ("a: 1e999", "the number is too large"),
        ("=: 1", "value values are not read"),
        ("a: =", "value values are not read"),
        ("a: 1\n---\nb: 2", "the file is not YAML"),
        ("a: [1", "the file is not YAML at line"),
        ("a: b: c", "the file is not YAML at line 1"),
        ("\ta: 1", "the file is not YAML at line 1"),
        ("a: \x00", "the file is not YAML"),
        ("", "the file is empty"),
        ("# nothing", "the file is empty"),
    ],
)
def test_what_two_parsers_could_read_differently_is_refused(text: str, message: str) -> None:
    with pytest.raises(Malformed) as refusal:
        load(text.encode())
    assert message in refusal.value.detail


def test_bytes_that_are_not_utf_8_are_refused() -> None:
    with pytest.raises(Malformed, match="not UTF-8 at byte 3"):
        load(b"a: \xff")


def test_a_file_that_is_too_large_is_refused_unread() -> None:
    with pytest.raises(TooLarge, match="at most 1048576 bytes"):
        load(b"#" * (policy_files.MAX_BYTES + 1))


@pytest.mark.parametrize(
    "text", ["[" * 65 + "]" * 65, "{a: " * 65 + "1" + "}" * 65, "- " * 65 + "a"]
)
def test_a_file_that_is_nested_too_deeply_is_refused(text: str) -> None:
    with pytest.raises(TooLarge, match="nested deeper than 64"):
        load(text.encode())


def test_a_file_that_is_nested_just_so_deep_is_read() -> None:
    assert load(("[" * 64 + "]" * 64).encode()) is not None


def test_a_member_that_cannot_be_read_is_named_by_its_pointer() -> None:
    with pytest.raises(Malformed) as refusal:
        load(b"a:\n  - b/c: 1\n    d: .inf")
    assert refusal.value.faults[0].pointer == "#/a/0/d"
    with pytest.raises(Malformed) as refusal:
        load(b"a/b: {c~d: [.inf]}")
    assert refusal.value.faults[0].pointer == "#/a~1b/c~0d/0"


def test_a_policy_is_checked_and_read() -> None:
    assert read_policy(MINIMAL).name == "p"


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ([], "#"),
        ({**MINIMAL, "extra": 1}, "#"),
        ({**MINIMAL, "apiVersion": "gates/v9"}, "#/apiVersion"),
        ({**MINIMAL, "metadata": {"name": "p", "version": 1, "owner": "o"}}, "#/metadata/version"),
        ({**MINIMAL, "rules": [{"id": "x"}]}, "#/rules/0"),
        ({**MINIMAL, "rules": [{"id": "x", "kind": "wish"}]}, "#/rules/0/kind"),
        ({**MINIMAL, "rules": [{"id": "x", "kind": "metric", "wish": 1}]}, "#/rules/0"),
        ({**MINIMAL, "rules": [{"id": "x", "kind": "lineage"}]}, "#/rules/0"),
        ({**MINIMAL, "valid_for": "P1Y"}, "#/valid_for"),
        ({**MINIMAL, "evidence": {"A": {"type": "eval-report/v1"}}}, "#/evidence"),
        ({**MINIMAL, "evidence": {"a": {"type": "x"}}}, "#/evidence/a/type"),
    ],
)
def test_a_policy_that_is_not_as_the_schema_says_is_refused_with_its_pointers(
    document: Json, pointer: str
) -> None:
    with pytest.raises(SchemaMismatch) as refusal:
        read_policy(document)
    assert pointer in {fault.pointer for fault in refusal.value.faults}
    assert refusal.value.detail.startswith("the document is not as schemas/policy.v1.json says")


def test_what_this_release_does_not_do_is_named_as_such() -> None:
    with pytest.raises(UnknownKind, match="waivers"):
        read_policy({**MINIMAL, "waivers": {}})


def test_a_fault_is_told_without_repeating_a_whole_document() -> None:
    with pytest.raises(SchemaMismatch) as refusal:
        read_policy({**MINIMAL, "mode": "x" * 10_000})
    assert max(len(fault.message) for fault in refusal.value.faults) < 310


@pytest.mark.parametrize(
    ("document", "schema", "pointer"),
    [
        ([{**CASE, "facts": {}, "as_of": "2026-01-01"}], CASES, "#/0/as_of"),
        ([CASE], CASES, "#/0"),
        ({}, CASES, "#"),
        ({"environments": ["a"]}, ENVIRONMENTS, "#"),
        (
            {"apiVersion": "gates/v1", "kind": "Environments", "environments": ["a", "a"]},
            ENVIRONMENTS,
            "#/environments",
        ),
        (
            {"apiVersion": "gates/v1", "kind": "Environments", "environments": []},
            ENVIRONMENTS,
            "#/environments",
        ),
    ],
)
def test_cases_and_environments_are_checked_too(document: Json, schema: str, pointer: str) -> None:
    with pytest.raises(SchemaMismatch) as refusal:
        check(document, schema)
    assert pointer in {fault.pointer for fault in refusal.value.faults}


def test_the_default_environments_are_as_their_schema_says() -> None:
    names = ["development", "staging", "production"]
    check({"apiVersion": "gates/v1", "kind": "Environments", "environments": names}, ENVIRONMENTS)


@pytest.mark.parametrize("name", [POLICY, CASES, ENVIRONMENTS])
def test_the_schemas_are_valid_schemas(name: str) -> None:
    path = folder(Resource.SCHEMAS) / f"{name}.json"
    Draft202012Validator.check_schema(json.loads(path.read_text(encoding="utf-8")))
