"""Retries: work that another writer hindered is done again, a few times and not for long."""

import random
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from billing.domain.errors import StorageBusyError

TRIES = 3

SECONDS = 5
"""No try starts later than this after the first one: the caller is waiting too."""

PAUSES_MS = (50, 200)
"""The longest pauses before the second and the third try; they are as long as chance has it, so
that two writers who met once do not meet again."""

T = TypeVar("T")


def retried(work: Callable[[], T]) -> T:
    """Return what `work` returns; start it anew when StorageBusyError says that it was undone.

    `work` opens its own transaction and changes nothing else, so that each try begins where the
    first one did. Inside a transaction that is open already nothing is tried again: a storage says
    that it is busy where a transaction ends.
    """
    begun = time.monotonic()
    for longest in PAUSES_MS:
        try:
            return work()
        except StorageBusyError:
            if time.monotonic() - begun > SECONDS:
                raise
        pause = timedelta(milliseconds=random.randint(0, longest))  # noqa: S311 no secret
        time.sleep(pause.total_seconds())
    return work()
