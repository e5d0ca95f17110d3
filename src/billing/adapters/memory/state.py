"""State: all that is stored, as dictionaries that nobody changes in place.

A writer copies the ones it touches and the commit swaps the whole state at once, so a snapshot
is just a reference to a state.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import NamedTuple, TypeVar

from billing.domain.access import Access
from billing.domain.audit import AuditEntry
from billing.domain.billing_run import ItemState, NewItem, RunState
from billing.domain.catalog import Customer, Product, Service
from billing.domain.costs import ServiceTotal
from billing.domain.errors import CustomerNotFoundError
from billing.domain.orders import Order
from billing.domain.pages import Page, Section
from billing.domain.rates import RateCard
from billing.domain.report import ReportHeadline
from billing.domain.report_query import Slice
from billing.domain.run_request import RunRequest
from billing.domain.tokens import IssuedToken, Revocation, Revoked

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StoredReport:
    """A filed report: its headline, totals and pages."""

    headline: ReportHeadline
    totals: tuple[ServiceTotal, ...]
    letterhead: str
    pages: dict[Section, tuple[Page, ...]]


class KeyUse(NamedTuple):
    """How an idempotency key was used; the report is there once it is filed."""

    body_sha256: str
    report_id: int | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run's own row."""

    id: int
    request: RunRequest
    created_at: datetime
    state: RunState = RunState.QUEUED
    started_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StoredItem:
    """An item of a run. place: when it is taken; leased_until: of this process's clock, in ms."""

    new: NewItem
    place: int
    state: ItemState = ItemState.QUEUED
    attempt: int = 0
    tries: int = 0
    leased_until: int = 0
    report_id: int | None = None
    error: str | None = None
    milliseconds: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """Everything at one moment."""

    customers: dict[int, Customer] = field(default_factory=dict)
    currency_fixed: frozenset[int] = frozenset()
    services: dict[int, Service] = field(default_factory=dict)
    products: dict[tuple[int, str], Product] = field(default_factory=dict)
    orders: dict[int, dict[int, Order]] = field(default_factory=dict)
    rate_cards: dict[int, RateCard] = field(default_factory=dict)
    reports: dict[int, StoredReport] = field(default_factory=dict)
    idempotency_keys: dict[tuple[str, ...], KeyUse] = field(default_factory=dict)
    tokens: dict[str, IssuedToken] = field(default_factory=dict)
    revocations: dict[tuple[Revoked, str], Revocation] = field(default_factory=dict)
    claims: dict[int, dict[int, int]] = field(default_factory=dict)
    audit: tuple[AuditEntry, ...] = ()
    runs: dict[int, StoredRun] = field(default_factory=dict)
    run_items: dict[int, dict[int, StoredItem]] = field(default_factory=dict)


class Unit:
    """One transaction's own state and what its caller may see."""

    def __init__(self, state: State, access: Access) -> None:
        self.state = state
        self.access = access

    def require(self, customer_id: int) -> Customer:
        """Return a visible customer, or raise CustomerNotFoundError."""
        if customer_id in self.state.customers and self.access.allows(customer_id):
            return self.state.customers[customer_id]
        raise CustomerNotFoundError(customer_id)


class MemoryRepository:
    """A repository over one transaction's state."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit


def part_of(entries: Iterable[T], part: Slice) -> Iterator[T]:
    """Return the asked part of an ordered list."""
    end = None if part.limit is None else part.offset + part.limit
    return islice(entries, part.offset, end)
