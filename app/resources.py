"""Where the wire contract, policy packs, report templates and runbooks lie on this machine.

They stand in the repository where their readers look. A wheel carries them beside
the code, as ``app/_data/schemas`` and so on.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

_CODE = Path(__file__).resolve().parent
_IN_CHECKOUT = {"runbooks": "docs/runbooks"}


class Resource(StrEnum):
    SCHEMAS = "schemas"
    POLICIES = "policies"
    REPORTS = "reports"
    RUNBOOKS = "runbooks"


def folder(resource: Resource) -> Path:
    """Give the folder of ``resource``: the wheel's copy, else the checkout's."""
    packaged = _CODE / "_data" / resource
    if packaged.is_dir():
        return packaged
    return _CODE.parent / _IN_CHECKOUT.get(resource, resource)


def runbooks() -> dict[str, str]:
    """Read what operators do when something is wrong: Markdown by name."""
    return {
        path.stem: path.read_text("utf-8")
        for path in sorted(folder(Resource.RUNBOOKS).glob("*.md"))
    }
