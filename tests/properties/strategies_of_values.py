"""Strategies of plain values: numbers as text, quantities, measures."""

from decimal import Decimal

from hypothesis import strategies as st

MEASURES = "order lines units skus cases loose_units packages weight_lb volume_cuft".split()
CASES = (1, 2, 5, 12, 999_999_999)
flags = st.booleans()


def decimals(places: int, low: int, high: int) -> st.SearchStrategy[str]:
    """Return plain decimal text with so many places."""
    scale = 10**places
    numbers = st.integers(low * scale, high * scale)
    return numbers.map(lambda number: format(Decimal(number).scaleb(-places), "f"))


quantities = st.integers(0, 40) | decimals(3, 0, 40) | decimals(6, 0, 3)
