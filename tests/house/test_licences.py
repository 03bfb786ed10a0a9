"""Everything that runs inside Muniment may be given on under Apache-2.0.

Packages under the GPL stay outside: programs of their own, and tools that only tests use.
EPL-2.0 is Graphviz', which comes unmodified as a module that runs in a sandbox of its own.
"""

from __future__ import annotations

import re
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
LOCKED = re.compile(r"^[a-z0-9._-]+==[^\\\n]+", re.MULTILINE)
ALLOWED = re.compile(
    r"apache|mit\b|mit-cmu|bsd|isc\b|psf|python software|python-2\.0|mpl|mozilla|epl-2\.0"
    r"|lgpl|lesser general|zlib",
    re.IGNORECASE,
)
FORBIDDEN = re.compile(r"\bgpl|(?<!lesser )general public|affero|proprietary", re.IGNORECASE)


def licence(name: str) -> str:
    """Give what package ``name`` says of its licence: as expression, classifiers or first line.

    Several classifiers are alternatives: pyphen's are GPL, LGPL and MPL, at the user's choice.
    """
    said = distribution(name).metadata
    if "License-Expression" in said:
        return said["License-Expression"]
    classifiers = [line for line in said.get_all("Classifier", []) if line.startswith("License ::")]
    if classifiers:
        return " OR ".join(classifiers)
    return said["License"].strip().split("\n")[0] if "License" in said else ""


def acceptable(words: str) -> bool:
    """Tell whether one alternative has only licences that may be given on."""
    return any(
        all(ALLOWED.search(term) and not FORBIDDEN.search(term) for term in choice.split(" AND "))
        for choice in words.split(" OR ")
    )


def runtime_packages() -> list[str]:
    """Give the names that the base lock installs on this machine."""
    lock = (ROOT / "requirements/base.lock").read_text("utf-8")
    pins = [Requirement(line.strip()) for line in LOCKED.findall(lock)]
    return [pin.name for pin in pins if pin.marker is None or pin.marker.evaluate()]


@pytest.mark.parametrize("name", runtime_packages())
def test_a_runtime_package_may_be_given_on(name: str) -> None:
    words = licence(name)
    assert acceptable(words), words


@pytest.mark.parametrize(
    ("words", "verdict"),
    [
        ("MIT", True),
        ("Apache-2.0 AND BSD-3-Clause", True),
        ("Apache-2.0 AND Python-2.0", True),
        ("EPL-2.0", True),
        ("LGPL-3.0-or-later", True),
        ("License :: OSI Approved :: GNU Lesser General Public License v3 (LGPLv3)", True),
        ("GPL-2.0-or-later OR MPL-1.1", True),
        ("MIT AND GPL-2.0-only", False),
        ("GPL-3.0-only", False),
        ("License :: OSI Approved :: GNU General Public License (GPL)", False),
        ("License :: OSI Approved :: GNU Affero General Public License v3", False),
        ("License :: Other/Proprietary License", False),
        ("", False),
    ],
)
def test_a_licence_is_judged_by_its_words(words: str, *, verdict: bool) -> None:
    assert acceptable(words) is verdict
