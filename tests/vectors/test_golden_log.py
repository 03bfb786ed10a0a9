"""The golden log: its key, its roots, its proofs. Held by every implementation of the format."""

from __future__ import annotations

import pytest

from app.core.ledger.note import parse_vkey
from tests.strangers.static_log import GOLDEN, golden_entry, golden_root

VKEY = "127.0.0.1:8999/gov+48590bcb+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"


def test_the_verifier_key() -> None:
    assert GOLDEN.vkey() == VKEY
    assert parse_vkey(VKEY) == GOLDEN


def test_an_entry() -> None:
    assert golden_entry(7) == b'{"i":7,"k":"event","x":"' + b"y" * 120 + b'"}'


@pytest.mark.parametrize(
    ("size", "root"),
    [
        (300, "Lk/ly6fr0lNp2dI3jiKRkiz+HyN+4Oz9w05w1afYgb8="),
        (70_000, "lj+Nt5XjPY8eDet7gfrhYLK0G7W5Bey3kJcjs5Bhg0A="),
    ],
)
def test_the_roots(size: int, root: str) -> None:
    assert golden_root(size) == root
