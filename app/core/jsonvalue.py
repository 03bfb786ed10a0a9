"""The type of a JSON value, shared by every room that reads or writes documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence  # noqa: TC003 - decoders read the alias
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
"""Any JSON value (RFC 8259). Integers stay within ±(2^53 - 1), numbers are finite.

Covariant on purpose: a ``dict[str, str]`` is a Json. Readers narrow with
``isinstance(value, dict)`` and ``isinstance(value, list)``.
"""
