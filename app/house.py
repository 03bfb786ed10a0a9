"""What runs on one data folder: the log, its writer and signer, and who is who."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from app.core.events import say
from app.core.events.kinds.decisions import EnvironmentsPublished
from app.core.events.kinds.people import UserCreated
from app.core.events.kinds.records import LogStarted
from app.gates.environments import environments_digest
from app.identity.assembly import Identity, Keys, assemble
from app.identity.local import local_actor
from app.identity.passwords import STRONG
from app.ledger.append import Appender
from app.ledger.folder import Folder
from app.ledger.guarding import check_unguarded
from app.ledger.opening import load_position
from app.ledger.preparing import prepare
from app.ledger.publisher import Publisher
from app.ledger.rebuilding import rebuild as rebuild_projections
from app.ledger.record import Ledger
from app.ledger.rotating import Rotating
from app.ledger.schemas import load_schemas
from app.ledger.sequencer import Sequencer
from app.ledger.signing import load_or_make_secret
from app.ledger.timestamping import Timestamping, authority_of
from app.ledger.witnessing import Witnessing, witness_policy
from app.lineage.graphviz import Graphviz
from app.notify.assembly import ways_of
from app.notify.outbox import Outbox
from app.premises import check_protected, database_of, keyring_of, open_store, projections
from app.settings import boot_time, utc_now
from app.verification.scrubbing import Scrubber

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from argon2 import PasswordHasher

    from app.core.events import Said
    from app.core.jsonvalue import Json
    from app.ledger.database import Database
    from app.ledger.signing import Signer
    from app.ledger.sql_store import SqlStore
    from app.notify.courier import Ways
    from app.settings import Clock, Entropy, Monotonic, Settings

__all__ = ["ENVIRONMENTS", "House", "migrate", "open_house", "projections", "rebuild"]

ENVIRONMENTS = ("development", "staging", "production")
"""The stages that a new log begins with."""


@dataclass(frozen=True, slots=True)
class House:
    """Everything that runs on one log, from ``open_house`` to ``close``.

    ``lock``: of the data folder, where the log itself lies in it.
    """

    settings: Settings
    clock: Clock
    entropy: Entropy
    folder: Folder
    lock: TextIO | None
    store: SqlStore
    ledger: Ledger
    sequencer: Sequencer
    publisher: Publisher
    witnessing: Witnessing
    timestamping: Timestamping
    scrubber: Scrubber
    rotating: Rotating
    log_signer: Signer
    approvals_signer: Signer
    identity: Identity
    secret: bytes
    layout: Graphviz
    ways: Ways

    def nobody(self) -> bool:
        """Tell whether the first account is still to be made."""
        with self.ledger.snapshot() as now:
            return now.head(f"type:{UserCreated.TYPE}") is None

    def unready(self) -> str | None:
        """Tell why nothing is recorded until a restart, or None.

        Raises Unavailable while a database server does not answer: that passes.
        """
        with self.store.reading() as connection:
            self.store.head(connection)
        return self.sequencer.halted

    def beginning(self) -> Sequence[Said]:
        """Say what a new log begins with, ahead of its first account."""
        keys = LogStarted(
            self.store.origin,
            self.log_signer.verifier.vkey(),
            self.approvals_signer.verifier.vkey(),
        )
        stages = EnvironmentsPublished(
            ENVIRONMENTS, environments_digest(ENVIRONMENTS), local_actor(os.getuid()).id
        )
        return [say("log", keys), say("environments", stages)]

    def init(self, name: str, password: str) -> dict[str, Json]:
        """Make the first administrator, headless. Raises Conflict if there are people."""
        founded = self.identity.accounts.found(
            name, name, password, local_actor(os.getuid()), self.beginning()
        )
        return {
            "admin": founded.user,
            "otpauth": founded.otpauth,
            "recovery_codes": list(founded.recovery_codes),
            "vkey": self.log_signer.verifier.vkey(),
        }

    def close(self) -> None:
        """Sign what is recorded, stop writing, let go of the folder."""
        self.scrubber.stop()
        self.timestamping.stop()
        self.witnessing.stop()
        self.layout.close()
        self.publisher.stop()
        self.sequencer.stop()
        self.store.close()
        if self.lock is not None:
            self.lock.close()


def open_house(
    settings: Settings,
    clock: Clock = utc_now,
    entropy: Entropy = os.urandom,
    hasher: PasswordHasher = STRONG,
    monotonic: Monotonic = boot_time,
) -> House:
    """Open the log and start to write; the caller closes it.

    ``hasher``: a cheaper one is for tests alone. ``monotonic``: held against the clock.
    Raises Unavailable if another process has the folder, the database does not answer or has
    another schema, or the signer state is missing; ChainBroken if the log is not the one that
    was signed; Rejected if the way to the database is not protected or the witnesses' file or
    the timestamp authority's certificate is none, or the webhook's address may not be one.
    """
    with ExitStack() as closing:
        house = _opened(closing, settings, clock, entropy, hasher, monotonic)
        closing.pop_all()
        return house


def _opened(
    closing: ExitStack,
    settings: Settings,
    clock: Clock,
    entropy: Entropy,
    hasher: PasswordHasher,
    monotonic: Monotonic,
) -> House:
    """Open the log. ``closing``: what to let go of again if that fails on the way."""
    policy = witness_policy(settings)
    authority = authority_of(settings)
    check_protected(settings)
    folder = Folder(settings.data_dir)
    kept = projections()
    lock, store = open_store(settings, entropy, kept)
    if lock is not None:
        closing.callback(lock.close)
    closing.callback(store.close)
    check_unguarded(store)
    log_signer = folder.log_signer(settings, store.origin, entropy)
    approvals_signer = folder.approvals_signer(store.origin, entropy)
    ways = ways_of(settings, store.origin)
    beside = (*kept, Outbox()) if ways else kept
    appender = Appender(store, load_position(store), beside, clock, entropy, monotonic)
    sequencer = Sequencer(store, appender)
    ledger = Ledger(store, sequencer, load_schemas(), entropy)
    keyring = keyring_of(settings, store.origin, entropy)
    rotating = Rotating(ledger, keyring, log_signer.verifier)
    state = keyring.state_of(rotating.newest())
    publisher = Publisher(store, sequencer, log_signer, state, clock, keyring)
    keys = Keys(
        load_or_make_secret(folder.key("totp"), entropy),
        approvals_signer.sign,
        approvals_signer.verifier.vkey(),
    )
    sequencer.start(publisher.grown)
    closing.callback(sequencer.stop)
    publisher.start()
    witnessing = Witnessing(ledger, publisher, policy, clock)
    witnessing.start()
    timestamping = Timestamping(ledger, authority, clock)
    timestamping.start()
    scrubber = Scrubber(ledger, clock)
    scrubber.start()
    return House(
        settings,
        clock,
        entropy,
        folder,
        lock,
        store,
        ledger,
        sequencer,
        publisher,
        witnessing,
        timestamping,
        scrubber,
        rotating,
        log_signer,
        approvals_signer,
        assemble(ledger, clock, entropy, keys, settings.public_url, hasher),
        load_or_make_secret(folder.key("idempotency"), entropy),
        Graphviz(),
        ways,
    )


@contextmanager
def _alone(settings: Settings) -> Iterator[Database]:
    """Give the log's database to change its tables, with the server on a folder stopped."""
    with ExitStack() as closing:
        if settings.database_url is None:
            folder = Folder(settings.data_dir)
            folder.make()
            closing.enter_context(folder.lock())
        database = database_of(settings)
        closing.callback(database.close)
        yield database


def migrate(settings: Settings) -> tuple[str, ...]:
    """Lead the database to this program's schema; name the steps that were due.

    On PostgreSQL, connected as the database's owner. Raises Unavailable if a process has the
    folder, or the schema is a newer program's.
    """
    with _alone(settings) as database:
        return prepare(database)


def rebuild(settings: Settings, name: str) -> tuple[str, ...]:
    """Make a projection (or ``all``) again from the log, with the server stopped.

    Returns the names of those made. Raises Unavailable if a process has the folder, Missing.
    """
    with _alone(settings) as database:
        return rebuild_projections(database, projections(), name)
