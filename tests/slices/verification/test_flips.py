"""Single bits of the file flip, anywhere: each flip is named, refused, or changed no row."""

from __future__ import annotations

import os
import random
import sqlite3
from typing import TYPE_CHECKING

import pytest

from app.core.ledger.verdict import Outcome
from app.house import projections
from app.ledger.sqlite import SqliteDatabase
from app.verification.fsck import fsck
from tests.slices.verification.cells import File
from tests.slices.verification.populated import dump, tables

if TYPE_CHECKING:
    from pathlib import Path

    from app.core.ledger.verdict import Report
    from tests.slices.verification.populated import Populated

SOAK = bool(os.environ.get("MUNIMENT_SOAK"))
LIVE = 300 if SOAK else 60
ANYWHERE = 300 if SOAK else 40


def flipped(populated: Populated, folder: Path, at: int, bit: int) -> tuple[Report, Path]:
    copy = populated.copy(folder)
    raw = bytearray(copy.read_bytes())
    raw[at] ^= 1 << bit
    copy.write_bytes(raw)
    return fsck(SqliteDatabase(copy), projections(), [populated.key]), copy


def same_rows(populated: Populated, copy: Path) -> bool:
    """Tell whether every row of every table can be read and is what it was."""
    try:
        return dump(copy) == dump(populated.path)
    except (sqlite3.Error, UnicodeDecodeError):
        return False


def placed(report: Report) -> bool:
    """Tell whether a finding says where: an entry, a table, the file."""
    return any(
        one.index is not None or "table " in one.detail or one.kind in {"unreadable", "file"}
        for check in report.checks
        for one in check.findings
    )


def test_a_flipped_bit_in_a_live_cell_is_named(populated: Populated, tmp_path: Path) -> None:
    """Tables by turns, so that small ones are hit as often as large ones."""
    source, file = random.Random(31), File(populated.path)
    names = sorted(tables(populated.path))
    missed = []
    for turn in range(LIVE):
        table = names[turn % len(names)]
        places = [at for part in file.live(table) for at in part]
        at, bit = source.choice(places), source.randrange(8)
        report, copy = flipped(populated, tmp_path, at, bit)
        found = report.outcome is not Outcome.VALID and placed(report)
        if not found and not same_rows(populated, copy):
            missed.append((table, at, bit, report.bottom_line))
    assert missed == []


def test_a_flipped_bit_anywhere_is_named_or_changed_no_row(
    populated: Populated, tmp_path: Path
) -> None:
    source = random.Random(32)
    size = populated.path.stat().st_size
    missed = []
    for _ in range(ANYWHERE):
        at, bit = source.randrange(size), source.randrange(8)
        report, copy = flipped(populated, tmp_path, at, bit)
        found = report.outcome is not Outcome.VALID and placed(report)
        if not found and not same_rows(populated, copy):
            missed.append((at, bit, report.bottom_line))
    assert missed == []


@pytest.mark.parametrize("at", range(0, 100, 3))
def test_a_flipped_bit_in_the_files_header_is_no_surprise(
    populated: Populated, tmp_path: Path, at: int
) -> None:
    report, copy = flipped(populated, tmp_path, at, at % 8)
    assert report.outcome is not Outcome.VALID or same_rows(populated, copy)
