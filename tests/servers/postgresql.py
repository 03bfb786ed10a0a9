"""A real PostgreSQL in a temporary folder, for tests: started, hurt, restarted, gone at the end.

    with Cluster.running() as cluster:
        url = cluster.create()              # a fresh database; its URL
        cluster.kill()                      # SIGKILL, every process of it
        cluster.start()

It listens on a Unix socket in its folder alone and trusts whoever can open that. Run by root it
runs as another user, for PostgreSQL refuses root. A process of its own waits at the end of a
pipe: should this process die without a word, kill -9 included, it ends the server and removes
the folder.
"""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from app.ledger.postgresql import PostgresqlDatabase
from app.ledger.preparing import prepare

if TYPE_CHECKING:
    from collections.abc import Iterator

OLDEST = 15
PORT = 5432
SECONDS_TO_START = 60
SUPERUSER = "postgres"
OWNER = "muniment_owner"
APP = "muniment_app"
DEBIAN = Path("/usr/lib/postgresql")
MISSING = (
    "no PostgreSQL 15 or newer is here: sudo apt-get install --no-install-recommends postgresql"
)

WATCH = """
cat >/dev/null
pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null) && kill -QUIT "$pid" 2>/dev/null
tries=0
while [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null && [ "$tries" -lt 100 ]; do
    sleep 0.1; tries=$((tries + 1))
done
rm -rf "$1"
"""
"""Reads until nobody holds the other end of its standard input any more, then clears up."""


def binaries() -> Path:
    """Find the folder with ``postgres`` and ``initdb``, the newest version of at least 15."""
    named = shutil.which("postgres")
    if named is not None:
        return Path(named).resolve().parent
    versions = [int(one.name) for one in DEBIAN.glob("[0-9]*") if (one / "bin/postgres").exists()]
    if max(versions, default=0) < OLDEST:
        raise FileNotFoundError(MISSING)
    return DEBIAN / str(max(versions)) / "bin"


