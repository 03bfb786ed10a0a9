"""How costs grow, as a picture and the table it is drawn from."""

from __future__ import annotations

import math
import os
import platform
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.bench.growth import Step
    from tests.bench.machine import Machine

WIDTH, HEIGHT, EDGE, GAP = 330, 190, 46, 34
PANELS: tuple[tuple[str, str, Callable[[Step], float]], ...] = (
    ("append", "µs of processor an event", lambda step: step.append_us),
    ("inclusion proof", "ms of processor", lambda step: step.proof_ms),
    ("checkpoint after a receipt", "ms", lambda step: step.checkpoint_ms),
    ("verification", "µs of processor an entry", lambda step: _each(step, step.audit.seconds)),
    ("fsck of everything", "µs of processor an entry", lambda step: _each(step, step.fsck.seconds)),
    ("peak memory of verification", "MiB", lambda step: step.audit.peak),
)


def write(folder: Path, steps: Sequence[Step], found: Machine) -> None:
    """Write ``growth.svg`` and ``growth.md``."""
    folder.mkdir(exist_ok=True)
    (folder / "growth.svg").write_text(svg(steps), "utf-8")
    (folder / "growth.md").write_text(table(steps, found), "utf-8")


def svg(steps: Sequence[Step]) -> str:
    """Draw a panel for each cost: sizes from left to right, each decade as wide as the other."""
    panels = "".join(
        _panel(place, title, unit, [(step.size, cost(step)) for step in steps])
        for place, (title, unit, cost) in enumerate(PANELS)
    )
    width, height = 2 * (WIDTH + GAP) + GAP, 3 * (HEIGHT + GAP) + GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="12" role="img">'
        "<title>How costs grow with the log</title>"
        f'<rect width="{width}" height="{height}" fill="#fff"/>{panels}</svg>\n'
    )


def _panel(place: int, title: str, unit: str, points: Sequence[tuple[int, float]]) -> str:
    left, top = GAP + place % 2 * (WIDTH + GAP), GAP + place // 2 * (HEIGHT + GAP)
    most = max(value for _, value in points) * 1.15 or 1
    first, last = (math.log10(points[at][0]) for at in (0, -1))
    inner = WIDTH - 2 * EDGE
    base = top + HEIGHT - 24

    def at(size: int, value: float) -> tuple[float, float]:
        across = (math.log10(size) - first) / ((last - first) or 1)
        return left + EDGE + across * inner, base - value / most * (HEIGHT - 60)

    dots = [(*at(size, value), size, value) for size, value in points]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y, _, _ in dots)
    marks = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="#1f4e79"/>'
        f'<text x="{x:.1f}" y="{y - 9:.1f}" text-anchor="middle">{_short(value)}</text>'
        f'<text x="{x:.1f}" y="{base + 16}" text-anchor="middle" fill="#555">{size:,}</text>'
        for x, y, size, value in dots
    )
    return (
        f'<text x="{left}" y="{top}" font-weight="bold">{title}</text>'
        f'<text x="{left}" y="{top + 15}" fill="#555">{unit}</text>'
        f'<path d="M{left + EDGE / 2} {base}H{left + WIDTH - EDGE / 2}" stroke="#999"/>'
        f'<polyline points="{line}" fill="none" stroke="#1f4e79" stroke-width="2"/>{marks}'
    )


def table(steps: Sequence[Step], found: Machine) -> str:
    """Write the same figures as text."""
    heads = [f"{title} ({unit})" for title, unit, _ in PANELS]
    lines = [
        "| " + " | ".join([f"{step.size:,}", *(_short(cost(step)) for _, _, cost in PANELS)]) + " |"
        for step in steps
    ]
    ran = (
        f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores, "
        f"load {found.load:.1f} a core{' (noisy)' if found.noisy else ''}"
    )
    return "\n".join(
        [
            "# How costs grow with the log",
            "",
            "Written by `make bench` on the machine it ran on; compare ratios, not figures. One",
            "log in SQLite, evaluations of a thousand model versions, appended a hundred a time;",
            f"verification in one process of its own. {ran}.",
            "",
            "![Six panels, each a cost against the size of the log](growth.svg)",
            "",
            "| entries | " + " | ".join(heads) + " |",
            "|" + "---:|" * (len(heads) + 1),
            *lines,
            "",
        ]
    )


def _each(step: Step, seconds: float) -> float:
    return seconds / step.size * 1e6


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
