"""veraPDF's own command line (greenfield, from Maven Central), asked about one file.

The jars are fetched once into the user's cache, by Maven, outside the checkout. Anything that
keeps veraPDF from answering is an error: a check that did not run is no check.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.servers.jars import jars

VERSION = "1.28.2"
FOLDER = f"verapdf-{VERSION}"
HERE = Path(__file__).parent
MAIN = "org.verapdf.apps.GreenfieldCliWrapper"


@dataclass(frozen=True, slots=True)
class Verdict:
    """``failures``: one line per rule that failed, with where it did first."""

    compliant: bool
    checks: int
    failures: tuple[str, ...]


def validate(pdf: Path, flavour: str) -> Verdict:
    """Ask veraPDF whether ``pdf`` keeps to ``flavour``: ``3a`` or ``ua1``.

    Raises RuntimeError where veraPDF gives no verdict.
    """
    command = [
        "java",
        "-Djava.awt.headless=true",
        "-cp",
        f"{jars(FOLDER, HERE / 'pom.xml')}/*",
        MAIN,
    ]
    command += ["-f", flavour, "--format", "json", str(pdf)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    try:
        (job,) = json.loads(said.stdout)["report"]["jobs"]
        (result,) = job["validationResult"]
        details = result["details"]
        return Verdict(
            compliant=result["compliant"],
            checks=details["passedChecks"] + details["failedChecks"],
            failures=tuple(
                f"{rule['clause']}-{rule['testNumber']} {rule['description']}: "
                f"{rule['checks'][0]['context']}"
                for rule in details["ruleSummaries"]
                if rule["ruleStatus"] == "FAILED"
            ),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise RuntimeError(
            f"veraPDF gave no verdict on {pdf.name}: {said.stdout[-800:]}{said.stderr[-800:]}"
        ) from error