@dataclass
class Cluster:
    """One server and its databases. ``folder``: everything of it, socket and log file too."""

    folder: Path
    binaries: Path
    user: pwd.struct_passwd
    options: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @classmethod
    @contextmanager
    def running(cls, *options: str) -> Iterator[Cluster]:
        """Make a cluster and start it; ``options`` such as ``fsync=off`` hold at every start."""
        folder = Path(tempfile.mkdtemp(prefix="muniment-postgresql-"))
        with _watched(folder):
            cluster = cls(folder, binaries(), _unprivileged(), options)
            os.chown(folder, cluster.user.pw_uid, cluster.user.pw_gid)
            cluster.initialise()
            cluster.start()
            try:
                yield cluster
            finally:
                cluster.stop()

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def url(self, database: str = "postgres", user: str = SUPERUSER) -> str:
        """Give a database's address as ``MUNIMENT_DATABASE_URL`` takes it."""
        return f"postgresql+psycopg://{user}@/{database}?host={self.folder}&port={PORT}"

    def connect(self, database: str = "postgres", user: str = SUPERUSER) -> psycopg.Connection:
        """Open a connection of the driver's own, each statement a transaction."""
        return psycopg.connect(
            host=str(self.folder), port=PORT, dbname=database, user=user, autocommit=True
        )

    def create(self, template: str = "template0", owner: str = SUPERUSER) -> str:
        """Make a database of a name of its own and return that name.

        ``template``: a database that nobody is connected to, which it begins as a copy of.
        """
        name = f"test_{next(self._numbers)}"
        making = sql.SQL(
            "CREATE DATABASE {} TEMPLATE {} OWNER {} ENCODING 'UTF8' LOCALE 'C.UTF-8'"
        ).format(sql.Identifier(name), sql.Identifier(template), sql.Identifier(owner))
        with self.connect() as connection:
            connection.execute(making)
        return name

    def drop(self, database: str) -> None:
        """Remove a database, whoever is connected to it."""
        with self.connect() as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database))
            )

    @contextmanager
    def database(self, template: str = "template0", owner: str = SUPERUSER) -> Iterator[str]:
        """Give a fresh database's name, and drop it at the end if the server still runs."""
        name = self.create(template, owner)
        try:
            yield name
        finally:
            if self.process is not None:
                self.drop(name)

    def make_roles(self) -> None:
        """Make the roles of a production database: who owns the tables, who uses them."""
        with self.connect() as connection:
            for role in (OWNER, APP):
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))

    def prepared(self) -> str:
        """Make the roles of a production database and one that ``muniment migrate`` prepared.

        Returns its name: a template for others, which the server connects to as APP.
        """
        self.make_roles()
        name = self.create(owner=OWNER)
        database = PostgresqlDatabase(self.url(name, OWNER))
        prepare(database)
        database.close()
        return name

    def dump(self, database: str, file: Path) -> None:
        """Write a database to a file, for ``restored``."""
        self._ask("pg_dump", "--format=custom", f"--file={file}", database)

    def restored(self, file: Path) -> str:
        """Make a database out of a file; the roles that it speaks of are here."""
        name = self.create(owner=OWNER)
        self._ask("pg_restore", "--exit-on-error", f"--dbname={name}", str(file))
        return name

    def _ask(self, program: str, *arguments: str) -> None:
        """Run a program of PostgreSQL's that connects to it."""
        where = [f"--host={self.folder}", f"--port={PORT}", f"--username={SUPERUSER}"]
        subprocess.run([self.binaries / program, *where, *arguments], check=True)

    def initialise(self) -> None:
        self._run(
            "initdb", "--no-sync", "--auth=trust", f"--username={SUPERUSER}",
            "--encoding=UTF8", "--locale=C.UTF-8", f"--pgdata={self.data}",
        )  # fmt: skip

    def start(self) -> None:
        """Start the server and wait until it lets people in, recovery done.

        It ends at once while a process of the killed one still has the shared memory.
        """
        settings = ("listen_addresses=", f"unix_socket_directories={self.folder}", *self.options)
        asked = [part for setting in settings for part in ("-c", setting)]
        program = str(self.binaries / "postgres")
        command = [*self._as_user(), program, "-D", str(self.data), *asked]
        until = time.monotonic() + SECONDS_TO_START
        while self.process is None or not self._answers():
            if time.monotonic() > until:
                raise RuntimeError((self.folder / "log").read_text()[-4000:])
            if self.process is None or self.process.poll() is not None:
                self.process = self._launched(command)
            time.sleep(0.05)

    def _launched(self, command: list[str]) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            # Apart from the terminal: who interrupts the tests does not stop it mid-statement.
            return subprocess.Popen(
                command, cwd=self.folder, stdout=log, stderr=log, start_new_session=True
            )

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it, like ``pg_ctl stop -m fast``; SIGQUIT is ``-m immediate``."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait()
            self.process = None

    def kill(self) -> None:
        """Kill every process of it at once, as a power cut would."""
        self.signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()
            self.process = None

    def signal(self, what: signal.Signals) -> None:
        """Send all its processes a signal, such as SIGSTOP and SIGCONT."""
        if self.process is None:
            return
        parent = self.process.pid
        listed = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        for pid in (parent, *map(int, listed)):
            with suppress(ProcessLookupError):
                os.kill(pid, what)

    def restart(self) -> None:
        """Stop it at once, unsaved, and start it again."""
        self.stop(signal.SIGQUIT)
        self.start()

    def _answers(self) -> bool:
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as_user(), str(self.binaries / program), *arguments]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr.decode())

    def _as_user(self) -> list[str]:
        if os.geteuid() == self.user.pw_uid:
            return []
        ids = [f"--reuid={self.user.pw_uid}", f"--regid={self.user.pw_gid}"]
        return ["setpriv", *ids, "--clear-groups", "--"]


def _unprivileged() -> pwd.struct_passwd:
    """Tell as whom the server runs: this user, or another one where this is root."""
    if os.geteuid():
        return pwd.getpwuid(os.geteuid())
    try:
        return pwd.getpwnam(SUPERUSER)
    except KeyError:
        return pwd.getpwnam("nobody")


@contextmanager
def _watched(folder: Path) -> Iterator[None]:
    """Let somebody else stop the server and remove its folder when this process is gone."""
    watch = subprocess.Popen(
        ["sh", "-c", WATCH, "watch", folder], stdin=subprocess.PIPE, start_new_session=True
    )
    try:
        yield
    finally:
        watch.communicate()
