"""The locks hold exactly what pyproject.toml asks for, by digest and without addresses."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCKS = {
    "base": ("dependencies",),
    "demo": ("dependencies", "demo"),
    "dev": ("dependencies", "demo", "dev"),
    "setup": ("setup",),
}
PIN = re.compile(r"^([a-z0-9._-]+)==(\S+)([^\n]*)((?:\n[ ]{4}[^\n]*)*)", re.MULTILINE)


def asked(lock: str) -> list[Requirement]:
    """Give what pyproject.toml asks of ``lock``."""
    read = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    lists = {
        "dependencies": read["project"]["dependencies"],
        **read["project"]["optional-dependencies"],
        **read["dependency-groups"],
    }
    return [Requirement(line) for name in LOCKS[lock] for line in lists[name]]


def disagreements(requirements: list[Requirement], lock: str) -> list[str]:
    """Say where the text of a ``lock`` is not what ``requirements`` ask."""
    pins: dict[str, list[str]] = {}
    direct = set()
    for name, version, _, below in PIN.findall(lock):
        pins.setdefault(name, []).append(version)
        if "(pyproject.toml" in below:
            direct.add(name)
    wanted = {str(canonicalize_name(requirement.name)) for requirement in requirements}
    wrong = [f"{name} is not asked for any more" for name in sorted(direct - wanted)]
    for requirement in requirements:
        versions = pins.get(canonicalize_name(requirement.name), [])
        if not versions:
            wrong.append(f"{requirement.name} is not locked")
        wrong += [
            f"{requirement} is locked at {version}"
            for version in versions
            if version not in requirement.specifier
        ]
    return wrong


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_agrees_with_pyproject(lock: str) -> None:
    text = (ROOT / f"requirements/{lock}.lock").read_text("utf-8")
    assert disagreements(asked(lock), text) == [], "run: make lock"


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_by_digest_and_names_no_address(lock: str) -> None:
    text = (ROOT / f"requirements/{lock}.lock").read_text("utf-8")
    assert "://" not in text
    assert "--index-url" not in text
    pins = PIN.findall(text)
    assert pins
    assert [name for name, _, _, below in pins if "--hash=sha256:" not in below] == []


def test_the_larger_locks_pin_what_the_base_pins() -> None:
    base, demo, dev = (
        {
            (name, version)
            for name, version, _, _ in PIN.findall(
                (ROOT / f"requirements/{lock}.lock").read_text("utf-8")
            )
        }
        for lock in ("base", "demo", "dev")
    )
    assert base <= demo <= dev


LOCK = """\
alpha==1.0 \\
    --hash=sha256:00
    # via muniment (pyproject.toml)
beta==2.0 \\
    --hash=sha256:00
    # via alpha
"""


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["alpha"], []),
        (["alpha>=1", "beta"], []),
        (["alpha", "gamma"], ["gamma is not locked"]),
        (["alpha>=2"], ["alpha>=2 is locked at 1.0"]),
        (["beta"], ["alpha is not asked for any more"]),
    ],
)
def test_a_disagreement_is_named(lines: list[str], said: list[str]) -> None:
    assert disagreements([Requirement(line) for line in lines], LOCK) == said
