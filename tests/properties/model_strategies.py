"""What the model's commands are drawn from: few values, so that they meet."""

from hypothesis import strategies as st

from tests.properties.crashing import CrashPoint
from tests.properties.model_runs import RunAsk
from tests.properties.model_values import Ask, Terms

_FLAT = {"service_id": 1, "price": {"model": "flat", "amount": "2.5"}}
_UNITS = {"service_id": 1, "price": {"model": "unit", "measure": "units", "unit_price": "0.35"}}
_PART = {"service_id": 2, "price": {"model": "percentage", "percent": "10", "of": [1]}}
_LINES = {"service_id": 1, "price": {"model": "unit", "measure": "lines", "unit_price": "1.005"}}
_FRAGILE = {
    "service_id": 2,
    "price": {"model": "flat", "amount": "5"},
    "when": {"field": "notes", "op": "contains", "value": "fragile"},
}
_MARKUP = {"service_id": 3, "price": {"model": "markup", "percent": "12.5"}}

rates = st.sampled_from([[_FLAT], [_UNITS, _PART], [_LINES, _FRAGILE], [_FLAT, _MARKUP]])
customers = st.sampled_from([1, 1, 2])
names = st.sampled_from(["One", "Two"])
days = st.sampled_from([f"2023-01-0{day}" for day in range(1, 6)])
periods = st.tuples(days, days).map(lambda both: (min(both), max(both)))
numbers = st.integers(1, 8)
_charges = st.sampled_from(["7", "-2"]).map(lambda a: [{"service_id": 3, "amount": a}])
_items = st.integers(1, 9).map(lambda n: [{"sku": "AB-1", "quantity": n}])

rows = st.fixed_dictionaries(
    {
        "customer_id": customers,
        "order_id": st.integers(1, 6),
        "order_date": st.none() | days | days | days,
        "status": st.sampled_from([None, None, "shipped", "Cancelled"]),
        "items": st.none() | _items | _items,
        "charges": st.just([]) | _charges,
        "notes": st.sampled_from([None, "fragile"]),
        "ship_to_name": st.sampled_from([None, "Ada"]),
    }
)
batches = st.lists(
    rows, min_size=1, max_size=4, unique_by=lambda row: (row["customer_id"], row["order_id"])
)
services = st.sampled_from([None, None, None, (1,), (2, 3)])
asks = st.builds(Ask, customers, periods, services, st.booleans())
wide_asks = st.builds(lambda one: Ask(one, ("2023-01-01", "2023-01-05")), customers)
terms = st.builds(Terms, st.booleans(), st.sampled_from([None, "agreed"]), st.none() | numbers)
agreed = st.just(Terms(accept=True, reason="agreed"))
run_asks = st.builds(
    RunAsk, periods, st.sampled_from([None, None, (1,), (1, 2)]), st.booleans(), st.booleans()
)
keys = st.sampled_from(["a", "b", "c"])
crashes = st.one_of(
    st.none(),
    st.integers(0, 9).map(lambda call: CrashPoint(call=call)),
    st.integers(1, 3).map(lambda commit: CrashPoint(commit=commit)),
)
