"""ReportGenerator: the use case that writes: price a customer's period, then file the report."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial

from billing.domain.access import Access
from billing.domain.catalog import Customer
from billing.domain.comparison import Comparison
from billing.domain.costs import Pricing, compile_card, cost_order, needs_products
from billing.domain.errors import ServiceNotFoundError
from billing.domain.measures import UnitsPerCase
from billing.domain.orders import Order
from billing.domain.period import BillingPeriod
from billing.domain.ports import Clock, ReportExporter, Repositories, Storage
from billing.domain.rate_book import check_rates
from billing.domain.rates import DRAFT, Rate, RateCard
from billing.domain.report import ReportHeadline
from billing.domain.report_query import Slice
from billing.domain.report_writer import PreparedReport, ReportWriter, chosen
from billing.domain.retries import retried

NO_CARD = "no rate card is in force on the order's date"

Timeline = Sequence[tuple[date, Pricing]]
"""The pricings of a period, each with its first day, ascending; the first covers its start."""

_Placed = Callable[[Collection[str]], Iterator[Order]]
"""Streams the orders that are billed, by date, with the fields that are asked for."""


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
        only_unbilled: bool = False,
        access: Access | None = None,
        exporter: ReportExporter | None = None,
    ) -> ReportHeadline:
        """Bill a customer's period and file the report as a draft.

        services: bills only these (None or empty: all), chosen after pricing.
        only_unbilled: leaves out the orders that a final report claims.
        exporter: asked first whether it can render the result; nothing is stored if it cannot.
        Raises CustomerNotFoundError, ServiceNotFoundError, AmountTooLargeError.
        """
        access = access or Access.everything()
        with self.prepare(
            customer_id, period, services=services, only_unbilled=only_unbilled, access=access
        ) as prepared:
            if exporter is not None:
                exporter.check(prepared.content)
            return retried(partial(self._file_alone, prepared, access))

    def prepare(
        self,
        customer_id: int,
        period: BillingPeriod,
        *,
        services: Collection[int] | None = None,
        rates: tuple[Rate, ...] | None = None,
        only_unbilled: bool = False,
        access: Access | None = None,
        cards_up_to: int | None = None,
    ) -> PreparedReport:
        """Price a customer's period from one consistent view; the result is spooled, not stored.

        rates: price the whole period by this draft card, and compare with the cards in force;
        such a report can be looked at but never filed.
        only_unbilled: the report is about the orders that no final report claims, as if there
        were no others; it becomes final, and proves itself, as any does.
        cards_up_to: the newest rate card that is taken into account; None takes all.
        """
        with self._storage.snapshot(access or Access.everything()) as view:
            customer = view.customers.find(customer_id)
            names = {service.id: service.name for service in view.services.page(Slice())}
            writer = ReportWriter(customer, names, _only(services, names))
            placed: _Placed = partial(
                view.orders.placed_in, customer.id, period, unclaimed=only_unbilled
            )
            try:
                timeline = timeline_of(view, customer, period, cards_up_to)
                if rates is None:
                    _price(writer, placed, timeline)
                    return writer.finish(period, self._letterhead)
                draft = self._draft(view, customer, period, rates)
                comparison = _compare(writer, placed, timeline, draft)
                return writer.finish(
                    period, self._letterhead, comparison.as_json(names, customer.decimals)
                )
            except BaseException:
                writer.close()
                raise

    def file(self, prepared: PreparedReport, tx: Repositories) -> ReportHeadline:
        """Store a prepared report in the caller's transaction."""
        if prepared.comparison is not None:
            raise ValueError("A report priced by a draft card is never filed.")
        return tx.reports.file(prepared, self._clock.now().replace(microsecond=0))

    def _file_alone(self, prepared: PreparedReport, access: Access) -> ReportHeadline:
        with self._storage.transaction(access) as tx:
            return self.file(prepared, tx)

    def _draft(
        self,
        view: Repositories,
        customer: Customer,
        period: BillingPeriod,
        rates: tuple[Rate, ...],
    ) -> Pricing:
        check_rates(view, customer, rates)
        card = RateCard(DRAFT, customer.id, period.start, self._clock.now(), rates)
        products = products_for(view, customer.id, rates)
        return compile_card(card, customer.decimals, products=products)


def _only(services: Collection[int] | None, names: Mapping[int, str]) -> tuple[int, ...] | None:
    """Return the services that are billed alone, or None for all."""
    only = tuple(sorted(set(services))) if services else None
    for service_id in only or ():
        if service_id not in names:
            raise ServiceNotFoundError(service_id)
    return only


def _price(writer: ReportWriter, placed: _Placed, timeline: Timeline) -> None:
    walk = _Walk(timeline)
    for order in placed(walk.reads):
        pricing = walk.on(order.order_date)
        writer.add(order, cost_order(order, pricing), pricing)


def _compare(
    writer: ReportWriter, placed: _Placed, timeline: Timeline, draft: Pricing
) -> Comparison:
    walk, only = _Walk(timeline), writer.services
    comparison = Comparison()
    for order in placed(walk.reads | draft.reads):
        current = cost_order(order, walk.on(order.order_date))
        tried = cost_order(order, draft)
        comparison.add(order.order_id, chosen(current, only), chosen(tried, only))
        writer.add(order, tried, draft)
    return comparison


class _Walk:
    """Goes along a timeline with orders that come by ascending date."""

    def __init__(self, timeline: Timeline) -> None:
        self.reads: frozenset[str] = frozenset().union(*(p.reads for _, p in timeline))
        self._later = iter(timeline)
        _, self._pricing = next(self._later)
        self._next = next(self._later, None)

    def on(self, day: date | None) -> Pricing:
        """Return the pricing of a day, which is never before the one asked last."""
        assert day is not None  # Orders placed in a period are dated.
        while self._next is not None and self._next[0] <= day:
            self._pricing = self._next[1]
            self._next = next(self._later, None)
        return self._pricing


def timeline_of(
    view: Repositories,
    customer: Customer,
    period: BillingPeriod,
    cards_up_to: int | None = None,
) -> Timeline:
    """Return the pricings of a customer's period from its cards and products.

    cards_up_to: the newest card that counts; ids increase, so later ones did not exist then.
    """
    cards = [
        card
        for card in view.rate_cards.of_customer(customer.id)
        if cards_up_to is None or card.id <= cards_up_to
    ]
    rates = [rate for card in cards for rate in card.rates]
    products = products_for(view, customer.id, rates)
    return price_timeline(cards, period, customer.decimals, products)


def products_for(view: Repositories, customer_id: int, rates: Iterable[Rate]) -> UnitsPerCase:
    """Return the customer's products if these rates look at them."""
    return view.products.units_per_case(customer_id) if needs_products(rates) else {}


def price_timeline(
    cards: Sequence[RateCard], period: BillingPeriod, decimals: int, products: UnitsPerCase
) -> Timeline:
    """Return the pricings of a period.

    A customer without any card is billed its recorded charges only; one with cards, but none in
    force on an order's day, has orders that need attention.
    """
    latest: dict[date, RateCard] = {}
    for card in sorted(cards, key=lambda card: (card.effective_from, card.id)):
        latest[max(card.effective_from, period.start)] = card
    timeline = [
        (day, compile_card(card, decimals, products=products))
        for day, card in latest.items()
        if day <= period.end
    ]
    if not timeline or timeline[0][0] > period.start:
        unpriced = NO_CARD if cards else None
        timeline.insert(0, (period.start, compile_card(None, decimals, unpriced=unpriced)))
    return timeline
