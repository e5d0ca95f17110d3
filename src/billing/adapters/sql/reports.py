"""SqlReports: reports as documents: a header, and pages that are copied in and out."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, insert, literal, select, update

from billing.adapters.sql.catalog import SqlRepository, sliced, visible
from billing.adapters.sql.mapping import headline_from, headline_row, join_amount
from billing.adapters.sql.tables import report_pages, reports
from billing.domain.costs import ServiceTotal
from billing.domain.customer_summary import CustomerSummary, summary_order
from billing.domain.document import FilableReport, read_service_totals, service_totals_text
from billing.domain.errors import (
    CustomerNotFoundError,
    ReportMoveError,
    ReportNotFoundError,
)
from billing.domain.pages import SECTIONS, Page, Section
from billing.domain.report import ReportContent, ReportHeadline, ReportStatus
from billing.domain.report_query import SORT_KEYS, ReportQuery, Slice

PAGES_AN_INSERT = 16
_HEADLINE = [column for column in reports.c if column.name not in {"service_totals", "letterhead"}]
_PAGE = [report_pages.c[name] for name in Page._fields]
_ORDERINGS: dict[str, tuple[ColumnElement[Any], ...]] = {
    **{name: (reports.c[name],) for name in SORT_KEYS if name in reports.c},
    "total_amount": (reports.c.total_units, reports.c.total_fraction),
}


class SqlReports(SqlRepository):
    """Filed reports of the customers this transaction may see."""

    def file(self, report: FilableReport, created_at: datetime, /) -> ReportHeadline:
        """Store a report as a draft, whole, and return its headline with the new id."""
        content = report.content
        if not self._access.allows(content.customer_id):
            raise CustomerNotFoundError(content.customer_id)
        values = headline_row(content) | {
            "created_at": created_at,
            "status": ReportStatus.DRAFT.value,
            "service_totals": service_totals_text(report.service_totals),
            "letterhead": report.letterhead,
        }
        statement = insert(reports).values(values).returning(reports.c.id)
        report_id = self._connection.execute(statement).scalar_one()
        for section in SECTIONS:
            self._insert_pages(report_id, section, report.pages(section))
        fields = {name: getattr(content, name) for name in ReportContent.__dataclass_fields__}
        return ReportHeadline(
            **fields, id=report_id, created_at=created_at, status=ReportStatus.DRAFT
        )

    def find(self, report_id: int, /) -> ReportHeadline:
        """Return the report's headline as filed, or raise ReportNotFoundError."""
        statement = select(*_HEADLINE).where(reports.c.id == report_id, self._visible)
        row = self._connection.execute(statement).mappings().one_or_none()
        if row is None:
            raise ReportNotFoundError(report_id)
        return headline_from(row)

    def totals(self, report_id: int, /) -> tuple[tuple[ServiceTotal, ...], str]:
        """Return the totals by service and the letterhead, or raise ReportNotFoundError."""
        statement = select(reports.c.service_totals, reports.c.letterhead)
        statement = statement.where(reports.c.id == report_id, self._visible)
        row = self._connection.execute(statement).one_or_none()
        if row is None:
            raise ReportNotFoundError(report_id)
        return read_service_totals(row.service_totals), row.letterhead

    def pages(
        self,
        report_id: int,
        section: Section,
        after: int,
        limit: int,
        /,
        *,
        holding: int | None = None,
    ) -> list[Page]:
        """Return up to `limit` pages of a section with numbers above `after`, in order."""
        statement = (
            select(*_PAGE)
            .join(reports, reports.c.id == report_pages.c.report_id)
            .where(
                report_pages.c.report_id == report_id,
                report_pages.c.section == section,
                report_pages.c.number > after,
                self._visible,
            )
            .order_by(report_pages.c.number)
            .limit(limit)
        )
        if holding is not None:
            reaching = literal(holding).between(report_pages.c.low_order, report_pages.c.high_order)
            statement = statement.where(reaching)
        return [Page(*row) for row in self._connection.execute(statement)]

    def page(self, query: ReportQuery, part: Slice, /) -> Iterator[ReportHeadline]:
        """Stream the reports that the query asks for, in its order."""
        order = query.order_by
        columns = _ORDERINGS[order.field]
        ordering = [c.desc() if order.descending else c.asc() for c in (*columns, reports.c.id)]
        statement = select(*_HEADLINE).where(self._asked(query)).order_by(*ordering)
        for row in self._connection.execute(sliced(statement, part)).mappings():
            yield headline_from(row)

    def count(self, query: ReportQuery, /) -> int:
        """Return how many reports the query asks for."""
        counted = select(func.count()).select_from(reports).where(self._asked(query))
        return self._connection.execute(counted).scalar_one()

    def move(self, report_id: int, before: ReportStatus, after: ReportStatus, /) -> bool:
        """Change a report's status, if it is `before` still, and tell whether it was."""
        self.find(report_id)
        if not before.may_become(after):
            raise ReportMoveError(report_id, before, after)
        as_before = and_(reports.c.id == report_id, reports.c.status == before.value)
        statement = update(reports).where(as_before, self._visible).values(status=after.value)
        return self._connection.execute(statement).rowcount == 1

    def summaries(self, customer_id: int | None, /) -> list[CustomerSummary]:
        """Return one summary a customer, the latest report first, then by customer id."""
        rows = self._connection.execute(_summaries(self._visible, customer_id)).mappings()
        summaries = [
            CustomerSummary(
                customer_id=row["customer_id"],
                customer_name=row["customer_name"],
                report_count=row["report_count"],
                total_amount=join_amount(row["units"], row["fraction"], row["currency"]),
                first_report=row["first_report"],
                latest_report=row["latest_report"],
                currency=row["currency"],
                final_amount=join_amount(
                    row["final_units"], row["final_fraction"], row["currency"]
                ),
            )
            for row in rows
        ]
        return sorted(summaries, key=summary_order)

    @property
    def _visible(self) -> ColumnElement[bool]:
        return visible(reports.c.customer_id, self._access)

    def _asked(self, query: ReportQuery) -> ColumnElement[bool]:
        columns = reports.c
        conditions = [self._visible]
        if query.customer_id is not None:
            conditions.append(columns.customer_id == query.customer_id)
        if query.start_date is not None:
            conditions.append(columns.start_date >= query.start_date)
        if query.end_date is not None:
            conditions.append(columns.end_date <= query.end_date)
        if query.created_after is not None:
            conditions.append(columns.created_at >= _midnight(query.created_after))
        if query.created_before is not None and query.created_before < date.max:
            following = query.created_before + timedelta(days=1)
            conditions.append(columns.created_at < _midnight(following))
        return and_(*conditions)

    def _insert_pages(self, report_id: int, section: Section, pages: Iterator[Page]) -> None:
        batch: list[dict[str, Any]] = []
        for page in pages:
            batch.append({"report_id": report_id, "section": section, **page._asdict()})
            if len(batch) == PAGES_AN_INSERT:
                self._connection.execute(insert(report_pages), batch)
                batch = []
        if batch:
            self._connection.execute(insert(report_pages), batch)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC)


def _summaries(visible_reports: ColumnElement[bool], customer_id: int | None) -> Select[Any]:
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
