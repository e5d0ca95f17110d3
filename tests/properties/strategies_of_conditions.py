"""Strategies of conditions: every field and operator, in groups within groups."""

from typing import Any

from hypothesis import strategies as st

from tests.properties.strategies_of_values import MEASURES, decimals, flags

TEXTS = ("UPS", "ups", "g", "US", "e", "STRASSE", "straße", "shipped")
TEXT_FIELDS = ("carrier", "ship_to_country", "status", "notes")
SKUS = ("ab1", "CD 2", "żółć", "X")
numbers = st.integers(-1, 30) | decimals(1, 0, 15) | st.sampled_from(["12.5", "0.000001"])


def leaves(field: Any, op: Any, value: Any) -> st.SearchStrategy[Any]:
    """Return tests of these fields, operators and values."""
    return st.fixed_dictionaries({"field": st.sampled_from(field), "op": op, "value": value})


single = st.one_of(
    leaves(
        TEXT_FIELDS,
        st.sampled_from(["eq", "ne", "contains", "not_contains", "starts_with", "ends_with"]),
        st.sampled_from(TEXTS),
    ),
    leaves(
        TEXT_FIELDS,
        st.sampled_from(["in", "not_in"]),
        st.lists(st.sampled_from(TEXTS), min_size=1, max_size=3),
    ),
    leaves(MEASURES, st.sampled_from(["eq", "ne", "gt", "ge", "lt", "le"]), numbers),
    leaves(
        MEASURES,
        st.just("between"),
        st.tuples(st.integers(0, 9), st.integers(9, 30)).map(list),
    ),
    leaves(
        ["sku"],
        st.sampled_from(["contains", "not_contains", "only"]),
        st.sampled_from(SKUS) | st.lists(st.sampled_from(SKUS), min_size=1, max_size=3),
    ),
    leaves([*TEXT_FIELDS, *MEASURES, "sku"], st.just("missing"), st.none() | flags),
)


def groups(members: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return groups of such members."""
    several = st.lists(members, min_size=1, max_size=3)
    words = [st.fixed_dictionaries({word: several}) for word in ("all", "any", "none", "one")]
    return st.one_of(st.fixed_dictionaries({"not": members}), *words)


_shallow = single | groups(single)
conditions = single | groups(_shallow)
deep_conditions = groups(_shallow | groups(_shallow))
