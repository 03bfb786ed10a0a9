"""What a caller may see: an object for its team alone is not there for anybody else.

A token's limits narrow its sight: what lies outside them is in none of its answers.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from sqlalchemy import and_, false, func, literal, not_, or_, select, true

from app.catalog.tables import DATASETS, MODEL_VERSIONS, MODELS

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, FromClause, Table

    from app.catalog.values import Dataset, Model
    from app.core.access import Sight
    from app.core.jsonvalue import Json
    from app.web.callers import Caller


def sees(sight: Sight, one: Dataset | Model) -> bool:
    """Tell whether a dataset or model, and with it its versions, is hidden by no team."""
    return sight.teams is None or not one.team_only or one.team in sight.teams


def sees_about(sight: Sight, model: Model, model_version: str, environment: str) -> bool:
    """Tell whether what is said about a version in an environment is in sight."""
    reached = sight.covers(model_version) and sight.reaches(environment)
    return reached and sees(sight, model)


def seen_by(sight: Sight, table: Table) -> ColumnElement[bool]:
    """Ask for the datasets or models in sight."""
    return and_(_of_teams(sight, table), _covered(sight, _subject(table)))


def of_seen_models(sight: Sight, model_version: ColumnElement[str]) -> ColumnElement[bool]:
    """Ask for rows about versions of models that are in sight."""
    if sight.teams is None:
        return _covered(sight, model_version)
    seen = select(MODEL_VERSIONS.c.subject).join(MODELS, MODELS.c.name == MODEL_VERSIONS.c.name)
    of_teams = model_version.in_(seen.where(_of_teams(sight, MODELS)))
    return and_(of_teams, _covered(sight, model_version))


def in_environment(sight: Sight, environment: ColumnElement[str]) -> ColumnElement[bool]:
    """Ask for rows about an environment in sight."""
    return true() if sight.environment is None else environment == sight.environment


def seen_subject(sight: Sight, subject: ColumnElement[str]) -> ColumnElement[bool]:
    """Ask for rows whose subject is in sight: in no hidden dataset or model, nor below one."""
    hidden = () if sight.teams is None else (DATASETS, MODELS)
    shown = (not_(_below_hidden(sight, subject, one)) for one in hidden)
    return and_(_covered(sight, subject), *shown)


def hides(connection: Connection, caller: Caller, subject: str, data: Json) -> bool:
    """Tell whether an event stands under, or names, what is not in its reader's sight.

    Before a token with limits it also has to be about what they cover: its subject, or what
    its data names as such.
    """
    sight = caller.sight
    return (sight.limited and not _within(sight, subject, data)) or (
        sight.teams is not None and _names_hidden(connection, sight, subject, data)
    )


def _within(sight: Sight, subject: str, data: Json) -> bool:
    told = data if isinstance(data, dict) else {}
    abouts = (subject, *(told.get(name) for name in ("subject", "model_version", "about")))
    parts = subject.split("/")
    places = (parts[1] if parts[0] == "deployment" else None, told.get("environment"))
    return any(isinstance(one, str) and sight.covers(one) for one in abouts) and all(
        sight.reaches(one) for one in places if isinstance(one, str)
    )


def _names_hidden(connection: Connection, sight: Sight, subject: str, data: Json) -> bool:
    hidden = [
        f"{kind}/{re.escape(name)}"
        for kind, table in (("dataset", DATASETS), ("model", MODELS))
        for name in connection.execute(
            select(table.c.name).where(not_(_of_teams(sight, table)))
        ).scalars()
    ]
    named = re.compile(rf"(?<![a-z0-9._/-])(?:{'|'.join(hidden)})(?![a-z0-9._-])")
    told = f"{subject} {json.dumps(data, ensure_ascii=False)}"
    return bool(hidden) and named.search(told) is not None


def _of_teams(sight: Sight, table: FromClause) -> ColumnElement[bool]:
    if sight.teams is None:
        return true()
    return or_(table.c.team_only == false(), table.c.team.in_(sorted(sight.teams)))


def _subject(table: Table) -> ColumnElement[str]:
    kind = "dataset/" if table is DATASETS else "model/"
    return literal(kind) + table.c.name


def _covered(sight: Sight, subject: ColumnElement[str]) -> ColumnElement[bool]:
    """Ask for subjects below the prefix of a token."""
    if sight.prefix is None:
        return true()
    return func.substr(subject + literal("/"), 1, len(sight.below)) == sight.below


def _below_hidden(sight: Sight, subject: ColumnElement[str], table: Table) -> ColumnElement[bool]:
    kind = "dataset/" if table is DATASETS else "model/"
    hidden = table.alias("hidden")  # apart from the same table in the statement around it
    whole = literal(kind) + hidden.c.name + literal("/")
    start = func.substr(subject + literal("/"), 1, func.length(whole))
    return select(hidden.c.name).where(not_(_of_teams(sight, hidden)), start == whole).exists()
