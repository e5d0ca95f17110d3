"""ReportVerification: bills a report again from its own evidence and compares every byte."""

import json
import zlib
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from billing.domain.access import Access
from billing.domain.catalog import Customer
from billing.domain.costs import Pricing, compile_card, cost_order
from billing.domain.errors import (
    AmountTooLargeError,
    RateCardNotFoundError,
    ServiceNotFoundError,
)
from billing.domain.evidence import Evidence, read_evidence
from billing.domain.measures import UnitsPerCase
from billing.domain.money import currency_decimals
from billing.domain.pages import SECTIONS, inflate
from billing.domain.ports import Storage
from billing.domain.report import ReportHeadline, ReportStatus
from billing.domain.report_archive import stored_pages
from billing.domain.report_differences import DifferenceError, compare_content, compare_pages
from billing.domain.report_generator import NO_CARD
from billing.domain.report_query import ReportOrder, ReportQuery, Slice
from billing.domain.report_writer import PreparedReport, ReportWriter

REPORTS_A_READ = 100

_UNREADABLE = (
    zlib.error,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    AmountTooLargeError,
    RateCardNotFoundError,
    ServiceNotFoundError,
)
"""What reading or billing ends in when something stored is not what was written."""


class Verdict(NamedTuple):
    """Whether a report is what it was filed as. difference: the first place that is not."""

    report_id: int
    difference: str | None


class ReportVerification:
    """Proves reports: what a report says follows from its evidence and its cards.

    Neither later cards, products, names and orders nor the report's status matter. Memory stays
    bounded: one page at a time, and the products that the evidence names.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def verify(self, report_id: int, *, access: Access | None = None) -> Verdict:
        """Bill a report again and compare it with what is stored, to the byte.

        Raises ReportNotFoundError; whatever is found wrong is in the verdict.
        """
        access = access or Access.everything()
        with self._storage.snapshot(access) as view:
            try:
                report = view.reports.find(report_id)
                totals, letterhead = view.reports.totals(report_id)
            except _UNREADABLE as error:
                return Verdict(report_id, f"header: cannot be read: {error}")
        names = {total.service_id: total.service_name for total in totals}
        trial = _Trial(self._storage, report, names, access)
        try:
            with trial.bill(letterhead) as again:
                for section in SECTIONS:
                    stored = stored_pages(self._storage, report_id, section, access)
                    compare_pages(section, stored, again.pages(section))
                self._compare_claims(report_id, trial.claimable, access)
                compare_content(report, again.content, totals, again.service_totals)
        except DifferenceError as difference:
            return Verdict(report_id, str(difference))
        return Verdict(report_id, None)

    def verify_all(self, *, access: Access | None = None) -> Iterator[Verdict]:
        """Verify all reports by ascending id, and say of each what was found."""
        access = access or Access.everything()
        query, offset = ReportQuery(order_by=ReportOrder("id")), 0
        while numbers := self._numbers(query, Slice(offset, REPORTS_A_READ), access):
            for number in numbers:
                yield self.verify(number, access=access)
            offset += len(numbers)

    def _numbers(self, query: ReportQuery, part: Slice, access: Access) -> list[int]:
        with self._storage.snapshot(access) as view:
            return [report.id for report in view.reports.page(query, part)]

    def _compare_claims(self, report_id: int, claimable: int, access: Access) -> None:
        # The status may have changed since: both are asked of one moment.
        with self._storage.snapshot(access) as view:
            status = view.reports.find(report_id).status
            held = view.claims.count(report_id)
        expected = claimable if status is ReportStatus.FINAL else 0
        if held != expected:
            raise DifferenceError("claims", f"{status}, it holds {held} orders, not {expected}")


class _Trial:
    """Bills one report once more.

    claimable: the orders in its evidence that are not cancelled, once it is billed.
    """

    def __init__(
        self, storage: Storage, report: ReportHeadline, names: dict[int, str], access: Access
    ) -> None:
        self._storage = storage
        self._report = report
        self._names = names
        self._access = access
        self._pricings: dict[tuple[int | None, bool], Pricing] = {}
        self.claimable = 0

    def bill(self, letterhead: str) -> PreparedReport:
        """Price the evidence by the cards it names, with the code that bills."""
        report, place = self._report, "evidence"
        try:
            products = self._products()
            customer = Customer(report.customer_id, report.customer_name, report.currency)
            writer = ReportWriter(customer, self._names, report.services)
        except _UNREADABLE as error:
            raise DifferenceError(place, f"cannot be read: {error}") from error
        try:
            for evidence in self._evidence():
                place = f"evidence, order {evidence.order.order_id}"
                pricing = self._pricing(evidence, products)
                writer.add(evidence.order, cost_order(evidence.order, pricing), pricing)
                self.claimable += not evidence.order.is_cancelled
                place = f"evidence, after order {evidence.order.order_id}"
            place = "totals"
            return writer.finish(report.period, letterhead)
        except _UNREADABLE as error:
            writer.close()
            raise DifferenceError(place, f"cannot be billed again: {error}") from error
        except BaseException:
            writer.close()
            raise

    def _evidence(self) -> Iterator[Evidence]:
        """Return the orders as they were priced: of the period, by date and id, each once."""
        report, last = self._report, (date.min, 0)
        for entry in self._entries():
            evidence = read_evidence(entry, report.customer_id)
            number, day = evidence.order.order_id, evidence.order.order_date
            if day is None or day not in report.period:
                raise ValueError(f"order {number} is not of the period")
            if (day, number) <= last:
                raise ValueError(f"order {number} is out of its place")
            last = (day, number)
            yield evidence

    def _entries(self, having: bytes = b"") -> Iterator[dict[str, Any]]:
        for page in stored_pages(self._storage, self._report.id, "evidence", self._access):
            text = inflate(page.body)
            if having in text:
                yield from json.loads(b"[" + text + b"]", parse_float=Decimal)

    def _products(self) -> UnitsPerCase:
        """Return the units per case that the pricing knew; one view of them served all orders."""
        products: dict[str, int] = {}
        for entry in self._entries(having=b'"units_per_case":'):
            for sku, units in entry.get("units_per_case", {}).items():
                if products.setdefault(sku, units) != units:
                    raise ValueError(
                        f"order {entry['order_id']} has {units} units of {sku} to a case, "
                        f"others {products[sku]}"
                    )
        return products

    def _pricing(self, evidence: Evidence, products: UnitsPerCase) -> Pricing:
        key = (evidence.card_id, evidence.unpriced)
        if key not in self._pricings:
            card = None
            if evidence.card_id is not None:
                with self._storage.snapshot(self._access) as view:
                    card = view.rate_cards.find(evidence.card_id)
                if card.customer_id != self._report.customer_id:
                    raise ValueError(f"rate card {card.id} is another customer's")
            self._pricings[key] = compile_card(
                card,
                currency_decimals(self._report.currency),
                products=products,
                unpriced=NO_CARD if evidence.unpriced else None,
            )
        return self._pricings[key]
