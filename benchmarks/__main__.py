"""The benchmarks: `python -m benchmarks` measures everything and writes what it found."""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

from benchmarks import chart, lists, names, pdf, service, starts, tables, works, worlds
from benchmarks.card import RATES, SKU_RATES
from benchmarks.databases import Database, new_databases
from benchmarks.measuring import Result, isolated
from benchmarks.results import new_report, save

SMALL = 200
"""Orders and reports to warm up with before memory is measured."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured.

    sizes: orders, growing; main: the one that is measured beside the floors. aside: of
    the variants. pdf_orders: printed. listed, summed: reports in a list, and under a customer
    summary. seconds: of each round over HTTP. starts: of the server too.
    """

    sizes: tuple[int, ...]
    main: int
    aside: int
    pdf_orders: int
    listed: int
    summed: int
    seconds: float
    starts: bool = True
    repetitions: int = 5


FULL = Plan(
    sizes=(1_000, 10_000, 100_000),
    main=100_000,
    aside=10_000,
    pdf_orders=2_000,
    listed=10_000,
    summed=100_000,
    seconds=1.0,
)
BIG = replace(FULL, sizes=(*FULL.sizes, 1_000_000))
QUICK = Plan(
    sizes=(2_000,),
    main=2_000,
    aside=500,
    pdf_orders=500,
    listed=2_000,
    summed=10_000,
    seconds=0.3,
    starts=False,
)


def main() -> None:
    """Measure, print the tables, write the JSON and the chart."""
    options = _options()
    plan = QUICK if options.quick else BIG if options.big else FULL
    started = perf_counter()
    with tempfile.TemporaryDirectory(prefix="billing-bench-") as folder:
        results = list(_told(run(plan, Path(folder), options.only)))
    report = new_report(results, is_quick=options.quick)
    print(tables.everything(report))
    save(report, options.out / "results.json")
    (options.out / "ratios.svg").write_text(chart.svg(report.results), encoding="utf-8")
    seconds = perf_counter() - started
    print(f"Took {seconds:.0f} s; {options.out}/results.json and {options.out}/ratios.svg hold it.")
    if options.check and tables.missed(report):
        sys.exit(f"{len(tables.missed(report))} goals are not met")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument("--quick", action="store_true", help="small sizes, in under a minute")
    sizes.add_argument("--big", action="store_true", help="up to a million orders, in an hour")
    parser.add_argument("--only", default="", help="the works whose names hold this")
    parser.add_argument("--check", action="store_true", help="exit 1 if a goal is not met")
    parser.add_argument("--out", type=Path, default=Path("var/benchmarks"), help="a folder")
    return parser.parse_args()


def _told(results: Iterator[Result]) -> Iterator[Result]:
    """Tell how far the run is."""
    started = perf_counter()
    for result in results:
        what = ", ".join(filter(None, (result.work, result.on, f"{result.size:,}")))
        print(f"{perf_counter() - started:6.1f} s  {what}", file=sys.stderr, flush=True)
        yield result


def run(plan: Plan, folder: Path, only: str) -> Iterator[Result]:
    """Measure all that the plan asks for, each piece of work in a process of its own."""
    with new_databases(folder) as databases:
        for empty in databases:
            isolated(worlds.migrate, empty)
            skus = empty.clone()
            isolated(worlds.fill, empty, RATES)
            isolated(worlds.fill, skus, SKU_RATES)
            yield from _over_orders(plan, empty, folder, only)
            yield from _aside(plan, skus, folder, only)
            yield from _over_reports(plan, empty, only)
        if any(only in work for work in (names.IMPORT_LIBRARY, names.HELP)):
            yield from starts.measure(plan.repetitions)
        if plan.starts and only in names.START:
            yield starts.measure_server(databases[0], plan.repetitions)
        if any(only in work for work in (names.PAGE_OF_20, names.CUSTOMERS_20, names.GUARDED)):
            listed = [worlds.make_reports(empty, plan.listed) for empty in databases]
            yield from service.measure(listed, plan.repetitions, plan.seconds)


def _over_orders(plan: Plan, empty: Database, folder: Path, only: str) -> Iterator[Result]:
    wanted = [work for work in names.OVER_ORDERS if only in work]
    with _world(empty, folder, SMALL) as small:
        for size in plan.sizes if wanted else ():
            measure = works.measure if size == plan.main else works.measure_alone
            with _world(empty, folder, size) as world:
                for work in wanted:
                    yield isolated(measure, work, world, plan.repetitions)
                    yield isolated(works.measure_memory, work, small, world)
        if only in names.PDF_PAGE:
            with _world(empty, folder, plan.pdf_orders) as printed:
                yield isolated(pdf.measure, small, printed, plan.repetitions)


def _aside(plan: Plan, skus: Database, folder: Path, only: str) -> Iterator[Result]:
    wanted = [work for work in names.ASIDE if only in work]
    if wanted:
        with _world(skus, folder, SMALL) as small, _world(skus, folder, plan.aside) as world:
            for work in wanted:
                yield isolated(works.measure, work, world, plan.repetitions)
                yield isolated(works.measure_memory, work, small, world)


def _over_reports(plan: Plan, empty: Database, only: str) -> Iterator[Result]:
    sizes = {names.LIST: plan.listed, names.SUMMARY: plan.summed}
    with worlds.make_reports(empty, SMALL).lent() as small:
        for work, size in sizes.items():
            if only in work:
                with worlds.make_reports(empty, size).lent() as database:
                    yield isolated(lists.measure, work, database, size, plan.repetitions)
                    yield isolated(lists.measure_memory, work, small, database, size)


@contextmanager
def _world(empty: Database, folder: Path, size: int) -> Iterator[worlds.World]:
    """Lend a world of so many orders."""
    world = isolated(worlds.make_world, empty, folder, size)
    with world.loaded.lent():
        yield world


if __name__ == "__main__":
    main()
