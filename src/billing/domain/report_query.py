"""Report queries: which reports, in what order, as data; this module defines their meaning."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from billing.domain.errors import InvalidValueError
from billing.domain.report import ReportHeadline

SORT_KEYS: dict[str, Callable[[ReportHeadline], Any]] = {
    "id": lambda headline: headline.id,
    "customer_id": lambda headline: headline.customer_id,
    "customer_name": lambda headline: headline.customer_name,
    "start_date": lambda headline: headline.period.start,
    "end_date": lambda headline: headline.period.end,
    "created_at": lambda headline: headline.created_at,
    "total_amount": lambda headline: headline.total_amount,
    "order_count": lambda headline: headline.order_count,
}


@dataclass(frozen=True, slots=True)
class ReportOrder:
    """An ordering: a field, then the id in the same direction. Text orders by code point."""

    field: str
    descending: bool = False

    @classmethod
    def read(cls, text: str) -> "ReportOrder":
        """Read `total_amount` or `-total_amount`, the latter descending."""
        field = text.removeprefix("-")
        if field not in SORT_KEYS:
            raise InvalidValueError(
                f"Invalid order_by: use one of {', '.join(SORT_KEYS)}, with - for descending.",
                field="order_by",
            )
        return cls(field, text.startswith("-"))

    def sort_key(self, headline: ReportHeadline) -> tuple[Any, int]:
        """Return what reports are ordered by."""
        return SORT_KEYS[self.field](headline), headline.id


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportQuery:
    """Which reports, and in what order; None asks nothing.

    start_date: periods that start on or after it; end_date: that end on or before it.
    created_after, created_before: created on or after, on or before that UTC day.
    """

    customer_id: int | None = None
    start_date: date | None = None
    end_date: date | None = None
    created_after: date | None = None
    created_before: date | None = None
    order_by: ReportOrder = ReportOrder("created_at", descending=True)

    def matches(self, headline: ReportHeadline) -> bool:
        """Tell whether the report is asked for."""
        created_on = headline.created_at.date()
        return (
            (self.customer_id is None or headline.customer_id == self.customer_id)
            and (self.start_date is None or headline.period.start >= self.start_date)
            and (self.end_date is None or headline.period.end <= self.end_date)
            and (self.created_after is None or created_on >= self.created_after)
            and (self.created_before is None or created_on <= self.created_before)
        )


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a list: `limit` entries (None: all the rest) from `offset` on."""

    offset: int = 0
    limit: int | None = None
