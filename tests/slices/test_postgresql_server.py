"""The PostgreSQL that tests run against: it is real, comes back from a crash, and ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

if TYPE_CHECKING:
    from tests.servers.postgresql import Cluster

STARTED = """
import sys, time
from tests.servers.postgresql import Cluster
with Cluster.running() as cluster:
    print(cluster.folder, cluster.process.pid, flush=True)
    time.sleep(600)
"""


def test_a_database_begins_as_a_copy_of_its_template(postgresql: Cluster) -> None:
    with postgresql.database() as template:
        with postgresql.connect(template) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
        with postgresql.database(template) as copy, postgresql.connect(copy) as connection:
            assert connection.execute("SELECT n FROM kept").fetchall() == [(7,)]


@pytest.mark.parametrize("how", ["kill", "restart"])
def test_what_was_committed_is_there_after_a_crash(own_postgresql: Cluster, how: str) -> None:
    name = own_postgresql.create()
    with own_postgresql.connect(name) as connection:
        connection.execute("CREATE TABLE kept (n int)")
        connection.execute("INSERT INTO kept VALUES (7)")
        if how == "kill":
            own_postgresql.kill()
            with pytest.raises(psycopg.OperationalError):
                own_postgresql.connect(name)
            own_postgresql.start()
        else:
            own_postgresql.restart()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    with own_postgresql.connect(name) as connection:
        assert connection.execute("SELECT n FROM kept").fetchall() == [(7,)]


def test_the_server_ends_with_the_process_that_started_it_even_when_that_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", STARTED], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout:
        folder, pid = parent.stdout.readline().split()
    os.kill(int(pid), 0)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    until = time.monotonic() + 60
    while Path(folder).exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert not Path(folder).exists()
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)
