"""The orders of the sample world: what four months in a warehouse bring."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

ACME, WIDGETS, LODZ, TOKYO, NOOR = 123, 456, 789, 1011, 1213
PICKING, SHIPPING, PACKING, STORAGE, RETURNS = 1, 2, 3, 4, 5
CASE_PICKING, FUEL, HANDLING = 8, 9, 10
MONTHS = (1, 2, 3, 4)

Row = dict[str, object]


def orders() -> Iterator[Row]:
    """Return every order of the sample world."""
    yield from _PARTICULARS
    for shop in _SHOPS:
        yield from _orders_of(shop)


@dataclass(frozen=True, slots=True)
class _Shop:
    """What a customer's orders look like.

    carriage: the least and the most that a carrier bills for an order; None: the card prices it.
    storage: what a month of storage costs, if it is billed.
    in_utc: dates come as instants, as some exports do.
    """

    customer_id: int
    first_order: int
    orders_a_month: int
    carriers: tuple[str, ...]
    places: tuple[tuple[str, str, str], ...]
    skus: tuple[str, ...]
    storage: str | None = None
    carriage: tuple[int, int] | None = None
    in_utc: bool = False


_AMERICA = (("Boston", "MA", "US"), ("Denver", "CO", "US"), ("Austin", "TX", "US"))
_EUROPE = (("Łódź", "", "PL"), ("Kraków", "", "PL"), ("Besançon", "", "FR"))
_JAPAN = (("東京", "", "JP"), ("大阪", "", "JP"), ("札幌", "", "JP"))
_GULF = (("الكويت", "", "KW"), ("دبي", "", "AE"))
_TOOLS = ("ANVIL-50", "ROPE-10M", "MAGNET-XL", "ROCKET-2")

_SHOPS = (
    _Shop(ACME, 10_002, 40, ("UPS", "FedEx"), _AMERICA, _TOOLS, "310.00"),
    _Shop(WIDGETS, 20_001, 25, ("UPS", "USPS"), _AMERICA, ("W-1", "W-2", "W-3"), None, (6, 38)),
    _Shop(LODZ, 30_001, 20, ("DPD", "InPost"), _EUROPE, ("MIŚ-S", "MIŚ-XL"), "98.50", (4, 22)),
    _Shop(
        TOKYO, 40_001, 15, ("ヤマト運輸",), _JAPAN, ("ガジェット-1", "KEY-7"), "24000", in_utc=True
    ),
    _Shop(NOOR, 50_001, 10, ("Aramex",), _GULF, ("OUD-12", "DATES-1KG"), None, (2, 9)),
)

# A fee or a credit of its own: known to have moved no goods, which differs from not known.
_NOTHING_HANDLED: Row = {"items": [], "weight_lb": 0, "packages": 0}

# What the months of a warehouse also bring.
_PARTICULARS: tuple[Row, ...] = (
    {
        "customer_id": ACME,
        "order_id": 10_001,
        "reference_number": "REF-10001",
        "order_date": "2023-01-15",
        "status": "shipped",
        "carrier": "UPS",
        "ship_to_name": "Wile E. Coyote",
        "ship_to_city": "Tucson",
        "ship_to_state": "AZ",
        "ship_to_country": "US",
        "weight_lb": "62.5",
        "packages": 2,
        "items": [{"sku": "ANVIL-50", "quantity": 1}, {"sku": "ROPE-10M", "quantity": 4}],
    },
    {
        "customer_id": ACME,
        "order_id": 10_901,
        "reference_number": "REF-10901",
        "order_date": "2023-01-20",
        "status": "shipped",
        "packages": 1,
        "notes": "The scale was out of order: no weight, so the carriage needs attention.",
        "items": [{"sku": "MAGNET-XL", "quantity": 6}],
    },
    {
        "customer_id": ACME,
        "order_id": 10_902,
        "reference_number": "REF-10902",
        "order_date": "2023-01-24",
        "status": "cancelled",
        "packages": 1,
        "weight_lb": "8",
        "items": [{"sku": "ROCKET-2", "quantity": 1}],
    },
    {
        "customer_id": ACME,
        "order_id": 10_903,
        "reference_number": "REF-10903",
        "order_date": None,
        "status": "open",
        "items": [{"sku": "ROCKET-2", "quantity": 12}],
    },
    {
        "customer_id": ACME,
        "order_id": 10_904,
        "reference_number": "CREDIT-2023-02",
        "order_date": "2023-02-10",
        "notes": "Credit for a parcel lost in January, and the return of another.",
        "charges": [
            {"service_id": SHIPPING, "amount": "-24.80"},
            {"service_id": RETURNS, "amount": "7.50"},
        ],
        **_NOTHING_HANDLED,
    },
)


def _orders_of(shop: _Shop) -> Iterator[Row]:
    random = Random(shop.customer_id)  # noqa: S311 a world that is the same each time
    order_id = shop.first_order
    for month in MONTHS:
        for day in sorted(random.randrange(1, 29) for _ in range(shop.orders_a_month)):
            yield _order(shop, order_id, f"2023-{month:02}-{day:02}", random)
            order_id += 1
        if shop.storage:
            yield {
                "customer_id": shop.customer_id,
                "order_id": order_id,
                "reference_number": f"STORAGE-2023-{month:02}",
                "order_date": f"2023-{month:02}-28",
                "charges": [{"service_id": STORAGE, "amount": shop.storage}],
                **_NOTHING_HANDLED,
            }
            order_id += 1


def _order(shop: _Shop, order_id: int, day: str, random: Random) -> Row:
    city, state, country = random.choice(shop.places)
    tenths = random.randrange(8, 420)
    skus = random.sample(shop.skus, random.randrange(1, len(shop.skus) + 1))
    row: Row = {
        "customer_id": shop.customer_id,
        "order_id": order_id,
        "reference_number": f"REF-{order_id}",
        "order_date": f"{day}T{random.randrange(24):02}:30:00Z" if shop.in_utc else day,
        "status": "shipped",
        "carrier": random.choice(shop.carriers),
        "ship_to_city": city,
        "ship_to_state": state,
        "ship_to_country": country,
        "weight_lb": f"{tenths // 10}.{tenths % 10}",
        "packages": random.randrange(1, 4),
        "items": [{"sku": sku, "quantity": random.randrange(1, 25)} for sku in skus],
    }
    if shop.carriage:
        amount = f"{random.randrange(*shop.carriage)}.{random.randrange(10)}0"
        row["charges"] = [{"service_id": SHIPPING, "amount": amount}]
    return row
