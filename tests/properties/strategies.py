"""Strategies: rows of orders and rates as a client sends them."""

from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

SERVICES = (1, 2, 3)
MEASURES = ("order", "lines", "units", "skus", "packages", "weight_lb", "volume_cuft")


def decimals(places: int, low: int, high: int) -> st.SearchStrategy[str]:
    """Return plain decimal text with up to so many places."""
    return st.decimals(low, high, places=places, allow_nan=False).map(lambda d: format(d, "f"))


quantities = st.one_of(st.integers(0, 500), decimals(3, 0, 500), decimals(6, 0, 3))
skus = st.sampled_from(["AB-1", "ab 1", "AB1", "CD-2", "Żółć", "東京"])
items = st.none() | st.lists(
    st.fixed_dictionaries({"sku": skus, "quantity": quantities}), max_size=6
)
dates = st.dates(date(2023, 1, 1), date(2023, 1, 12)).map(date.isoformat)


@st.composite
def rows(draw: st.DrawFn, currency: str) -> dict[str, Any]:
    """Return one order's row for a customer of this currency, without its ids."""
    places = {"USD": 2, "JPY": 0, "KWD": 3}[currency]
    row: dict[str, Any] = {"order_date": draw(st.none() | dates), "items": draw(items)}
    for name in ("line_items", "total_item_qty", "packages", "weight_lb", "volume_cuft"):
        row[name] = draw(st.none() | quantities)
    charges = st.fixed_dictionaries(
        {"service_id": st.sampled_from(SERVICES), "amount": decimals(places, -500, 500)}
    )
    row["charges"] = draw(st.lists(charges, max_size=3))
    row["status"] = draw(st.sampled_from([None, None, None, "shipped", "Cancelled", "canceled"]))
    return row


prices = st.one_of(
    st.fixed_dictionaries({"model": st.just("flat"), "amount": decimals(6, 0, 20)}),
    st.fixed_dictionaries(
        {
            "model": st.just("unit"),
            "measure": st.sampled_from(MEASURES),
            "unit_price": st.one_of(decimals(6, 0, 2), st.sampled_from(["0.005", "0.035", "1.5"])),
        }
    ),
)
rates = st.lists(
    st.fixed_dictionaries({"service_id": st.sampled_from(SERVICES), "price": prices}), max_size=5
)


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, Any]:
    """Return a customer's currency, card and rows."""
    currency = draw(st.sampled_from(["USD", "JPY", "KWD"]))
    drawn = draw(st.lists(rows(currency), max_size=8))
    numbered = [
        {"customer_id": 1, "order_id": number, **row} for number, row in enumerate(drawn, start=1)
    ]
    return {"currency": currency, "rates": draw(rates), "rows": numbered}


def exact(value: object) -> Decimal:
    """Return a number as parsed from JSON with parse_float=Decimal."""
    return Decimal(str(value))
