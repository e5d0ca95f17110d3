"""RunQueue: how workers elsewhere hear of items that wait; its docstring is the contract."""

from collections.abc import Sequence
from typing import Protocol

from billing.domain.billing_run import ItemKey


class RunQueue(Protocol):
    """Carries hints that items wait.

    A hint may come late, twice or never: the rows alone decide who works on what, and
    `RunControl.sweep` gives the hints again that were lost.
    """

    def hint(self, items: Sequence[ItemKey], /) -> None:
        """Tell workers that these items wait; called when they are committed."""


class NoHints:
    """The queue of workers that look at the storage by themselves."""

    def hint(self, items: Sequence[ItemKey], /) -> None:
        """Tell nobody."""
