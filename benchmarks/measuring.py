"""Measuring: contenders in turns, their medians and ratios, and the memory that work adds."""

import gc
import multiprocessing
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import NamedTuple, ParamSpec, TypeVar

from benchmarks.names import PRODUCT

P = ParamSpec("P")
T = TypeVar("T")

Run = Callable[[], object]
Contender = Callable[[], AbstractContextManager[Run]]
"""Prepares, which is not measured, and lends the function that is."""


class Timing(NamedTuple):
    """One run, in seconds. cpu: of the measured process alone, not of a database server."""

    wall: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Result:
    """What one piece of work took on one database, the product and its floors in turns.

    on: the database, or nothing. size: orders, or reports of a list. samples: by contender.
    extra: figures that are no times, such as peak memory in MB, by name.
    """

    work: str
    on: str
    size: int
    samples: Mapping[str, list[Timing]] = field(default_factory=dict)
    extra: Mapping[str, float] = field(default_factory=dict)

    def wall(self, contender: str = PRODUCT) -> float:
        """Return the median of a contender's wall times."""
        return median(timing.wall for timing in self.samples[contender])

    def cpu(self, contender: str = PRODUCT) -> float:
        """Return the median of a contender's processor times."""
        return median(timing.cpu for timing in self.samples[contender])

    def ratio(self, floor: str) -> float:
        """Return the median of product / floor, of runs that were neighbours."""
        return median(mine.wall / other.wall for mine, other in self._pairs(floor))

    def cpu_ratio(self, floor: str) -> float:
        """Return the same of the processor times."""
        return median(mine.cpu / other.cpu for mine, other in self._pairs(floor))

    @property
    def floors(self) -> list[str]:
        """The floors that ran beside the product."""
        return [name for name in self.samples if name != PRODUCT]

    def _pairs(self, floor: str) -> list[tuple[Timing, Timing]]:
        return list(zip(self.samples[PRODUCT], self.samples[floor], strict=True))


def in_turns(repetitions: int, contenders: Mapping[str, Contender]) -> dict[str, list[Timing]]:
    """Run product, floor, product, floor …: a machine that slows down slows both."""
    calm_collector()
    samples: dict[str, list[Timing]] = {name: [] for name in contenders}
    for _ in range(repetitions):
        for name, contender in contenders.items():
            with contender() as run:
                samples[name].append(timed(run))
    return samples


def timed(run: Run) -> Timing:
    """Run once, on a clean heap."""
    gc.collect()
    cpu, wall = process_time(), perf_counter()
    run()
    return Timing(perf_counter() - wall, process_time() - cpu)


def calm_collector() -> None:
    """Set Python's collector as the server sets it, for product and floors alike."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def added_memory(warm_up: Contender, contender: Contender) -> float:
    """Return the MB by which a run raises this process's peak, after one on small data."""
    calm_collector()
    with warm_up() as run:
        run()
    with contender() as run:
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")  # The peak is from now on.
        before = _status("VmRSS")
        run()
        return (_status("VmHWM") - before) / 1024


def isolated(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function in a fresh process, so that no work meets another's heap.

    It is forked from a server that has all modules loaded and has done nothing else.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["benchmarks.__main__"])
    with ProcessPoolExecutor(max_workers=1, mp_context=context) as pool:
        return pool.submit(function, *args, **kwargs).result()


def _status(name: str) -> int:
    """Return one of this process's figures, in KiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
