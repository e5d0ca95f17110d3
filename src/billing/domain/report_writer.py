"""ReportWriter: priced orders in, the sections of a report and its totals out."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from json.encoder import encode_basestring as quote
from types import TracebackType
from typing import Any, Self

from billing.domain.catalog import Customer
from billing.domain.costs import OrderCost, Pricing, ServiceTotal, total_by_service
from billing.domain.document import ReportDocument, content_hash
from billing.domain.errors import ServiceNotFoundError
from billing.domain.evidence import evidence_text
from billing.domain.money import (
    check_minor,
    millionths_text,
    minor_text,
    to_amount,
)
from billing.domain.orders import Order
from billing.domain.pages import SECTIONS, Page, Section, SectionSpool, inflate
from billing.domain.period import BillingPeriod
from billing.domain.rate_steps import ServiceCost
from billing.domain.report import ReportContent

TEXTS_KEPT = 20_000
"""Lines of a bill kept to be written again, about 5 MB."""


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
        self._amount_text = minor_text(customer.decimals)
        self._pricing: Pricing | None = None
        self._texts = _Texts(str)
        self._totals: dict[int, int] = {}
        self._order_count = 0
        self._exception_count = 0
        self._spools = {section: SectionSpool() for section in SECTIONS}

    def add(self, order: Order, whole: OrderCost, pricing: Pricing) -> None:
        """Bill the order, or list it with the reason, and keep what the pricing read.

        An order all of whose costs are of services not chosen is neither billed nor excepted.
        """
        self._spools["evidence"].add(order.order_id, evidence_text(order, pricing))
        cost = chosen(whole, self.services)
        if order.is_cancelled:
            self._except(order, "cancelled", [])
            return
        if cost.service_costs:
            self._bill(order, cost, pricing)
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
        for service_id, amount in self._totals.items():
            check_minor(amount, f"The total of service {service_id}")
        total = check_minor(sum(self._totals.values()), "The report's total")
        totals = total_by_service(self._totals, self._names, decimals)
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

    def _bill(self, order: Order, cost: OrderCost, pricing: Pricing) -> None:
        totals = self._totals
        texts = self._texts_of(pricing)
        lines = []
        for line in cost.service_costs:
            totals[line.service_id] = totals.get(line.service_id, 0) + line.amount
            lines.append(texts[line])
        check_minor(cost.amount, f"The total of order {order.order_id}")
        reference = order.reference_number
        self._order_count += 1
        self._spools["orders"].add(
            order.order_id,
            f'{{"order_id":{order.order_id}'
            f',"reference_number":{"null" if reference is None else quote(reference)}'
            f',"order_date":"{order.order_date}"'
            f',"total_amount":{self._amount_text(cost.amount)}'
            f',"service_costs":[{",".join(lines)}]}}',
        )

    def _texts_of(self, pricing: Pricing) -> "_Texts":
        """Return the lines written so far under a pricing; a period has few pricings."""
        if pricing is not self._pricing:
            self._pricing = pricing
            self._texts = _Texts(lambda line: self._cost_text(line, pricing))
        return self._texts

    def _cost_text(self, line: ServiceCost, pricing: Pricing) -> str:
        head = self._head(line.service_id)
        if line.rate_index is None or pricing.card is None:
            return f"{head}{self._amount_text(line.amount)}}}"
        quantity = "null" if line.quantity is None else millionths_text(line.quantity)
        return (
            f'{head}{self._amount_text(line.amount)},"quantity":{quantity}'
            f',"rate":{{"card":{pricing.card.id or "null"},"index":{line.rate_index}}}}}'
        )

    def _head(self, service_id: int) -> str:
        if service_id not in self._names:
            raise ServiceNotFoundError(service_id)
        name = quote(self._names[service_id])
        return f'{{"service_id":{service_id},"service_name":{name},"amount":'

    def _except(self, order: Order, reason: str, problems: list[str]) -> None:
        self._exception_count += reason != "cancelled"
        texts = ",".join(map(quote, problems))
        self._spools["exceptions"].add(
            order.order_id,
            f'{{"order_id":{order.order_id},"reason":"{reason}","problems":[{texts}]}}',
        )


class _Texts(dict[ServiceCost, str]):
    """Lines as they were written: a bill repeats itself, and nine in ten lines of real orders
    had been written before.
    """

    def __init__(self, write: Callable[[ServiceCost], str]) -> None:
        super().__init__()
        self._write = write

    def __missing__(self, line: ServiceCost) -> str:
        if len(self) >= TEXTS_KEPT:
            self.clear()
        text = self[line] = self._write(line)
        return text


def chosen(cost: OrderCost, services: tuple[int, ...] | None) -> OrderCost:
    """Keep the chosen services: pricing came first, so percentages saw all of them."""
    if services is None:
        return cost
    lines = tuple(line for line in cost.service_costs if line.service_id in services)
    problems = tuple(p for p in cost.problems if p.service_id is None or p.service_id in services)
    return OrderCost(sum(line.amount for line in lines), lines, problems)
