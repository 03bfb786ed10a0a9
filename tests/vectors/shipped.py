"""The bundle that ships with the sources: made once, verified by every version since.

``python -m tests.vectors.shipped`` makes it anew. That breaks the promise that old evidence
verifies, so until 1.0 it takes a line in CHANGELOG.md, and afterwards another file.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from app.verification.bundles import bundle_of, zip_of
from tests.living import World

BUNDLE = Path(__file__).parent / "bundle/shipped.zip"
VKEY = BUNDLE.with_suffix(".vkey")


def make(folder: Path) -> None:
    """Record a dataset and a version of it, and bundle every entry of that log."""
    with World.open(folder) as world:
        engineer = world.person("erin", "engineer")
        owned = {"owner": "team-credit", "licence": "DbCL-1.0", "description": "Credits repaid"}
        world.record(engineer, "dataset.registered.v1", "dataset/credit", owned)
        version = {
            "digest": f"sha256:{'1a' * 32}",
            "uri": "file:credit.csv",
            "size": 4096,
            "rows": 1000,
            "schema": {"columns": [{"name": "age", "type": "integer"}]},
            "derived_from": [],
        }
        last = world.record(engineer, "dataset.version_registered.v1", "dataset/credit/1", version)
        assert world.house.publisher.wait_for(last["log_size"], seconds=30)
        key = world.house.log_signer.verifier
        schemas = {wire: schema.raw for wire, schema in world.house.ledger.schemas.items()}
        with world.house.ledger.snapshot() as now:
            files = bundle_of(
                now,
                range(now.size),
                [key],
                kind="evidence",
                purpose="the bundle that ships with the sources",
                files={},
                schemas=schemas,
                unproven={},
            )
    BUNDLE.write_bytes(zip_of(files))
    VKEY.write_text(f"{key.vkey()}\n", "utf-8")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder))
