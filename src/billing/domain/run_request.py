"""RunRequest: what a billing run is asked to do."""

import hashlib
from dataclasses import dataclass, field
from typing import NamedTuple

from billing.domain.audit import Author
from billing.domain.period import BillingPeriod
from billing.domain.strict_json import dumps

UNKNOWN = Author("unknown")
"""The author where nobody is told."""


class RunOptions(NamedTuple):
    """How each customer of a run is billed.

    services: only these, as generate does; None bills all. only_unbilled: the orders that no final
    report claims. finalize: makes each report final at once.
    """

    services: tuple[int, ...] | None = None
    only_unbilled: bool = False
    finalize: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What a run was asked to do.

    customers: those that were named; None takes all that have orders in the period.
    within: the customers that exist for the caller; None means every one.
    options: how each customer is billed. author: who starts it, whose name final reports bear.
    """

    period: BillingPeriod
    customers: tuple[int, ...] | None = None
    within: tuple[int, ...] | None = None
    options: RunOptions = field(default_factory=RunOptions)
    author: Author = UNKNOWN

    @property
    def key(self) -> str:
        """The same for the same request, whoever makes it: SHA-256 in hex.

        One live run has it at most.
        """
        text = dumps(
            {
                "start_date": self.period.start.isoformat(),
                "end_date": self.period.end.isoformat(),
                "customers": self.customers,
                "within": self.within if self.customers is None else None,
                **self.options._asdict(),
            }
        )
        return hashlib.sha256(text.encode()).hexdigest()
