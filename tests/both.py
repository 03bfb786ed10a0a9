"""Both verifiers of bundles at once: Muniment's own, and the one file inside every bundle.

They were written apart from one another. A test that imports ``audit_bundle`` or
``verify_bundle`` from here asks both, and fails where they disagree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.ledger import bundle_audit
from app.core.ledger.quorum import format_policy
from app.core.ledger.trust import bounded
from app.core.ledger.verdict import Outcome
from app.verification import offline, verify

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from app.core.ledger.bundle_outside import Outsiders
    from app.core.ledger.trust import Key, TrustedKey
    from app.core.ledger.verdict import Report

NOBODY = bundle_audit.NOBODY


def audit_bundle(
    files: Mapping[str, bytes], trusted: Sequence[Key], outsiders: Outsiders = NOBODY
) -> Report:
    """Check a bundle's files with both, and give Muniment's report."""
    report = bundle_audit.audit_bundle(files, trusted, outsiders)
    if outsiders.stamped_at is None:  # the one file reads no timestamps, and says so
        alone = outcome_alone(files, trusted, outsiders)
        assert (alone, report.bottom_line) == (report.outcome, report.bottom_line)
    return report


def outcome_alone(
    files: Mapping[str, bytes], trusted: Sequence[Key], outsiders: Outsiders = NOBODY
) -> Outcome:
    """Check a bundle's files with the one file alone."""
    asked = outsiders.witnesses
    policy = None if asked is None else verify.Policy(format_policy(asked).encode())
    spans = [_span(key) for key in bounded(trusted)]
    return Outcome(verify.Bundle(dict(files), spans).verify(policy).outcome())


def _span(key: TrustedKey) -> verify.Span:
    document = key.document()
    assert isinstance(document, dict)
    return verify.Span(verify.Key(key.verifier.vkey()), {**document})


def verify_bundle(path: Path, trusted: Sequence[Key], outsiders: Outsiders = NOBODY) -> Report:
    """Check a bundle as it lies on the disk with both, and give Muniment's report."""
    report = offline.verify_bundle(path, trusted, outsiders)
    if outsiders is NOBODY:
        vkeys = [part for key in bounded(trusted) for part in ("--vkey", key.verifier.vkey())]
        code, said = verify.run([*vkeys, str(path)])
        assert (code, said) == (report.outcome, said)
    return report
