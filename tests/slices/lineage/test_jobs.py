"""Jobs of the graph where several servers share a log."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from app.core.errors import Conflict
from app.identity.local import local_actor
from app.lineage import jobs
from app.lineage.jobs import DONE, RUNNING, Job, Jobs
from app.lineage.reconcile import reconcile_sql
from tests.living import World

if TYPE_CHECKING:
    from pathlib import Path

    from app.core.events.kinds.records import GraphReconciled
    from app.ledger.record import Ledger


def test_of_several_servers_one_is_at_a_job_and_no_other_calls_it_interrupted(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with World.open(tmp_path, database_url=database_url) as world:
        ledger, actor = world.house.ledger, local_actor(0)
        begun, ended = threading.Event(), threading.Event()

        def slowly(ledger: Ledger) -> GraphReconciled:
            begun.set()
            assert ended.wait(60)
            return reconcile_sql(ledger)

        monkeypatch.setattr(jobs, "reconcile_sql", slowly)
        one, other = (Jobs(ledger, None, world.house.entropy) for _ in range(2))
        job = one.reconcile(actor)
        assert begun.wait(60)
        other.interrupted()
        with pytest.raises(Conflict, match="runs already"):
            other.reconcile(actor)
        assert other.find(job.id).state == RUNNING
        ended.set()
        until_done(one, job)
        until_done(other, other.reconcile(actor))


def until_done(kept: Jobs, job: Job) -> None:
    end = time.monotonic() + 60
    while kept.find(job.id).state == RUNNING:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert kept.find(job.id).state == DONE
