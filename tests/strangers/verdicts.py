"""What each stranger says about a log that is served at some address."""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tlog_scales import tiles
from tlog_scales.backend import HttpBackend
from tlog_scales.reader import TilesReader
from tlog_scales.signing import Vkey

from tests.strangers.build import programs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

PATIENCE = 60
"""Seconds until no answer is taken for a refusal."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """``words``: all that the stranger said."""

    accepted: bool
    words: str


def tlogcheck(url: str, vkey: str, token: str | None = None) -> Verdict:
    """Ask our program on Go's sumdb packages: it recomputes every hash from the entries."""
    command = [str(_programs().tlogcheck), url, vkey]
    code, words = _said(command, {"TLOG_TOKEN": token or ""})
    return Verdict(code == 0 and words.startswith("ok "), words)


def fsck(url: str, vkey: str, token: str | None = None) -> Verdict:
    """Ask Tessera's fsck. It exits 0 whatever it finds: only its line of success counts."""
    with tempfile.TemporaryDirectory() as folder:
        key = Path(folder) / "vkey"
        key.write_text(vkey)
        command = [
            str(_programs().fsck),
            "--ui=false",
            # Its only worker would leave at the first difference and the rest wait for ever.
            "--N=4",
            f"--storage_url={url.rstrip('/')}/",
            f"--public_key={key}",
            *([f"--bearer_token={token}"] if token else []),
        ]
        _, words = _said(command, {})
    return Verdict("Successfully fsck'd log with size " in words, words)


def tlog_scales(url: str, vkey: str, token: str | None = None) -> Verdict:
    """Ask tlog-scales: signature, root, every entry, and a proof through every tile."""
    backend = HttpBackend(url)
    if token:
        backend.session.headers["Authorization"] = f"Bearer {token}"
    try:
        return Verdict(accepted=True, words=f"ok {_read_whole(TilesReader(backend), vkey)}")
    except Exception as refusal:  # noqa: BLE001 - it refuses with whatever comes up
        return Verdict(accepted=False, words=repr(refusal))
    finally:
        backend.session.close()


def _read_whole(reader: TilesReader, vkey: str) -> int:
    checkpoint = reader.get_checkpoint()
    checkpoint.verify(Vkey.from_string(vkey))
    if reader.calculate_root_hash() != checkpoint.root_hash:
        raise ValueError("the tiles have another root")
    for index in range(checkpoint.size):
        leaf = tiles.leaf_hash(reader.get_entry(index))
        if reader.mth(index, index + 1) != leaf:
            raise ValueError(f"entry {index} is not that of its tile")
        # One proof hashes the whole of its tile, so one in 256 reaches every hash.
        if index % 256 == 0:
            proof = reader.get_inclusion_proof(index, checkpoint.size)
            proof.check(leaf, checkpoint.root_hash)
    return checkpoint.size


STRANGERS: Mapping[str, Callable[[str, str, str | None], Verdict]] = {
    "tlogcheck": tlogcheck,
    "fsck": fsck,
    "tlog-scales": tlog_scales,
}
"""Each takes the log's base address, its verifier key, and a bearer token or None."""

_programs = cache(programs)


def _said(command: Sequence[str], extra: Mapping[str, str]) -> tuple[int, str]:
    try:
        ended = subprocess.run(
            command,
            env=os.environ | dict(extra),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return -1, f"no answer within {PATIENCE} s"
    return ended.returncode, ended.stdout
