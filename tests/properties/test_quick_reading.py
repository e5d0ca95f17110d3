"""Quick reading: the short ways that bulk rows take read what the long ones do, or nothing."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.domain.errors import InvalidValueError
from billing.domain.order_fields import plain_items
from billing.domain.strict_json import loads

KEYS = st.sampled_from(["a", "b", "a:b", 'q"', "é"])
SPACES = st.sampled_from(["", " ", "\t"])
SCALARS = st.sampled_from(["1", "-2", "null", '"x"', '":"', '"\\":"', '"\\u003a"'])
SKUS = st.sampled_from(["A", "B-1", 'A",1],["B', " A", "A]", "", "é", 5, None]) | st.text(
    alphabet='A1-"\\[],:', min_size=1, max_size=6
)
QUANTITIES = st.integers(0, 999_999_999) | st.sampled_from(
    [-1, 10**9, "5", "05", " 5", '1],["B",2', True, None, Decimal("0.5"), Decimal("5E+0")]
)


@st.composite
def members(draw: st.DrawFn, values: st.SearchStrategy[str]) -> str:
    """Write an object whose keys may repeat."""
    pairs = draw(st.lists(st.tuples(KEYS, SPACES, values), max_size=4))
    texts = [f"{json.dumps(key)}{space}:{space}{value}" for key, space, value in pairs]
    return f"{{{','.join(texts)}}}"


VALUES = st.recursive(
    SCALARS,
    lambda inner: members(inner) | st.lists(inner, max_size=3).map(lambda v: f"[{','.join(v)}]"),
    max_leaves=12,
)


def refusing(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object, unless a key repeats."""
    if len({key for key, _ in pairs}) < len(pairs):
        raise ZeroDivisionError
    return dict(pairs)


@given(members(VALUES))
def test_a_repeated_key_is_always_seen(text: str) -> None:
    """However deep it is, and whatever colons the texts around it hold."""
    try:
        expected = json.loads(text, object_pairs_hook=refusing)
    except ZeroDivisionError:
        with pytest.raises(InvalidValueError, match="Duplicate key"):
            loads(text)
    else:
        assert loads(text) == expected


@given(
    st.lists(
        st.fixed_dictionaries({"sku": SKUS, "quantity": QUANTITIES}, optional={"x": st.none()}),
        min_size=1,
        max_size=2,
    )
)
def test_items_that_are_read_quickly_are_what_was_sent(items: list[dict[str, Any]]) -> None:
    """Each line is one item, its SKU and its quantity as they came; all others take the long way.

    No text inside an SKU or a quantity may end its own line.
    """
    lines = plain_items(items)
    if lines is not None:
        assert json.loads(lines.text) == [[i["sku"], int(i["quantity"])] for i in items]
        assert all(i["sku"] == i["sku"].strip() and "x" not in i for i in items)


@given(st.lists(st.tuples(st.sampled_from(["AB-1", "ß"]), st.integers(0, 999_999_999))))
def test_usual_items_take_the_quick_way(pairs: list[tuple[str, int]]) -> None:
    """Those of ASCII SKUs do; what is written is canonical."""
    lines = plain_items([{"sku": sku, "quantity": quantity} for sku, quantity in pairs])
    usual = bool(pairs) and all(sku.isascii() for sku, _ in pairs)
    written = ",".join(f'["{sku}",{quantity}]' for sku, quantity in pairs)
    assert (lines.text if lines else None) == (f"[{written}]" if usual else None)
