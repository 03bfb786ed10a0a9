"""From rows to frozen values, by the values' own annotations."""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from types import UnionType
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin, get_type_hints

from sqlalchemy import select

from app.catalog.tables import DATASET_VERSIONS, from_text
from app.core.events.decode import decode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed import DataclassInstance
    from sqlalchemy import ColumnElement, Connection, Row, Select, Table

T = TypeVar("T", bound="DataclassInstance")
SCALARS = frozenset({str, int, float, bool})


@cache
def _documents(kind: type[DataclassInstance]) -> frozenset[str]:
    """Name the fields whose columns are JSON: those that are no plain scalar."""
    hints = get_type_hints(kind, localns={"Json": object})
    return frozenset(name for name, hint in hints.items() if not _plain(hint))


def _plain(hint: object) -> bool:
    options = get_args(hint) if get_origin(hint) is UnionType else (hint,)
    return all(one in SCALARS or one is type(None) for one in options)


def selecting(kind: type[T], table: Table) -> Select[*tuple[Any, ...]]:
    """Select the columns that a ``kind`` is made of."""
    return select(*(_column(table, field.name) for field in fields(kind)))


def _column(table: Table, name: str) -> ColumnElement[Any]:
    if name == "fingerprinted":
        return DATASET_VERSIONS.c.row_fingerprints.is_not(None).label(name)
    return table.c[name]


def reader(kind: type[T]) -> Callable[[Row[*tuple[Any, ...]]], T]:
    """Plan how a row that ``selecting`` asked for becomes a ``kind``."""
    documents = _documents(kind)

    def read(row: Row[*tuple[Any, ...]]) -> T:
        members = {
            name: from_text(value) if name in documents and isinstance(value, str) else value
            for name, value in row._mapping.items()  # noqa: SLF001 - its public name
        }
        return decode(kind, members)

    return read


def all_of(
    connection: Connection, kind: type[T], table: Table, *where: ColumnElement[bool]
) -> tuple[T, ...]:
    """Read every matching row, in the order of the log."""
    found = connection.execute(selecting(kind, table).where(*where).order_by(table.c.created_index))
    return tuple(map(reader(kind), found))


def one_of(
    connection: Connection, kind: type[T], table: Table, *where: ColumnElement[bool]
) -> T | None:
    """Read the one matching row, if there is one."""
    found = connection.execute(selecting(kind, table).where(*where)).one_or_none()
    return None if found is None else reader(kind)(found)


def last_of(
    connection: Connection, kind: type[T], table: Table, *where: ColumnElement[bool]
) -> T | None:
    """Read the newest matching row, if there is one."""
    newest = selecting(kind, table).where(*where).order_by(table.c.created_index.desc()).limit(1)
    found = connection.execute(newest).one_or_none()
    return None if found is None else reader(kind)(found)


def up_to(table: Table, size: int | None) -> tuple[ColumnElement[bool], ...]:
    """Ask only for what the first ``size`` entries brought; None: everything."""
    return () if size is None else (table.c.created_index < size,)


def in_subjects(column: ColumnElement[str], subjects: Iterable[str]) -> ColumnElement[bool]:
    """Ask for rows about any of the subjects."""
    return column.in_(sorted(set(subjects)))
