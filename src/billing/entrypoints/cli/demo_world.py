"""The sample world: five customers with their products, rate cards and four months of orders.

Between them the cards use every price model; ACME's shows cases and loose units, tiers, a
minimum, a condition and a percentage. It is the same world each time: whoever follows the
documentation sees the documented numbers.
"""

from datetime import date

from billing.bootstrap import Billing
from billing.domain.access import Access
from billing.domain.audit import Author
from billing.domain.catalog import Customer, Service
from billing.domain.catalog_rows import CustomerRows, ServiceRows, read_customer, read_service
from billing.domain.errors import BillingError
from billing.domain.order_rows import OrderRows
from billing.domain.period import BillingPeriod
from billing.domain.product_rows import ProductRows
from billing.domain.rate_reading import read_rates
from billing.domain.report_query import ReportQuery
from billing.entrypoints.cli.demo_orders import (
    ACME,
    CASE_PICKING,
    FUEL,
    HANDLING,
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
    {"id": CASE_PICKING, "name": "Case picking", "description": "Full cases off the racks"},
    {"id": FUEL, "name": "Fuel surcharge", "description": "A part of the carriage"},
    {"id": HANDLING, "name": "Handling", "description": "Heavy parcels, and papers for abroad"},
)


PRODUCTS: tuple[Row, ...] = tuple(
    {"customer_id": customer_id, "sku": sku, "units_per_case": units_per_case}
    for customer_id, sku, units_per_case in (
        (ACME, "ANVIL-50", 1),
        (ACME, "ROPE-10M", 6),
        (ACME, "MAGNET-XL", 12),
        (ACME, "ROCKET-2", 4),
        (WIDGETS, "W-1", 24),
        (WIDGETS, "W-2", 12),
        (WIDGETS, "W-3", 10),
        (LODZ, "MIŚ-S", 20),
        (LODZ, "MIŚ-XL", 5),
        (TOKYO, "ガジェット-1", 10),
        (TOKYO, "KEY-7", 50),
        (NOOR, "OUD-12", 12),
        (NOOR, "DATES-1KG", 10),
    )
)


def _rate(service_id: int, model: str, measure: str | None = None, **price: object) -> Row:
    counted = {} if measure is None else {"measure": measure}
    return {"service_id": service_id, "price": {"model": model, **counted, **price}}


def _unit(service_id: int, measure: str, unit_price: str) -> Row:
    return _rate(service_id, "unit", measure, unit_price=unit_price)


def _tiered(service_id: int, model: str, measure: str, *tiers: tuple[int | None, str]) -> Row:
    steps = [{"up_to": up_to, "unit_price": unit_price} for up_to, unit_price in tiers]
    return _rate(service_id, model, measure, tiers=steps)


def _test(field: str, op: str, value: object) -> Row:
    return {"field": field, "op": op, "value": value}


_HEAVY = {"all": [_test("weight_lb", "gt", 30), _test("carrier", "eq", "UPS")]}
_ABROAD = {"not": _test("ship_to_country", "eq", "KW")}

# A flat rate is due on every order, also on one that only carries a fee: whoever has such
# orders pays by what can be counted on them.
CARDS: tuple[tuple[int, date, list[Row]], ...] = (
    (
        ACME,
        date(2023, 1, 1),
        [
            _tiered(PICKING, "graduated", "loose_units", (10, "0.45"), (None, "0.30")),
            _unit(SHIPPING, "weight_lb", "0.48"),
            _unit(PACKING, "packages", "2.50"),
            {**_unit(CASE_PICKING, "cases", "1.10"), "minimum": "3.50"},
            _rate(FUEL, "percentage", percent="8.64", of=[SHIPPING]),
            {**_rate(HANDLING, "flat", amount="4.50"), "when": _HEAVY},
        ],
    ),
    (
        ACME,
        date(2023, 3, 1),
        [
            _tiered(PICKING, "graduated", "loose_units", (10, "0.48"), (None, "0.32")),
            _unit(SHIPPING, "weight_lb", "0.515"),
            _unit(PACKING, "packages", "2.75"),
            {**_unit(CASE_PICKING, "cases", "1.20"), "minimum": "3.80"},
            _rate(FUEL, "percentage", percent="9.1", of=[SHIPPING]),
            {**_rate(HANDLING, "flat", amount="4.75"), "when": _HEAVY},
        ],
    ),
    (
        WIDGETS,
        date(2023, 1, 1),
        [
            _rate(PICKING, "flat", amount="3.00"),
            {**_rate(SHIPPING, "markup", percent="10"), "when": _test("carrier", "eq", "UPS")},
            _unit(PACKING, "packages", "1.75"),
        ],
    ),
    (
        LODZ,
        date(2023, 1, 1),
        [
            _unit(PICKING, "lines", "0.90"),
            _rate(PACKING, "package", "units", package_size=12, package_price="2.10"),
        ],
    ),
    (
        TOKYO,
        date(2023, 1, 1),
        [
            _tiered(PICKING, "volume", "units", (20, "45"), (None, "38")),
            _unit(SHIPPING, "weight_lb", "95.5"),
        ],
    ),
    (
        NOOR,
        date(2023, 1, 1),
        [
            {**_unit(PICKING, "units", "0.125"), "maximum": "3.000"},
            _rate(PACKING, "flat", amount="0.750"),
            {**_rate(HANDLING, "flat", amount="1.500"), "when": _ABROAD},
        ],
    ),
)


def load(billing: Billing, author: Author | None = None) -> int:
    """Load the sample world; return how much that made or changed, 0 the second time.

    Raises BillingError rather than replace a customer or service that is not of this world.
    """
    _refuse_to_replace(billing)
    changed = sum(
        result.created + result.updated
        for result in (
            billing.intake.store(CUSTOMERS, CustomerRows(), author=author),
            billing.intake.store(SERVICES, ServiceRows(), author=author),
            billing.intake.store(PRODUCTS, ProductRows(), author=author),
            billing.intake.store(orders(), OrderRows(), author=author),
        )
    )
    for customer_id, day, rates in CARDS:
        changed += billing.rate_book.put(customer_id, day, read_rates(rates), author=author)[1]
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
