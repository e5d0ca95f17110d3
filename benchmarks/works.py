"""Works over orders: each measured beside its floors, or alone as it grows, and its memory."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast

from benchmarks import floor_import, floor_pages, floor_rows, names
from benchmarks.measuring import Contender, Result, Run, added_memory, in_turns
from benchmarks.names import PRODUCT
from benchmarks.product import WORKS
from benchmarks.worlds import REPORT, World

BLOCK = 64 * 1024
SPOOL_BYTES = 2 * 1024 * 1024
"""What the service spools in memory; the floors of files do the same."""


def measure(work: str, world: World, repetitions: int) -> Result:
    """Measure a work beside its floors."""
    with ExitStack() as stack:
        contenders = {PRODUCT: _contender(work, world, stack), **_FLOORS[work](world, stack)}
        samples = in_turns(repetitions, contenders)
    return Result(work, world.loaded.kind, world.size, samples)


def measure_alone(work: str, world: World, repetitions: int) -> Result:
    """Measure a work without floors."""
    with ExitStack() as stack:
        samples = in_turns(repetitions, {PRODUCT: _contender(work, world, stack)})
    return Result(work, world.loaded.kind, world.size, samples)


def measure_memory(work: str, small: World, world: World) -> Result:
    """Measure the memory that a work adds to its process."""
    added = added_memory(partial(WORKS[work], small), partial(WORKS[work], world))
    return Result(work, world.loaded.kind, world.size, extra={names.ADDED_MB: added})


def _contender(work: str, world: World, stack: ExitStack) -> Contender:
    """Return the product: opened once, except for imports, which take a new database each."""
    if work in {names.IMPORT_NDJSON, names.IMPORT_CSV}:
        return partial(WORKS[work], world)
    return ready(stack.enter_context(WORKS[work](world)))


def ready(run: Run, before: Run = lambda: None) -> Contender:
    """Return a contender that is always ready, after some unmeasured tidying."""

    @contextmanager
    def lend() -> Iterator[Run]:
        before()
        yield run

    return lend


def _import_floor(world: World, _stack: ExitStack, *, extension: str) -> dict[str, Contender]:
    path = world.csv if extension == "csv" else world.ndjson
    return {"parse and insert": partial(floor_import.importing, world.empty, path)}


def _generate_floors(world: World, stack: ExitStack) -> dict[str, Contender]:
    database, connection, costs = _opened(world, stack)
    return {
        "pages": ready(
            partial(floor_pages.write_pages, database, connection, costs),
            before=partial(floor_pages.make_table, database, connection),
        ),
        "rows": ready(
            partial(floor_rows.write_rows, database, connection, costs),
            before=partial(floor_rows.make_tables, connection),
        ),
    }


def _detail_floors(world: World, stack: ExitStack) -> dict[str, Contender]:
    database, connection, costs = _opened(world, stack)
    floor_pages.make_table(database, connection)
    floor_pages.write_pages(database, connection, costs)
    floor_rows.make_tables(connection)
    floor_rows.write_rows(database, connection, costs)
    return {
        "pages": ready(lambda: sum(map(len, floor_pages.read_pages(database, connection)))),
        "rows": ready(lambda: len(floor_rows.rows_as_json(database, connection))),
    }


def _csv_floor(world: World, stack: ExitStack) -> dict[str, Contender]:
    database, connection, costs = _opened(world, stack)
    floor_rows.make_tables(connection)
    floor_rows.write_rows(database, connection, costs)

    def run() -> None:
        with SpooledTemporaryFile(max_size=SPOOL_BYTES) as spool:
            out = cast("BinaryIO", spool)
            floor_rows.rows_as_csv(database, connection, out)
            out.seek(0)
            while out.read(BLOCK):
                pass

    return {"rows": ready(run)}


def _opened(world: World, stack: ExitStack) -> tuple[Any, Any, list[floor_pages.Billed]]:
    """Return a world's database, a connection to it, and what the product billed."""
    with world.loaded.product() as app:
        costs = floor_pages.billed(app.archive.open(REPORT).section("orders"))
    return world.loaded, stack.enter_context(world.loaded.raw()), costs


_FLOORS: dict[str, Callable[[World, ExitStack], dict[str, Contender]]] = {
    names.IMPORT_NDJSON: partial(_import_floor, extension="ndjson"),
    names.IMPORT_CSV: partial(_import_floor, extension="csv"),
    names.GENERATE: _generate_floors,
    names.GENERATE_SKUS: _generate_floors,
    names.DETAIL: _detail_floors,
    names.CSV_DOWNLOAD: _csv_floor,
}
