"""The sample world: five customers with their rate cards and four months of orders.

It is the same world each time: whoever follows the documentation sees the documented numbers.
"""

from datetime import date

from billing.bootstrap import Billing
from billing.domain.access import Access
from billing.domain.catalog import Customer, Service
from billing.domain.catalog_rows import CustomerRows, ServiceRows, read_customer, read_service
from billing.domain.errors import BillingError
from billing.domain.order_rows import OrderRows
from billing.domain.period import BillingPeriod
from billing.domain.rate_reading import read_rates
from billing.domain.report_query import ReportQuery
from billing.entrypoints.cli.demo_orders import (
    ACME,
    LODZ,
    NOOR,
    PACKING,
    PICKING,
    RETURNS,
    SHIPPING,
    STORAGE,
    TOKYO,
    WIDGETS,
    Row,
    orders,
)

JANUARY = BillingPeriod(date(2023, 1, 1), date(2023, 1, 31))

CUSTOMERS: tuple[Row, ...] = (
    {"id": ACME, "name": "ACME Corp", "currency": "USD", "time_zone": "America/New_York"},
    {"id": WIDGETS, "name": "Widgets Inc", "currency": "USD", "time_zone": "America/Chicago"},
    {"id": LODZ, "name": "Łódź Zabawki S.A.", "currency": "EUR", "time_zone": "Europe/Warsaw"},
    {"id": TOKYO, "name": "東京ガジェット株式会社", "currency": "JPY", "time_zone": "Asia/Tokyo"},
    {"id": NOOR, "name": "شركة النور للتجارة", "currency": "KWD", "time_zone": "Asia/Kuwait"},
)

SERVICES: tuple[Row, ...] = (
    {"id": PICKING, "name": "Picking", "description": "Taking the items off the shelves"},
    {"id": SHIPPING, "name": "Shipping", "description": "Carriage to the recipient"},
    {"id": PACKING, "name": "Packing", "description": "Cartons, filling and labels"},
    {"id": STORAGE, "name": "Storage", "description": "Space in the warehouse, by the month"},
    {"id": RETURNS, "name": "Returns", "description": "Goods taken back and put away"},
)


def _flat(service_id: int, amount: str) -> Row:
    return {"service_id": service_id, "price": {"model": "flat", "amount": amount}}


def _unit(service_id: int, measure: str, unit_price: str) -> Row:
    price = {"model": "unit", "measure": measure, "unit_price": unit_price}
    return {"service_id": service_id, "price": price}


# A flat rate is due on every order, also on one that only carries a fee: whoever has such
# orders pays by what can be counted on them.
CARDS: tuple[tuple[int, date, list[Row]], ...] = (
    (
        ACME,
        date(2023, 1, 1),
        [
            _unit(PICKING, "units", "0.35"),
            _unit(SHIPPING, "weight_lb", "0.48"),
            _unit(PACKING, "packages", "2.50"),
        ],
    ),
    (
        ACME,
        date(2023, 3, 1),
        [
            _unit(PICKING, "units", "0.38"),
            _unit(SHIPPING, "weight_lb", "0.515"),
            _unit(PACKING, "packages", "2.75"),
        ],
    ),
    (WIDGETS, date(2023, 1, 1), [_flat(PICKING, "3.00"), _unit(PACKING, "packages", "1.75")]),
    (LODZ, date(2023, 1, 1), [_unit(PICKING, "lines", "0.90"), _unit(PACKING, "packages", "2.10")]),
    (
        TOKYO,
        date(2023, 1, 1),
        [_unit(PICKING, "units", "45"), _unit(SHIPPING, "weight_lb", "95.5")],
    ),
    (NOOR, date(2023, 1, 1), [_unit(PICKING, "units", "0.125"), _flat(PACKING, "0.750")]),
)


def load(billing: Billing) -> int:
    """Load the sample world; return how much that made or changed, 0 the second time.

    Raises BillingError rather than replace a customer or service that is not of this world.
    """
    _refuse_to_replace(billing)
    changed = sum(
        result.created + result.updated
        for result in (
            billing.intake.store(CUSTOMERS, CustomerRows()),
            billing.intake.store(SERVICES, ServiceRows()),
            billing.intake.store(orders(), OrderRows()),
        )
    )
    for customer_id, day, rates in CARDS:
        changed += billing.rate_book.put(customer_id, day, read_rates(rates))[1]
    if not billing.archive.count(ReportQuery()):
        for customer_id in (ACME, WIDGETS):
            billing.generator.generate(customer_id, JANUARY)
            changed += 1
    return changed


def _refuse_to_replace(billing: Billing) -> None:
    customers = {c.id: c for c in (read_customer(row, None) for row in CUSTOMERS)}
    services = {service.id: service for service in map(read_service, SERVICES)}
    with billing.storage.snapshot(Access.everything()) as view:
        found: list[Customer | Service] = [
            *view.customers.known(customers.keys()).values(),
            *view.services.known(services.keys()).values(),
        ]
    for known in found:
        if known not in (customers.get(known.id), services.get(known.id)):
            raise BillingError(
                f"{type(known).__name__} {known.id} is there already as {known.name}: "
                "load the sample world into a database of its own"
            )
