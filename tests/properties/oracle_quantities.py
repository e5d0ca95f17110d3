"""The oracle's quantities and roundings, in fractions."""

from collections.abc import Callable, Collection, Mapping
from fractions import Fraction
from typing import Any

DECIMALS = {"USD": 2, "JPY": 0, "KWD": 3}
Row = dict[str, Any]
OF_ITEMS = {"lines", "units", "skus", "cases", "loose_units"}


def rounded(value: Fraction, decimals: int) -> Fraction:
    """Round half away from zero."""
    scaled = abs(value) * 10**decimals
    whole = scaled.numerator // scaled.denominator
    if scaled - whole >= Fraction(1, 2):
        whole += 1
    return Fraction(whole, 10**decimals) * (1 if value >= 0 else -1)


def sku_key(sku: str) -> str:
    """Return what is left of an SKU when it is compared."""
    return "".join(character for character in sku if character not in " -").casefold()


def by_sku(row: Row) -> dict[str, Fraction]:
    """Return the quantities above 0 of an order that has items."""
    totals: dict[str, Fraction] = {}
    for item in row["items"]:
        key = sku_key(item["sku"])
        totals[key] = totals.get(key, Fraction(0)) + Fraction(item["quantity"])
    return {key: total for key, total in totals.items() if total > 0}


def measured(
    row: Row,
    measure: str,
    products: Mapping[str, int],
    only: Collection[str] | None = None,
    without: Collection[str] | None = None,
) -> Fraction | None:
    """Return a quantity of an order's row, None when something of it is missing."""
    if row.get("items") is not None and measure in OF_ITEMS:

        def wanted(key: str) -> bool:
            among = only is None or key in map(sku_key, only)
            return among and key not in map(sku_key, without or ())

        return _of_items(row, measure, wanted, products)
    value: Any = row.get(measure)
    if measure in OF_ITEMS:
        whole = only is None and without is None
        totals = {"lines": row.get("line_items"), "units": row.get("total_item_qty")}
        value = totals.get(measure) if whole else None
    if measure == "order":
        value = 1
    return None if value is None else Fraction(value)


def _of_items(
    row: Row, measure: str, wanted: Callable[[str], bool], products: Mapping[str, int]
) -> Fraction | None:
    if measure == "lines":
        return Fraction(sum(1 for item in row["items"] if wanted(sku_key(item["sku"]))))
    quantities = {key: total for key, total in by_sku(row).items() if wanted(key)}
    if measure == "skus":
        return Fraction(len(quantities))
    if measure == "units":
        return sum(quantities.values(), Fraction(0))
    return _packed(quantities, measure, {sku_key(sku): units for sku, units in products.items()})


def _packed(
    quantities: Mapping[str, Fraction], measure: str, products: Mapping[str, int]
) -> Fraction | None:
    total = Fraction(0)
    for key, quantity in quantities.items():
        if key not in products:
            return None
        size = products[key]
        cases = quantity // size if size > 1 else 0
        total += cases if measure == "cases" else quantity - cases * size
    return total
