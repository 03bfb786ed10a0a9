"""What identifies a piece of evidence, wherever it is named."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from app.core.events.decode import encode
from app.core.ledger.canonical import canonical

if TYPE_CHECKING:
    from app.core.events.kinds.models import EvaluationRecorded, PredictionsRecorded


def evidence_digest(event: EvaluationRecorded | PredictionsRecorded) -> str:
    """Digest what was measured: SHA-256 of the canonical JSON of the event's data.

    Members at their default are left out, so that anyone can recompute it from the data.
    """
    return f"sha256:{hashlib.sha256(canonical(encode(event))).hexdigest()}"
