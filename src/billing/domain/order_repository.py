"""OrderRepository: the orders that a transaction finds and keeps; its docstring is the contract."""

from collections.abc import Collection, Iterator, Sequence
from datetime import date
from typing import NamedTuple, Protocol

from billing.domain.orders import Order
from billing.domain.period import BillingPeriod
from billing.domain.report_query import Slice
from billing.domain.repositories import Outcome


class OrderPlace(NamedTuple):
    """Where an order stands among its customer's dated orders."""

    order_date: date
    order_id: int


class OrderRepository(Protocol):
    """The orders of the customers that this transaction may see."""

    def find(self, customer_id: int, order_id: int, /) -> Order:
        """Return the order, or raise OrderNotFoundError."""

    def known(
        self, customer_id: int, order_ids: Collection[int], fields: Collection[str], /
    ) -> dict[int, Order]:
        """Return those of the customer's orders that exist, by order id, in one statement.

        fields: see `placed_in`.
        """

    def placed_in(
        self,
        customer_id: int,
        period: BillingPeriod | None,
        fields: Collection[str],
        /,
        *,
        unclaimed: bool = False,
    ) -> Iterator[Order]:
        """Stream the customer's orders of a period by order_date, then order_id.

        period: None streams the orders that are in no period: those without a date.
        fields: the fields beyond key, reference, date, status and charges that the caller reads;
        others may come back as None. unclaimed: only orders that no final report claims,
        cancelled ones too. Memory stays bounded whatever the number of orders.
        """

    def counts_in(self, period: BillingPeriod, /, *, unbilled: bool = False) -> dict[int, int]:
        """Return how many orders each customer has in the period; those without are left out.

        unbilled: as in `page`.
        """

    def save(self, orders: Sequence[Order], /) -> list[Outcome]:
        """Insert or replace orders, none given twice; one outcome each, in their order."""

    def page(
        self,
        customer_id: int | None,
        start: date | None,
        end: date | None,
        part: Slice,
        /,
        *,
        unbilled: bool = False,
    ) -> Iterator[Order]:
        """Return orders by customer_id, then order_id; dates include both ends.

        unbilled: only orders that no final report claims, without cancelled ones.
        """

    def count(
        self,
        customer_id: int | None,
        start: date | None,
        end: date | None,
        /,
        *,
        unbilled: bool = False,
    ) -> int:
        """Return how many orders `page` would return in all."""

    def purge(
        self, customer_id: int, before: date, after: OrderPlace, limit: int, /
    ) -> tuple[int, OrderPlace | None]:
        """Set the PERSONAL_FIELDS to None of a customer's orders dated before a day.

        It looks at up to `limit` orders behind the place `after`, by order_date, then order_id.
        Returns how many it changed, and the place of the last one; None when there are no more.
        """

    def count_personal(self, customer_id: int, before: date, /) -> int:
        """Return how many orders `purge` would change in all."""
