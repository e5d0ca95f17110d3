"""RunObserver: who is told how runs and their items end; its docstring is the contract."""

from typing import Protocol

DONE = "done"
FAILED = "failed"
PUT_BACK = "put_back"
DROPPED = "dropped"
OUTCOMES = (DONE, FAILED, PUT_BACK, DROPPED)
"""How an attempt at an item ends; a dropped one was taken over, or its run was cancelled."""


class RunObserver(Protocol):
    """Counts what was done; it is told after the commit and must not raise."""

    def attempt_ended(self, outcome: str, milliseconds: int, /) -> None:
        """Note one attempt at an item: how it ended, and how long it took."""

    def items_given_up(self, items: int, /) -> None:
        """Note items that failed because they were tried too often."""

    def run_ended(self, state: str, milliseconds: int, /) -> None:
        """Note a run that is done or failed, and how long it took from its first item on."""


class Unobserved:
    """The observer of an application that counts nothing."""

    def attempt_ended(self, outcome: str, milliseconds: int, /) -> None:
        """Note nothing."""

    def items_given_up(self, items: int, /) -> None:
        """Note nothing."""

    def run_ended(self, state: str, milliseconds: int, /) -> None:
        """Note nothing."""
