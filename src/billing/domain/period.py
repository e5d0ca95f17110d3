"""BillingPeriod: the days a report covers."""

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from billing.domain.errors import InvalidValueError, StartAfterEndError

MONTHS = 12
_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}", re.ASCII)

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


def read_month(value: object, /) -> BillingPeriod:
    """Return the period of a month given as YYYY-MM, from 0001-01 to 9999-12."""
    if isinstance(value, str) and _MONTH.fullmatch(value):
        year, month = map(int, value.split("-"))
        if year and 1 <= month <= MONTHS:
            last = calendar.monthrange(year, month)[1]
            return BillingPeriod(date(year, month, 1), date(year, month, last))
    raise InvalidValueError("Not a valid month: give it as YYYY-MM.")
