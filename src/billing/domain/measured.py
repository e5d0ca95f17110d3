"""Measured: in words, what a measure counted on an order."""

from billing.domain.measures import Measure, SkuFilter, UnitsPerCase, full_cases, loose_units
from billing.domain.money import MILLION, millionths_text, to_millionths
from billing.domain.orders import Order

SKUS_NAMED = 100
"""SKUs that are named one by one; an order may have tens of thousands."""


def measured_on(
    measure: Measure, sku_filter: SkuFilter | None, order: Order, products: UnitsPerCase
) -> list[str]:
    """Return in words what a measure counted: `30 units of AB-1 at 12 a case: 2 cases, 6 loose`."""
    if not measure.of_items or order.items is None:
        return []
    counted = [
        (sku, to_millionths(quantity))
        for sku, quantity in order.items.by_sku.items()
        if sku_filter is None or sku in sku_filter
    ]
    lines = []
    for sku, units in counted[:SKUS_NAMED]:
        text = f"{millionths_text(units)} units of {order.items.as_written(sku)}"
        lines.append(text + (_packing(units, products[sku]) if measure.needs_products else ""))
    if len(counted) > SKUS_NAMED:
        lines.append(f"and {len(counted) - SKUS_NAMED} SKUs more")
    return lines


def _packing(units: int, units_per_case: int) -> str:
    cases = full_cases(units, units_per_case)
    loose = millionths_text(loose_units(units, units_per_case))
    word = "case" if cases == MILLION else "cases"
    return f" at {units_per_case} a case: {millionths_text(cases)} {word}, {loose} loose"
