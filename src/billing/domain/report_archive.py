"""ReportArchive: find, read, export and summarise filed reports."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import BinaryIO

from billing.domain.access import Access
from billing.domain.costs import compile_card
from billing.domain.customer_summary import CustomerSummary
from billing.domain.document import ReportDocument
from billing.domain.errors import OrderNotFoundError, UnknownFormatError
from billing.domain.evidence import Evidence, read_evidence
from billing.domain.explanation import Explanation, explain_order
from billing.domain.money import check_minor, currency_decimals, to_minor
from billing.domain.pages import Page, Section, inflate
from billing.domain.ports import Exporters, ReportExporter, Repositories, Storage
from billing.domain.report import BillingReport, ReportHeadline
from billing.domain.report_generator import NO_CARD
from billing.domain.report_query import ReportQuery, Slice

PAGES_A_READ = 16
"""Pages fetched in one short snapshot, so that none is open while a report is rendered."""


class ReportArchive:
    """Reads what was filed. Nothing here computes an amount: it is all in the document."""

    def __init__(self, storage: Storage, exporters: Exporters) -> None:
        self._storage = storage
        self._exporters = exporters

    def exporter(self, name: str) -> ReportExporter:
        """Return the exporter of a format, or raise UnknownFormatError."""
        try:
            return self._exporters[name]
        except KeyError:
            raise UnknownFormatError(name) from None

    def find(
        self, query: ReportQuery, part: Slice | None = None, *, access: Access | None = None
    ) -> Iterator[ReportHeadline]:
        """Stream the headlines of the reports that the query asks for."""
        with self._storage.snapshot(access or Access.everything()) as view:
            yield from view.reports.page(query, part or Slice())

    def count(self, query: ReportQuery, *, access: Access | None = None) -> int:
        """Return how many reports the query asks for."""
        with self._storage.snapshot(access or Access.everything()) as view:
            return view.reports.count(query)

    def open(self, report_id: int, *, access: Access | None = None) -> ReportDocument:
        """Return a report as a document whose pages are read when asked for."""
        access = access or Access.everything()
        with self._storage.snapshot(access) as view:
            headline = view.reports.find(report_id)
            totals, letterhead = view.reports.totals(report_id)
        return ReportDocument(
            headline,
            totals,
            letterhead,
            lambda section: self._texts(report_id, section, access),
        )

    def headline(self, report_id: int, *, access: Access | None = None) -> ReportHeadline:
        """Return a report without its orders, or raise ReportNotFoundError."""
        with self._storage.snapshot(access or Access.everything()) as view:
            return view.reports.find(report_id)

    def read(self, report_id: int, *, access: Access | None = None) -> BillingReport:
        """Return one report in full, as a list in memory."""
        document = self.open(report_id, access=access)
        headline = document.content
        assert isinstance(headline, ReportHeadline)  # What `open` returns is filed.
        return BillingReport(
            headline,
            document.service_totals,
            tuple(document.orders()),
            tuple(document.exceptions()),
        )

    def export(
        self, report_id: int, name: str, out: BinaryIO, *, access: Access | None = None
    ) -> ReportDocument:
        """Write a report in a format; nothing is written when it cannot be. Return what it was.

        Raises UnknownFormatError, ReportNotFoundError, ReportTooLargeError.
        """
        exporter = self.exporter(name)
        document = self.open(report_id, access=access)
        exporter.check(document.content)
        exporter.render(document, out)
        return document

    def explain(
        self, report_id: int, order_id: int, *, access: Access | None = None
    ) -> Explanation:
        """Say why an order of the report's period cost what it did, or nothing.

        Priced once more from the report's evidence and the immutable card, by the code that
        bills. Raises ReportNotFoundError, and OrderNotFoundError for an order that the period
        did not hold.
        """
        with self._storage.snapshot(access or Access.everything()) as view:
            headline = view.reports.find(report_id)
            totals, _ = view.reports.totals(report_id)
            evidence = _evidence_of(view, headline, order_id)
            card = None if evidence.card_id is None else view.rate_cards.find(evidence.card_id)
        pricing = compile_card(
            card,
            currency_decimals(headline.currency),
            products=evidence.products,
            unpriced=NO_CARD if evidence.unpriced else None,
        )
        explanation = explain_order(evidence.order, pricing).of_services(headline.services)
        return explanation.with_names({t.service_id: t.service_name for t in totals})

    def summaries(
        self, customer_id: int | None = None, *, access: Access | None = None
    ) -> list[CustomerSummary]:
        """Return one summary a customer, the latest report first.

        Raises AmountTooLargeError for a sum that a JSON number no longer holds.
        """
        with self._storage.snapshot(access or Access.everything()) as view:
            summaries = view.reports.summaries(customer_id)
        for summary in summaries:
            total = to_minor(summary.total_amount, currency_decimals(summary.currency))
            check_minor(total, f"The sum of customer {summary.customer_id}'s reports")
        return summaries

    def _texts(self, report_id: int, section: Section, access: Access) -> Iterator[bytes]:
        for page in stored_pages(self._storage, report_id, section, access):
            yield inflate(page.body)


def stored_pages(
    storage: Storage, report_id: int, section: Section, access: Access
) -> Iterator[Page]:
    """Return a filed report's pages, read a few at a time: no snapshot is open in between."""
    last = 0
    while True:
        with storage.snapshot(access) as view:
            pages = view.reports.pages(report_id, section, last, PAGES_A_READ)
        yield from pages
        if len(pages) < PAGES_A_READ:
            return
        last = pages[-1].number


def _evidence_of(view: Repositories, headline: ReportHeadline, order_id: int) -> Evidence:
    last = 0
    while pages := view.reports.pages(
        headline.id, "evidence", last, PAGES_A_READ, holding=order_id
    ):
        for page in pages:
            for entry in json.loads(b"[" + inflate(page.body) + b"]", parse_float=Decimal):
                if entry["order_id"] == order_id:
                    return read_evidence(entry, headline.customer_id)
        last = pages[-1].number
    raise OrderNotFoundError(headline.customer_id, order_id)
