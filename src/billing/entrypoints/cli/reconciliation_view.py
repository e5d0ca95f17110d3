"""Reconciliation view: the states of orders as a table, as JSON and as CSV; amounts are exact."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any, BinaryIO

from billing.domain.order_states import CustomerSums, OrderState, ReconciledOrder
from billing.domain.period import BillingPeriod
from billing.domain.strict_json import dumps
from billing.entrypoints.cli.output import disarmed, table

ORDERS_SHOWN = 20
_SETTLED = frozenset({OrderState.BILLED, OrderState.CANCELLED})
_COLUMNS = "customer_id order_id order_date state late reports amount why".split()

View = Callable[[BillingPeriod | None, Sequence[CustomerSums], BinaryIO, int | None], Iterator[str]]
"""Writes the sums of a period, and the orders: lines that order_text wrote; of them how many."""


def order_text(order: ReconciledOrder) -> str:
    """Return an order and its state as one line of JSON."""
    fields: dict[str, Any] = {
        "customer_id": order.customer_id,
        "order_id": order.order_id,
        "order_date": order.order_date and order.order_date.isoformat(),
        "state": order.state.value,
        "late": order.is_late,
        "reports": list(order.reports),
        "amount": order.amount,
        "changes": [change._asdict() for change in order.changes],
        "exception": None,
    }
    if order.exception is not None:
        fields["exception"] = {
            "reason": order.exception.reason,
            "problems": list(order.exception.problems),
            "accepted": order.accepted,
        }
    return dumps(fields)


def _table_lines(
    period: BillingPeriod | None, sums: Sequence[CustomerSums], orders: BinaryIO, most: int | None
) -> Iterator[str]:
    yield f"Period     {f'{period.start} to {period.end}' if period else 'all'}"
    yield f"Orders     {sum(customer.orders.total() for customer in sums)}"
    yield ""
    headings = (
        "ORDERS",
        *(state.upper() for state in OrderState),
        "OF THESE LATE",
        "BILLED FOR",
        "IN DRAFTS",
    )
    yield from table(
        ("CUSTOMER", "NAME", *headings, ""),
        map(_sums_row, sums),
        right=("CUSTOMER", *headings),
    )
    open_orders = sum(
        n for customer in sums for s, n in customer.orders.items() if s not in _SETTLED
    )
    if not open_orders:
        return
    entries = (entry for entry in _entries(orders) if entry["state"] not in _SETTLED)
    yield ""
    yield from table(
        ("CUSTOMER", "ORDER", "DATE", "STATE", "REPORTS", "AMOUNT", "WHY"),
        map(_order_row, islice(entries, most)),
        right=("CUSTOMER", "ORDER", "AMOUNT"),
    )
    if most is not None and open_orders > most:
        yield f"… and {open_orders - most} more orders (--all shows them)"


def _json_lines(
    period: BillingPeriod | None, sums: Sequence[CustomerSums], orders: BinaryIO, _: int | None
) -> Iterator[str]:
    start, end = (period.start.isoformat(), period.end.isoformat()) if period else (None, None)
    yield f'{{"start_date":{dumps(start)},"end_date":{dumps(end)},"customers":['
    last = len(sums) - 1
    for number, customer in enumerate(sums):
        yield dumps(_sums_fields(customer)) + ("," if number < last else "")
    yield '],"orders":['
    before = None
    for line in orders:
        if before is not None:
            yield f"{before},"
        before = line.decode().rstrip("\n")
    yield f"{before or ''}]}}"


def _csv_lines(
    _: BillingPeriod | None, sums: Sequence[CustomerSums], orders: BinaryIO, __: int | None
) -> Iterator[str]:
    currencies = {customer.customer.id: customer.customer.currency for customer in sums}
    yield ",".join([*_COLUMNS, "currency"])
    for entry in _entries(orders):
        row = {
            **entry,
            "late": "true" if entry["late"] else "false",
            "reports": " ".join(map(str, entry["reports"])),
            "why": disarmed(_why(entry)),
        }
        line = io.StringIO()
        cells = [*(row[name] for name in _COLUMNS), currencies[entry["customer_id"]]]
        csv.writer(line, lineterminator="").writerow(cells)
        yield line.getvalue()


VIEWS: Mapping[str, View] = {"table": _table_lines, "json": _json_lines, "csv": _csv_lines}


def _sums_fields(customer: CustomerSums) -> dict[str, Any]:
    return {
        "customer_id": customer.customer.id,
        "customer_name": customer.customer.name,
        "currency": customer.customer.currency,
        "orders": customer.orders.total(),
        "late": customer.late,
        "billed_amount": customer.billed_amount,
        "draft_amount": customer.draft_amount,
        "states": {
            state.value: {"orders": customer.orders[state], "amount": customer.amount(state)}
            for state in OrderState
        },
    }


def _sums_row(customer: CustomerSums) -> tuple[str, ...]:
    return (
        str(customer.customer.id),
        customer.customer.name,
        str(customer.orders.total()),
        *(str(customer.orders[state]) for state in OrderState),
        str(customer.late),
        f"{customer.billed_amount:f}",
        f"{customer.draft_amount:f}",
        customer.customer.currency,
    )


def _order_row(entry: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        str(entry["customer_id"]),
        str(entry["order_id"]),
        entry["order_date"] or "",
        entry["state"],
        ", ".join(map(str, entry["reports"])),
        "" if entry["amount"] is None else f"{entry['amount']:f}",
        _why(entry),
    )


def _why(entry: Mapping[str, Any]) -> str:
    """Say in words what changed, what is in the way, and that the order is late."""
    said = ["late"] if entry["late"] else []
    said += [
        f"{change['field']}: {_or_nothing(change['billed'])} -> {_or_nothing(change['now'])}"
        for change in entry["changes"]
    ]
    exception = entry["exception"]
    if exception is not None:
        said += [exception["reason"].replace("_", " "), *exception["problems"]]
        if exception["accepted"] is not None:
            said.append(f"accepted: {exception['accepted']}")
    return "; ".join(said)


def _or_nothing(text: str | None) -> str:
    return "nothing" if text is None else text


def _entries(orders: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    return (json.loads(line, parse_float=Decimal) for line in orders)
