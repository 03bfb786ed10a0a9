"""Rules of kind ``documentation``: the document is there and says something everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.policy import explain
from app.core.policy.decision import Finding, Outcome, worst
from app.core.policy.evidence import flaw
from app.core.policy.facts import Document

if TYPE_CHECKING:
    from datetime import datetime

    from app.core.policy.evidence import Picked
    from app.core.policy.facts import Facts
    from app.core.policy.rules import DocumentationRule


def find(rule: DocumentationRule, picked: Picked, facts: Facts, as_of: datetime) -> Finding:
    """Look for the document of the model version, or of each dataset behind it.

    PASS, FAIL (a field is absent or empty, or the document has no fields), INCOMPLETE (no
    document, or one dataset without), ERROR never.
    """
    wrong = flaw(picked, as_of)
    if wrong is not None:
        return wrong
    if picked.selector.of == "datasets":
        have = {item.subject for item in picked.items if isinstance(item, Document)}
        bare = sorted({one.subject for one in facts.lineage.ancestors} - have)
        if bare or facts.lineage.status != "complete":
            message, remedy = explain.no_document(picked, bare)
            return Finding(
                Outcome.INCOMPLETE, Outcome.INCOMPLETE, message, remedy, evidence=picked.digests
            )
    return worst(_judge(rule, item) for item in picked.items if isinstance(item, Document))


def _judge(rule: DocumentationRule, item: Document) -> Finding:
    said = set(item.fields or ())
    silent = [name for name in rule.fields if name not in said]
    outcome = Outcome.FAIL if silent else Outcome.PASS
    message, remedy = explain.document(item, silent)
    return Finding(
        outcome,
        outcome,
        message,
        remedy,
        actual=str(len(rule.fields) - len(silent)) if rule.fields else None,
        op="=" if rule.fields else None,
        threshold=str(len(rule.fields)) if rule.fields else None,
        evidence=(item.digest,),
    )
