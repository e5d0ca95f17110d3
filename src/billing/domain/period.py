"""BillingPeriod: the days a report covers."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from billing.domain.errors import StartAfterEndError

day_text: Callable[[date], str] = lru_cache(maxsize=1_000)(date.isoformat)
"""Write a day as YYYY-MM-DD; a report writes each of its few days by the thousand."""


@dataclass(frozen=True, slots=True)
class BillingPeriod:
    """A first and a last day, both included; one day is a period.

    Days, never instants: an order's day was settled in its customer's time zone when it came in.
    """

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.start > self.end:
            raise StartAfterEndError

    def __contains__(self, day: date) -> bool:
        """Tell whether the day is billed in this period."""
        return self.start <= day <= self.end
