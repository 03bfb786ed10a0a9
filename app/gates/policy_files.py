"""Policy files: YAML in, JSON values out, checked against their schemas.

The YAML is a safe subset of version 1.2, which JSON is too: no anchors, aliases, tags,
directives, merge keys or duplicate keys; ``on`` and ``yes`` are text; numbers are written
as in JSON. What two YAML parsers could read differently is refused.
"""

from __future__ import annotations

import json
import re
from functools import cache
from io import StringIO
from math import isinf
from typing import TYPE_CHECKING, cast

from jsonschema import Draft202012Validator
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.tokens import (
    AliasToken,
    AnchorToken,
    BlockEndToken,
    BlockMappingStartToken,
    BlockSequenceStartToken,
    DirectiveToken,
    FlowMappingEndToken,
    FlowMappingStartToken,
    FlowSequenceEndToken,
    FlowSequenceStartToken,
    TagToken,
)

from app.core.errors import Fault, Malformed, SchemaMismatch, TooLarge
from app.core.policy.document import parse_policy, refuse_unbuilt
from app.resources import Resource, folder

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ruamel.yaml.nodes import Node

    from app.core.jsonvalue import Json
    from app.core.policy.document import Policy

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 64
MAX_INT = 2**53 - 1
MAX_DIGITS = 17
MESSAGE_LIMIT = 300

POLICY = "policy.v1"
CASES = "policy-cases.v1"
ENVIRONMENTS = "environments.v1"

_REFUSED = {
    AliasToken: "an alias",
    AnchorToken: "an anchor",
    TagToken: "a tag",
    DirectiveToken: "a directive",
}
_OPENS = (
    BlockMappingStartToken,
    BlockSequenceStartToken,
    FlowMappingStartToken,
    FlowSequenceStartToken,
)
_CLOSES = (BlockEndToken, FlowMappingEndToken, FlowSequenceEndToken)
_TAG = "tag:yaml.org,2002:"
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", re.ASCII)


def load(source: Path | bytes) -> Json:
    """Read one YAML document of at most 1 MiB.

    Raises Malformed: not UTF-8, not YAML, or outside the subset; it names line and column.
    TooLarge: over 1 MiB or nested deeper than 64. Missing files raise ``OSError``.
    """
    data = source if isinstance(source, bytes) else source.read_bytes()
    if len(data) > MAX_BYTES:
        raise TooLarge(f"a policy file has at most {MAX_BYTES} bytes, this one has {len(data)}")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"the file is not UTF-8 at byte {error.start}") from None
    try:
        _check_tokens(text)
        node = YAML(typ="safe", pure=True).compose(StringIO(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise Malformed(f"the file is not YAML{where}: {error.problem}") from None
    except YAMLError as error:
        raise Malformed(f"the file is not YAML: {str(error).splitlines()[0]}") from None
    if node is None:
        raise Malformed("the file is empty")
    return _value(node, "#")


def read_policy(document: Json) -> Policy:
    """Check a parsed document against its schema and read it.

    Raises UnknownKind: a block or rule kind this release does not have. SchemaMismatch: all
    faults of the schema at once, with JSON Pointers.
    """
    if isinstance(document, dict):
        refuse_unbuilt(document)
    check(document, POLICY)
    return parse_policy(document)


def check(document: Json, schema: str) -> None:
    """Check against ``schemas/<schema>.json``.

    Raises SchemaMismatch with every fault, by pointer.
    """
    faults = [
        Fault(_pointer(error.absolute_path), _short(error.message))
        for error in _validator(schema).iter_errors(cast("object", document))
    ]
    if not faults:
        return
    faults.sort(key=lambda fault: fault.pointer)
    said = "; ".join(f"{fault.pointer} {fault.message}" for fault in faults[:5])
    raise SchemaMismatch(
        f"the document is not as schemas/{schema}.json says: {said}", faults=faults
    )


@cache
def _validator(schema: str) -> Draft202012Validator:
    text = (folder(Resource.SCHEMAS) / f"{schema}.json").read_text(encoding="utf-8")
    return Draft202012Validator(json.loads(text))


def _pointer(path: Iterable[str | int]) -> str:
    return "#" + "".join(f"/{_escaped(str(part))}" for part in path)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _short(message: str) -> str:
    return message if len(message) <= MESSAGE_LIMIT else f"{message[:MESSAGE_LIMIT]}…"


def _check_tokens(text: str) -> None:
    depth = 0
    for token in YAML(typ="safe", pure=True).scan(StringIO(text)):
        where = f"line {token.start_mark.line + 1}, column {token.start_mark.column + 1}"
        if type(token) in _REFUSED:
            raise Malformed(
                f"{_REFUSED[type(token)]} at {where}",
                remedy="write it out; policy files have no anchors, aliases, tags or directives",
            )
        if isinstance(token, _OPENS):
            depth += 1
        elif isinstance(token, _CLOSES):
            depth -= 1
        if depth > MAX_DEPTH:
            raise TooLarge(f"nested deeper than {MAX_DEPTH} at {where}")


def _value(node: Node, pointer: str) -> Json:
    if isinstance(node, SequenceNode):
        return [_value(item, f"{pointer}/{place}") for place, item in enumerate(node.value)]
    if isinstance(node, MappingNode):
        found: dict[str, Json] = {}
        for key, item in node.value:
            name = _value(key, pointer) if isinstance(key, ScalarNode) else None
            if not isinstance(name, str):
                raise _unread(key, pointer, "a member's name is text; put it in quotes")
            if name in found:
                raise _unread(key, pointer, f"{name!r} stands there twice")
            found[name] = _value(item, f"{pointer}/{_escaped(name)}")
        return found
    return _scalar(node, pointer)


def _scalar(node: Node, pointer: str) -> Json:
    text = str(node.value)
    match str(node.tag).removeprefix(_TAG):
        case "null":
            return None
        case "bool":
            return text.lower() == "true"
        case "int" | "float":
            return _number(node, text, pointer)
        case "str" | "timestamp":
            return text
        case other:
            raise _unread(node, pointer, f"{other} values are not read")


def _number(node: Node, text: str, pointer: str) -> Json:
    if not _NUMBER.fullmatch(text):
        raise _unread(node, pointer, f"write the number {text!r} as in JSON, or put it in quotes")
    if text.lstrip("-").isdigit():
        if len(text) > MAX_DIGITS or abs(int(text)) > MAX_INT:
            raise _unread(node, pointer, "the whole number is beyond 2^53 - 1")
        return int(text)
    number = float(text)
    if isinf(number):
        raise _unread(node, pointer, "the number is too large")
    return number


def _unread(node: Node, pointer: str, message: str) -> Malformed:
    mark = node.start_mark
    where = f"line {mark.line + 1}, column {mark.column + 1}"
    return Malformed(f"{where}: {message}", faults=[Fault(pointer, message)])
