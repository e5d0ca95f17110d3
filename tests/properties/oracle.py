"""An independent calculator of bills, in fractions; it shares no code with the domain."""

from fractions import Fraction
from typing import Any

DECIMALS = {"USD": 2, "JPY": 0, "KWD": 3}


def rounded(value: Fraction, decimals: int) -> Fraction:
    """Round half away from zero."""
    scaled = abs(value) * 10**decimals
    whole = scaled.numerator // scaled.denominator
    if scaled - whole >= Fraction(1, 2):
        whole += 1
    return Fraction(whole, 10**decimals) * (1 if value >= 0 else -1)


def measured(row: dict[str, Any], measure: str) -> Fraction | None:
    """Return a quantity of an order's row, None when it is missing."""
    items = row.get("items")
    if measure == "order":
        return Fraction(1)
    if measure in {"packages", "weight_lb", "volume_cuft"}:
        return None if row.get(measure) is None else Fraction(row[measure])
    if items is None:
        total = {"lines": row.get("line_items"), "units": row.get("total_item_qty")}.get(measure)
        return None if total is None else Fraction(total)
    if measure == "lines":
        return Fraction(len(items))
    if measure == "units":
        return sum((Fraction(item["quantity"]) for item in items), Fraction(0))
    different = set()
    for item in items:
        if Fraction(item["quantity"]) > 0:
            different.add("".join(c for c in item["sku"] if c not in " -").lower())
    return Fraction(len(different))


def bill(row: dict[str, Any], rates: list[dict[str, Any]], currency: str) -> dict[str, Any]:
    """Return the lines (service, amount) and whether anything is missing."""
    decimals = DECIMALS[currency]
    lines = [(c["service_id"], 0, n, Fraction(c["amount"])) for n, c in enumerate(row["charges"])]
    missing = False
    for number, rate in enumerate(rates):
        price = rate["price"]
        measure = "order" if price["model"] == "flat" else price["measure"]
        quantity = measured(row, measure)
        if quantity is None:
            missing = True
            continue
        each = Fraction(price["amount" if price["model"] == "flat" else "unit_price"])
        lines.append((rate["service_id"], 1, number, rounded(quantity * each, decimals)))
    lines.sort(key=lambda line: line[:3])
    return {"lines": [(s, a) for s, _, _, a in lines if a != 0], "missing": missing}
