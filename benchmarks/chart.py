"""Chart: the ratios of a run as a picture, in SVG, which takes no package and reads as text."""

import math
from collections.abc import Iterator, Sequence
from html import escape
from typing import NamedTuple

from benchmarks.goals import GOALS
from benchmarks.measuring import Result

ROW, TOP, LEFT, WIDTH = 24, 64, 330, 900
SCALE = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)
"""The marks of the axis, which is logarithmic: how many times the floor's time."""
_INKS = {"": "#6b7785", "sqlite": "#2a78b5", "postgresql": "#b5602a"}
_MET, _MISSED = "#2e8b57", "#c0392b"


class Bar(NamedTuple):
    """One ratio. goal: at most this; None where there is none."""

    label: str
    on: str
    ratio: float
    goal: float | None


def bars(results: Sequence[Result]) -> list[Bar]:
    """Return a bar for each floor of each work."""
    goals = {
        (goal.work, goal.name, on): goal.at_most
        for goal in GOALS
        if goal.kind == "ratio"
        for on in ([goal.on] if goal.on else _INKS)
    }
    return [
        Bar(
            f"{result.work} / {floor}",
            result.on,
            result.ratio(floor),
            goals.get((result.work, floor, result.on)),
        )
        for result in results
        for floor in result.floors
    ]


def svg(results: Sequence[Result]) -> str:
    """Draw the bars below each other, each with its goal, the floor itself at 1."""
    found = bars(results)
    height = TOP + ROW * len(found) + 24
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}">',
        "<style>text { font: 12px sans-serif }</style>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        '<text x="12" y="22" style="font-size: 15px; font-weight: bold">Times the floor</text>',
        *_legend(),
        *_axis(height - 18),
    ]
    for place, bar in enumerate(found):
        parts += _bar(bar, TOP + ROW * place)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _legend() -> Iterator[str]:
    for place, (on, ink) in enumerate(_INKS.items()):
        x = LEFT + 130 * place
        yield f'<rect x="{x}" y="12" width="12" height="12" fill="{ink}"/>'
        yield f'<text x="{x + 18}" y="22">{on or "no database"}</text>'
    yield f'<text x="{LEFT + 400}" y="22">| goal: <tspan fill="{_MET}">met</tspan>, '
    yield f'<tspan fill="{_MISSED}">missed</tspan></text>'


def _axis(bottom: int) -> Iterator[str]:
    for mark in SCALE:
        x, ink = _x(mark), "#333333" if mark == 1 else "#dddddd"
        yield f'<line x1="{x}" y1="{TOP - 8}" x2="{x}" y2="{bottom}" stroke="{ink}"/>'
        yield f'<text x="{x}" y="{TOP - 14}" text-anchor="middle" fill="#555555">{mark:g}</text>'


def _bar(bar: Bar, y: int) -> Iterator[str]:
    start, end = sorted((_x(1), _x(bar.ratio)))
    middle = y + ROW // 2
    yield f'<text x="{LEFT - 10}" y="{middle + 4}" text-anchor="end">{escape(bar.label)}</text>'
    yield (
        f'<rect x="{start}" y="{y + 5}" width="{max(end - start, 1):.1f}" height="{ROW - 10}" '
        f'fill="{_INKS[bar.on]}"/>'
    )
    yield f'<text x="{end + 5}" y="{middle + 4}">{bar.ratio:.2f}</text>'
    if bar.goal is not None:
        x, ink = _x(bar.goal), _MET if bar.ratio <= bar.goal else _MISSED
        yield f'<line x1="{x}" y1="{y + 1}" x2="{x}" y2="{y + ROW - 1}" stroke="{ink}" '
        yield 'stroke-width="3"/>'


def _x(ratio: float) -> float:
    """Return where a ratio lies, within the axis."""
    low, high = math.log(SCALE[0]), math.log(SCALE[-1])
    place = (math.log(min(max(ratio, SCALE[0]), SCALE[-1])) - low) / (high - low)
    return round(LEFT + place * (WIDTH - LEFT - 50), 1)
