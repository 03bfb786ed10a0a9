"""One thing with what belongs to it, for a caller who may see it.

What belongs to a team alone is Missing for everybody else, as if it were not there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.catalog import queries
from app.catalog.visible import sees
from app.core.access import Permission
from app.core.errors import Missing
from app.core.events.decode import encode
from app.core.events.envelope import version_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from app.catalog.values import Dataset, DatasetVersion, Decision, Model, Promotion
    from app.core.jsonvalue import Json
    from app.web.callers import Caller


def dataset(connection: Connection, caller: Caller, name: str) -> Dataset:
    """Give a dataset. Raises RoleMissing, Forbidden, Missing."""
    caller.require(Permission.READ, subject=f"dataset/{name}")
    found = queries.dataset(connection, name)
    if found is None or not sees(caller.sight, found):
        raise Missing(f"there is no dataset {name[:100]}", remedy="GET /api/v1/datasets lists them")
    return found


def model(connection: Connection, caller: Caller, name: str) -> Model:
    """Give a model. Raises RoleMissing, Forbidden, Missing."""
    caller.require(Permission.READ, subject=f"model/{name}")
    found = queries.model(connection, name)
    if found is None or not sees(caller.sight, found):
        raise Missing(f"there is no model {name[:100]}", remedy="GET /api/v1/models lists them")
    return found


def check_seen(connection: Connection, caller: Caller, model_version: str) -> Model:
    """Give the model of a version that the caller asks about. Raises Missing: it is hidden."""
    found = queries.model(connection, version_of(model_version)[1])
    if found is None or not sees(caller.sight, found):
        raise Missing(
            f"{model_version} is not registered",
            remedy="register it with `muniment model version add`",
        )
    return found


def seen_data(connection: Connection, caller: Caller, subject: str) -> DatasetVersion | None:
    """Give a dataset version, unless it is not there or hidden from the caller."""
    whole = queries.dataset(connection, version_of(subject)[1])
    if whole is None or not sees(caller.sight, whole):
        return None
    return queries.dataset_version(connection, subject)


def check_readable(
    connection: Connection, caller: Caller, about: Decision | Promotion, name: str
) -> None:
    """Check that a caller may read a decision or promotion. ``name``: what they call it.

    Raises Forbidden: outside a token's limits. Missing: about a model that is hidden.
    """
    caller.require(
        Permission.READ_DECISIONS, subject=about.model_version, environment=about.environment
    )
    found = queries.model(connection, version_of(about.model_version)[1])
    if found is not None and not sees(caller.sight, found):
        raise Missing(f"there is no {name[:100]}")


def dataset_version(
    connection: Connection, caller: Caller, name: str, version: str
) -> dict[str, Json]:
    """Give a dataset version: its row, ``approvals``, ``documents``. Raises as ``dataset``."""
    dataset(connection, caller, name)
    subject = f"dataset/{name}/{version}"
    found = queries.dataset_version(connection, subject)
    if found is None:
        raise _no_version("dataset", name, version)
    return encode(found) | {
        "approvals": [encode(one) for one in queries.approvals(connection, [subject])],
        "documents": [encode(one) for one in queries.documents(connection, [subject])],
    }


def model_version(
    connection: Connection, caller: Caller, name: str, version: str
) -> dict[str, Json]:
    """Give a model version and what is on record about it, in the caller's environments.

    Raises as ``model``.

    ``stages``: environments where it is allowed. ``evaluations`` and ``predictions`` (without
    their cells): evidence. ``decisions``: the last one an environment, as served.
    ``promotions``, ``deployments``, ``documents`` (of the version and of the model).
    """
    model(connection, caller, name)
    subject = f"model/{name}/{version}"
    found = queries.model_version(connection, subject)
    if found is None:
        raise _no_version("model", name, version)
    reaches = caller.sight.reaches
    last = {
        one.environment: one
        for one in queries.decisions(connection, subject)
        if reaches(one.environment)
    }
    counted = [encode(one) for one in queries.predictions(connection, subject)]
    about = [f"model/{name}", subject]
    return encode(found) | {
        "stages": [one for one in queries.stages(connection, subject) if reaches(one)],
        "evaluations": [encode(one) for one in queries.evaluations(connection, subject)],
        "predictions": [{k: v for k, v in one.items() if k != "cells"} for one in counted],
        "documents": [encode(one) for one in queries.documents(connection, about)],
        "decisions": {environment: one.decision for environment, one in sorted(last.items())},
        "promotions": [
            encode(one)
            for one in queries.promotions(connection, subject)
            if reaches(one.environment)
        ],
        "deployments": [
            encode(one)
            for one in queries.deployments(connection, model_version=subject)
            if reaches(one.environment)
        ],
    }


def _no_version(kind: str, name: str, version: str) -> Missing:
    return Missing(
        f"{kind} {name[:100]} has no version {version[:100]}",
        remedy=f"GET /api/v1/{kind}s/{name[:100]}/versions lists them",
    )
