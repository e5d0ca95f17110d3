"""Applications with a generated world in them, and what they answer."""

import io
import json
from datetime import date
from decimal import Decimal
from typing import Any

from billing.adapters.memory import MemoryStorage
from billing.bootstrap import Billing, compose
from billing.domain.catalog import Customer, Service, normalise_sku
from billing.domain.costs import Pricing, compile_card
from billing.domain.document import ReportDocument, detail_chunks
from billing.domain.order_rows import OrderRows
from billing.domain.orders import Order
from billing.domain.period import BillingPeriod
from billing.domain.ports import Storage
from billing.domain.product_rows import ProductRows
from billing.domain.rate_reading import read_rates
from billing.domain.rates import RateCard
from billing.domain.report import BillingReport
from billing.testing.world import EVERYTHING, NOON, TickingClock
from tests.properties.strategies import CURRENCIES, SERVICES

FIRST, LAST = date(2023, 1, 1), date(2023, 1, 12)
WHOLE = BillingPeriod(FIRST, LAST)
World = dict[str, Any]


def application(world: World, storage: Storage | None = None) -> Billing:
    """Return an application with the world in it, through the intake."""
    app = compose(storage or MemoryStorage(), clock=TickingClock())
    with app.storage.transaction(EVERYTHING) as tx:
        tx.customers.save(Customer(1, "One", world["currency"]))
        for service_id in SERVICES:
            tx.services.save(Service(service_id, f"Service {service_id}"))
    products = [
        {"customer_id": 1, "sku": sku, "units_per_case": units}
        for sku, units in world["products"].items()
    ]
    app.intake.store(products, ProductRows())
    for card in world["cards"]:
        app.rate_book.put(1, date.fromisoformat(card["effective_from"]), read_rates(card["rates"]))
    app.intake.store(world["rows"], OrderRows())
    return app


def report_of(app: Billing, period: BillingPeriod = WHOLE) -> BillingReport:
    """Generate and read back."""
    return app.archive.read(app.generator.generate(1, period).id)


def exported(app: Billing, report_id: int, name: str) -> str:
    """Return a report in a format."""
    out = io.BytesIO()
    app.archive.export(report_id, name, out)
    return out.getvalue().decode()


def detail_of(document: ReportDocument) -> dict[str, Any]:
    """Return a report's detail, its numbers exact."""
    text = b"".join(detail_chunks(document))
    parsed: dict[str, Any] = json.loads(text, parse_float=Decimal)
    return parsed


def dated(world: World) -> list[dict[str, Any]]:
    """Return the rows of the period, as a report has them in its evidence."""
    rows = [row for row in world["rows"] if row.get("order_date") is not None]
    return sorted(rows, key=lambda row: (row["order_date"], row["order_id"]))


def billable(world: World) -> list[dict[str, Any]]:
    """Return the rows of the period that are not cancelled."""
    return [row for row in dated(world) if row.get("status") not in {"Cancelled", "canceled"}]


_CURRENCIES = dict(enumerate(CURRENCIES, start=1))
_READER = MemoryStorage()
with _READER.transaction(EVERYTHING) as _tx:
    for _service_id in SERVICES:
        _tx.services.save(Service(_service_id, "Any"))
    for _customer_id, _currency in _CURRENCIES.items():
        _tx.customers.save(Customer(_customer_id, _currency, _currency))


def order_of(row: dict[str, Any], currency: str) -> Order:
    """Return the order that a row stands for, as the intake reads it, without storing it."""
    customers = {name: customer_id for customer_id, name in _CURRENCIES.items()}
    whole = {"customer_id": customers[currency], "order_id": 1, **row}
    with _READER.snapshot(EVERYTHING) as view:
        (order,) = OrderRows().read(view, [whole])
    assert isinstance(order, Order)
    return order


def pricing_of(rates: list[dict[str, Any]], currency: str, products: dict[str, int]) -> Pricing:
    """Return a card of these rates, compiled."""
    card = RateCard(7, 1, FIRST, NOON, read_rates(rates))
    normalised = {normalise_sku(sku): units for sku, units in products.items()}
    return compile_card(card, CURRENCIES[currency], products=normalised)
