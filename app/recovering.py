"""Going on with a log that refuses to be written: a person answers for it, and it is recorded.

What is stored is checked whole first. The order of the steps is that of their crashes: the
guard is durable before the signer's state is set, and goes with the entry that says so.
"""

from __future__ import annotations

import base64
import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

from app.core.errors import ChainBroken, Conflict, Rejected, Unavailable
from app.core.events import say
from app.core.events.kinds.records import LogRecovered
from app.core.ledger.merkle import fold
from app.core.ledger.rotation import signing
from app.core.ledger.verdict import Outcome
from app.house import open_house, projections
from app.identity.erasing import erase_drafts
from app.identity.local import local_actor
from app.ledger.append import Appender
from app.ledger.folder import Folder
from app.ledger.guarding import (
    ADOPT,
    ROLLED_BACK,
    Guard,
    drop_guard,
    guard_of,
    put_guard,
)
from app.ledger.keyring import key_history
from app.ledger.opening import load_position, read_tree
from app.ledger.record import Ledger
from app.ledger.redaction import erasing
from app.ledger.schemas import load_schemas
from app.ledger.sequencer import Sequencer
from app.ledger.signing import Signed
from app.ledger.timekeeping import ACCEPT_CLOCK, forget_doubt
from app.premises import database_of, keyring_of, open_store
from app.reporting.erasing import erase_reports
from app.settings import boot_time, utc_now
from app.verification.fsck import fsck

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from app.core.events import Said
    from app.ledger.ports import Recorded
    from app.ledger.receipt import Receipt
    from app.ledger.signing import SignerState
    from app.ledger.sql_store import SqlStore
    from app.settings import Clock, Entropy, Monotonic, Settings

KEYS = ("log", "approvals", "totp", "idempotency")
COPIES = (erase_reports, erase_drafts)


def recover(
    settings: Settings,
    *,
    adopt: bool,
    accept_clock: bool = False,
    clock: Clock = utc_now,
    entropy: Entropy = os.urandom,
    monotonic: Monotonic = boot_time,
) -> Receipt:
    """Answer for the log as it is stored now, with its server stopped; give the entry's receipt.

    ``adopt``: take it on although what was signed of it is not known. ``accept_clock``: answer
    for the clock, too. Raises Conflict (nothing to recover from), Rejected (``adopt`` is not
    said, or the log's key is missing), ChainBroken (what is stored does not check),
    Unavailable (a process has the folder).
    """
    folder = Folder(settings.data_dir)
    _check_keys(settings, folder)
    with ExitStack() as closing:
        lock, store = open_store(settings, entropy, projections())
        if lock is not None:
            closing.callback(lock.close)
        closing.callback(store.close)
        signer = folder.log_signer(settings, store.origin, entropy)
        with store.reading() as connection:
            size = store.head(connection).size
            keys = key_history(store, connection, signer.verifier)
        state = keyring_of(settings, store.origin, entropy).state_of(signing(keys, size)[0])
        guard = _cause(store, state)
        if guard.because == ADOPT and not adopt:
            raise Rejected(
                "what was signed of this log is not known, so nothing here shows whether it lost "
                "its newest entries",
                remedy="compare with a saved checkpoint or a witness, then say --adopt",
            )
        _check_whole(settings)
        appender = Appender(store, load_position(store), projections(), clock, entropy, monotonic)
        sequencer = Sequencer(store, appender)
        sequencer.start(lambda _: None)
        closing.callback(sequencer.stop)
        ledger = Ledger(store, sequencer, load_schemas(), entropy)
        ledger.operate(lambda connection: put_guard(connection, guard))
        receipt = _record(ledger, guard, state, clock, accept_clock=accept_clock)
    # Opened once, so that what was recovered is read back and signed.
    open_house(settings, clock, entropy, monotonic=monotonic).close()
    return receipt


def _record(
    ledger: Ledger, guard: Guard, state: SignerState, clock: Clock, *, accept_clock: bool
) -> Receipt:
    with ledger.snapshot() as now:
        head = now.store.head(now.connection)
        # A crash after this line leaves the guard: nothing is written before the entry is.
        state.reset(Signed(head.size, head.root))
        recovered = LogRecovered(guard.because, head.size, guard.signed_size, guard.signed_root)
        saids: list[Said] = [say("log", recovered, clock())]
        if accept_clock:
            saids.append(say("log", LogRecovered(ACCEPT_CLOCK, head.size), clock()))
        saids += [say(now.entry(one.index).subject, one) for one in guard.redactions]
    erase = erasing(ledger, COPIES)

    def settle(connection: Connection, recorded: Sequence[Recorded]) -> None:
        drop_guard(connection)
        if accept_clock:
            forget_doubt(connection)
        erase(connection, recorded)

    receipt = ledger.record_all(saids, local_actor(os.getuid()), beside=settle)[0]
    if guard.redactions:
        ledger.forget()
    return receipt


def _cause(store: SqlStore, state: SignerState) -> Guard:
    """Find out why the log refuses to be written. Raises Conflict, ChainBroken."""
    try:
        signed, known = state.read(), True
    except ChainBroken:
        signed, known = None, False
    with store.reading() as connection:
        head, guard = store.head(connection), guard_of(connection)
        if guard is not None:
            return guard
        if signed is None:
            if head.size or not known:
                return Guard(ADOPT)
            raise Conflict("the log is empty: there is nothing to recover from")
        root = base64.b64encode(signed.root).decode()
        if signed.size > head.size:
            return Guard(ROLLED_BACK, signed.size, root)
        if fold(read_tree(store, connection, signed.size).peaks()) != signed.root:
            raise ChainBroken(
                f"the first {signed.size} entries are not those that were signed: this is no "
                "loss to answer for, but another log",
                remedy="run `muniment ledger fsck` to see what was altered, restore a backup",
            )
    raise Conflict("the log is as it was signed: there is nothing to recover from")


def _check_whole(settings: Settings) -> None:
    report = fsck(database_of(settings), projections(), [])
    if report.outcome is not Outcome.VALID:
        raise ChainBroken(
            f"what is stored does not check: {report.bottom_line}",
            remedy="run `muniment ledger fsck`; restore a backup that is whole",
        )


def _check_keys(settings: Settings, folder: Folder) -> None:
    """Refuse to go on under new keys, which nobody trusts and which open nothing here.

    Raises Unavailable.
    """
    for name in KEYS:
        if name == "log" and settings.signing_key is not None:
            continue
        if not folder.key(name).exists():
            raise Unavailable(
                f"the log's key is not at {folder.key(name)}",
                remedy="put it back from where keys are kept, with mode 0600",
            )
