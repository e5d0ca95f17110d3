"""Reconciliation: every order that came in, in exactly one state, and sums that add up."""

from collections.abc import Callable, Iterator
from datetime import date

from billing.domain.access import Access
from billing.domain.audit import AuditQuery
from billing.domain.catalog import Customer
from billing.domain.costs import compile_card
from billing.domain.errors import BillingError
from billing.domain.evidence import read_evidence
from billing.domain.held_orders import DraftOrders, held_orders
from billing.domain.order_changes import changes_since
from billing.domain.order_states import CustomerSums, ReconciledOrder, final_state, open_state
from billing.domain.orders import Order
from billing.domain.period import BillingPeriod
from billing.domain.ports import Repositories, Storage
from billing.domain.report import ReportHeadline, ReportStatus
from billing.domain.report_lifecycle import FINALIZED, REPORT
from billing.domain.report_query import ReportQuery, Slice

EVER = BillingPeriod(date.min, date.max)


class ReconciliationError(BillingError):
    """Claims, evidence and orders contradict each other."""

    code = "does_not_add_up"

    def __init__(self, customer_id: int, found: int, ingested: int) -> None:
        super().__init__(
            f"Customer {customer_id} has {ingested} orders, but {found} are accounted for: "
            "run billing report verify --all"
        )


Take = Callable[[ReconciledOrder], object]


class Reconciliation:
    """Says what became of each order.

    It takes no lock. Memory: a page of a report at a time, and 16 bytes for each order of each
    draft of one customer (its id and amount; three times that while a draft is read).
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def run(
        self,
        take: Take,
        *,
        period: BillingPeriod | None = None,
        customer_id: int | None = None,
        access: Access | None = None,
    ) -> list[CustomerSums]:
        """Hand every order to `take` and return the sums by customer, of those that have orders.

        period: the orders that are dated in it now, and the undated ones, which are of none; None
        takes all. Claimed orders come by report, then the others by date and id. A customer's
        orders are of one moment, while a view of the storage is open.
        Raises CustomerNotFoundError, ReconciliationError.
        """
        access = access or Access.everything()
        with self._storage.snapshot(access) as view:
            if customer_id is None:
                customers = list(view.customers.page(Slice()))
            else:
                customers = [view.customers.find(customer_id)]
        return [
            sums
            for customer in customers
            if (sums := self._customer(customer, period or EVER, access, take)).orders
        ]

    def _customer(
        self, customer: Customer, period: BillingPeriod, access: Access, take: Take
    ) -> CustomerSums:
        sums = CustomerSums(customer)
        with self._storage.snapshot(access) as view:
            reports = list(view.reports.page(ReportQuery(customer_id=customer.id), Slice()))
            finals = {r.id: r for r in reports if r.status is ReportStatus.FINAL}
            for report_id in view.claims.holders(customer.id, period):
                if report_id not in finals:  # It will not add up.
                    continue
                for order in _claimed(view, finals[report_id], period):
                    sums.add(order, is_claimed=True)
                    take(order)
            drafts = [
                DraftOrders(view, report, customer.decimals)
                for report in sorted(reports, key=lambda report: report.id)
                if report.status is ReportStatus.DRAFT and report.services is None
            ]
            periods = {report.period for report in finals.values()}
            for found in _unclaimed(view, customer.id, period):
                order = open_state(found, drafts, periods)
                sums.add(order, is_claimed=False)
                take(order)
            found_orders, ingested = sums.orders.total(), _ingested(view, customer.id, period)
        if found_orders != ingested:
            raise ReconciliationError(customer.id, found_orders, ingested)
        return sums


def _ingested(view: Repositories, customer_id: int, period: BillingPeriod) -> int:
    dated = view.orders.count(customer_id, EVER.start, EVER.end)
    undated = view.orders.count(customer_id, None, None) - dated
    return undated + view.orders.count(customer_id, period.start, period.end)


def _claimed(
    view: Repositories, report: ReportHeadline, period: BillingPeriod
) -> Iterator[ReconciledOrder]:
    """Return the orders that a final report claims, and that are of the period or undated now."""
    read: dict[int | None, tuple[str, ...]] = {None: ()}
    accepted = _accepted(view, report)
    for page in held_orders(view, report):
        for card_id in {held.evidence["card"] for held in page}.difference(read):
            assert card_id is not None  # None is among the read.
            read[card_id] = compile_card(view.rate_cards.find(card_id), 0).evidence_fields
        fields = {name for held in page for name in read[held.evidence["card"]]}
        present = view.orders.known(report.customer_id, [held.order_id for held in page], fields)
        for held in page:
            now = present.get(held.order_id)
            if now is not None and (now.order_date is None or now.order_date in period):
                evidence = read_evidence(held.evidence, report.customer_id)
                changes = changes_since(evidence.order, now, read[evidence.card_id])
                yield final_state(now, report.id, held, changes, accepted)


def _accepted(view: Repositories, report: ReportHeadline) -> str | None:
    query = AuditQuery(object_kind=REPORT, object_id=str(report.id), action=FINALIZED)
    reasons = [entry.details.get("reason") for entry in view.audit.page(query, Slice(0, 1))]
    return reasons[0] if reasons else None


def _unclaimed(view: Repositories, customer_id: int, period: BillingPeriod) -> Iterator[Order]:
    yield from view.orders.placed_in(customer_id, period, (), unclaimed=True)
    yield from view.orders.placed_in(customer_id, None, (), unclaimed=True)
