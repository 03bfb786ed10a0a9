"""Where boxes stand: the same everywhere, never on each other, and never at any price."""

from __future__ import annotations

import io
import os
import resource
import signal
import subprocess
import sys
from itertools import combinations
from typing import TYPE_CHECKING

import pytest

from app.core.errors import Unavailable
from app.lineage import graphviz, layout_worker
from app.lineage.graphviz import Graphviz, dot_of
from app.lineage.layout import Flow, Placed, Sketch

if TYPE_CHECKING:
    from pathlib import Path

DIAMOND = ((0, 1), (0, 2), (1, 3), (2, 3))


def sketch(boxes: int = 4, arrows: tuple[tuple[int, int], ...] = DIAMOND) -> Sketch:
    return Sketch(boxes, arrows, Flow.ACROSS, 100, 40, 50, 20)


def overlap(placed: Placed, width: int, height: int) -> list[tuple[int, int]]:
    return [
        (one, other)
        for one, other in combinations(range(len(placed.boxes)), 2)
        if abs(placed.boxes[one][0] - placed.boxes[other][0]) < width
        and abs(placed.boxes[one][1] - placed.boxes[other][1]) < height
    ]


def test_data_flows_from_left_to_right_or_downwards(layout: Graphviz) -> None:
    across = layout(sketch())
    assert across.boxes[0][0] < across.boxes[1][0] == across.boxes[2][0] < across.boxes[3][0]
    down = layout(Sketch(4, DIAMOND, Flow.DOWN, 100, 40, 50, 20))
    assert down.boxes[0][1] < down.boxes[1][1] == down.boxes[2][1] < down.boxes[3][1]


def test_every_arrow_begins_and_ends_at_the_edge_of_its_boxes(layout: Graphviz) -> None:
    placed = layout(sketch())
    assert len(placed.arrows) == len(DIAMOND)
    for (src, dst), curve in zip(DIAMOND, placed.arrows, strict=True):
        assert len(curve) % 3 == 1
        assert abs(curve[0][0] - placed.boxes[src][0]) == pytest.approx(50, abs=1)
        assert abs(curve[-1][0] - placed.boxes[dst][0]) == pytest.approx(50, abs=1)


@pytest.mark.parametrize("seed", range(5))
def test_no_box_stands_on_another(layout: Graphviz, seed: int) -> None:
    arrows = tuple(sorted({(one * (seed + 3) % 60, (one * 7 + seed) % 60) for one in range(90)}))
    placed = layout(sketch(60, tuple(pair for pair in arrows if pair[0] != pair[1])))
    assert overlap(placed, 100, 40) == []
    for x, y in placed.boxes:
        assert 49.8 <= x <= placed.width - 49
        assert 19.8 <= y <= placed.height - 19


def test_the_same_sketch_has_the_same_digest_in_another_process(layout: Graphviz) -> None:
    other = Graphviz()
    try:
        assert other(sketch()).digest == layout(sketch()).digest
        assert other(sketch(5)).digest != layout(sketch()).digest
    finally:
        other.close()


def test_no_boxes_are_no_picture_and_start_no_process() -> None:
    layout = Graphviz(worker="/nowhere")
    assert layout(sketch(0, ())) == Placed(0, 0, (), ())


def test_a_layout_is_remembered_but_not_every_one_for_ever() -> None:
    layout = Graphviz()
    first = layout(sketch(1, ()))
    assert layout(sketch(1, ())) is first
    for boxes in range(2, 2 + graphviz.REMEMBERED):
        layout(sketch(boxes, ()))
    again = layout(sketch(1, ()))
    layout.close()
    assert again == first
    assert again is not first


@pytest.fixture
def stuck(tmp_path: Path) -> str:
    """A process that reads and never answers."""
    worker = tmp_path / "stuck.py"
    worker.write_text("import sys\nwhile True: sys.stdin.read(1)\n")
    return str(worker)


def test_a_layout_that_takes_too_long_is_ended_and_refused(stuck: str) -> None:
    layout = Graphviz(patience=0.5, starting=0, worker=stuck)
    with pytest.raises(Unavailable) as refused:
        layout(sketch())
    assert "fewer hops" in (refused.value.remedy or "")
    layout.close()


def test_a_process_that_reads_nothing_holds_nobody(tmp_path: Path) -> None:
    worker = tmp_path / "deaf.py"
    worker.write_text("import time\ntime.sleep(60)\n")
    layout = Graphviz(patience=0.5, starting=0, worker=str(worker))
    with pytest.raises(Unavailable):
        layout(sketch(20_000, ()))
    layout.close()


def test_a_process_that_ended_is_started_again(tmp_path: Path) -> None:
    worker = tmp_path / "weak.py"
    first = tmp_path / "first"
    script = f"""
import pathlib, runpy, sys
first = pathlib.Path({str(first)!r})
if not first.exists():
    first.touch()
    sys.exit(1)
runpy.run_path({graphviz.WORKER!r}, run_name="__main__")
"""
    worker.write_text(script)
    layout = Graphviz(worker=str(worker))
    with pytest.raises(Unavailable):
        layout(sketch())
    assert len(layout(sketch()).boxes) == 4
    layout.close()


def test_a_graph_that_graphviz_does_not_read_is_our_fault() -> None:
    layout = Graphviz()
    with pytest.raises(AssertionError, match="refused our graph"):
        layout(sketch(2, ((0, "->"),)))  # type: ignore[arg-type]
    layout.close()


def test_the_worker_answers_what_it_is_asked_and_says_what_is_no_graph() -> None:
    before = resource.getrlimit(resource.RLIMIT_CPU)
    asked = b"".join(b"%d\n" % len(dot) + dot for dot in (b"digraph{0->1}", b"digraph{"))
    told = io.BytesIO()
    layout_worker.main(io.BytesIO(asked), told)
    soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, before)
    assert told.getvalue().startswith(b"ok ")
    assert b"\nbad " in told.getvalue()
    used = resource.getrusage(resource.RUSAGE_SELF)
    assert 0 < soft - used.ru_utime - used.ru_stime <= 1 + layout_worker.SECONDS
    assert hard == before[1]


CONFINED = f"""
import importlib.util
spec = importlib.util.spec_from_file_location("worker", {layout_worker.__file__!r})
worker = importlib.util.module_from_spec(spec)
spec.loader.exec_module(worker)
worker.confine()
"""


def confined(script: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", CONFINED + script], check=False, capture_output=True, timeout=60
    )


def test_the_worker_has_bounded_memory_and_lets_others_go_first() -> None:
    ended = confined(
        "import os\nprint(os.nice(0))\n"
        "try:\n    bytearray(worker.MEMORY)\nexcept MemoryError:\n    print('bounded')\n"
    )
    assert ended.stdout.split() == [b"%d" % (os.nice(0) + layout_worker.NICENESS), b"bounded"]


def test_the_worker_is_ended_by_the_kernel_when_a_graph_takes_its_seconds() -> None:
    ended = confined("worker.SECONDS = 0\nworker.allow_more_time()\nwhile True: pass\n")
    assert ended.returncode == -signal.SIGXCPU


def test_a_warm_process_is_the_one_that_answers() -> None:
    layout = Graphviz()
    layout.warm()
    started = layout._process  # noqa: SLF001 - which process it is
    assert started is not None
    assert len(layout(sketch()).boxes) == 4
    assert layout._process is started  # noqa: SLF001
    layout.close()


def test_boxes_have_no_words_so_that_no_font_matters() -> None:
    assert 'label=""' in dot_of(sketch())
