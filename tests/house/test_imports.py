"""Imports that no layer can express: what core, the offline verifier and the client may know."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

# Of the standard library, what reaches beyond memory; the clock and chance are ruff's to ban.
IMPURE = {"asyncio", "http", "multiprocessing", "socket", "sqlite3", "subprocess", "threading"}
SLOW = {
    "duckdb",
    "fastapi",
    "jsonschema",
    "keyring",
    "pikepdf",
    "sqlalchemy",
    "uvicorn",
    "weasyprint",
}
APP = Path(__file__).resolve().parents[2] / "app"


def imported(source: str) -> set[str]:
    """Give the dotted names that ``source`` imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add("." * node.level + (node.module or ""))
    return names


def within(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def foreign_to_core(source: str) -> set[str]:
    """Give what ``source`` imports although core may not."""
    allowed = ("app.core", "cryptography", "_typeshed", *(sys.stdlib_module_names - IMPURE))
    return {name for name in imported(source) if not within(name, *allowed)}


def foreign_to_offline(source: str) -> set[str]:
    """Give what ``source`` imports of app outside core, or from beyond the standard library."""
    allowed = ("app.core", *sys.stdlib_module_names)
    return {name for name in imported(source) if not within(name, *allowed)}


def test_core_imports_the_standard_library_and_cryptography_only() -> None:
    found = {
        str(path.relative_to(APP)): foreign
        for path in (APP / "core").rglob("*.py")
        if (foreign := foreign_to_core(path.read_text("utf-8")))
    }
    assert found == {}


def test_the_offline_verifier_imports_core_alone() -> None:
    assert foreign_to_offline((APP / "verification/__init__.py").read_text("utf-8")) == set()
    assert foreign_to_offline((APP / "verification/offline.py").read_text("utf-8")) == set()


def test_only_the_command_line_imports_the_client() -> None:
    importers = {
        path.relative_to(APP).parts[0]
        for path in APP.rglob("*.py")
        if any(within(name, "app.client") for name in imported(path.read_text("utf-8")))
    }
    assert importers <= {"cli", "client"}


def test_these_rules_notice_an_import_inside_a_function() -> None:
    source = "def f():\n    import sqlalchemy\n    from app.settings import Clock\n"
    assert foreign_to_core(source) == {"sqlalchemy", "app.settings"}
    assert foreign_to_offline(source) == {"sqlalchemy", "app.settings"}
    assert foreign_to_core("from .. import settings\n") == {".."}
    assert foreign_to_core("import json\nfrom app.core.errors import Refusal\n") == set()


def test_help_loads_nothing_that_is_slow_to_load() -> None:
    script = (
        "import sys; sys.argv = ['muniment', '--help']; from app.cli import main; main();"
        f"print(sorted(sys.modules.keys() & {SLOW}), file=sys.stderr)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert answer.stderr == "[]\n"
