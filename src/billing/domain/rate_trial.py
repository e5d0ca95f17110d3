"""RateTrial: what an order would cost and why, without storing anything."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from billing.domain.access import Access
from billing.domain.bulk_intake import InvalidRowError
from billing.domain.catalog import Customer
from billing.domain.costs import compile_card
from billing.domain.errors import CustomerNotFoundError, InvalidValueError
from billing.domain.explanation import Explanation, explain_order
from billing.domain.fields import is_id
from billing.domain.money import check_minor, to_minor
from billing.domain.order_rows import OrderRows
from billing.domain.orders import Order
from billing.domain.ports import Clock, Repositories, Storage
from billing.domain.rate_book import check_rates
from billing.domain.rates import DRAFT, Rate, RateCard, card_in_force
from billing.domain.report_generator import NO_CARD, products_for


class RateTrial:
    """Tries rates on an order with the code that bills."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock

    def run(
        self,
        customer_id: int,
        row: Mapping[str, object],
        rates: tuple[Rate, ...] | None = None,
        *,
        access: Access | None = None,
    ) -> Explanation:
        """Return what an order would cost, as a row of the bulk intake without its key.

        rates: a draft card; None takes the card in force on the order's date, today's if it has
        none. Raises CustomerNotFoundError, ServiceNotFoundError, InvalidRowError.
        """
        with self._storage.snapshot(access or Access.everything()) as view:
            try:
                customer = view.customers.find(customer_id)
            except CustomerNotFoundError:
                OrderRows().check_shape(row)  # What is wrong with the input is said first.
                raise
            order = _order(view, customer, row)
            card = self._card(view, customer, order, rates)
            products = products_for(view, customer_id, card.rates if card else ())
            cards = rates is None and view.rate_cards.of_customer(customer_id)
            unpriced = NO_CARD if card is None and cards else None
            pricing = compile_card(card, customer.decimals, products=products, unpriced=unpriced)
            explanation = explain_order(order, pricing)
            check_minor(to_minor(explanation.total_amount, customer.decimals), "The order's total")
            named = view.services.known(explanation.services)
            return explanation.with_names({key: named[key].name for key in named})

    def _card(
        self,
        view: Repositories,
        customer: Customer,
        order: Order,
        rates: tuple[Rate, ...] | None,
    ) -> RateCard | None:
        now = self._clock.now()
        today = now.astimezone(ZoneInfo(customer.time_zone)).date()
        day = order.order_date or today
        if rates is None:
            return card_in_force(view.rate_cards.of_customer(customer.id), day)
        check_rates(view, customer, rates)
        return RateCard(DRAFT, customer.id, day, now, rates)


def _order(view: Repositories, customer: Customer, row: Mapping[str, object]) -> Order:
    """Read the order by the intake's own rules; the customer is the one asked about."""
    given = row.get("customer_id")
    if given is not None and (not is_id(given) or given != customer.id):
        problem = "Must be the customer of the path, or left out."
        raise InvalidRowError(InvalidValueError(problem, field="order.customer_id"))
    named = {**row, "customer_id": customer.id}
    if row.get("order_id") is None and row.get("transaction_id") is None:
        named = {name: value for name, value in named.items() if name != "transaction_id"}
        named["order_id"] = 1  # It has no key yet, and needs none to be priced.
    (verdict,) = OrderRows().read(view, [named])
    if isinstance(verdict, InvalidRowError):
        raise InvalidRowError(*(problem.at("order") for problem in verdict.problems))
    return verdict
