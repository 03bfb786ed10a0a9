"""What a caller may see: an object for its team alone is not there for anybody else."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, TypeAlias

from sqlalchemy import and_, false, func, literal, not_, or_, select, true

from app.catalog.tables import DATASETS, MODEL_VERSIONS, MODELS

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, FromClause, Table

    from app.catalog.values import Dataset, Model
    from app.core.jsonvalue import Json
    from app.web.callers import Caller

Teams: TypeAlias = "frozenset[str] | None"
"""Teams a caller belongs to; None: not limited to any."""


def sees(teams: Teams, one: Dataset | Model) -> bool:
    """Tell whether a member of ``teams`` sees a dataset or model, and with it its versions."""
    return teams is None or not one.team_only or one.team in teams


def seen_by(teams: Teams, table: FromClause) -> ColumnElement[bool]:
    """Ask for the datasets or models that a member of ``teams`` sees."""
    if teams is None:
        return true()
    return or_(table.c.team_only == false(), table.c.team.in_(sorted(teams)))


def of_seen_models(teams: Teams, model_version: ColumnElement[str]) -> ColumnElement[bool]:
    """Ask for rows about versions of models that a member of ``teams`` sees."""
    if teams is None:
        return true()
    seen = select(MODEL_VERSIONS.c.subject).join(MODELS, MODELS.c.name == MODEL_VERSIONS.c.name)
    return model_version.in_(seen.where(seen_by(teams, MODELS)))


def seen_subject(teams: Teams, subject: ColumnElement[str]) -> ColumnElement[bool]:
    """Ask for rows whose subject is, or lies below, no dataset or model hidden from ``teams``."""
    if teams is None:
        return true()
    return and_(*(not_(_below_hidden(teams, subject, one)) for one in (DATASETS, MODELS)))


def hides(connection: Connection, caller: Caller, subject: str, data: Json) -> bool:
    """Tell whether an event stands under, or names, what is hidden from its reader."""
    if caller.teams is None:
        return False
    hidden = [
        f"{kind}/{re.escape(name)}"
        for kind, table in (("dataset", DATASETS), ("model", MODELS))
        for name in connection.execute(
            select(table.c.name).where(not_(seen_by(caller.teams, table)))
        ).scalars()
    ]
    named = re.compile(rf"(?<![a-z0-9._/-])(?:{'|'.join(hidden)})(?![a-z0-9._-])")
    told = f"{subject} {json.dumps(data, ensure_ascii=False)}"
    return bool(hidden) and named.search(told) is not None


def _below_hidden(teams: Teams, subject: ColumnElement[str], table: Table) -> ColumnElement[bool]:
    kind = "dataset/" if table is DATASETS else "model/"
    hidden = table.alias("hidden")  # apart from the same table in the statement around it
    whole = literal(kind) + hidden.c.name + literal("/")
    start = func.substr(subject + literal("/"), 1, func.length(whole))
    return select(hidden.c.name).where(not_(seen_by(teams, hidden)), start == whole).exists()
