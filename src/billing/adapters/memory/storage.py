"""MemoryStorage: transactions and snapshots over the state in this process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from billing.adapters.memory.catalog import MemoryCustomers, MemoryRateCards, MemoryServices
from billing.adapters.memory.idempotency import MemoryIdempotencyKeys
from billing.adapters.memory.lifecycle import MemoryAuditTrail, MemoryClaims
from billing.adapters.memory.orders import MemoryOrders
from billing.adapters.memory.products import MemoryProducts
from billing.adapters.memory.reports import MemoryReports
from billing.adapters.memory.run_work import MemoryRunWork
from billing.adapters.memory.runs import MemoryRuns
from billing.adapters.memory.state import State, Unit
from billing.adapters.memory.tokens import MemoryTokens
from billing.domain.access import Access


class MemoryRepositories:
    """The repositories of one transaction."""

    def __init__(self, unit: Unit) -> None:
        self.customers = MemoryCustomers(unit)
        self.services = MemoryServices(unit)
        self.products = MemoryProducts(unit)
        self.orders = MemoryOrders(unit)
        self.rate_cards = MemoryRateCards(unit)
        self.reports = MemoryReports(unit)
        self.idempotency_keys = MemoryIdempotencyKeys(unit)
        self.tokens = MemoryTokens(unit)
        self.runs = MemoryRuns(unit)
        self.run_work = MemoryRunWork(unit)
        self.claims = MemoryClaims(unit)
        self.audit = MemoryAuditTrail(unit)


class MemoryStorage:
    """Keeps everything in this process and forgets it with the process."""

    def __init__(self) -> None:
        self._state = State()
        self._writers = threading.RLock()

    @contextmanager
    def transaction(self, access: Access, /) -> Iterator[MemoryRepositories]:
        """Open a writing transaction; writers take turns."""
        with self._writers:
            unit = Unit(self._state, access)
            yield MemoryRepositories(unit)
            self._state = unit.state

    @contextmanager
    def snapshot(self, access: Access, /) -> Iterator[MemoryRepositories]:
        """Open a reading view of the present state."""
        yield MemoryRepositories(Unit(self._state, access))

    def check(self) -> None:
        """Memory is always there."""
