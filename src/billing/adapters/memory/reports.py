"""MemoryReports: filed reports, by the meaning that the domain gives to queries and sums."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from billing.adapters.memory.state import MemoryRepository, StoredReport, part_of
from billing.domain.costs import ServiceTotal
from billing.domain.customer_summary import CustomerSummary, summarise
from billing.domain.document import FilableReport
from billing.domain.errors import ReportMoveError, ReportNotFoundError
from billing.domain.pages import SECTIONS, Page, Section
from billing.domain.report import ReportHeadline, ReportStatus
from billing.domain.report_query import ReportQuery, Slice


class MemoryReports(MemoryRepository):
    """Filed reports of the customers this transaction may see."""

    def file(self, report: FilableReport, created_at: datetime, /) -> ReportHeadline:
        content = report.content
        self._unit.require(content.customer_id)
        state = self._unit.state
        headline = ReportHeadline(
            **{name: getattr(content, name) for name in content.__dataclass_fields__},
            id=len(state.reports) + 1,
            created_at=created_at,
            status=ReportStatus.DRAFT,
        )
        pages = {section: tuple(report.pages(section)) for section in SECTIONS}
        stored = StoredReport(headline, report.service_totals, report.letterhead, pages)
        self._unit.state = replace(state, reports=state.reports | {headline.id: stored})
        return headline

    def find(self, report_id: int, /) -> ReportHeadline:
        return self._stored(report_id).headline

    def totals(self, report_id: int, /) -> tuple[tuple[ServiceTotal, ...], str]:
        stored = self._stored(report_id)
        return stored.totals, stored.letterhead

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
        stored = self._visible_report(report_id)
        following = stored.pages[section][after:] if stored else ()
        return [
            page
            for page in following
            if holding is None or page.low_order <= holding <= page.high_order
        ][:limit]

    def page(self, query: ReportQuery, part: Slice, /) -> Iterator[ReportHeadline]:
        order = query.order_by
        found = sorted(self._matching(query), key=order.sort_key, reverse=order.descending)
        return part_of(found, part)

    def count(self, query: ReportQuery, /) -> int:
        return sum(1 for _ in self._matching(query))

    def move(self, report_id: int, before: ReportStatus, after: ReportStatus, /) -> bool:
        stored = self._stored(report_id)
        if not before.may_become(after):
            raise ReportMoveError(report_id, before, after)
        if stored.headline.status is not before:
            return False
        moved = replace(stored, headline=replace(stored.headline, status=after))
        state = self._unit.state
        self._unit.state = replace(state, reports=state.reports | {report_id: moved})
        return True

    def summaries(self, customer_id: int | None, /) -> list[CustomerSummary]:
        return summarise(self._matching(ReportQuery(customer_id=customer_id)))

    def _matching(self, query: ReportQuery) -> Iterator[ReportHeadline]:
        headlines = (stored.headline for stored in self._unit.state.reports.values())
        return (
            h for h in headlines if self._unit.access.allows(h.customer_id) and query.matches(h)
        )

    def _stored(self, report_id: int) -> StoredReport:
        stored = self._visible_report(report_id)
        if stored is None:
            raise ReportNotFoundError(report_id)
        return stored

    def _visible_report(self, report_id: int) -> StoredReport | None:
        stored = self._unit.state.reports.get(report_id)
        visible = stored and self._unit.access.allows(stored.headline.customer_id)
        return stored if visible else None
