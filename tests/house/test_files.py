"""What any file of the repository may be called, hold and weigh."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Some three hundred lines; a test module may hold a whole table of published values.
MOST_LINES = {"app": 310, "tests": 600}
ONE_FILE = {"app/verification/verify.py": 1060}
"""What has to be one file: the verifier that lies in every bundle (docs/adr/0018)."""

VAGUE = re.compile(r"(service|manager|helper|util|handler|data|info|process)s?")
# Spelled in two halves, so that this file does not find itself.
ELSEWHERE = re.compile(
    "|".join(
        re.escape(first + second)
        for first, second in (
            (str(ROOT), "/"),
            ("/wo", "rk/"),
            ("/ro", "ot/"),
            ("pypi", ".org"),
            ("python", "hosted"),
            ("repo1", ".maven"),
            ("repo.maven", ".apache"),
            ("proxy.gol", "ang"),
            ("registry.npm", "js"),
            ("static.cra", "tes"),
            ("deb.deb", "ian"),
        )
    )
)


def tracked() -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    paths = (ROOT / name for name in listing.split("\0") if name)
    return [path for path in paths if path.is_file()]


def vague(path: Path) -> bool:
    """Tell whether ``path`` has a folder or stem that says nothing about what is in it."""
    return any(VAGUE.fullmatch(part) for part in (*path.parent.parts, path.stem))


def test_no_module_is_longer_than_one_concept() -> None:
    longest = {
        str(path): lines
        for path in (path.relative_to(ROOT) for path in tracked())
        if path.suffix == ".py"
        and (lines := (ROOT / path).read_text("utf-8").count("\n"))
        > ONE_FILE.get(str(path), MOST_LINES[path.parts[0]])
    }
    assert longest == {}


def test_no_module_has_a_name_that_says_nothing() -> None:
    modules = (path.relative_to(ROOT) for path in tracked() if path.suffix == ".py")
    assert [str(path) for path in modules if vague(path)] == []


def test_no_file_names_a_machine_or_a_package_registry() -> None:
    found = []
    for path in tracked():
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue  # a font, a bundle
        if match := ELSEWHERE.search(text):
            found.append(f"{path.relative_to(ROOT)}: {match[0]}")
    assert found == []


@pytest.mark.parametrize("name", ["app/gates/utils.py", "app/services/x.py", "app/info.py"])
def test_a_vague_name_is_noticed(name: str) -> None:
    assert vague(Path(name))


def test_a_machine_path_is_noticed() -> None:
    assert ELSEWHERE.search(f"cache = '{ROOT}/x'")
    assert ELSEWHERE.search("cache = '/ro" + "ot/x'")
    assert ELSEWHERE.search("index = 'https://pypi" + ".org/simple'")
