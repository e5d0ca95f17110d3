"""OrderState: what became of an order that came in, and the sums of a customer's orders by it."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from billing.domain.catalog import Customer
from billing.domain.held_orders import DraftOrders, HeldOrder
from billing.domain.money import to_amount, to_minor
from billing.domain.order_changes import Change
from billing.domain.orders import Order
from billing.domain.period import BillingPeriod
from billing.domain.report import ReportException


class OrderState(StrEnum):
    """What became of an order; the first that holds, of those that can.

    Of an order that a final report claims: changed, when a field that its evidence keeps is not
    what it was; exception, when it was accepted as not, or not fully, billed; else billed.
    Of any other: cancelled; undated; exception, when the newest draft that holds it cannot bill
    it, or not fully; draft, when that one can; else untouched. A partial draft holds none.
    """

    BILLED = "billed"
    CHANGED = "changed"
    DRAFT = "draft"
    EXCEPTION = "exception"
    CANCELLED = "cancelled"
    UNDATED = "undated"
    UNTOUCHED = "untouched"


class ReconciledOrder(NamedTuple):
    """One order and its state.

    reports: the final report that claims it; else the drafts that hold it, whatever its state.
    amount: what the final report, or the newest of the drafts, bills for it; None of no report.
    is_late: dated in the period of a final report, which does not claim it, and not cancelled.
    accepted: why the exception was accepted.
    """

    customer_id: int
    order_id: int
    order_date: date | None
    state: OrderState
    reports: tuple[int, ...] = ()
    amount: Decimal | None = None
    is_late: bool = False
    changes: tuple[Change, ...] = ()
    exception: ReportException | None = None
    accepted: str | None = None


@dataclass(slots=True)
class CustomerSums:
    """The orders of one customer by state, how many are late, and amounts in minor units.

    billed: all that final reports bill for these orders, whatever their state. drafted: what the
    newest drafts would bill for the others.
    """

    customer: Customer
    orders: Counter[OrderState] = field(default_factory=Counter)
    minor: Counter[OrderState] = field(default_factory=Counter)
    late: int = 0
    billed: int = 0
    drafted: int = 0

    def add(self, order: ReconciledOrder, *, is_claimed: bool) -> None:
        """Count an order in."""
        minor = to_minor(order.amount or Decimal(0), self.customer.decimals)
        self.orders[order.state] += 1
        self.minor[order.state] += minor
        self.late += order.is_late
        if is_claimed:
            self.billed += minor
        else:
            self.drafted += minor

    def amount(self, state: OrderState) -> Decimal:
        """Return what reports bill for the orders in a state."""
        return to_amount(self.minor[state], self.customer.decimals)

    @property
    def billed_amount(self) -> Decimal:
        """What final reports bill for these orders."""
        return to_amount(self.billed, self.customer.decimals)

    @property
    def draft_amount(self) -> Decimal:
        """What drafts would bill for the orders that no final report claims."""
        return to_amount(self.drafted, self.customer.decimals)


def final_state(
    now: Order, report_id: int, held: HeldOrder, changes: tuple[Change, ...], accepted: str | None
) -> ReconciledOrder:
    """Return the state of an order that a final report claims."""
    state = OrderState.BILLED
    if changes:
        state = OrderState.CHANGED
    elif held.exception is not None:
        state = OrderState.EXCEPTION
    return ReconciledOrder(
        now.customer_id,
        now.order_id,
        now.order_date,
        state,
        (report_id,),
        held.amount,
        changes=changes,
        exception=held.exception,
        accepted=None if held.exception is None else accepted,
    )


def open_state(
    order: Order, drafts: list[DraftOrders], finals: set[BillingPeriod]
) -> ReconciledOrder:
    """Return the state of an order that no final report claims.

    drafts: by ascending id. finals: the periods of the customer's final reports.
    """
    holding = [draft for draft in drafts if order.order_id in draft]
    exception = holding[-1].exceptions.get(order.order_id) if holding else None
    if order.is_cancelled:
        state = OrderState.CANCELLED
    elif order.order_date is None:
        state = OrderState.UNDATED
    elif exception is not None:
        state = OrderState.EXCEPTION
    else:
        state = OrderState.DRAFT if holding else OrderState.UNTOUCHED
    day = None if order.is_cancelled else order.order_date
    return ReconciledOrder(
        order.customer_id,
        order.order_id,
        order.order_date,
        state,
        tuple(draft.id for draft in holding),
        holding[-1].amount(order.order_id) if holding else None,
        is_late=day is not None and any(day in period for period in finals),
        exception=exception,
    )
