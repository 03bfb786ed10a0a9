"""Third act: from the data to what is live, a report, and what strangers and forgers find."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
import zipfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import create_engine, text

from app.cli.demo.judging import DATASET, DEPLOYMENT, MODEL
from app.cli.demo.stage import OPERATOR, PATIENCE
from app.cli.demo.transcript import Surprise

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from app.cli.demo.stage import Person, Stage
    from app.core.jsonvalue import Json

ALTERED = 10
MANIFEST = "manifest.json"


def trace(stage: Stage) -> None:
    """Ask what the data reaches; the live deployment has to be in the answer."""
    size = _followed(stage)
    ran = stage.run(
        "lineage", "impact", DATASET, "--kind", "deployment", "--state", "live", "--why"
    )
    if f"deployment/{DEPLOYMENT}" not in ran.out:
        raise Surprise("the data reaches a live deployment, and the answer does not name it")
    with stage.client() as client:
        answer = client.get(
            "/api/v1/graph/impact",
            node=DATASET,
            kind="deployment",
            state="live",
            why=1,
            min_seq=size,
        )
    stage.transcript.keep("impact", answer)


def _followed(stage: Stage) -> int:
    """Wait until the graph has taken in the whole log; return the log's size."""
    deadline = time.monotonic() + PATIENCE
    with stage.client() as client:
        while (graph := client.get("/api/v1/graph/status"))["lag"] != 0:
            if time.monotonic() > deadline:
                raise Surprise(f"the graph does not follow the log: {json.dumps(graph)}")
            time.sleep(0.1)
    stage.run("graph", "status")
    return int(graph["log_size"])


def report(stage: Stage, carl: Person) -> tuple[Path, Path]:
    """Make the report about all versions of the model; returns PDF and bundle."""
    pdf, bundle = stage.folder / "model-audit.pdf", stage.folder / "model-audit.bundle.zip"
    stage.run(
        "report", "create", "model-audit", "--scope", MODEL, "--wait",
        "--out", pdf.name, "--bundle", bundle.name, who=carl,
    )  # fmt: skip
    if not pdf.read_bytes().startswith(b"%PDF-"):
        raise Surprise(f"{pdf} is no PDF")
    stage.transcript.keep("files", {"pdf": str(pdf), "bundle": str(bundle)})
    return pdf, bundle


def verify(stage: Stage, bundle: Path, vkey: str) -> None:
    """Verify the bundle with nothing but the trusted key, and the log as it lies there."""
    stage.run("verify", bundle.name, "--vkey", vkey, by="stranger")
    stage.run("ledger", "fsck", "--vkey", vkey, by=OPERATOR)


def alter_copy(stage: Stage, vkey: str) -> None:
    """Alter one byte in a copy of the database: more young men of version 1 get the credit."""
    copy = stage.folder / "altered-log"
    copy.mkdir()
    shutil.copy(stage.folder / "log" / "ledger.db", copy)
    _say_lie(stage, "In a copy of the database")
    with _database(f"sqlite:///{copy / 'ledger.db'}") as connection:
        _lie(stage, connection)
    _find_lie(stage, "--data-dir", copy.name, "--vkey", vkey)


def alter_as_owner(stage: Stage, owner: str, vkey: str) -> None:
    """Alter that byte on the server, as somebody who may, and put it back."""
    _say_lie(stage, "The server may not do this. As the owner of the database one can")
    with _database(owner) as connection:
        true = _lie(stage, connection)
    _find_lie(stage, "--vkey", vkey)
    stage.transcript.say("The byte is put back.")
    with _database(owner) as connection:
        _write_cells(connection, *true)
    stage.run("ledger", "fsck", "--vkey", vkey, by=OPERATOR)


