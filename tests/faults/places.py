"""The engines on which things fail: for each, a place with room for one log."""

from __future__ import annotations

import shutil
import sqlite3
from dataclasses import dataclass
from os import urandom
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from sqlalchemy.exc import OperationalError

from app.house import projections
from app.ledger.opening import open_postgresql, open_sqlite
from app.ledger.postgresql import PostgresqlDatabase
from app.ledger.sql_store import SqlStore
from app.ledger.sqlite import SqliteDatabase
from app.verification.fsck import fsck
from tests.slices.ledger.desk import ORIGIN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.core.ledger.note import Verifier
    from app.core.ledger.verdict import Report
    from app.ledger.ports import Projection
    from tests.faults.rig import Place


class DiskError(sqlite3.OperationalError):
    """As SQLite raises it when a disk does not take what it is given."""

    sqlite_errorname = "SQLITE_IOERR_WRITE"


@dataclass(frozen=True, slots=True)
class SqlitePlace:
    """A log in a file."""

    folder: Path

    @property
    def where(self) -> list[str]:
        """Say, in words of a command line, where it is: see ``place_of``."""
        return ["sqlite", str(self.folder)]

    @property
    def database(self) -> Path:
        return self.folder / "ledger.db"

    def open(self, kept: Sequence[Projection]) -> SqlStore:
        return open_sqlite(self.database, ORIGIN, urandom, kept)

    def look(self) -> SqlStore:
        return SqlStore(SqliteDatabase(self.database), ORIGIN)

    def failure(self) -> Exception:
        return OperationalError("a statement", {}, DiskError("disk I/O error"))

    def fsck(self, key: Verifier) -> Report:
        return fsck(SqliteDatabase(self.database), projections(), [key])


@dataclass(frozen=True, slots=True)
class PostgresqlPlace:
    """A log in a database of PostgreSQL's. ``url``: as the server connects to it."""

    folder: Path
    url: str

    @property
    def where(self) -> list[str]:
        """Say, in words of a command line, where it is: see ``place_of``."""
        return ["postgresql", str(self.folder), self.url]

    def open(self, kept: Sequence[Projection]) -> SqlStore:
        return open_postgresql(self.url, ORIGIN, urandom, kept)

    def look(self) -> SqlStore:
        return SqlStore(PostgresqlDatabase(self.url), ORIGIN)

    def failure(self) -> Exception:
        lost = psycopg.OperationalError("server closed the connection unexpectedly")
        return OperationalError("a statement", {}, lost)

    def fsck(self, key: Verifier) -> Report:
        return fsck(PostgresqlDatabase(self.url), projections(), [key])


def copy_beside(place: Place, folder: Path) -> Path:
    """Copy what lies in a place's folder: the key, what it has signed, and a file that is a log."""
    shutil.copytree(place.folder, folder, dirs_exist_ok=True)
    return folder


def place_of(where: Sequence[str]) -> Place:
    """Find a place that another process has named."""
    match where:
        case ["sqlite", folder]:
            return SqlitePlace(Path(folder))
        case ["postgresql", folder, url]:
            return PostgresqlPlace(Path(folder), url)
        case _:
            raise ValueError(where)
