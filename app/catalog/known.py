"""What is registered already, or stands earlier in the same batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select

from app.catalog.tables import DATASET_VERSIONS, DATASETS, MODEL_VERSIONS, MODELS, RUNS
from app.core.access import Membership
from app.core.errors import Conflict, Fault, ParentMissing
from app.core.events.kinds.datasets import DatasetRegistered, DatasetVersionRegistered
from app.core.events.kinds.models import ModelRegistered, ModelVersionRegistered, RunStarted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection, Row

    from app.core.events import Event, Said

COMMANDS = {
    ("dataset", 2): "muniment dataset register {name}",
    ("dataset", 3): "muniment dataset version add PATH, for version {version} of {name}",
    ("model", 2): "muniment model register {name}",
    ("model", 3): "muniment model version add PATH, for version {version} of {name}",
    ("run", 2): "muniment run -- COMMAND, or muniment event add run.started FILE",
}
"""What registers a subject, by its kind and number of parts."""

# Every posted event asks these; built once, they cost a third of building them each time.
TEAMS = {
    kind: select(table.c.team, table.c.team_only).where(table.c.name == bindparam("name"))
    for kind, table in (("dataset", DATASETS), ("model", MODELS))
}
VERSIONS = {
    kind: select(table.c.digest, table.c.created_index, of.c.team, of.c.team_only)
    .join(of, of.c.name == table.c.name)
    .where(table.c.subject == bindparam("subject"))
    for kind, table, of in (
        ("dataset", DATASET_VERSIONS, DATASETS),
        ("model", MODEL_VERSIONS, MODELS),
    )
}


def everything() -> Membership:
    """Stand for an actor that no team limits."""
    return Membership(None, None)


@dataclass(frozen=True, slots=True)
class Known:
    """A state of the catalogue, and what a batch says before the event at hand.

    ``membership``: asks which teams the actor is limited to. What is for another team alone
    is not registered, as far as that actor is told.
    """

    connection: Connection
    earlier: Sequence[Said]
    membership: Callable[[], Membership] = everything

    def said(self, subject: str, kind: type[Event]) -> Event | None:
        """Find what the batch already says about a subject."""
        return next(
            (
                one.event
                for one in self.earlier
                if one.subject == subject and type(one.event) is kind
            ),
            None,
        )

    def team_of(self, subject: str, pointer: str = "#/subject") -> str | None:
        """Tell the team whose members write about a dataset, a model or their versions.

        Raises ParentMissing at ``pointer`` if there is no such dataset or model.
        """
        kind, name = subject.split("/")[:2]
        whole = f"{kind}/{name}"
        said = self.said(whole, DatasetRegistered if kind == "dataset" else ModelRegistered)
        if isinstance(said, DatasetRegistered | ModelRegistered):
            return said.team
        found = self.connection.execute(TEAMS[kind], {"name": name}).first()
        if found is None or self._hides(found):
            raise missing(whole, pointer)
        team: str | None = found.team
        return team

    def version(self, subject: str) -> tuple[str, int] | None:
        """Find the digest of a version on record, and the entry that registered it."""
        query = VERSIONS[subject.split("/", maxsplit=1)[0]]
        found = self.connection.execute(query, {"subject": subject}).first()
        if found is None or self._hides(found):
            return None
        return found.digest, found.created_index

    def digest_of(self, subject: str, pointer: str) -> str:
        """Tell the digest of a dataset's or model's version. Raises ParentMissing."""
        on_dataset = subject.startswith("dataset/")
        said = self.said(
            subject, DatasetVersionRegistered if on_dataset else ModelVersionRegistered
        )
        if isinstance(said, DatasetVersionRegistered):
            return said.digest
        if isinstance(said, ModelVersionRegistered):
            return said.artifact.digest
        found = self.version(subject)
        if found is None:
            raise missing(subject, pointer)
        return found[0]

    def _hides(self, owner: Row[*tuple[Any, ...]]) -> bool:
        """Tell whether a dataset or model, by its team, is not there for the actor."""
        if not owner.team_only:
            return False
        teams = self.membership().sees
        return teams is not None and owner.team not in teams

    def check_digest(self, subject: str, digest: str | None, pointer: str) -> None:
        """Check that a version is registered with this digest; None: with any.

        Raises ParentMissing, or Conflict if the catalogue holds another digest.
        """
        registered = self.digest_of(subject, pointer)
        if digest is not None and digest != registered:
            raise Conflict(
                f"{subject} is registered with {registered}, not with {digest}",
                remedy="measure the registered bytes, or register these as a new version",
                faults=[Fault(pointer, "another digest is registered")],
            )

    def check_run(self, subject: str, pointer: str) -> None:
        """Check that a run was started. Raises ParentMissing."""
        if self.said(subject, RunStarted) is not None:
            return
        known = select(RUNS.c.subject).where(RUNS.c.subject == subject)
        if self.connection.execute(known).first() is None:
            raise missing(subject, pointer)


def missing(subject: str, pointer: str) -> ParentMissing:
    """Say that a subject is not registered, and which command registers it."""
    parts = subject.split("/")
    command = COMMANDS[parts[0], len(parts)]
    return ParentMissing(
        f"{subject} is not registered",
        remedy=command.format(name=parts[1], version=parts[-1]),
        faults=[Fault(pointer, "is not registered")],
    )
