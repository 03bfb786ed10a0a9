"""Evidence handed out once verifies with every later version."""

from __future__ import annotations

import hashlib
import zipfile
from typing import TYPE_CHECKING

from app.core.ledger.note import parse_vkey
from app.core.ledger.verdict import Outcome
from app.verification.bundles import zip_of
from tests.both import verify_bundle
from tests.vectors.shipped import BUNDLE, VKEY

if TYPE_CHECKING:
    from pathlib import Path

SHA256 = "04b1d158096e7f6450838c949edaf6d92af1418b0b03c8f8cee020028d8547bc"
KEY = parse_vkey(VKEY.read_text("utf-8").strip())


def test_the_shipped_bundle_is_the_one_that_was_handed_out() -> None:
    assert hashlib.sha256(BUNDLE.read_bytes()).hexdigest() == SHA256


def test_the_shipped_bundle_verifies_with_its_logs_key() -> None:
    report = verify_bundle(BUNDLE, [KEY])
    assert report.outcome is Outcome.VALID
    assert "12 entries are in the signed log" in report.bottom_line


def test_without_the_key_it_proves_nothing() -> None:
    assert verify_bundle(BUNDLE, []).outcome is Outcome.MISSING


def test_a_value_that_was_altered_since_is_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(BUNDLE) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    name = "members/000000000011.json"
    assert b"credit.csv" in files[name]
    files[name] = files[name].replace(b"credit.csv", b"credit.cvs")
    altered = tmp_path / "altered.zip"
    altered.write_bytes(zip_of(files))
    report = verify_bundle(altered, [KEY])
    assert report.outcome is Outcome.ALTERED
    assert "11" in report.bottom_line
