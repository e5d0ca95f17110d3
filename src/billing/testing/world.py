"""World: a few customers, cards and orders that the contract suites bill."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from billing.domain.access import Access
from billing.domain.catalog import Customer, Service
from billing.domain.orders import Charge, Item, ItemLines, Order
from billing.domain.period import BillingPeriod
from billing.domain.ports import Storage
from billing.domain.rate_reading import read_rates
from billing.domain.report_generator import ReportGenerator

EVERYTHING = Access.everything()
ACME, WIDGETS, YEN = 123, 456, 2**62 + 1
JANUARY = BillingPeriod(date(2023, 1, 1), date(2023, 1, 31))
NOON = datetime(2023, 2, 1, 12, tzinfo=UTC)
RATES = read_rates(
    [
        {"service_id": 1, "price": {"model": "flat", "amount": "2.50"}},
        {"service_id": 2, "price": {"model": "unit", "measure": "units", "unit_price": "0.35"}},
    ]
)
_LIGHT = {"all": [{"field": "weight_lb", "op": "between", "value": [1, "2.50"]}]}
_TIERS = [{"up_to": "3", "unit_price": "2.00", "flat_amount": "1"}, {"unit_price": "1.50"}]
EVERY_KIND_OF_RATE = read_rates(
    [
        {"service_id": 1, "price": {"model": "flat", "amount": "2.50"}, "when": {"not": _LIGHT}},
        {
            "service_id": 1,
            "price": {"model": "unit", "measure": "cases", "unit_price": "0.000001"},
            "skus": ["AB-1", '東京 "2"'],
            "exclude_skus": ["x"],
            "minimum": "3.50",
            "maximum": "50",
        },
        {
            "service_id": 1,
            "price": {
                "model": "package",
                "measure": "units",
                "package_size": "2.5",
                "package_price": "4",
            },
            "when": {"field": "notes", "op": "contains", "value": "Łódź"},
        },
        {"service_id": 2, "price": {"model": "graduated", "measure": "skus", "tiers": _TIERS}},
        {"service_id": 2, "price": {"model": "volume", "measure": "lines", "tiers": _TIERS}},
        {"service_id": 1, "price": {"model": "percentage", "percent": "8.64", "of": [2]}},
        {"service_id": 2, "price": {"model": "markup", "percent": "10"}},
    ]
)
WHOLE_ORDER = Order(
    customer_id=ACME,
    order_id=2**63 - 1,
    reference_number="REF-1",
    order_date=date(2023, 1, 15),
    status="shipped",
    carrier="UPS",
    notes="as\N{NO-BREAK SPACE}written",
    ship_to_name="Łucja",
    ship_to_company="東京",
    ship_to_city="العربية",
    ship_to_state="😀",
    ship_to_postal_code="00-001",
    ship_to_country="PL",
    weight_lb=Decimal("12.000001"),
    volume_cuft=Decimal("999999999"),
    packages=Decimal(0),
    line_items=Decimal(2),
    total_item_qty=Decimal("30.5"),
    items=ItemLines.of([Item("AB-1", Decimal(30)), Item("cd 2", Decimal("0.5"))]),
    charges=(Charge(2, Decimal("4.20")), Charge(2, Decimal("-0.01"))),
)


class TickingClock:
    """A clock that moves on by a minute whenever it is asked."""

    def __init__(self, start: datetime = NOON) -> None:
        self._next = start

    def now(self) -> datetime:
        """Return the present minute."""
        present = self._next
        self._next += timedelta(minutes=1)
        return present


def fill(storage: Storage) -> None:
    """Put a small world into an empty storage: three customers, their cards and orders."""
    with storage.transaction(EVERYTHING) as tx:
        tx.customers.save(Customer(ACME, "ACME Corp"))
        tx.customers.save(Customer(WIDGETS, "Widgets Inc", "EUR", "Europe/Warsaw"))
        tx.customers.save(Customer(YEN, "東京 Ltd", "JPY", "Asia/Tokyo"))
        tx.services.save(Service(1, "Picking"))
        tx.services.save(Service(2, 'Shipping, "fast"', "by air"))
        tx.rate_cards.add(ACME, date(2023, 1, 1), RATES, NOON)
        tx.rate_cards.add(WIDGETS, date(2022, 1, 1), RATES[:1], NOON)
        tx.orders.save([order(ACME, 1), order(ACME, 2, day=3), order(WIDGETS, 1)])


def order(customer_id: int, order_id: int, *, day: int = 15, units: int = 10) -> Order:
    """Return an order of January 2023 with one item line."""
    return Order(
        customer_id=customer_id,
        order_id=order_id,
        order_date=date(2023, 1, day),
        items=ItemLines.of([Item("AB-1", Decimal(units))]),
    )


def generator(storage: Storage, clock: TickingClock | None = None) -> ReportGenerator:
    """Return a generator over the storage with a clock of its own."""
    return ReportGenerator(storage, clock or TickingClock())
