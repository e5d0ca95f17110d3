"""Repositories: what a transaction finds and keeps; each docstring is the contract of its adapters.

They know only the customers of the Access that the transaction was opened with.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from billing.domain.catalog import Customer, Product, Service
from billing.domain.costs import ServiceTotal
from billing.domain.customer_summary import CustomerSummary
from billing.domain.document import FilableReport
from billing.domain.pages import Page, Section
from billing.domain.rates import Rate, RateCard
from billing.domain.report import ReportHeadline, ReportStatus
from billing.domain.report_query import ReportQuery, Slice


class Outcome(StrEnum):
    """What saving an object did."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


class CustomerRepository(Protocol):
    """The customers that this transaction may see."""

    def find(self, customer_id: int, /) -> Customer:
        """Return the customer, or raise CustomerNotFoundError."""

    def known(self, customer_ids: Collection[int], /) -> dict[int, Customer]:
        """Return those of the customers that exist, in one statement."""

    def held(self, customer_ids: Collection[int], /) -> dict[int, Customer]:
        """Return those that exist, as `known` does, and make other writers wait as `hold` does."""

    def save(self, customer: Customer, /) -> Outcome:
        """Insert or replace a customer.

        Raises CustomerNotFoundError for one outside the access, CurrencyFixedError when the
        currency differs after `fix_currency`.
        """

    def hold(self, customer_id: int, /) -> Customer:
        """Return the customer and make other writers that hold it wait for this transaction.

        Raises CustomerNotFoundError.
        """

    def fix_currency(self, customer_ids: Collection[int], /) -> None:
        """Say that amounts in these customers' currencies exist from now on."""

    def page(self, part: Slice, /) -> Iterator[Customer]:
        """Return customers by ascending id."""

    def count(self) -> int:
        """Return how many customers there are."""


class ServiceRepository(Protocol):
    """The services; they belong to everyone."""

    def find(self, service_id: int, /) -> Service:
        """Return the service, or raise ServiceNotFoundError."""

    def known(self, service_ids: Collection[int], /) -> dict[int, Service]:
        """Return those of the services that exist, in one statement."""

    def held(self, service_ids: Collection[int], /) -> dict[int, Service]:
        """Return those that exist, as `known` does, and make others that save or hold them wait."""

    def save(self, service: Service, /) -> Outcome:
        """Insert or replace a service."""

    def page(self, part: Slice, /) -> Iterator[Service]:
        """Return services by ascending id."""

    def count(self) -> int:
        """Return how many services there are."""


class ProductRepository(Protocol):
    """The products of the customers that this transaction may see, by normalised SKU."""

    def known(self, keys: Collection[tuple[int, str]], /) -> dict[tuple[int, str], Product]:
        """Return those that exist, by customer and normalised SKU, in one statement."""

    def save(self, products: Sequence[Product], /) -> list[Outcome]:
        """Insert or replace products, none given twice; one outcome each, in their order."""

    def units_per_case(self, customer_id: int, /) -> dict[str, int]:
        """Return the units per case of a customer's products by normalised SKU."""

    def page(self, customer_id: int | None, part: Slice, /) -> Iterator[Product]:
        """Return products by customer, then by normalised SKU in the order of code points."""

    def count(self, customer_id: int | None, /) -> int:
        """Return how many products `page` would return in all."""


class RateCardRepository(Protocol):
    """The rate cards of the customers that this transaction may see; none ever changes."""

    def add(
        self,
        customer_id: int,
        effective_from: date,
        rates: tuple[Rate, ...],
        created_at: datetime,
        /,
    ) -> RateCard:
        """Store a new card and return it with its id."""

    def find(self, card_id: int, /) -> RateCard:
        """Return a card by its id, or raise RateCardNotFoundError."""

    def of_customer(self, customer_id: int, /) -> list[RateCard]:
        """Return all cards, newest first: by effective_from, then id, descending."""

    def newest(self) -> dict[int, int]:
        """Return the highest id of each customer's cards.

        Cards of one customer are stored in the order of their ids: later ones have higher ids.
        """


class ReportRepository(Protocol):
    """Filed reports of the customers this transaction may see. Ids increase, never reused."""

    def file(self, report: FilableReport, created_at: datetime, /) -> ReportHeadline:
        """Store a report as a draft, whole, and return its headline with the new id."""

    def find(self, report_id: int, /) -> ReportHeadline:
        """Return the report's headline as filed, or raise ReportNotFoundError."""

    def totals(self, report_id: int, /) -> tuple[tuple[ServiceTotal, ...], str]:
        """Return the totals by service and the letterhead, or raise ReportNotFoundError."""

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
        """Return up to `limit` pages of a section with numbers above `after`, in order.

        holding: only pages whose order ids reach over this one. There are none of a report that
        this transaction may not see.
        """

    def page(self, query: ReportQuery, part: Slice, /) -> Iterator[ReportHeadline]:
        """Stream the reports that the query asks for, in its order."""

    def count(self, query: ReportQuery, /) -> int:
        """Return how many reports the query asks for."""

    def move(self, report_id: int, before: ReportStatus, after: ReportStatus, /) -> bool:
        """Change a report's status, if it is `before` still, and tell whether it was.

        The only change that a report ever sees; nothing else of it does. Raises ReportMoveError
        when `before` may not become `after`, ReportNotFoundError.
        """

    def summaries(self, customer_id: int | None, /) -> list[CustomerSummary]:
        """Return what `customer_summary.summarise` makes of the reports, by customer or all."""
