"""Claims: which final report an order is billed by; no order is held by two."""

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

from billing.domain.period import BillingPeriod


class Claim(NamedTuple):
    """An order, held by one final report."""

    order_id: int
    report_id: int


class ClaimRepository(Protocol):
    """The claims on the orders of the customers that this transaction may see."""

    def add(self, customer_id: int, report_id: int, order_ids: Sequence[int], /) -> list[Claim]:
        """Claim a customer's orders, none given twice, for a report, in few statements.

        Returns the claims that stand in the way, by order id: those of other reports on these
        orders, which they keep; all other orders are claimed then. However many transactions
        try at once, an order is held by one report. Raises CustomerNotFoundError outside the
        access.
        """

    def release(self, report_id: int, /) -> int:
        """Free all orders that a report holds and return how many they were."""

    def known(self, customer_id: int, order_ids: Collection[int], /) -> dict[int, int]:
        """Return the reports that hold these orders, by order id, in one statement."""

    def holders(self, customer_id: int, period: BillingPeriod, /) -> list[int]:
        """Return the reports that hold orders now dated in a period, or not dated, by id."""

    def count(self, report_id: int, /) -> int:
        """Return how many orders a report holds."""
