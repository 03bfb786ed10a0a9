"""Java programs that are published as jars, fetched once into the user's cache by Maven."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.servers.once import alone


def jars(name: str, pom: Path) -> Path:
    """Return the folder of the jars that ``pom`` asks for, fetched if it is not there yet.

    ``name``: of the folder, outside the checkout; it names the version.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "muniment" / name
    with alone(folder) as missing:
        if missing:
            fetching = folder.with_name(f"{folder.name}.fetching")
            shutil.rmtree(fetching, ignore_errors=True)
            command = ["mvn", "-q", "-B", "-f", str(pom)]
            command += ["dependency:copy-dependencies", "-DincludeScope=runtime"]
            subprocess.run([*command, f"-DoutputDirectory={fetching}"], check=True, timeout=600)
            fetching.rename(folder)
    return folder
