"""Access: the customers a caller may see and write."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Access:
    """Which customers exist for a caller.

    customers: their ids; None means every customer, of today and later.
    Storage hands out repositories that know no other customer, so no query can forget it.
    """

    customers: frozenset[int] | None

    @classmethod
    def everything(cls) -> "Access":
        """Return the access of the application itself: every customer."""
        return cls(None)

    @classmethod
    def only(cls, customers: Iterable[int]) -> "Access":
        """Return access to the named customers and to nothing else."""
        return cls(frozenset(customers))

    def allows(self, customer_id: int) -> bool:
        """Tell whether the customer exists for this caller."""
        return self.customers is None or customer_id in self.customers

    @property
    def is_everything(self) -> bool:
        """Tell whether no customer is hidden: what writing shared objects takes."""
        return self.customers is None
