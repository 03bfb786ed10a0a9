"""Changing the tables of a log: what the database's owner does, and the server never."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.core.errors import Unavailable
from app.migrations import rights, schema

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from app.ledger.database import Database

log = logging.getLogger(__name__)
COLLATIONS = ("C", "POSIX", "C.UTF-8", "C.utf8")
MAKE = "CREATE DATABASE muniment OWNER muniment_owner TEMPLATE template0 ENCODING UTF8 LOCALE 'C'"


def prepare(database: Database) -> tuple[str, ...]:
    """Lead a database to this program's schema, in one transaction; name the steps taken.

    Raises Unavailable: the server does not answer, the schema is a newer program's, or the
    database sorts or encodes texts in another way than by their bytes.
    """
    try:
        with database.changing() as connection:
            if database.shared:
                check_texts(connection)
            steps = schema.upgrade(connection)
            settle(connection)
            return steps
    except DBAPIError as error:
        failure = database.failure_of(error)
        if failure is None:
            raise
        raise failure.refusal from error


def settle(connection: Connection) -> None:
    """Give the server's role its rights on PostgreSQL, where the tables may be new ones."""
    if connection.dialect.name == "postgresql" and not rights.grant(connection):
        log.warning("there is no role %s: the server will have to connect as owner", rights.APP)


def check_texts(connection: Connection) -> None:
    """Raise Unavailable unless texts are UTF-8 and sorted by their bytes, as SQLite does."""
    row = connection.execute(
        text(
            "SELECT pg_encoding_to_char(encoding) AS encoding, datcollate, datlocprovider::text"
            " AS provider FROM pg_database WHERE datname = current_database()"
        )
    ).one()
    if row.encoding != "UTF8" or row.datcollate not in COLLATIONS or row.provider == "i":
        raise Unavailable(
            f"the database has encoding {row.encoding} and collation {row.datcollate}, not UTF8 "
            "and C: lists would be sorted by the rules of a language",
            remedy=MAKE,
        )
