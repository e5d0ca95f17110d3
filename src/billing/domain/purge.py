"""Purge: taking people's names, addresses and notes out of old orders; bills stay as they are."""

import json
from datetime import date
from typing import NamedTuple

from billing.domain.access import Access
from billing.domain.audit import AuditAct, Author, Change, Signature
from billing.domain.costs import compile_card
from billing.domain.orders import PERSONAL_FIELDS
from billing.domain.pages import inflate
from billing.domain.ports import Clock, Repositories, Storage
from billing.domain.report import ReportHeadline
from billing.domain.report_archive import stored_pages
from billing.domain.report_query import ReportQuery, Slice
from billing.domain.repositories import OrderPlace

ORDERS_A_TRANSACTION = 500


class Purged(NamedTuple):
    """How many orders lost personal fields, and how many reports keep some as evidence."""

    orders: int
    reports: int


class Purge:
    """Sets the PERSONAL_FIELDS of orders to None. No report is touched: neither a bill nor what
    its evidence keeps, for the bill is proven from that.

    Evidence has a personal field only where a rate's condition reads it, so only the reports of
    customers with such a card are looked through.
    """

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock

    def run(
        self,
        before: date,
        *,
        customer_id: int | None = None,
        dry_run: bool = False,
        access: Access | None = None,
        author: Author | None = None,
    ) -> Purged:
        """Purge the orders dated before a day, of one customer or of all, in short transactions.

        Interrupted, it has purged some of them, and goes on when it is run again. An entry a
        customer is recorded with the first ones, so that none is purged without. dry_run: only
        count. Raises CustomerNotFoundError.
        """
        access = access or Access.everything()
        with self._storage.snapshot(access) as view:
            if customer_id is None:
                customers = [customer.id for customer in view.customers.page(Slice())]
            else:
                customers = [view.customers.find(customer_id).id]
        signature = Signature.of(author, self._clock.now())
        orders = 0
        for customer in customers:
            found = self._counted(customer, before, access)
            if found and not dry_run:
                act = signature.sign(_change(customer, before, found))
                found = self._purged(act, customer, before, access)
            orders += found
        return Purged(
            orders,
            sum(
                self._keeps_some(report, before, access)
                for customer in customers
                for report in self._suspects(customer, before, access)
            ),
        )

    def _counted(self, customer_id: int, before: date, access: Access) -> int:
        with self._storage.snapshot(access) as view:
            return view.orders.count_personal(customer_id, before)

    def _purged(self, act: AuditAct, customer_id: int, before: date, access: Access) -> int:
        number = 0
        acts = [act]
        place: OrderPlace | None = OrderPlace(date.min, 0)
        while place is not None:
            with self._storage.transaction(access) as tx:
                tx.audit.record_all(acts)
                changed, place = tx.orders.purge(customer_id, before, place, ORDERS_A_TRANSACTION)
            number += changed
            acts = []
        return number

    def _suspects(self, customer_id: int, before: date, access: Access) -> list[ReportHeadline]:
        """Return the customer's reports that may keep a personal field of such an order."""
        with self._storage.snapshot(access) as view:
            if not _has_telling_card(view, customer_id):
                return []
            reports = view.reports.page(ReportQuery(customer_id=customer_id), Slice())
            return [report for report in reports if report.period.start < before]

    def _keeps_some(self, report: ReportHeadline, before: date, access: Access) -> bool:
        day = before.isoformat()
        return any(
            entry["order_date"] < day and not PERSONAL_FIELDS.isdisjoint(entry)
            for page in stored_pages(self._storage, report.id, "evidence", access)
            for entry in json.loads(b"[" + inflate(page.body) + b"]", parse_float=str)
        )


def _change(customer_id: int, before: date, orders: int) -> Change:
    return Change(
        action="orders.purged",
        object_kind="orders",
        object_id=str(customer_id),
        customer_id=customer_id,
        details={"before": before.isoformat(), "orders": orders},
    )


def _has_telling_card(view: Repositories, customer_id: int) -> bool:
    """Tell whether any of the customer's cards reads a personal field."""
    return any(
        not PERSONAL_FIELDS.isdisjoint(compile_card(card, 0).reads)
        for card in view.rate_cards.of_customer(customer_id)
    )
