"""The benchmarks' floors are honest, their figures mean what they say, and the page is true."""

import uuid
from collections.abc import Callable, Iterator
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from benchmarks import (
    document,
    floor_import,
    floor_pages,
    floor_rows,
    lists,
    names,
    orders,
    product,
    works,
    worlds,
)
from benchmarks.card import RATES
from benchmarks.databases import Database
from benchmarks.goals import GOALS, verdicts
from benchmarks.measuring import Result, Timing, in_turns
from benchmarks.results import Report, load, merged, save
from billing.entrypoints.http.app import API, create_app
from billing.entrypoints.tokens import SCOPES, issue

SIZE = 600
"""Orders: two pages of a report."""
FAST, SLOW = Timing(1.0, 0.5), Timing(3.0, 1.0)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(
    request: pytest.FixtureRequest, tmp_path: Path, postgres_url: Callable[[], str]
) -> Iterator[Database]:
    """Lend a new database with the card that is measured."""
    database = Database("sqlite", tmp_path, f"empty_{uuid.uuid4().hex}")
    if request.param == "postgresql":
        name, folder = postgres_url().rpartition("/@/")[2].split("?host=")
        database = Database("postgresql", Path(folder), name.rpartition("/")[2])
    worlds.migrate(database)
    worlds.fill(database, RATES)
    with database.lent():
        yield database


@pytest.fixture
def world(
    empty: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[worlds.World]:
    """Lend a world of made orders."""
    monkeypatch.setenv(orders.VARIABLE, "/nowhere")
    world = worlds.make_world(empty, tmp_path, SIZE)
    with world.loaded.lent():
        yield world


def stored_orders(database: Database) -> list[Any]:
    """Return all columns of all orders."""
    with database.raw() as connection:
        rows: list[Any] = connection.execute("SELECT * FROM orders ORDER BY order_id").fetchall()
        return rows


@pytest.mark.parametrize("extension", ["ndjson", "csv"])
def test_the_floor_of_an_import_stores_the_same_rows(world: worlds.World, extension: str) -> None:
    """Product and floor make the same table of the same file."""
    path = world.ndjson.with_suffix(f".{extension}")
    with world.empty.clone().lent() as database:
        with database.product() as app:
            product.store(app, path)
        by_product = stored_orders(database)
    with world.empty.clone().lent() as database:
        with database.raw() as connection:
            floor_import.store_orders(database, connection, path)
        assert stored_orders(database) == by_product
    assert len(by_product) == SIZE


def test_the_floors_of_a_report_write_the_same_bytes(world: worlds.World) -> None:
    """Pages of result and evidence are the product's, and so is the CSV file."""
    with world.loaded.product() as app, world.loaded.raw() as connection:
        report = app.archive.open(worlds.REPORT)
        costs = floor_pages.billed(report.section("orders"))
        floor_pages.make_table(world.loaded, connection)
        floor_pages.write_pages(world.loaded, connection, costs)
        for section in ("orders", "evidence"):
            pages = floor_pages.read_pages(world.loaded, connection, section)
            assert list(pages) == list(report.section(section))
        floor_rows.make_tables(connection)
        floor_rows.write_rows(world.loaded, connection, costs)
        by_floor, by_product = BytesIO(), BytesIO()
        floor_rows.rows_as_csv(world.loaded, connection, by_floor)
        app.archive.export(worlds.REPORT, "csv", by_product)
        assert by_floor.getvalue() == by_product.getvalue()
        assert floor_rows.rows_as_json(world.loaded, connection).count(b'"order_id"') == SIZE
        assert not list(report.section("exceptions"))


def test_the_floor_of_a_list_answers_the_same_bytes(empty: Database) -> None:
    """The plain selection is the product's list."""
    with worlds.make_reports(empty, SIZE).lent() as database:
        with database.raw() as connection:
            by_floor = lists.list_floor(database, connection)
        with database.product() as app:
            client = create_app(product.SETTINGS, app).test_client()
            token = issue(product.SETTINGS, "test", SCOPES, None, 1, app.clock.now())
            headers = {"Authorization": f"Bearer {token}"}
            assert client.get(f"{API}/reports/", headers=headers).data == by_floor


def test_every_work_over_orders_runs_beside_its_floors(world: worlds.World) -> None:
    """One round of each work measures the product and at least one floor."""
    for work in names.OVER_ORDERS:
        result = works.measure(work, world, 1)
        assert names.PRODUCT in result.samples
        assert result.floors


def test_contenders_take_turns() -> None:
    """A machine that slows down slows product and floor alike."""
    seen: list[str] = []
    contenders = {name: works.ready(partial(seen.append, name)) for name in ("a", "b")}
    samples = in_turns(2, contenders)
    assert seen == ["a", "b", "a", "b"]
    assert {name: len(timings) for name, timings in samples.items()} == {"a": 2, "b": 2}


def test_a_ratio_is_of_neighbours() -> None:
    """A slow moment that both met does not show."""
    result = Result("x", "", 1, {"product": [FAST, SLOW, SLOW], "floor": [FAST, SLOW, FAST]})
    assert (result.ratio("floor"), result.cpu_ratio("floor")) == (1.0, 1.0)
    assert result.wall() == 3.0


def test_what_was_measured_is_judged() -> None:
    """A goal is met up to its limit, and not judged where nothing was measured."""
    slow = Result(names.GENERATE, "sqlite", 10, {"product": [SLOW], "pages": [FAST]})
    memory = Result(names.GENERATE, "sqlite", 10, extra={names.ADDED_MB: 32.0})
    judged = {v.goal.text: v.is_met for v in verdicts(merged([slow, memory]))}
    assert judged == {"1.6 x the pages floor": False, "32 MB added, whatever the size": True}


def test_growth_is_judged_at_a_million() -> None:
    """An order may take 1.15 times as long in a report of a million as in a smaller one."""
    sizes = [
        Result(names.GENERATE, "sqlite", size, {"product": [Timing(1, seconds)]})
        for size, seconds in ((1_000, 0.5), (100_000, 10.0), (1_000_000, 120.0))
    ]
    [verdict] = verdicts(sizes)
    assert round(verdict.figure, 9) == 1.2
    assert not verdict.is_met


def test_every_goal_is_about_a_work_that_is_measured() -> None:
    """No goal's name is mistyped."""
    known = {value for name, value in vars(names).items() if name.isupper()}
    over_orders = {*names.OVER_ORDERS, *names.OVER_REPORTS}
    assert {goal.work for goal in GOALS} <= known | over_orders


def test_a_report_survives_its_file(tmp_path: Path) -> None:
    """What is saved is what is loaded."""
    result = Result("x", "sqlite", 10, {"product": [FAST], "floor": [SLOW]}, {"added_mb": 1.5})
    report = Report("a machine", "2026-11-23", "made", is_quick=True, results=[result])
    save(report, tmp_path / "results.json")
    assert load(tmp_path / "results.json") == report


def test_the_page_shows_what_was_measured() -> None:
    """The tables in the documentation are those of the results beside it."""
    page = document.PAGE.read_text()
    assert document.filled(page) == page
