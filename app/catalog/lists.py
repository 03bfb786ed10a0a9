"""The catalogue's lists, page by page.

Each is exact at the size its first page was read at: what was recorded later is not in it.
Where rows change (promotions, policies), a page shows them as they are when it is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, cast

from sqlalchemy import func, or_, tuple_

from app.catalog import queries
from app.catalog.reading import reader, selecting
from app.catalog.tables import (
    DATASET_VERSIONS,
    DATASETS,
    FINDINGS,
    MODEL_VERSIONS,
    MODELS,
    POLICIES,
    PROMOTIONS,
)
from app.catalog.values import Dataset, DatasetVersion, Finding, Model, ModelVersion, Promotion
from app.catalog.visible import in_environment, of_seen_models, seen_by, seen_subject
from app.core.access import EVERYTHING
from app.core.events.decode import encode
from app.web.listing import Listed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from _typeshed import DataclassInstance
    from sqlalchemy import ColumnElement, Table

    from app.core.access import Sight
    from app.ledger.snapshot import Snapshot
    from app.web.listing import Key

T = TypeVar("T", bound="DataclassInstance")


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of a list: as of a size, after a key (None: from the first), so many."""

    size: int
    after: Key | None
    limit: int


@dataclass(frozen=True, slots=True)
class PolicyListed:
    """A policy version without its document and cases."""

    name: str
    version: str
    state: str
    digest: str
    drafter: str
    publisher: str | None
    single_administrator: bool
    published_index: int | None
    published_at: str | None
    created_index: int
    changed_index: int
    recorded_at: str


def datasets(now: Snapshot, part: Part, sight: Sight, words: str = "") -> Listed:
    """List datasets by name. ``words``: each in the name, the owner or the description."""
    texts = (DATASETS.c.name, DATASETS.c.owner, DATASETS.c.description)
    where = [
        or_(*(func.lower(one).contains(word, autoescape=True) for one in texts))
        for word in words.lower().split()
    ]
    return _rows(now, part, Dataset, DATASETS, ("name",), [seen_by(sight, DATASETS), *where])


def models(now: Snapshot, part: Part, sight: Sight) -> Listed:
    """List models by name."""
    return _rows(now, part, Model, MODELS, ("name",), [seen_by(sight, MODELS)])


def dataset_versions(now: Snapshot, part: Part, name: str) -> Listed:
    """List the versions of a dataset in the order of the log."""
    of_name = [DATASET_VERSIONS.c.name == name]
    return _rows(now, part, DatasetVersion, DATASET_VERSIONS, ("created_index",), of_name)


def model_versions(now: Snapshot, part: Part, name: str) -> Listed:
    """List the versions of a model in the order of the log."""
    of_name = [MODEL_VERSIONS.c.name == name]
    return _rows(now, part, ModelVersion, MODEL_VERSIONS, ("created_index",), of_name)


def promotions(
    now: Snapshot,
    part: Part,
    sight: Sight,
    *,
    subject: str | None = None,
    environment: str | None = None,
    state: str | None = None,
) -> Listed:
    """List promotions in the order they were asked for."""
    columns = PROMOTIONS.c
    given = {columns.model_version: subject, columns.environment: environment, columns.state: state}
    where = [column == value for column, value in given.items() if value is not None]
    where.append(of_seen_models(sight, columns.model_version))
    where.append(in_environment(sight, columns.environment))
    return _rows(now, part, Promotion, PROMOTIONS, ("created_index",), where)


def findings(
    now: Snapshot, part: Part, sight: Sight, *, about: str | None, state: str | None
) -> Listed:
    """List findings in the order they were raised; ``state``: open or closed, None: both."""
    where = [seen_subject(sight, FINDINGS.c.about)]
    if about is not None:
        where.append(FINDINGS.c.about == about)
    if state is not None:
        closed = FINDINGS.c.closed_index.is_not(None)
        where.append(closed if state == "closed" else ~closed)
    return _rows(now, part, Finding, FINDINGS, ("created_index",), where)


def policies(now: Snapshot, part: Part, state: str | None = None) -> Listed:
    """List policy versions by name, each name's in the order of the log."""
    where = [] if state is None else [POLICIES.c.state == state]
    return _rows(now, part, PolicyListed, POLICIES, ("name", "created_index"), where)


def deployments(
    now: Snapshot,
    part: Part,
    sight: Sight,
    *,
    environment: str | None,
    at: datetime | None,
    name: str | None = None,
) -> Listed:
    """List what is live, or was at a valid time, by environment and name."""
    found = queries.deployments_at(now.connection, at=at, size=part.size, environment=environment)
    names = {one.model_version for one in found if sight.reaches(one.environment)}
    seen = _seen_models(now, sight, names)
    items = [
        one
        for one in found
        if one.model_version in seen
        and sight.reaches(one.environment)
        and name in (None, one.name)
        and (part.after is None or (one.environment, one.name) > part.after)
    ][: part.limit]
    keys = [(one.environment, one.name) for one in items]
    return Listed([encode(one) for one in items], keys, part.size)


def _seen_models(now: Snapshot, sight: Sight, subjects: set[str]) -> set[str]:
    if sight == EVERYTHING:
        return subjects
    column = MODEL_VERSIONS.c.subject
    wanted = MODEL_VERSIONS.select().where(column.in_(subjects), of_seen_models(sight, column))
    return {row.subject for row in now.connection.execute(wanted)}


def _rows(
    now: Snapshot,
    part: Part,
    kind: type[T],
    table: Table,
    keys: Sequence[str],
    where: Sequence[ColumnElement[bool]],
) -> Listed:
    """Read a part of a table, sorted by ``keys``, the last of which is unique in it."""
    columns = [table.c[name] for name in keys]
    wanted = selecting(kind, table).where(table.c.created_index < part.size, *where)
    if part.after is not None:
        wanted = wanted.where(tuple_(*columns) > tuple_(*part.after))
    found = now.connection.execute(wanted.order_by(*columns).limit(part.limit))
    items = [encode(one) for one in map(reader(kind), found)]
    sorted_by = [tuple(cast("str | int", item[name]) for name in keys) for item in items]
    return Listed(items, sorted_by, part.size)
