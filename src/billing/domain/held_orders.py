"""HeldOrder: what a report says of one order: what was read of it, its amount, its exception."""

import json
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from billing.domain.access import Access
from billing.domain.money import to_amount, to_minor
from billing.domain.open_transaction import OpenTransaction
from billing.domain.orders import CANCELLED
from billing.domain.pages import Section, inflate
from billing.domain.ports import Repositories
from billing.domain.report import ReportException, ReportHeadline
from billing.domain.report_archive import stored_pages


class HeldOrder(NamedTuple):
    """An order of a report's evidence that was not cancelled: one that the report is about.

    evidence: as parsed from JSON, see evidence.read_evidence. amount: currency units; 0 for an
    order that is not billed at all.
    """

    order_id: int
    evidence: Mapping[str, Any]
    amount: Decimal
    exception: ReportException | None


def held_orders(view: Repositories, report: ReportHeadline) -> Iterator[list[HeldOrder]]:
    """Return the orders that a report is about, a page at a time, in the order of the report.

    These are the orders that it claims once it is final.
    """
    billed = _Beside(_entries(view, report.id, "orders"))
    excepted = _Beside(_entries(view, report.id, "exceptions"))
    for page in _pages(view, report.id, "evidence"):
        held = []
        for entry in page:
            order_id = entry["order_id"]
            bill, exception = billed.take(order_id), excepted.take(order_id)
            if (entry.get("status") or "").casefold() not in CANCELLED:
                amount = Decimal(bill["total_amount"]) if bill else Decimal(0)
                held.append(HeldOrder(order_id, entry, amount, _exception(exception)))
        yield held


class DraftOrders:
    """The orders that a draft holds, in as little memory as they take."""

    def __init__(self, view: Repositories, report: ReportHeadline, decimals: int) -> None:
        self.id = report.id
        self.exceptions: dict[int, ReportException] = {}
        self._decimals = decimals
        ids, amounts = array("q"), array("q")
        for page in held_orders(view, report):
            for held in page:
                ids.append(held.order_id)
                amounts.append(to_minor(held.amount, decimals))
                if held.exception is not None:
                    self.exceptions[held.order_id] = held.exception
        places = array("q", sorted(range(len(ids)), key=ids.__getitem__))
        self._ids = array("q", (ids[place] for place in places))
        self._amounts = array("q", (amounts[place] for place in places))

    def __contains__(self, order_id: int) -> bool:
        place = bisect_left(self._ids, order_id)
        return place < len(self._ids) and self._ids[place] == order_id

    def amount(self, order_id: int) -> Decimal:
        """Return what the draft bills for an order that it holds."""
        return to_amount(self._amounts[bisect_left(self._ids, order_id)], self._decimals)


class _Beside:
    """Goes along a section beside the evidence, whose orders are in the same order."""

    def __init__(self, entries: Iterator[dict[str, Any]]) -> None:
        self._entries = entries
        self._next = next(entries, None)

    def take(self, order_id: int) -> dict[str, Any] | None:
        """Return the section's entry of an order, if it has one."""
        if self._next is None or self._next["order_id"] != order_id:
            return None
        found, self._next = self._next, next(self._entries, None)
        return found


def _exception(entry: dict[str, Any] | None) -> ReportException | None:
    if entry is None:
        return None
    return ReportException(entry["order_id"], entry["reason"], tuple(entry["problems"]))


def _entries(view: Repositories, report_id: int, section: Section) -> Iterator[dict[str, Any]]:
    for page in _pages(view, report_id, section):
        yield from page


def _pages(view: Repositories, report_id: int, section: Section) -> Iterator[list[dict[str, Any]]]:
    # The view is open already, and its access is what it is.
    for page in stored_pages(OpenTransaction(view), report_id, section, Access.everything()):
        yield json.loads(b"[" + inflate(page.body) + b"]", parse_float=Decimal)
