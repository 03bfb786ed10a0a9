"""Finding things by words or a digest, over everything that has a name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, literal, or_, select, true, union_all

from app.catalog.tables import (
    DATASET_VERSIONS,
    DATASETS,
    DOCUMENTS,
    MODEL_VERSIONS,
    MODELS,
    POLICIES,
    PROMOTIONS,
    RUNS,
)
from app.catalog.visible import in_environment, seen_subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement, Connection, Select

    from app.core.access import Sight


@dataclass(frozen=True, slots=True)
class Found:
    """``kind``: dataset, dataset_version, model, model_version, document, run, policy or promotion.

    ``title``: what it says about itself. ``index``: the entry that brought it.
    """

    subject: str
    kind: str
    title: str
    index: int


def search(connection: Connection, words: str, sight: Sight, limit: int) -> tuple[Found, ...]:
    """Find what holds every word in its name, its words about itself or its digest.

    Letters are compared without case. The newest first; no more than ``limit``.
    """
    terms = words.lower().split()
    if not terms:
        return ()
    everything = union_all(*_sources(terms, sight)).subquery()
    found = connection.execute(
        select(everything).order_by(everything.c.entry.desc(), everything.c.subject).limit(limit)
    )
    return tuple(Found(row.subject, row.kind, row.title, row.entry) for row in found)


def _sources(terms: list[str], sight: Sight) -> Iterator[Select[*tuple[Any, ...]]]:
    """Select from each table: subject, kind, title, entry; of what matches and may be seen."""
    ds, dv, md, mv = DATASETS.c, DATASET_VERSIONS.c, MODELS.c, MODEL_VERSIONS.c
    do, ru, po, pr = DOCUMENTS.c, RUNS.c, POLICIES.c, PROMOTIONS.c
    dataset, model = literal("dataset/") + ds.name, literal("model/") + md.name
    policy = literal("policy/") + po.name + literal("/") + po.version
    promotion = literal("promotion/") + pr.id
    for kind, subject, about, title, entry, other in (
        ("dataset", dataset, dataset, ds.description, ds.created_index, ds.owner),
        ("dataset_version", dv.subject, dv.subject, dv.uri, dv.created_index, dv.digest),
        ("model", model, model, md.purpose, md.created_index, md.owner),
        ("model_version", mv.subject, mv.subject, mv.framework, mv.created_index, mv.digest),
        ("document", do.subject, do.subject, do.title, do.created_index, do.blob),
        ("run", ru.subject, ru.subject, ru.kind, ru.created_index, ru.status),
        ("policy", policy, policy, po.state, po.created_index, po.digest),
        ("promotion", promotion, pr.model_version, pr.environment, pr.created_index, pr.state),
    ):
        columns = (subject.label("subject"), literal(kind).label("kind"))
        yield select(*columns, title.label("title"), entry.label("entry")).where(
            _all_in(terms, [subject, about, title, other]),
            seen_subject(sight, about),
            true() if kind != "promotion" else in_environment(sight, pr.environment),
        )


def _all_in(terms: list[str], texts: list[ColumnElement[str]]) -> ColumnElement[bool]:
    return and_(
        *(
            or_(*(func.lower(text).contains(term, autoescape=True) for text in texts))
            for term in terms
        )
    )