def forge_bundle(stage: Stage, bundle: Path, vkey: str) -> None:
    """Turn the refusal of version 1 into an ALLOW in a copy of the bundle, with care."""
    decision = cast("dict[str, Any]", stage.transcript.record["version-1"])["decision"]
    index = _decided_at(bundle, str(decision["decision_id"]))
    forged = stage.folder / "forged.bundle.zip"
    name = f"members/{index:012}.json"
    with zipfile.ZipFile(bundle) as archive:
        files = {one: archive.read(one) for one in archive.namelist()}
    files[name] = files[name].replace(b'"gate":"DENY"', b'"gate":"ALLOW"')
    files[MANIFEST] = _manifest(files)
    with zipfile.ZipFile(forged, "w") as archive:
        for one, content in files.items():
            archive.writestr(one, content)
    stage.transcript.say(
        f"In a copy of the bundle the refusal of version 1 (entry {index}) becomes an ALLOW, and "
        "the manifest is made to fit."
    )
    ran = stage.run("verify", forged.name, "--vkey", vkey, by="stranger", codes=(ALTERED,))
    if str(index) not in ran.out + ran.err:
        raise Surprise(f"the verifier does not name entry {index}")
    stage.transcript.keep("forged", {"index": index, "said": ran.out + ran.err})


def _say_lie(stage: Stage, where: str) -> None:
    index, old, new = _chosen(stage)
    stage.transcript.say(
        f"{where}: entry {index}, member cells: {old.decode()} becomes {new.decode()}."
    )


def _lie(stage: Stage, connection: Connection) -> tuple[int, bytes]:
    """Alter the byte; return the entry's index and what stood there."""
    index, old, new = _chosen(stage)
    cells = text("SELECT value FROM payloads WHERE idx = :index AND name = 'cells'")
    value = bytes(connection.execute(cells, {"index": index}).scalar_one())
    forged = value.replace(old, new, 1)
    if sum(a != b for a, b in zip(value, forged, strict=True)) != 1:
        raise Surprise("that was not one byte")
    _write_cells(connection, index, forged)
    return index, value


def _write_cells(connection: Connection, index: int, value: bytes) -> None:
    statement = "UPDATE payloads SET value = :value WHERE idx = :index AND name = 'cells'"
    connection.execute(text(statement), {"index": index, "value": value})


def _find_lie(stage: Stage, *where: str) -> None:
    """Check the database; the entry and its member have to be named."""
    index, _, _ = _chosen(stage)
    ran = stage.run("ledger", "fsck", *where, by=OPERATOR, codes=(ALTERED,))
    said = ran.out + ran.err
    if str(index) not in said or "cells" not in said:
        raise Surprise(f"fsck does not name entry {index} and its member cells")
    stage.transcript.keep("altered", {"index": index, "member": "cells", "said": said})


@contextmanager
def _database(url: str) -> Iterator[Connection]:
    """Open a database past the service, as a forger would; committed at the end."""
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def _chosen(stage: Stage) -> tuple[int, bytes, bytes]:
    """Choose the byte: index of version 1's counts, what stands there, what shall."""
    told = cast("dict[str, Any]", stage.transcript.record["version-1"])
    young_men = next(
        group["selected"]
        for table in told["tables"]
        for group in table["groups"]
        if group["group"] == {"age_group": "to-25", "sex": "male"}
    )
    written = str(young_men)
    first = "6" if written[0] != "6" else "7"
    old, new = f'"selected":{written},', f'"selected":{first}{written[1:]},'
    return int(told["evidence"]["index"]), old.encode(), new.encode()


def _decided_at(bundle: Path, decision_id: str) -> int:
    """Find the entry of a decision in a bundle."""
    with zipfile.ZipFile(bundle) as archive:
        for name in archive.namelist():
            if name.startswith("members/"):
                content = archive.read(name)
                if b'"gate":"DENY"' in content and decision_id.encode() in content:
                    return int(name.removeprefix("members/").removesuffix(".json"))
    raise Surprise("the report's bundle does not hold the decision about version 1")


def _manifest(files: dict[str, bytes]) -> bytes:
    """Write the manifest anew, as a careful forger would."""
    manifest: dict[str, Json] = json.loads(files[MANIFEST])
    del manifest["digest"]
    manifest["files"] = {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        for name, content in files.items()
        if name != MANIFEST
    }
    manifest["digest"] = hashlib.sha256(_canonical(manifest)).hexdigest()
    return _canonical(manifest)


def _canonical(document: Json) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
