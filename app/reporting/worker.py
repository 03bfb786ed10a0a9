"""The confined process that sets one report: ``python -m app.reporting.worker FOLDER ...``.

Reads report.json and the files to embed from a folder, writes report.pdf and result.json into
it. Takes its limits on itself before it looks at any of them, and opens no socket.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from dataclasses import dataclass
from pathlib import Path

from app.core.report.files import EmbeddedFile


@dataclass(frozen=True, slots=True)
class Order:
    """What ``render`` asks for. ``memory``: bytes of address space. ``cpu``: seconds."""

    folder: Path
    templates: Path
    memory: int
    cpu: int


def confine(order: Order) -> None:
    """Bind this process: memory, processor time, last in the queue, no sockets."""
    resource.setrlimit(resource.RLIMIT_AS, (order.memory, order.memory))
    resource.setrlimit(resource.RLIMIT_CPU, (order.cpu, order.cpu))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(19)
    sys.addaudithook(refuse_sockets)


def refuse_sockets(event: str, _arguments: tuple[object, ...]) -> None:
    if event.startswith("socket."):
        raise PermissionError(f"a report is set without a network: {event}")


def work(order: Order) -> None:
    """Set the report in ``order.folder`` and leave report.pdf and result.json there."""
    from app.reporting.engine import engine
    from app.reporting.typesetting import typeset

    folder = order.folder
    files = [
        EmbeddedFile(
            name=listed["name"],
            media_type=listed["media_type"],
            description=listed["description"],
            content=(folder / f"file-{number}").read_bytes(),
        )
        for number, listed in enumerate(json.loads((folder / "files.json").read_bytes()))
    ]
    pages = typeset((folder / "report.json").read_bytes(), files, order.templates)
    (folder / "report.pdf").write_bytes(pages.pdf)
    result = {"page_count": pages.page_count, "engine": engine(order.templates)}
    (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    given = Order(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
    confine(given)
    work(given)
