"""What is published: a wheel, installed beside the locked packages and nothing of this checkout."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


def run(*command: str | Path, cwd: Path) -> str:
    """Run ``command``, apart from the variables of this process, and give what it printed."""
    return subprocess.run(
        command, cwd=cwd, check=True, text=True, stdout=subprocess.PIPE, timeout=300
    ).stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    (built,) = folder.glob("muniment-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of commands of a fresh environment that holds the wheel."""
    folder = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    install = (BIN / "uv", "pip", "install", "--quiet", "--python", folder / "venv/bin/python")
    run(*install, "--require-hashes", "-r", ROOT / "requirements/base.lock", cwd=folder)
    run(*install, "--no-deps", wheel, cwd=folder)
    return folder / "venv/bin"


@pytest.mark.parametrize("resource", ["schemas", "policies", "reports"])
def test_the_wheel_carries_each_resource(resource: str, wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        carried = {name for name in archive.namelist() if name.startswith(f"app/_data/{resource}/")}
    assert carried == {
        f"app/_data/{path.relative_to(ROOT)}"
        for path in (ROOT / resource).rglob("*")
        if path.is_file()
    }


def test_an_installed_wheel_finds_its_own_resources(installed: Path, tmp_path: Path) -> None:
    script = "from app.resources import Resource, folder; print(folder(Resource.SCHEMAS))"
    found = Path(run(installed / "python", "-c", script, cwd=tmp_path).strip())
    assert found.is_relative_to(installed.parent)
    assert len(list(found.glob("*.v1.json"))) == len(list((ROOT / "schemas").glob("*.v1.json")))


def test_an_installed_wheel_has_the_command(installed: Path, tmp_path: Path) -> None:
    assert "verify" in run(installed / "muniment", "--help", cwd=tmp_path)


def test_an_installed_wheel_verifies_the_shipped_bundle(installed: Path, tmp_path: Path) -> None:
    shipped = ROOT / "tests/vectors/bundle/shipped.zip"
    key = shipped.with_suffix(".vkey").read_text("utf-8").strip()
    assert "VALID" in run(installed / "muniment", "verify", shipped, "--vkey", key, cwd=tmp_path)
