"""The engines on which things fail."""

from __future__ import annotations

import shutil
import sqlite3
from dataclasses import dataclass
from os import urandom
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.exc import OperationalError

from app.house import projections
from app.ledger.opening import open_sqlite
from app.ledger.sql_store import SqlStore
from app.ledger.sqlite import reader_engine
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
        engine = reader_engine(self.database)
        return SqlStore(engine, engine, ORIGIN)

    def failure(self) -> Exception:
        return OperationalError("a statement", {}, DiskError("disk I/O error"))

    def fsck(self, key: Verifier) -> Report:
        return fsck(self.database, projections(), [key])

    def copied(self, folder: Path) -> SqlitePlace:
        """Copy a log that nobody runs, key and signer state with it."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return SqlitePlace(folder)


def place_of(where: Sequence[str]) -> Place:
    """Find a place that another process has named."""
    match where:
        case ["sqlite", folder]:
            return SqlitePlace(Path(folder))
        case _:
            raise ValueError(where)
