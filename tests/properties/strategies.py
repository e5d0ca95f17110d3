"""Strategies: products, orders and rates as a client sends them."""

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tests.properties.strategies_of_conditions import conditions
from tests.properties.strategies_of_values import CASES, MEASURES, decimals, flags, quantities

Row = dict[str, Any]
SERVICES = (1, 2, 3)
# When the cards of a world start: of none, one, and two, some after the first of the orders.
STARTS: tuple[list[str], ...] = (
    ["2023-01-01"],
    ["2022-06-01"],
    ["2023-01-05", "2023-01-01"],
    ["2023-01-04", "2023-01-08"],
    [],
)
CURRENCIES = {"USD": 2, "JPY": 0, "KWD": 3}
CATALOG = ("AB-1", "CD-2", "Żółć", "東京")
SKUS = ("AB-1", "ab 1", "AB1", "CD-2", "Żółć", "東京")

items = st.lists(
    st.fixed_dictionaries({"sku": st.sampled_from(SKUS), "quantity": quantities}), max_size=4
)
days = st.integers(1, 12).map(lambda day: f"2023-01-{day:02}")
_sizes = st.fixed_dictionaries({sku: st.sampled_from(CASES) for sku in CATALOG})


@st.composite
def products(draw: st.DrawFn) -> dict[str, int]:
    """Return units per case by SKU; seldom is one of them unknown."""
    unknown = draw(st.sampled_from([None, None, None, *CATALOG]))
    return {sku: units for sku, units in draw(_sizes).items() if sku != unknown}


_fields = {
    "order_date": days,
    "items": items,
    "carrier": st.sampled_from(["UPS", "ups Ground", "FedEx"]),
    "ship_to_country": st.sampled_from(["US", "pl", "Straße"]),
    **dict.fromkeys(("packages", "weight_lb", "volume_cuft"), quantities),
}
_totals = st.fixed_dictionaries({"line_items": quantities, "total_item_qty": quantities})
_statuses = st.sampled_from([None] * 4 + ["shipped", "Straße", "Cancelled", "canceled"])


@st.composite
def rows(draw: st.DrawFn, currency: str) -> Row:
    """Return one order's row for a customer of this currency, without its ids."""
    absent = draw(st.sets(st.sampled_from([*_fields]), max_size=2))
    row: Row = {name: draw(values) for name, values in _fields.items() if name not in absent}
    if draw(flags):
        row |= draw(_totals)
    row["status"] = draw(_statuses)
    charge = st.fixed_dictionaries(
        {
            "service_id": st.sampled_from(SERVICES),
            "amount": decimals(CURRENCIES[currency], -500, 500),
        }
    )
    row["charges"] = draw(st.lists(charge, max_size=3)) if draw(flags) else []
    return row


measures = st.sampled_from([*MEASURES, "cases", "loose_units"])
_prices_of = {
    "flat": st.fixed_dictionaries({"amount": decimals(6, 0, 20)}),
    "unit": st.fixed_dictionaries(
        {
            "measure": measures,
            "unit_price": decimals(6, 0, 2) | st.sampled_from(["0.005", "0.035", "1.5"]),
        }
    ),
    "package": st.fixed_dictionaries(
        {
            "measure": measures,
            "package_size": decimals(1, 1, 30) | st.sampled_from(["0.000001", "0.3", "7"]),
            "package_price": decimals(6, 0, 5),
        }
    ),
}


@st.composite
def tiered(draw: st.DrawFn) -> Row:
    """Return the measure and the tiers of a graduated or volume price, the last one often open."""
    ends = sorted(draw(st.sets(st.integers(1, 400), max_size=3)))
    closed = draw(flags) and ends
    tiers = []
    for end in [*ends, None][: len(ends) + (not closed)]:
        up_to = None if end is None else format(Decimal(end) / 10, "f")
        tier = {"up_to": up_to, "unit_price": draw(decimals(6, 0, 2))}
        tiers.append(tier | ({"flat_amount": draw(decimals(2, 0, 3))} if draw(flags) else {}))
    return {"measure": draw(measures), "tiers": tiers}


@st.composite
def prices(draw: st.DrawFn) -> Row:
    """Return a price of something measured."""
    model = draw(st.sampled_from(["flat", "unit", "package", "graduated", "volume"]))
    return {"model": model, **draw(_prices_of.get(model, tiered()))}


@st.composite
def rate_lists(draw: st.DrawFn, currency: str, most: int = 5) -> list[Row]:
    """Return a card's rates, at least one: one markup a service, percentages in no circle."""
    ranked = draw(st.permutations(SERVICES))
    rates: list[Row] = []
    for _ in range(draw(st.integers(1, most))):
        rank = draw(st.integers(0, len(SERVICES) - 1))
        kind = draw(st.sampled_from(["measured"] * 4 + ["percentage"] * 2 + ["markup"]))
        rate: Row = {"service_id": ranked[rank]}
        if kind == "percentage" and rank:
            of = draw(st.sets(st.sampled_from(ranked[:rank]), min_size=1, max_size=3))
            rate["price"] = {"model": kind, "percent": draw(decimals(2, 0, 150)), "of": sorted(of)}
        elif kind == "markup" and not _marked_up(rates, ranked[rank]):
            rate["price"] = {"model": kind, "percent": draw(decimals(2, 0, 50))}
        else:
            rate["price"] = draw(prices())
        rates.append(rate | draw(_extras(rate["price"], CURRENCIES[currency])))
    return rates


def _marked_up(rates: list[Row], service_id: int) -> bool:
    return any(r["service_id"] == service_id and r["price"]["model"] == "markup" for r in rates)


@st.composite
def _extras(draw: st.DrawFn, price: Row, places: int) -> Row:
    extras: Row = {}
    if draw(st.integers(0, 2)) == 0:
        extras["when"] = draw(conditions)
    if price["model"] != "markup" and draw(st.integers(0, 2)) == 0:
        low, high = sorted(draw(st.tuples(st.integers(0, 2_000), st.integers(0, 2_000))))
        step = Decimal(1).scaleb(-places)
        given = draw(st.sampled_from([("minimum",), ("maximum",), ("minimum", "maximum")]))
        bounds = {"minimum": format(low * step, "f"), "maximum": format(high * step, "f")}
        extras |= {name: bounds[name] for name in given}
    if price.get("measure") in {"lines", "units", "skus", "cases", "loose_units"}:
        name = draw(st.sampled_from(["skus", "exclude_skus", None, None]))
        if name is not None:
            extras[name] = draw(st.lists(st.sampled_from(SKUS), min_size=1, max_size=2))
    return extras


@st.composite
def worlds(draw: st.DrawFn, most_rows: int = 6) -> Row:
    """Return a customer's currency, products, cards and rows."""
    currency = draw(st.sampled_from(list(CURRENCIES)))
    starts = draw(st.sampled_from(STARTS))
    cards = [{"effective_from": day, "rates": draw(rate_lists(currency))} for day in starts]
    drawn = [draw(rows(currency)) for _ in range(draw(st.integers(0, most_rows)))]
    return {
        "currency": currency,
        "products": draw(products()),
        "cards": cards,
        "rows": [{"customer_id": 1, "order_id": n, **row} for n, row in enumerate(drawn, start=1)],
    }


@st.composite
def contracts(draw: st.DrawFn) -> Row:
    """Return one order and one card: a currency, products, rates and a row."""
    currency = draw(st.sampled_from(list(CURRENCIES)))
    return {
        "currency": currency,
        "products": draw(products()),
        "rates": draw(rate_lists(currency, most=6)),
        "row": draw(rows(currency)),
    }
