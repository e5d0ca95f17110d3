"""`billing import legacy`: a warehouse system's tables move in whole, or say why not."""

import json
import shutil
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from billing.bootstrap import Billing
from billing.domain.access import Access
from billing.domain.catalog_rows import CustomerRows, ServiceRows
from billing.domain.order_rows import OrderRows
from billing.domain.product_rows import ProductRows
from billing.domain.report_query import Slice
from tests.integration.cli.conftest import Run

DATA = Path(__file__).parents[2] / "data/legacy"
COUNTS = [
    "customers: 2 received, 2 created, 0 updated, 0 unchanged, 0 skipped",
    "services: 6 received, 6 created, 0 updated, 0 unchanged, 0 skipped",
    "products: 4 received, 4 created, 0 updated, 0 unchanged, 0 skipped",
    "rate cards: 2 received, 2 created, 0 updated, 0 unchanged, 0 skipped",
]
REMARKS = [
    "Ignored columns of customer_services: created_at",
    "Ignored columns of customers: email",
    (
        "Look at: customer_services 107: no product of the customer has a case: "
        "pick cost counts every unit"
    ),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of the export, to be spoiled."""
    return Path(shutil.copytree(DATA, tmp_path / "export"))


def options(folder: Path, *without: str) -> list[str]:
    """Return the options that name the tables of an export."""
    found = []
    for path in sorted(folder.iterdir()):
        if path.stem not in without:
            found += [f"--{path.stem.replace('_', '-')}", str(path)]
    return [*found, "--effective-from", "2023-01-01"]


def move_in(run: Run, arguments: Sequence[str], *more: str) -> tuple[int, list[str], list[str]]:
    """Return exit code, output and messages."""
    result = run("import", "legacy", *arguments, *more)
    return result.exit_code, result.stdout.splitlines(), result.stderr.splitlines()


def is_empty(billing: Billing) -> bool:
    """Tell whether nothing at all is stored."""
    with billing.storage.snapshot(Access.everything()) as view:
        stored = view.customers.count() + view.services.count() + view.products.count(None)
    return stored == 0


def spoil(folder: Path, name: str, old: str, new: str) -> None:
    """Change something in one table."""
    path = folder / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_an_export_moves_in(run: Run, billing: Billing, folder: Path) -> None:
    """Customers, services, products and cards; a second time nothing changes."""
    assert move_in(run, options(folder)) == (0, COUNTS, REMARKS)
    again = move_in(run, options(folder))[1]
    assert [line.split(", ")[3] for line in again] == [
        "2 unchanged",
        "6 unchanged",
        "4 unchanged",
        "2 unchanged",
    ]
    assert len(billing.rate_book.cards(7)) == 1


def test_orders_cost_what_they_cost_there(run: Run, billing: Billing, folder: Path) -> None:
    """30 AB-1 at 12 a case, 7 CD-2 at 5, 3 GLASS-1 with their own wrap, 12.5 lb by UPS to the US:
    8 loose at 0.40, 3 cases at 1.10, 3 SKUs at 0.15, handling 2.50, wrap 3 x 0.80, no papers.
    """
    move_in(run, options(folder))
    items = [("AB-1", 30), ("cd 2", 7), ("GLASS-1", 3)]
    order = {
        "customer_id": 7,
        "order_id": 1,
        "order_date": "2023-01-15",
        "weight_lb": "12.5",
        "carrier": "UPS",
        "ship_to_country": "US",
        "items": [{"sku": sku, "quantity": quantity} for sku, quantity in items],
    }
    abroad = {**order, "order_id": 2, "ship_to_country": "CA", "carrier": "DHL", "items": []}
    billing.intake.store([order, abroad], OrderRows())
    trial = billing.rate_trial
    costs = {cost.service_id: cost.amount for cost in trial.run(7, order).service_costs}
    assert costs == {
        21: Decimal("3.20"),
        22: Decimal("3.30"),
        23: Decimal("0.45"),
        24: Decimal("2.50"),
        25: Decimal("2.40"),
    }
    assert [cost.service_id for cost in trial.run(7, abroad).service_costs] == [26]


@pytest.mark.parametrize(
    ("skus", "notes", "is_charged"),
    [
        (["PAPER-A4"], "plain", True),
        (["PAPER-A4"], "Rush, please", False),
        (["PENCIL"], "urgent", True),
        (["PENCIL"], "plain", False),
    ],
)
def test_xor_is_exactly_one(
    run: Run, billing: Billing, folder: Path, skus: list[str], notes: str, is_charged: bool
) -> None:
    """Paper or a rush order, but not both; and the ticket that adjusts by 0.00 adjusts nothing."""
    move_in(run, options(folder))
    order = {"notes": notes, "items": [{"sku": sku, "quantity": 1} for sku in skus]}
    costs = billing.rate_trial.run(8, order).service_costs
    assert (24 in [cost.service_id for cost in costs]) is is_charged


def test_a_dry_run_stores_nothing_and_writes_the_cards(
    run: Run, billing: Billing, folder: Path, tmp_path: Path
) -> None:
    """The file is one that `import rates` takes."""
    cards = tmp_path / "cards.json"
    code, counts, messages = move_in(run, options(folder), "--dry-run", "-o", str(cards))
    assert (code, counts, messages) == (0, COUNTS, [*REMARKS, "Dry run: nothing was stored."])
    assert is_empty(billing)
    assert [card["customer_id"] for card in json.loads(cards.read_text())] == [7, 8]
    move_in(run, options(folder))
    assert run("import", "rates", str(cards)).stdout.startswith("2 received, 0 created")


def test_cards_may_go_to_standard_output(run: Run, folder: Path) -> None:
    """Then the counts go to the messages."""
    code, output, messages = move_in(run, options(folder), "-o", "-")
    assert code == 0
    assert len(json.loads("\n".join(output))) == 2
    assert messages == [*REMARKS, *COUNTS]


class TestLeftOut:
    """What cannot be turned is said, and its customer service is never billed differently."""

    def test_nothing_is_stored(self, run: Run, billing: Billing, folder: Path) -> None:
        """Unless told to go on without it."""
        spoil(folder, "rules.csv", "301,201,weight_lb,gt", "301,201,weight_kg,gt")
        code, counts, messages = move_in(run, options(folder))
        assert (code, counts) == (1, [])
        assert messages[3:] == [
            "Could not be turned: rules 301: There is no such field of an order: weight_kg.",
            "Could not be turned: customer_services 104: Its rule group 201 could not be turned.",
            (
                "Error: 2 rows of the export could not be turned; nothing was stored "
                "(--on-error skip stores the rest)"
            ),
        ]
        assert is_empty(billing)

    def test_the_rest_is_stored_when_told_to(
        self, run: Run, billing: Billing, folder: Path
    ) -> None:
        """Exit 0, and still every row is said."""
        spoil(folder, "customer_services.csv", ",0.15,", ",0.1512345,")
        code, counts, messages = move_in(run, options(folder), "--on-error", "skip")
        assert (code, counts) == (0, COUNTS)
        assert messages[-1] == (
            "Could not be turned: customer_services 103: unit_price: Has more than 6 decimals."
        )
        services = [rate.service_id for rate in billing.rate_book.cards(7)[0].rates]
        assert services == [21, 22, 24, 25, 26]

    def test_products_that_collide_are_said(self, run: Run, folder: Path) -> None:
        """SKUs compare without case, spaces and hyphens."""
        spoil(folder, "products.json", '"CD-2"', '"ab1"')
        code, _, messages = move_in(run, options(folder))
        assert code == 1
        assert messages[3].startswith("Could not be turned: products ab1: sku: Given twice")

    def test_a_stored_name_is_not_replaced(self, run: Run, billing: Billing, folder: Path) -> None:
        """Nor are prices put on whoever has the id."""
        billing.intake.store([{"id": 7, "name": "Somebody"}], CustomerRows())
        billing.intake.store([{"id": 21, "name": "Picking"}], ServiceRows())
        code, _, messages = move_in(run, options(folder), "--on-error", "skip")
        assert code == 0
        assert "Could not be turned: customers 7: id: It is there already as Somebody." in messages
        assert billing.rate_book.cards(7) == []
        with billing.storage.snapshot(Access.everything()) as view:
            assert {service.id: service.name for service in view.services.page(Slice())}[21] == (
                "Picking"
            )

    def test_a_broken_file_is_named(self, run: Run, folder: Path) -> None:
        """In one line, with the table."""
        (folder / "rules.csv").write_text('id,"rule\n')
        code, _, messages = move_in(run, options(folder))
        assert code == 1
        assert messages[-1].startswith("Error: rules: Malformed CSV at line")

    def test_a_missing_column_is_named(self, run: Run, folder: Path) -> None:
        """Somebody gave the files in the wrong order."""
        arguments = options(folder, "rules")
        code, _, messages = move_in(run, arguments, "--rules", str(folder / "services.csv"))
        assert (code, messages) == (1, ["Error: rules: there is no column rule_group_id."])

    @pytest.mark.parametrize("table", ["services", "customer_services", "rule_groups", "rules"])
    def test_these_tables_must_be_given(self, run: Run, folder: Path, table: str) -> None:
        """Without its rules a service would be billed always."""
        code, _, messages = move_in(run, options(folder, table))
        assert code == 2
        assert f"--{table.replace('_', '-')}" in messages[-1]


def test_customers_and_products_may_be_there_already(
    run: Run, billing: Billing, folder: Path
) -> None:
    """Then their tables are not needed."""
    customers = [{"id": 7, "name": "Harbor Goods"}, {"id": 8, "name": "Plain Papers"}]
    billing.intake.store(customers, CustomerRows())
    products = [{"customer_id": 8, "sku": "PAPER-A4", "units_per_case": 5}]
    billing.intake.store(products, ProductRows())
    code, counts, messages = move_in(run, options(folder, "customers", "products"))
    assert (code, messages) == (0, REMARKS[:1])
    assert counts[0].startswith("customers: 0 received")
    (rate, _) = billing.rate_book.in_force(8, date(2023, 1, 1)).rates
    assert rate.as_json()["price"]["measure"] == "loose_units"


def test_several_groups_combine_as_told(run: Run, billing: Billing, folder: Path) -> None:
    """And each customer service that has several is named."""
    spoil(folder, "rule_groups.csv", "202,106", "202,104")
    *_, messages = move_in(run, options(folder), "--several-groups", "any")
    assert messages[2] == (
        "Look at: customer_services 104: its 2 rule groups combine with any: "
        "--several-groups all is the other reading"
    )
    when = billing.rate_book.cards(7)[0].rates[3].when
    assert when is not None
    assert list(when.as_json()) == ["any"]
