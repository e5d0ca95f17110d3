"""SqlReports: reports as documents: a header, and pages that are copied in and out."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, insert, select, update

from billing.adapters.sql.catalog import SqlRepository, visible
from billing.adapters.sql.mapping import HEADLINE, headline_from, headline_row, join_amount
from billing.adapters.sql.report_statements import (
    asked_of,
    counting,
    listing,
    paging,
    summing,
)
from billing.adapters.sql.tables import report_pages, reports
from billing.domain.costs import ServiceTotal
from billing.domain.customer_summary import CustomerSummary, summary_order
from billing.domain.document import FilableReport, read_service_totals, service_totals_text
from billing.domain.errors import CustomerNotFoundError, ReportMoveError, ReportNotFoundError
from billing.domain.pages import SECTIONS, Page, Section
from billing.domain.report import ReportContent, ReportHeadline, ReportStatus
from billing.domain.report_query import ReportQuery, Slice

PAGES_AN_INSERT = 16


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
        statement = select(*HEADLINE).where(reports.c.id == report_id, self._visible)
        row = self._connection.execute(statement).one_or_none()
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
        is_limited = self._access.customers is not None
        values = {
            "report_id": report_id,
            "section": section,
            "after": after,
            "limit": limit,
            **({} if holding is None else {"holding": holding}),
            **({"visible": sorted(self._access.customers or ())} if is_limited else {}),
        }
        statement = paging(is_held=holding is not None, is_limited=is_limited)
        return [Page(*row) for row in self._connection.execute(statement, values)]

    def page(self, query: ReportQuery, part: Slice, /) -> Iterator[ReportHeadline]:
        """Stream the reports that the query asks for, in its order."""
        asked, values = asked_of(query, self._access)
        statement = listing(asked, query.order_by, is_part=part.limit is not None)
        values |= {"offset": part.offset, "limit": part.limit} if part.limit is not None else {}
        rows = self._connection.execute(statement, values)
        yield from map(headline_from, rows if part.limit is None else rows.all())

    def count(self, query: ReportQuery, /) -> int:
        """Return how many reports the query asks for."""
        asked, values = asked_of(query, self._access)
        number: int = self._connection.execute(counting(asked), values).scalar_one()
        return number

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
        rows = self._connection.execute(summing(self._visible, customer_id)).mappings()
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

    def _insert_pages(self, report_id: int, section: Section, pages: Iterator[Page]) -> None:
        batch: list[dict[str, Any]] = []
        for page in pages:
            batch.append({"report_id": report_id, "section": section, **page._asdict()})
            if len(batch) == PAGES_AN_INSERT:
                self._connection.execute(insert(report_pages), batch)
                batch = []
        if batch:
            self._connection.execute(insert(report_pages), batch)
