"""ReportWriter: priced orders in, the sections of a report and its totals out."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from json.encoder import encode_basestring as quote
from types import TracebackType
from typing import Any, Self

from billing.domain.bill_lines import BillLines
from billing.domain.catalog import Customer
from billing.domain.costs import OrderCost, Pricing, ServiceTotal, total_by_service
from billing.domain.document import ReportDocument, content_hash
from billing.domain.errors import AmountTooLargeError
from billing.domain.evidence import evidence_writer
from billing.domain.money import MAX_MINOR_UNITS, check_minor, to_amount
from billing.domain.orders import Order
from billing.domain.pages import SECTIONS, Page, Section, SectionSpool, inflate
from billing.domain.period import BillingPeriod, day_text
from billing.domain.report import ReportContent


@dataclass(frozen=True, slots=True)
class PreparedReport:
    """A report that is priced and written but not filed; close it to free its spools.

    comparison: with the cards in force, when a draft card priced it; see Comparison.
    """

    content: ReportContent
    service_totals: tuple[ServiceTotal, ...]
    letterhead: str
    spools: Mapping[Section, SectionSpool]
    comparison: dict[str, Any] | None = None

    def pages(self, section: Section, /) -> Iterator[Page]:
        """Return a section's pages, in order."""
        return self.spools[section].pages()

    def document(self) -> ReportDocument:
        """Return what exporters read, as long as this report is open."""
        return ReportDocument(
            self.content,
            self.service_totals,
            self.letterhead,
            lambda section: (inflate(page.body) for page in self.pages(section)),
            self.comparison,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        for spool in self.spools.values():
            spool.close()


class ReportWriter:
    """Writes the orders of one report, in their order, and folds its totals on the way.

    names: the services' names as they are now; the report keeps them.
    services: the chosen ones of a partial report; None bills all.
    """

    def __init__(
        self,
        customer: Customer,
        names: Mapping[int, str],
        services: tuple[int, ...] | None,
    ) -> None:
        self._customer = customer
        self._names = names
        self.services = services
        self._lines = BillLines(names, customer.decimals)
        self._pricing: Pricing | None = None
        self._evidence_text: Callable[[Order, str], str]
        self._order_count = 0
        self._exception_count = 0
        self._spools = {section: SectionSpool() for section in SECTIONS}

    def add(self, order: Order, whole: OrderCost, pricing: Pricing) -> None:
        """Bill the order, or list it with the reason, and keep what the pricing read.

        An order all of whose costs are of services not chosen is neither billed nor excepted.
        """
        assert order.order_date is not None  # A period holds dated orders.
        day = day_text(order.order_date)
        if pricing is not self._pricing:  # A period has few pricings.
            self._pricing, self._evidence_text = pricing, evidence_writer(pricing)
        self._spools["evidence"].add(order.order_id, self._evidence_text(order, day))
        cost = whole if self.services is None else chosen(whole, self.services)
        if order.is_cancelled:
            self._except(order, "cancelled", [])
            return
        if cost.service_costs:
            if abs(cost.amount) > MAX_MINOR_UNITS:
                raise AmountTooLargeError(f"The total of order {order.order_id}")
            self._bill(order, day, self._lines.write(cost, pricing))
        if cost.problems:
            texts = list(dict.fromkeys(problem.text for problem in cost.problems))
            self._except(order, "needs_attention", texts)
        elif not whole.service_costs:
            self._except(order, "nothing_applies", [])

    def finish(
        self, period: BillingPeriod, letterhead: str, comparison: dict[str, Any] | None = None
    ) -> PreparedReport:
        """Return the whole report. Raises AmountTooLargeError when a total is past exactness."""
        decimals = self._customer.decimals
        amounts = self._lines.totals()
        for service_id, amount in amounts.items():
            check_minor(amount, f"The total of service {service_id}")
        total = check_minor(sum(amounts.values()), "The report's total")
        totals = total_by_service(amounts, self._names, decimals)
        hashes = {section: spool.finish() for section, spool in self._spools.items()}
        unhashed = ReportContent(
            customer_id=self._customer.id,
            customer_name=self._customer.name,
            period=period,
            currency=self._customer.currency,
            total_amount=to_amount(total, decimals),
            order_count=self._order_count,
            exception_count=self._exception_count,
            services=self.services,
            content_hash="",
        )
        digest = content_hash(
            unhashed,
            totals,
            letterhead,
            orders=hashes["orders"],
            exceptions=hashes["exceptions"],
        )
        content = replace(unhashed, content_hash=digest)
        return PreparedReport(content, totals, letterhead, self._spools, comparison)

    def close(self) -> None:
        """Give the spools back when the report will not be finished."""
        for spool in self._spools.values():
            spool.close()

    def _bill(self, order: Order, day: str, costs: str) -> None:
        reference = order.reference_number
        self._order_count += 1
        self._spools["orders"].add(
            order.order_id,
            f'{{"order_id":{order.order_id}'
            f',"reference_number":{"null" if reference is None else quote(reference)}'
            f',"order_date":"{day}",{costs}',
        )

    def _except(self, order: Order, reason: str, problems: list[str]) -> None:
        self._exception_count += reason != "cancelled"
        texts = ",".join(map(quote, problems))
        self._spools["exceptions"].add(
            order.order_id,
            f'{{"order_id":{order.order_id},"reason":"{reason}","problems":[{texts}]}}',
        )


def chosen(cost: OrderCost, services: tuple[int, ...] | None) -> OrderCost:
    """Keep the chosen services: pricing came first, so percentages saw all of them."""
    if services is None:
        return cost
    lines = tuple(line for line in cost.service_costs if line.service_id in services)
    problems = tuple(p for p in cost.problems if p.service_id is None or p.service_id in services)
    return OrderCost(sum(line.amount for line in lines), lines, problems)
