"""The pages by which people are administered, put together for ``app.main``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

from app.identity.granting_pages import granting_pages
from app.identity.people_pages import people_pages
from app.identity.person_pages import person_pages
from app.identity.roles_pages import roles_pages
from app.identity.tokens_pages import tokens_pages
from app.identity.trail_pages import trail_pages

if TYPE_CHECKING:
    from app.identity.office import Office


PAGES = (
    people_pages,
    person_pages,
    roles_pages,
    granting_pages,
    tokens_pages,
    trail_pages,
)


def administration_pages(office: Office) -> APIRouter:
    """Build the pages."""
    router = APIRouter(include_in_schema=False)
    for part in PAGES:
        router.include_router(part(office))
    return router
