"""Where a log lies and what is made of it: opened, and nothing begun in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO
from urllib.parse import parse_qsl, urlsplit

from app.catalog.projection import CatalogProjection
from app.core.errors import Missing, Rejected, Unavailable
from app.identity.projection import IdentityProjection
from app.ledger.folder import Folder, signer_state
from app.ledger.keyring import Keyring, key_place
from app.ledger.opening import open_postgresql, open_sqlite
from app.ledger.postgresql import PostgresqlDatabase
from app.ledger.sqlite import SqliteDatabase
from app.lineage.projection import LineageProjection
from app.reviews.projection import ReviewsProjection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.ledger.database import Database
    from app.ledger.ports import Projection
    from app.ledger.sql_store import SqlStore
    from app.settings import Entropy, Settings

FOR_A_PERSON: float = 600
"""Seconds that a statement of a command may be silent: it looks at everything there is."""


def projections() -> tuple[Projection, ...]:
    """Give what is kept in step with the log, in order."""
    return (IdentityProjection(), CatalogProjection(), LineageProjection(), ReviewsProjection())


def open_store(
    settings: Settings, entropy: Entropy, kept: Sequence[Projection]
) -> tuple[TextIO | None, SqlStore]:
    """Open the log's database, and take its folder's lock if it lies in one."""
    folder = Folder(settings.data_dir)
    folder.make()
    if settings.database_url is None:
        lock = folder.lock()
        try:
            return lock, open_sqlite(folder.database, settings.log_origin, entropy, kept)
        except BaseException:
            lock.close()
            raise
    check_protected(settings)
    try:
        return None, open_postgresql(
            settings.database_url, settings.log_origin, entropy, kept, settings.database_timeout
        )
    except Unavailable as refusal:
        if refusal.retry_after is None:
            raise
        raise Unavailable(
            "the database does not answer",
            remedy="start its server, or correct MUNIMENT_DATABASE_URL: the line above says why",
            retry_after=refusal.retry_after,
        ) from refusal


def check_protected(settings: Settings) -> None:
    """Raise Rejected rather than let the network read the log, or answer in its place.

    Also where the database's address asks for what its driver does not know.
    """
    if settings.database_url is not None:
        _check_options(settings.database_url)
    if settings.database_is_reached_unprotected():
        raise Rejected(
            "MUNIMENT_DATABASE_URL names another machine, and nothing proves that it answers",
            remedy="add ?sslmode=verify-full&sslrootcert=FILE, "
            "or say MUNIMENT_ALLOW_PLAIN_DATABASE=true",
        )
    if settings.graph_is_reached_unprotected():
        raise Rejected(
            "MUNIMENT_NEO4J_URI names another machine, and nothing proves that it answers",
            remedy="begin it with neo4j+s:// or bolt+s://, "
            "or say MUNIMENT_ALLOW_PLAIN_DATABASE=true",
        )


def _check_options(url: str) -> None:
    from psycopg import ProgrammingError
    from psycopg.conninfo import make_conninfo

    try:
        make_conninfo("", **dict(parse_qsl(urlsplit(url).query)))
    except ProgrammingError as error:
        said = str(error).strip().splitlines()[0]
        raise Rejected(
            f"MUNIMENT_DATABASE_URL: {said}", remedy="name only options that libpq knows"
        ) from None


def database_of(settings: Settings, patience: float = FOR_A_PERSON) -> Database:
    """Name the database of a log, without opening it. Raises Missing, Rejected.

    ``patience``: seconds after which a server that says nothing is given up.
    """
    if settings.database_url is not None:
        check_protected(settings)
        return PostgresqlDatabase(settings.database_url, patience)
    path = Folder(settings.data_dir).database
    if not path.exists():
        raise Missing(
            f"{settings.data_dir} holds no log", remedy="name the folder: --data-dir FOLDER"
        )
    return SqliteDatabase(path)


def keyring_of(settings: Settings, origin: str, entropy: Entropy) -> Keyring:
    """Tell where the keys of a log lie, and what each has signed last."""
    return Keyring(
        origin,
        key_place(settings.signing_key or Folder(settings.data_dir).key("log"), entropy),
        lambda verifier: signer_state(settings, verifier),
    )
