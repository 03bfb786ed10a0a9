"""The pages of policies: which there are, and what each asks, beside its source."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request
from sqlalchemy import select
from starlette.responses import Response

from app.catalog import lists, queries
from app.catalog.api import POLICY_COLUMNS
from app.catalog.lists import Part
from app.catalog.tables import DECISIONS, POLICIES
from app.catalog.visible import of_seen_models
from app.core.access import Permission
from app.core.errors import Missing
from app.core.policy.document import parse_policy
from app.gates.readable import about, policy_sentences
from app.web.listing import PageQuery
from app.web.paths import page_of
from app.web.tables import Column, Kind, list_page

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from app.core.access import Sight
    from app.core.jsonvalue import Json
    from app.ledger.ports import NamesOf
    from app.ledger.record import Ledger
    from app.web.desk import Desk
    from app.web.listing import Cursors, Key, Listed

Text = Annotated[str, Query(max_length=300)]

STATES = ("draft", "published", "replaced", "retired")
USES_SHOWN = 50
COLUMNS = (
    Column("name", "Policy", Kind.LINK),
    Column("version", "Version", Kind.LINK),
    Column("state", "State", Kind.STATUS),
    Column("drafter", "Drafted by"),
    Column("publisher", "Published by"),
    Column("published_at", "Published", Kind.TIME),
    Column("digest", "Digest", Kind.HASH),
)


@dataclass(frozen=True, slots=True)
class Use:
    """A decision that a policy had a part in."""

    model_version: str
    environment: str
    gate: str
    recorded_at: str
    created_index: int


def policy_pages(desk: Desk, ledger: Ledger, cursors: Cursors, names: NamesOf) -> APIRouter:
    """Build the pages of policies."""
    router = desk.router()

    @router.get("/policies")
    def policies(request: Request, page: PageQuery, state: Text = "") -> Response:
        """List policy versions by name."""
        desk.visitor(request).caller.require(Permission.READ)

        def fetch(size: int | None, after: Key | None, limit: int) -> Listed:
            with ledger.snapshot() as now:
                part = Part(now.size if size is None else size, after, limit)
                return lists.policies(now, part, state or None)

        listing = list_page(
            request,
            page,
            cursors,
            COLUMNS,
            fetch,
            caption="Policies",
            csv_columns=POLICY_COLUMNS,
        )
        if isinstance(listing, Response):
            return listing
        people = {str(one[who]) for one in listing.items for who in ("drafter", "publisher")}
        with ledger.snapshot() as now:
            called = names(now.connection, people)
        return desk.page(
            request,
            "gates/policies",
            title="Policies",
            listing=listing,
            names=called,
            states=STATES,
            state=state,
        )

    @router.get("/policies/{name}")
    def policy(request: Request, name: str) -> Response:
        """Go to the version that is in force, or else the newest one."""
        desk.visitor(request).caller.require(Permission.READ)
        with ledger.snapshot() as now:
            known = _versions(now.connection, name)
        if not known:
            raise Missing(f"there is no policy {name[:100]}", remedy="see the list of policies")
        chosen = next((one for one, state in known if state == "published"), known[0][0])
        return desk.to(request, str(page_of(f"policy/{name}/{chosen}")))

    @router.get("/policies/{name}/versions/{version}")
    def policy_version(request: Request, name: str, version: str) -> Response:
        """Show a policy in sentences beside its source, its cases and what it decided."""
        caller = desk.visitor(request).caller
        caller.require(Permission.READ)
        with ledger.snapshot() as now:
            found = queries.policy_version(now.connection, name, version)
            if found is None:
                raise Missing(f"there is no policy/{name[:100]}/{version[:100]}")
            known = _versions(now.connection, name)
            uses = uses_of(now.connection, name, version, caller.sight)
            people = [one for one in (found.drafter, found.publisher) if one]
            called = names(now.connection, people)
            size = now.size
        parsed = parse_policy(found.document)
        return desk.page(
            request,
            "gates/policy",
            title=f"{name} {version}",
            policy=found,
            about=about(parsed),
            frameworks=parsed.frameworks,
            owner=parsed.owner,
            sentences=policy_sentences(parsed),
            source=as_yaml(found.document),
            cases=case_names(found.cases),
            known=known,
            uses=uses,
            names=called,
            size=size,
        )

    return router


def uses_of(connection: Connection, name: str, version: str, sight: Sight) -> tuple[Use, ...]:
    """Find the newest decisions that a policy version had a part in."""
    columns = DECISIONS.c
    found = connection.execute(
        select(
            columns.model_version,
            columns.environment,
            columns.gate,
            columns.recorded_at,
            columns.created_index,
        )
        .where(
            # Canonical JSON: a policy of a decision ends with its name and version.
            columns.decision.contains(f'"name":"{name}","version":"{version}"', autoescape=True),
            of_seen_models(sight, columns.model_version),
        )
        .order_by(columns.created_index.desc())
        .limit(USES_SHOWN)
    )
    return tuple(Use(**row._mapping) for row in found)  # noqa: SLF001 - its public name


FIRST = (
    "apiVersion", "kind", "metadata", "name", "id", "version", "owner", "applies", "mode",
    "valid_for", "evidence", "type", "from", "metric", "query", "op", "value",
)  # fmt: skip
"""Members that a file of policies/ begins with; canonical JSON has lost its order."""


def as_yaml(document: Json) -> str:
    """Write a policy's document as a file of policies/ is written."""
    from ruamel.yaml import YAML

    yaml, text = YAML(typ="safe", pure=True), io.StringIO()
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment] # typed as None
    yaml.width = 90
    yaml.dump(_in_order(document), text)
    return text.getvalue()


def _in_order(value: Json) -> Json:
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: (_place(name), name))
        return {name: _in_order(value[name]) for name in names}
    if isinstance(value, list):
        return [_in_order(one) for one in value]
    return value


def _place(name: str) -> int:
    return FIRST.index(name) if name in FIRST else len(FIRST) + (name == "rules")


def case_names(cases: Json) -> list[str]:
    """Name the expected decisions that a policy came with."""
    if not isinstance(cases, list):
        return []
    return [str(one["name"]) for one in cases if isinstance(one, dict) and "name" in one]


def _versions(connection: Connection, name: str) -> list[tuple[str, str]]:
    """Name a policy's versions with their states, the newest first."""
    columns = POLICIES.c
    found = connection.execute(
        select(columns.version, columns.state)
        .where(columns.name == name)
        .order_by(columns.created_index.desc())
    )
    return [(row.version, row.state) for row in found]
