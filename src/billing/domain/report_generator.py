"""ReportGenerator: the use case that writes: price a customer's period, then file the report."""

from collections.abc import Collection, Sequence
from datetime import date

from billing.domain.access import Access
from billing.domain.costs import Pricing, compile_card, cost_order
from billing.domain.errors import ServiceNotFoundError
from billing.domain.period import BillingPeriod
from billing.domain.ports import Clock, ReportExporter, Repositories, Storage
from billing.domain.rates import RateCard
from billing.domain.report import ReportHeadline
from billing.domain.report_query import Slice
from billing.domain.report_writer import PreparedReport, ReportWriter

NO_CARD = "no rate card is in force on the order's date"


class ReportGenerator:
    """Makes reports. `prepare` reads and prices without a lock; `file` stores in one short
    transaction; `generate` does both.

    letterhead: the first line of a PDF; copied into each report.
    """

    def __init__(self, storage: Storage, clock: Clock, *, letterhead: str = "Billing") -> None:
        self._storage = storage
        self._clock = clock
        self._letterhead = letterhead

    def generate(
        self,
        customer_id: int,
        period: BillingPeriod,
        *,
        services: Collection[int] | None = None,
        access: Access | None = None,
        exporter: ReportExporter | None = None,
    ) -> ReportHeadline:
        """Bill a customer's period and file the report as a draft.

        services: bills only these (None or empty: all), chosen after pricing.
        exporter: asked first whether it can render the result; nothing is stored if it cannot.
        Raises CustomerNotFoundError, ServiceNotFoundError, AmountTooLargeError.
        """
        access = access or Access.everything()
        with self.prepare(customer_id, period, services=services, access=access) as prepared:
            if exporter is not None:
                exporter.check(prepared.content)
            with self._storage.transaction(access) as tx:
                return self.file(prepared, tx)

    def prepare(
        self,
        customer_id: int,
        period: BillingPeriod,
        *,
        services: Collection[int] | None = None,
        access: Access | None = None,
    ) -> PreparedReport:
        """Price a customer's period from one consistent view; the result is spooled, not stored."""
        with self._storage.snapshot(access or Access.everything()) as view:
            customer = view.customers.find(customer_id)
            names = {service.id: service.name for service in view.services.page(Slice())}
            chosen = tuple(sorted(set(services))) if services else None
            for service_id in chosen or ():
                if service_id not in names:
                    raise ServiceNotFoundError(service_id)
            writer = ReportWriter(customer, names, chosen)
            try:
                self._price(view, writer, customer.id, customer.decimals, period)
                return writer.finish(period, self._letterhead)
            except BaseException:
                writer.close()
                raise

    def file(self, prepared: PreparedReport, tx: Repositories) -> ReportHeadline:
        """Store a prepared report in the caller's transaction."""
        return tx.reports.file(prepared, self._clock.now().replace(microsecond=0))

    def _price(
        self,
        view: Repositories,
        writer: ReportWriter,
        customer_id: int,
        decimals: int,
        period: BillingPeriod,
    ) -> None:
        pricings = price_timeline(view.rate_cards.of_customer(customer_id), period, decimals)
        fields = frozenset().union(*(pricing.reads for _, pricing in pricings))
        current = iter(pricings)
        _, pricing = next(current)
        following = next(current, None)
        for order in view.orders.placed_in(customer_id, period, fields):
            assert order.order_date is not None  # Orders placed in a period are dated.
            while following is not None and following[0] <= order.order_date:
                pricing = following[1]
                following = next(current, None)
            writer.add(order, cost_order(order, pricing), pricing)


def price_timeline(
    cards: Sequence[RateCard], period: BillingPeriod, decimals: int
) -> list[tuple[date, Pricing]]:
    """Return the pricings of a period, each with its first day, ascending; the first holds from
    the period's start on.

    A customer without any card is billed its recorded charges only; one with cards, but none in
    force on an order's day, has orders that need attention.
    """
    latest: dict[date, RateCard] = {}
    for card in sorted(cards, key=lambda card: (card.effective_from, card.id)):
        latest[max(card.effective_from, period.start)] = card
    timeline = [
        (day, compile_card(card, decimals)) for day, card in latest.items() if day <= period.end
    ]
    if not timeline or timeline[0][0] > period.start:
        unpriced = NO_CARD if cards else None
        timeline.insert(0, (period.start, compile_card(None, decimals, unpriced=unpriced)))
    return timeline
