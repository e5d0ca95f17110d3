"""The worked example: a contract with cases, tiers, conditions, a minimum and a percentage."""

from typing import Any

from billing.adapters.memory import MemoryStorage
from billing.bootstrap import Billing, compose
from billing.domain.catalog import Customer, Service
from billing.domain.order_rows import OrderRows
from billing.domain.product_rows import ProductRows
from billing.domain.rate_reading import read_rates
from billing.testing.world import EVERYTHING, TickingClock
from tests.unit.examples import NEW_YEAR, Row, check, flat, percentage, tier, tiered, unit

CASE_PICK, LOOSE_PICK, HANDLING, WEIGHT, FUEL = 1, 2, 3, 4, 5
SERVICES = ("Case pick", "Loose pick", "Handling", "Weight", "Fuel")
PRODUCTS = [
    {"customer_id": 1, "sku": "AB-1", "units_per_case": 12},
    {"customer_id": 1, "sku": "CD-2", "units_per_case": 5},
]
HEAVY = {"all": [check("weight_lb", "gt", 10), check("carrier", "in", ["UPS", "USPS"])]}
RATES = [
    unit(CASE_PICK, "cases", "1.10", minimum="3.50"),
    tiered(LOOSE_PICK, "graduated", "loose_units", tier("5", "0.40"), tier(None, "0.25")),
    flat(HANDLING, "2.50"),
    unit(WEIGHT, "weight_lb", "0.11", when=HEAVY),
    percentage(FUEL, "8.64", WEIGHT, HANDLING),
]
ORDER: Row = {
    "order_id": 10001,
    "order_date": "2023-01-15",
    "carrier": "UPS",
    "ship_to_country": "US",
    "weight_lb": "12.5",
    "items": [{"sku": "AB-1", "quantity": 30}, {"sku": "CD-2", "quantity": 7}],
}


def application(*rows: Row, rates: Any = None) -> Billing:
    """Return an application with the contract and these orders in it, through the intake."""
    app = compose(MemoryStorage(), clock=TickingClock())
    with app.storage.transaction(EVERYTHING) as tx:
        tx.customers.save(Customer(1, "ACME Corp"))
        for service_id, name in enumerate(SERVICES, start=1):
            tx.services.save(Service(service_id, name))
    app.intake.store(PRODUCTS, ProductRows())
    app.rate_book.put(1, NEW_YEAR, read_rates(RATES if rates is None else rates))
    app.intake.store([{"customer_id": 1, **row} for row in rows or (ORDER,)], OrderRows())
    return app
