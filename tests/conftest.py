"""What holds for every test: seeded properties, and no traffic that leaves this machine."""

from __future__ import annotations

import ipaddress
import socket
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.servers.neo4j.neo4j import Server
from tests.servers.postgresql import APP, OWNER, Cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

settings.register_profile(
    "ci", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("default", deadline=None)
settings.load_profile("default")


def _refuse_traffic(event: str, arguments: tuple[object, ...]) -> None:
    if event != "socket.connect":
        return
    connection, address = arguments
    if getattr(connection, "family", None) not in {socket.AF_INET, socket.AF_INET6}:
        return
    host = address[0] if isinstance(address, tuple) else address
    if host == "localhost" or ipaddress.ip_address(str(host)).is_loopback:
        return
    raise PermissionError(f"a test may only talk to this machine, not to {host}")


sys.addaudithook(_refuse_traffic)


SERVERS = {
    "postgresql": "postgresql",
    "own_postgresql": "postgresql",
    "neo4j": "neo4j",
    "own_neo4j": "neo4j",
}
"""Fixtures that are a server, and the engine it is."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Write beside each test which servers it takes, for ``tests.stages`` to count."""
    for item in items:
        named = getattr(item, "fixturenames", ())
        taken = sorted({SERVERS[name] for name in named if name in SERVERS})
        item.user_properties += [("engine", engine) for engine in taken]


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Cluster]:
    """A PostgreSQL for all tests that do it no harm; each makes a database of its own."""
    with Cluster.running() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def prepared(postgresql: Cluster) -> str:
    """Name a database with this program's tables and nothing in them."""
    return postgresql.prepared()


@pytest.fixture
def database_url(postgresql: Cluster, prepared: str) -> Iterator[str]:
    """Give the address of a fresh database, as the server connects to it."""
    with postgresql.database(prepared, OWNER) as name:
        yield postgresql.url(name, APP)


@pytest.fixture
def own_postgresql() -> Iterator[Cluster]:
    """A PostgreSQL for one test, which may stop it, kill it, and start it again."""
    with Cluster.running() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def neo4j() -> Iterator[Server]:
    """A Neo4j for all tests that do it no harm."""
    with Server.running() as server:
        yield server


@pytest.fixture
def own_neo4j() -> Iterator[Server]:
    """A Neo4j for one test, which may stop it, kill it, and start it again."""
    with Server.running() as server:
        yield server
