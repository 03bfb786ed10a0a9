"""Where the wire contract, the policy packs and the report templates lie on this machine.

They stand at the top of the repository, where their readers look. A wheel carries them beside
the code, as ``app/_data/schemas`` and so on.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

_CODE = Path(__file__).resolve().parent


class Resource(StrEnum):
    SCHEMAS = "schemas"
    POLICIES = "policies"
    REPORTS = "reports"


def folder(resource: Resource) -> Path:
    """Give the folder of ``resource``: the wheel's copy, else the checkout's."""
    packaged = _CODE / "_data" / resource
    return packaged if packaged.is_dir() else _CODE.parent / resource
