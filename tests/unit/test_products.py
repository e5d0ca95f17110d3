"""Products: how rows become products, and what is refused."""

from typing import Any

import pytest

from billing.adapters.memory import MemoryStorage
from billing.bootstrap import Billing, compose
from billing.domain.access import Access
from billing.domain.bulk_intake import Cells, IntakeResult, RowError, RowsRefusedError
from billing.domain.catalog import Product, normalise_sku
from billing.domain.errors import InvalidValueError
from billing.domain.product_rows import ProductRows
from billing.domain.report_query import Slice
from billing.testing.world import ACME, EVERYTHING, WIDGETS, TickingClock, fill


@pytest.fixture
def app() -> Billing:
    """Return an application with the small world."""
    app = compose(MemoryStorage(), clock=TickingClock())
    fill(app.storage)
    return app


def row(sku: Any, units: Any = 12, customer_id: Any = ACME) -> dict[str, object]:
    """Return a row of a product."""
    return {"customer_id": customer_id, "sku": sku, "units_per_case": units}


def store(app: Billing, *rows: object, **more: Any) -> IntakeResult:
    """Take rows in."""
    return app.intake.store(rows, ProductRows(), **more)


def counts(result: IntakeResult) -> tuple[int, int, int, int]:
    """Return what became of the rows."""
    return result.created, result.updated, result.unchanged, result.skipped


def products(app: Billing) -> list[Product]:
    """Return all products."""
    with app.storage.snapshot(EVERYTHING) as view:
        return list(view.products.page(None, Slice()))


def refusals(app: Billing, *rows: object, **more: Any) -> list[RowError]:
    """Return why a call was refused."""
    with pytest.raises(RowsRefusedError) as refused:
        store(app, *rows, **more)
    return refused.value.result.errors


@pytest.mark.parametrize(
    ("sku", "normalised"),
    [("AB-1", "ab1"), ("a b - 1", "ab1"), ("Straße", "strasse"), ("東京-1", "東京1"), ("- -", "")],
)
def test_skus_compare_without_case_spaces_and_hyphens(sku: str, normalised: str) -> None:
    """The form is its own form, so that it may be kept and compared again."""
    assert normalise_sku(sku) == normalised == normalise_sku(normalised)


def test_rows_are_created_updated_and_unchanged(app: Billing) -> None:
    """Sending the same rows again changes nothing."""
    rows = [row("AB-1"), row("CD 2", 5), row("AB-1", 999_999_999, WIDGETS)]
    assert counts(store(app, *rows)) == (3, 0, 0, 0)
    assert counts(store(app, *rows)) == (0, 0, 3, 0)
    assert counts(store(app, row("AB-1", 1), rows[1])) == (0, 1, 1, 0)
    assert products(app) == [
        Product(ACME, "AB-1", 1),
        Product(ACME, "CD 2", 5),
        Product(WIDGETS, "AB-1", 999_999_999),
    ]


def test_csv_cells_mean_what_json_means(app: Billing) -> None:
    """Trimmed, ids and sizes in plain digits; unknown columns are named."""
    cells = Cells(customer_id=" 123 ", sku=" AB-1 ", units_per_case="12", colour="red")
    result = store(app, cells)
    assert (counts(result), result.ignored_columns) == ((1, 0, 0, 0), ["colour"])
    assert counts(store(app, row("AB-1"))) == (0, 0, 1, 0)
    wrong = Cells(customer_id="0123", sku="", units_per_case="1.5")
    assert [(e.row, e.field) for e in refusals(app, wrong)] == [
        (1, "customer_id"),
        (1, "units_per_case"),
    ]


def test_products_that_collide_are_refused(app: Billing) -> None:
    """With what is stored under another spelling, and with another row; by customer."""
    store(app, row("AB-1"))
    (stored,) = refusals(app, row("X"), row("ab 1"))
    assert (stored.row, stored.field) == (2, "sku")
    assert stored.error.startswith("Collides with the product AB-1:")
    (twice,) = refusals(app, row("CD-2"), row("CD2"))
    assert (twice.row, twice.field) == (2, "sku")
    assert "Given twice in this call" in twice.error
    assert counts(store(app, row("ab 1", customer_id=WIDGETS))) == (1, 0, 0, 0)
    assert len(products(app)) == 2


def test_a_collision_is_found_across_batches(app: Billing) -> None:
    """However far apart the two rows of one call stand."""
    rows = [row(f"S{number}") for number in range(501)]
    (collision,) = refusals(app, *rows, row("s-0"))
    assert collision.row == 502
    assert products(app) == []


@pytest.mark.parametrize(
    ("wrong", "field", "problem"),
    [
        (row("A", 0), "units_per_case", "Not a whole number from 1 to 999,999,999."),
        (row("A", 10**9), "units_per_case", "Not a whole number"),
        (row("A", True), "units_per_case", "Not a whole number"),
        (row("A", "12"), "units_per_case", "Not a whole number"),
        (row("A", None), "units_per_case", "Missing data"),
        (row(" "), "sku", "Missing"),
        (row(None), "sku", "Missing data"),
        (row(" - - "), "sku", "Nothing is left of it"),
        (row(5), "sku", "Not a valid string."),
        (row("x" * 256), "sku", "Longer than 255 characters."),
        (row("A", customer_id="123"), "customer_id", "Not a valid id"),
        (row("A", customer_id=999), "customer_id", "Customer with ID 999 not found"),
        (row("A") | {"name": "x"}, "name", "Unknown field."),
        ("A", None, "Not a JSON object."),
    ],
)
def test_a_wrong_row_is_refused_by_its_field(
    app: Billing, wrong: Any, field: str | None, problem: str
) -> None:
    """Nothing of the call is stored."""
    (error,) = refusals(app, row("Good"), wrong)
    assert (error.row, error.field) == (2, field)
    assert error.error.startswith(problem)
    assert products(app) == []


def test_good_rows_are_stored_when_bad_ones_may_be_skipped(app: Billing) -> None:
    """The bad ones are listed."""
    result = store(app, row("A"), row("B", 0), row("a"), row("C"), skip_invalid=True)
    assert counts(result) == (2, 0, 0, 2)
    assert [error.row for error in result.errors] == [2, 3]
    assert [product.sku for product in products(app)] == ["A", "C"]


def test_another_customers_products_do_not_exist(app: Billing) -> None:
    """Outside the access a customer is not found, and cannot be written for."""
    mine = Access.only([WIDGETS])
    (error,) = refusals(app, row("A"), access=mine)
    assert error.error == f"Customer with ID {ACME} not found"


def test_a_product_holds_at_least_1_unit() -> None:
    """The value refuses what its rows refuse."""
    for units in (0, 10**9):
        with pytest.raises(InvalidValueError, match="units_per_case"):
            Product(1, "A", units)
