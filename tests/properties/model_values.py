"""What the model keeps and asks: orders as rows, reports, and what is compared of them."""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

Row = dict[str, Any]
Key = tuple[int, int]
Days = tuple[str, str]
PERSONAL = ("notes", "ship_to_name")
KEPT = ("order_date", "status", "charges")
"""What any report's evidence has of an order."""

READ = ("items", "notes")
"""What it has where a rate reads it."""

CURRENCY = {1: "USD", 2: "JPY"}


class Refused(Exception):  # noqa: N818 the application's word
    """A refusal, by the name of its class."""


class Seen(NamedTuple):
    """What is compared of a report."""

    id: int
    customer_id: int
    customer_name: str
    status: str
    total: Fraction
    order_count: int
    exception_count: int


@dataclass
class Report:
    """A report: its orders' amounts, its exceptions, and the rows that it was made of."""

    id: int
    customer_id: int
    customer_name: str
    days: Days
    services: tuple[int, ...] | None
    rows: dict[int, Row]
    status: str = "draft"
    amounts: dict[int, Fraction] = field(default_factory=dict)
    exceptions: set[int] = field(default_factory=set)

    @property
    def seen(self) -> Seen:
        """What is compared of it."""
        total = sum(self.amounts.values(), Fraction(0))
        counts = len(self.amounts), len(self.exceptions)
        return Seen(self.id, self.customer_id, self.customer_name, self.status, total, *counts)

    @property
    def held(self) -> list[int]:
        """The orders that it claims once it is final."""
        return [order_id for order_id, row in self.rows.items() if not is_cancelled(row)]


class Ask(NamedTuple):
    """What is asked for when a report is made."""

    customer_id: int
    days: Days
    services: tuple[int, ...] | None = None
    only_unbilled: bool = False


class Terms(NamedTuple):
    """On what terms a report is to be final."""

    accept: bool = False
    reason: str | None = None
    supersedes: int | None = None


def is_cancelled(row: Row) -> bool:
    """Tell whether an order is billed nowhere."""
    return bool(row["status"] == "Cancelled")
