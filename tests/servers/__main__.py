"""The test servers for hand work: ``python -m tests.servers`` runs them until Ctrl-C.

``python -m tests.servers demo`` tells the demo on them, and stops them again.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers.neo4j.neo4j import Server
from tests.servers.postgresql import APP, OWNER, Cluster

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MUNIMENT = Path(sys.executable).parent / "muniment"
LISTENING = "the servers run until Ctrl-C; in another shell:"


@dataclass(frozen=True, slots=True)
class Servers:
    """``variables``: the settings that name them. ``owner``: ``database`` for its owner."""

    variables: dict[str, str]
    owner: str
    cluster: Cluster
    database: str


@contextmanager
def running() -> Iterator[Servers]:
    """Start both, with an empty database whose tables are yet to be made."""
    with Cluster.running() as cluster, Server.running() as graph:
        cluster.make_roles()
        name = cluster.create(owner=OWNER)
        user, password = graph.auth
        variables = {
            "MUNIMENT_DATABASE_URL": cluster.url(name, APP),
            "MUNIMENT_NEO4J_URI": graph.uri,
            "MUNIMENT_NEO4J_USER": user,
            "MUNIMENT_NEO4J_PASSWORD": password,
        }
        yield Servers(variables, cluster.url(name, OWNER), cluster, name)


def written(servers: Servers) -> str:
    """Write what a shell has to be told to use them."""
    lines = [f"export {name}={shlex.quote(said)}" for name, said in servers.variables.items()]
    owner = shlex.quote(servers.owner)
    return "\n".join([*lines, f"MUNIMENT_DATABASE_URL={owner} muniment migrate"])


def demo_on(servers: Servers, words: Sequence[str]) -> int:
    """Tell the demo on them; returns its exit code."""
    return subprocess.run(
        [MUNIMENT, "demo", "--owner-url", servers.owner, *words],
        env=os.environ | servers.variables,
        check=False,
    ).returncode


def main(arguments: Sequence[str]) -> int:
    """Run the servers; for the demo if that is asked for, else until somebody interrupts."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with running() as servers:
            match arguments:
                case ["demo", *words]:
                    return demo_on(servers, words)
                case []:
                    sys.stdout.write(f"# {LISTENING}\n{written(servers)}\n")
                    sys.stdout.flush()
                    signal.pause()
                case _:
                    sys.stderr.write("usage: python -m tests.servers [demo [OPTION…]]\n")
                    return 2
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
