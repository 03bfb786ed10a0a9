"""One populated log for all tests of this room; each works on copies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.slices.verification.populated import populate

if TYPE_CHECKING:
    from tests.slices.verification.populated import Populated


@pytest.fixture(scope="session")
def populated(tmp_path_factory: pytest.TempPathFactory) -> Populated:
    return populate(tmp_path_factory.mktemp("populated"))
