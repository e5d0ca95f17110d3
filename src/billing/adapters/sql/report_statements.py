"""Statements that lists and sums of reports ask, made once for each shape of a question."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, and_, bindparam, case, func, select

from billing.adapters.sql.mapping import HEADLINE
from billing.adapters.sql.tables import report_pages, reports
from billing.domain.access import Access
from billing.domain.pages import Page
from billing.domain.report import ReportStatus
from billing.domain.report_query import SORT_KEYS, ReportOrder, ReportQuery

_ORDERINGS: dict[str, tuple[ColumnElement[Any], ...]] = {
    **{name: (reports.c[name],) for name in SORT_KEYS if name in reports.c},
    "total_amount": (reports.c.total_units, reports.c.total_fraction),
}
_CONDITIONS: dict[str, ColumnElement[bool]] = {
    "customer_id": reports.c.customer_id == bindparam("customer_id"),
    "start_date": reports.c.start_date >= bindparam("start_date"),
    "end_date": reports.c.end_date <= bindparam("end_date"),
    "created_after": reports.c.created_at >= bindparam("created_after"),
    "created_before": reports.c.created_at < bindparam("created_before"),
    "visible": reports.c.customer_id.in_(bindparam("visible", expanding=True)),
}


def asked_of(query: ReportQuery, access: Access) -> tuple[frozenset[str], dict[str, Any]]:
    """Return the names of the conditions that hold, and the values that they compare with."""
    values: dict[str, Any] = {
        "customer_id": query.customer_id,
        "start_date": query.start_date,
        "end_date": query.end_date,
        "created_after": query.created_after and _midnight(query.created_after),
    }
    if query.created_before is not None and query.created_before < date.max:
        values["created_before"] = _midnight(query.created_before + timedelta(days=1))
    if access.customers is not None:
        values["visible"] = sorted(access.customers)
    values = {name: value for name, value in values.items() if value is not None}
    return frozenset(values), values


# Made once for each shape of a question: to build them took a fifth of a list's time over HTTP.
@lru_cache(maxsize=1_000)
def listing(asked: frozenset[str], order: ReportOrder, *, is_part: bool) -> Select[Any]:
    """Select headlines under the named conditions in an order, all or a part of them."""
    columns = (*_ORDERINGS[order.field], reports.c.id)
    ordering = [column.desc() if order.descending else column.asc() for column in columns]
    statement = select(*HEADLINE).where(*(_CONDITIONS[name] for name in sorted(asked)))
    statement = statement.order_by(*ordering)
    if is_part:
        return statement.offset(bindparam("offset")).limit(bindparam("limit"))
    return statement.execution_options(yield_per=500)


@lru_cache(maxsize=1_000)
def counting(asked: frozenset[str]) -> Select[Any]:
    """Count the reports under the named conditions."""
    conditions = (_CONDITIONS[name] for name in sorted(asked))
    return select(func.count()).select_from(reports).where(*conditions)


@lru_cache(maxsize=4)
def paging(*, is_held: bool, is_limited: bool) -> Select[Any]:
    """Select some pages of a section behind a number.

    is_held: only those that reach over the order `holding`. is_limited: only of the `visible`.
    """
    pages = report_pages.c
    statement = (
        select(*(pages[name] for name in Page._fields))
        .where(
            pages.report_id == bindparam("report_id"),
            pages.section == bindparam("section"),
            pages.number > bindparam("after"),
        )
        .order_by(pages.number)
        .limit(bindparam("limit"))
    )
    if is_held:
        reaching = bindparam("holding", type_=BigInteger).between(pages.low_order, pages.high_order)
        statement = statement.where(reaching)
    if is_limited:
        statement = statement.join(reports, reports.c.id == pages.report_id)
        statement = statement.where(_CONDITIONS["visible"])
    return statement


def summing(visible_reports: ColumnElement[bool], customer_id: int | None) -> Select[Any]:
    """One aggregate over the reports that are not void, joined with each customer's latest."""
    counted = and_(reports.c.status != ReportStatus.VOID.value, visible_reports)
    if customer_id is not None:
        counted = and_(counted, reports.c.customer_id == customer_id)
    final = reports.c.status == ReportStatus.FINAL.value
    sums = (
        select(
            reports.c.customer_id,
            func.count().label("report_count"),
            func.sum(reports.c.total_units).label("units"),
            func.sum(reports.c.total_fraction).label("fraction"),
            func.sum(case((final, reports.c.total_units), else_=0)).label("final_units"),
            func.sum(case((final, reports.c.total_fraction), else_=0)).label("final_fraction"),
            func.min(reports.c.created_at).label("first_report"),
            func.max(reports.c.created_at).label("latest_report"),
        )
        .where(counted)
        .group_by(reports.c.customer_id)
        .subquery("sums")
    )
    other = reports.alias("other")
    latest_id = (
        select(other.c.id)
        .where(
            other.c.customer_id == sums.c.customer_id,
            other.c.status != ReportStatus.VOID.value,
        )
        .order_by(other.c.created_at.desc(), other.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    latest = reports.alias("latest")
    return select(sums, latest.c.customer_name, latest.c.currency).select_from(
        sums.join(latest, latest.c.id == latest_id)
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC)
