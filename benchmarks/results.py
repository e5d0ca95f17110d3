"""Results: what a run found, as a file."""

import json
import os
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.measuring import Result, Timing
from benchmarks.orders import real_orders
from billing.bootstrap import SystemClock


@dataclass(frozen=True, slots=True)
class Report:
    """A run: on what, how thoroughly, and what it found. orders: real, or made alike."""

    machine: str
    day: str
    orders: str
    is_quick: bool
    results: list[Result]


def new_report(results: Iterable[Result], *, is_quick: bool) -> Report:
    """Return the report of a run on this machine, of today."""
    machine = (
        f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, "
        f"Python {platform.python_version()}"
    )
    orders = "real" if real_orders() else "made"
    day = SystemClock().now().date().isoformat()
    return Report(machine, day, orders, is_quick, merged(results))


def merged(results: Iterable[Result]) -> list[Result]:
    """Put together what was measured apart, such as the time and the memory of one work."""
    found: dict[tuple[str, str, int], Result] = {}
    for result in results:
        key = (result.work, result.on, result.size)
        before = found.get(key, Result(*key))
        samples = {**before.samples, **result.samples}
        found[key] = Result(*key, samples, {**before.extra, **result.extra})
    return list(found.values())


def save(report: Report, path: Path) -> None:
    """Write a report as JSON, times rounded to what they can tell."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(_rounded(asdict(report)), indent=1) + "\n", encoding="utf-8")


def load(path: Path) -> Report:
    """Read what `save` wrote."""
    data = json.loads(path.read_text(encoding="utf-8"))
    results = [
        Result(
            entry["work"],
            entry["on"],
            entry["size"],
            {name: [Timing(*one) for one in runs] for name, runs in entry["samples"].items()},
            entry["extra"],
        )
        for entry in data.pop("results")
    ]
    return Report(**data, results=results)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {name: _rounded(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(member) for member in value]
    return value
