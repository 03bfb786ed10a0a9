"""What reports repeat of erased values: such a report's files go, and a note of why stays."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.ledger import blobs
from app.ledger.erasing import erase_file
from app.reporting import jobs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

FILES = ("pdf", "json")


def erase_reports(connection: Connection, values: Mapping[str, bytes], by: int) -> None:
    """Erase the files of every report in whose data one of the values stands.

    Pages are set from report.json and from nothing else, so it tells for both. The digests
    stay on record: a copy that somebody took still verifies.
    """
    sought = [words for value in values.values() if (words := value.strip(b'"'))]
    for job in jobs.everything(connection):
        digest = job.digests.get("json")
        if digest is None or job.redacted_index is not None:
            continue
        report = blobs.get(connection, digest)
        if any(value in report for value in sought):
            for file in FILES:
                erase_file(connection, job.digests[file])
            jobs.put(connection, replace(job, redacted_index=by))
