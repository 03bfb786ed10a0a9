"""Layout by Graphviz, in a process that is kept warm and killed when it takes too long.

The first graph of a process costs a second, for Graphviz has to be compiled; the next ones
cost what they cost. Layouts are remembered by their sketch, as the same page asks for the
same one again and again.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final

from app.core.errors import Unavailable
from app.lineage.layout import Flow, Placed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.lineage.layout import Point, Sketch

WORKER: Final = str(Path(__file__).with_name("layout_worker.py"))
PATIENCE: Final = 8.0
"""Seconds to wait for a layout."""
STARTING: Final = 20.0
"""Seconds more for the first one of a process, which has to be compiled on a busy machine."""
REMEMBERED: Final = 64
ANSWERS: Final = 500
"""Graphs that one process lays out before another takes its place."""
INCH: Final = 72


class Graphviz:
    """A layout; see ``layout.Layout``. One graph at a time."""

    def __init__(
        self, patience: float = PATIENCE, starting: float = STARTING, worker: str = WORKER
    ) -> None:
        self._patience = patience
        self._starting = starting
        self._worker = worker
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._answered = 0
        self._known: OrderedDict[str, Placed] = OrderedDict()

    def __call__(self, sketch: Sketch, /) -> Placed:
        """Place the boxes of a sketch. Raises Unavailable."""
        if not sketch.boxes:
            return Placed(0, 0, (), ())
        dot = dot_of(sketch)
        with self._lock:
            if dot not in self._known:
                self._known[dot] = placed(self._ask(dot.encode()), sketch.arrows)
            self._known.move_to_end(dot)
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
            return self._known[dot]

    def warm(self) -> None:
        """Start the process, which gets itself ready, and wait for nothing."""
        with self._lock:
            self._running()

    def close(self) -> None:
        """End the process, if there is one."""
        with self._lock:
            self._end()

    def _ask(self, dot: bytes) -> str:
        process = self._running()
        starting = 0.0 if self._answered else self._starting
        until = time.monotonic() + self._patience + starting
        try:
            self._write(process, until, b"%d\n" % len(dot) + dot)
            status, _, length = self._read(process, until, None).partition(b" ")
            answer = self._read(process, until, int(length))
        except (OSError, TimeoutError, EOFError) as failed:
            self._end()
            raise Unavailable(
                "the picture took longer or more memory than a picture may",
                remedy="ask for fewer hops; the list has everything",
                retry_after=1,
            ) from failed
        if status != b"ok":
            raise AssertionError(f"Graphviz refused our graph: {answer[:200]!r}")
        self._answered += 1
        return answer.decode()

    def _running(self) -> subprocess.Popen[bytes]:
        """Give the process: started where it is missing, old or ended by itself."""
        old = self._process
        if old is not None and (old.poll() is not None or self._answered >= ANSWERS):
            self._end()
        if self._process is None:
            self._answered = 0
            self._process = subprocess.Popen(  # noqa: S603 - our own script and interpreter
                [sys.executable, "-I", self._worker],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                env={},
            )
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):  # what is still to be written has no reader
                assert pipe is not None  # noqa: S101 - both were asked for
                pipe.close()
        process.wait()

    @staticmethod
    def _write(process: subprocess.Popen[bytes], until: float, request: bytes) -> None:
        """Write a request, never so much that writing waits. Raises TimeoutError, OSError."""
        assert process.stdin is not None  # noqa: S101 - it was asked for
        pipe = process.stdin.fileno()
        for at in range(0, len(request), select.PIPE_BUF):
            if not select.select([], [pipe], [], max(0.0, until - time.monotonic()))[1]:
                raise TimeoutError
            os.write(pipe, request[at : at + select.PIPE_BUF])

    @staticmethod
    def _read(process: subprocess.Popen[bytes], until: float, length: int | None) -> bytes:
        """Read so many bytes, or a line without its end. Raises TimeoutError, EOFError."""
        assert process.stdout is not None  # noqa: S101 - it was asked for
        pipe, found = process.stdout.fileno(), bytearray()
        while length is None or len(found) < length:
            if not select.select([pipe], [], [], max(0.0, until - time.monotonic()))[0]:
                raise TimeoutError
            read = os.read(pipe, 1 if length is None else length - len(found))
            if not read:
                raise EOFError
            if length is None and read == b"\n":
                break
            found += read
        return bytes(found)


def dot_of(sketch: Sketch) -> str:
    """Write a sketch for Graphviz: boxes without words, so that no font matters."""
    rank = {Flow.ACROSS: "LR", Flow.DOWN: "TB"}[sketch.flow]
    apart, beside = _inches(sketch.apart), _inches(sketch.beside)
    width, height = _inches(sketch.width), _inches(sketch.height)
    lines = [
        "digraph{",
        f"graph[rankdir={rank} ranksep={apart} nodesep={beside}];",
        f'node[shape=box fixedsize=true label="" width={width} height={height}];',
        "edge[arrowhead=none];",
        *(f"{number};" for number in range(sketch.boxes)),
        *(f"{src}->{dst};" for src, dst in sketch.arrows),
        "}",
    ]
    return "\n".join(lines)


def placed(plain: str, arrows: Sequence[tuple[int, int]]) -> Placed:
    """Read Graphviz's ``plain`` format, which counts y upwards in inches.

    Source: Graphviz documentation, output formats, plain.
    """
    width = height = 0.0
    boxes: dict[int, Point] = {}
    curves: dict[tuple[int, int], tuple[Point, ...]] = {}
    for line in plain.splitlines():
        kind, *values = line.split()
        if kind == "graph":
            width, height = (float(one) * INCH for one in values[1:3])
        elif kind == "node":
            boxes[int(values[0])] = _point(values[1], values[2], height)
        elif kind == "edge":
            curves[int(values[0]), int(values[1])] = tuple(_points(values[2:], height))
    return Placed(
        round(width, 1),
        round(height, 1),
        tuple(boxes[number] for number in sorted(boxes)),
        tuple(curves[pair] for pair in arrows),
    )


def _points(values: list[str], height: float) -> Iterator[Point]:
    for at in range(1, 1 + 2 * int(values[0]), 2):
        yield _point(values[at], values[at + 1], height)


def _point(x: str, y: str, height: float) -> Point:
    return round(float(x) * INCH, 1), round(height - float(y) * INCH, 1)


def _inches(length: int) -> str:
    return f"{length / INCH:.4f}"
