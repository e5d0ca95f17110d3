"""OpenTransaction: lets what opens a transaction of its own work in one that is open already."""

from contextlib import AbstractContextManager, nullcontext

from billing.domain.access import Access
from billing.domain.ports import Repositories


class OpenTransaction:
    """A storage whose every transaction is the one that it is given.

    It commits with that one and has its access; whoever opened it decides about both.
    """

    def __init__(self, tx: Repositories) -> None:
        self._tx = tx

    def transaction(self, _: Access, /) -> AbstractContextManager[Repositories]:
        """Return the open transaction; leaving it ends nothing."""
        return nullcontext(self._tx)

    def snapshot(self, _: Access, /) -> AbstractContextManager[Repositories]:
        """Return the open transaction: it sees what it wrote."""
        return nullcontext(self._tx)
