"""BillingReport: the snapshot that a customer is billed with, and its headline."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from billing.domain.costs import ServiceTotal
from billing.domain.period import BillingPeriod


class ReportStatus(StrEnum):
    """Where a report stands: a draft binds nobody, a final one claims its orders, void is over."""

    DRAFT = "draft"
    FINAL = "final"
    VOID = "void"

    def may_become(self, other: "ReportStatus") -> bool:
        """Tell whether a report may move from here to there: void is the end."""
        return (self, other) in _MOVES


_MOVES = {
    (ReportStatus.DRAFT, ReportStatus.FINAL),
    (ReportStatus.DRAFT, ReportStatus.VOID),
    (ReportStatus.FINAL, ReportStatus.VOID),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportContent:
    """What a report says, whoever files it and whenever: equal data gives an equal hash.

    total_amount: currency units with the currency's decimals. order_count: the orders that are
    billed. exception_count: those that are not, or not fully, cancelled ones apart.
    services: the services chosen for a partial report; None bills them all.
    content_hash: SHA-256 in hex, see document.content_hash.
    """

    customer_id: int
    customer_name: str
    period: BillingPeriod
    currency: str
    total_amount: Decimal
    order_count: int
    exception_count: int
    services: tuple[int, ...] | None
    content_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportHeadline(ReportContent):
    """A filed report without its orders. created_at: UTC, whole seconds."""

    id: int
    created_at: datetime
    status: ReportStatus


class BilledService(NamedTuple):
    """One line of a bill. quantity, card_id and rate_index are None for a recorded charge."""

    service_id: int
    service_name: str
    amount: Decimal
    quantity: Decimal | None
    card_id: int | None
    rate_index: int | None


class BilledOrder(NamedTuple):
    """One order as a report bills it."""

    order_id: int
    reference_number: str | None
    order_date: date
    total_amount: Decimal
    service_costs: tuple[BilledService, ...]


class ReportException(NamedTuple):
    """An order of the period that is not, or not fully, billed, and why.

    reason: needs_attention, nothing_applies or cancelled.
    """

    order_id: int
    reason: str
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BillingReport:
    """A filed report in full, as a list: for embedders; the application itself streams."""

    headline: ReportHeadline
    service_totals: tuple[ServiceTotal, ...]
    orders: tuple[BilledOrder, ...]
    exceptions: tuple[ReportException, ...]
