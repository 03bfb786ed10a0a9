"""The composition root: the only file that sees every room.

``open_house`` puts the parts together on one data folder, ``build_app`` puts routes around
them. Clock and entropy come in here and nowhere else: that is how tests hold the time.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.ledger.append import Appender
from app.ledger.folder import Folder, signer_state
from app.ledger.opening import load_position, open_sqlite
from app.ledger.publisher import Publisher
from app.ledger.record import Ledger
from app.ledger.schemas import load_schemas
from app.ledger.sequencer import Sequencer
from app.settings import utc_now

if TYPE_CHECKING:
    from typing import TextIO

    from app.ledger.ports import Projection
    from app.ledger.signing import Signer
    from app.ledger.sql_store import SqlStore
    from app.settings import Clock, Entropy, Settings


@dataclass(frozen=True, slots=True)
class House:
    """Everything that runs on one data folder, from ``open_house`` to ``close``."""

    settings: Settings
    clock: Clock
    entropy: Entropy
    folder: Folder
    lock: TextIO
    store: SqlStore
    ledger: Ledger
    sequencer: Sequencer
    publisher: Publisher
    log_signer: Signer
    approvals_signer: Signer

    def close(self) -> None:
        """Sign what is recorded, stop writing, let go of the folder."""
        self.publisher.stop()
        self.sequencer.stop()
        self.store.close()
        self.lock.close()


def open_house(settings: Settings, clock: Clock = utc_now, entropy: Entropy = os.urandom) -> House:
    """Open the data folder and start to write; the caller closes it.

    Raises Unavailable if another process has the folder or the signer state is missing,
    ChainBroken if the log is not the one that was signed.
    """
    folder = Folder(settings.data_dir)
    folder.make()
    lock = folder.lock()
    projections: tuple[Projection, ...] = ()
    store = open_sqlite(folder.database, settings.log_origin, entropy, projections)
    log_signer = folder.log_signer(settings, store.origin, entropy)
    approvals_signer = folder.approvals_signer(store.origin, entropy)
    appender = Appender(store, load_position(store), projections, clock, entropy)
    sequencer = Sequencer(store, appender)
    ledger = Ledger(store, sequencer, load_schemas(), entropy)
    state = signer_state(settings, log_signer.verifier)
    publisher = Publisher(store, sequencer, log_signer, state)
    sequencer.start(publisher.grown)
    publisher.start()
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
        log_signer,
        approvals_signer,
    )
