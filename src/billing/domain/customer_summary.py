"""CustomerSummary: what all reports of a customer come to."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby

from billing.domain.money import currency_decimals
from billing.domain.report import ReportHeadline, ReportStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerSummary:
    """All reports of one customer that are not void.

    customer_name, currency: those of the latest report. first_report, latest_report: the
    earliest and the latest created_at. final_amount: the part of total_amount that is final.
    """

    customer_id: int
    customer_name: str
    report_count: int
    total_amount: Decimal
    first_report: datetime
    latest_report: datetime
    currency: str
    final_amount: Decimal


def summarise(headlines: Iterable[ReportHeadline]) -> list[CustomerSummary]:
    """Return one summary a customer, the latest report first, then by customer id."""
    counted = sorted(
        (headline for headline in headlines if headline.status is not ReportStatus.VOID),
        key=lambda headline: (headline.customer_id, headline.created_at, headline.id),
    )
    groups = groupby(counted, key=lambda headline: headline.customer_id)
    summaries = [_summary(list(reports)) for _, reports in groups]
    return sorted(summaries, key=summary_order)


def summary_order(summary: CustomerSummary) -> tuple[float, int]:
    """Return what summaries are ordered by: the latest report first, then the customer id."""
    return -summary.latest_report.timestamp(), summary.customer_id


def _summary(reports: list[ReportHeadline]) -> CustomerSummary:
    latest = reports[-1]
    cents = Decimal(1).scaleb(-currency_decimals(latest.currency))
    finals = (r.total_amount for r in reports if r.status is ReportStatus.FINAL)
    return CustomerSummary(
        customer_id=latest.customer_id,
        customer_name=latest.customer_name,
        report_count=len(reports),
        total_amount=sum((r.total_amount for r in reports), Decimal(0)).quantize(cents),
        first_report=reports[0].created_at,
        latest_report=latest.created_at,
        currency=latest.currency,
        final_amount=sum(finals, Decimal(0)).quantize(cents),
    )
