"""MemoryRunWork: the items of billing runs, for those who work on them."""

import time
from dataclasses import replace
from datetime import datetime
from typing import Any

from billing.adapters.memory.runs import MemoryRunRows
from billing.adapters.memory.state import StoredItem, StoredRun
from billing.domain.billing_run import (
    LIVE_ITEMS,
    LIVE_RUNS,
    MAX_TRIES,
    ItemKey,
    ItemState,
    RunState,
    StaleAttemptError,
    TakenItem,
)

_MS = 1_000


class MemoryRunWork(MemoryRunRows):
    """Items, for those who work on them; leases are by this process's monotonic clock."""

    def waiting(self, limit: int, /) -> list[ItemKey]:
        return [key for key, _ in self._idle(tired=False)[:limit]]

    def backlog(self) -> tuple[int, int]:
        live = sum(
            item.state in LIVE_ITEMS
            for run in self._all()
            if run.state in LIVE_RUNS
            for item in self._items(run.id).values()
        )
        waiting = len(self._idle(tired=False)) + len(self._idle(tired=True))
        return waiting, live - waiting

    def take(
        self, lease_seconds: int, now: datetime, /, *, key: ItemKey | None = None
    ) -> TakenItem | None:
        found = next((one for one in self._idle(tired=False) if key in {None, one[0]}), None)
        if found is None:
            return None
        taken, item = found
        attempt = item.attempt + 1
        self._move(
            taken.run_id,
            item,
            ItemState.RUNNING,
            attempt=attempt,
            tries=item.tries + 1,
            leased_until=_now() + lease_seconds * _MS,
        )
        run = self._unit.state.runs[taken.run_id]
        if run.state is RunState.QUEUED:
            self._move_run(run, RunState.RUNNING, started_at=run.started_at or now)
        request = run.request
        pin = item.new.cards_up_to
        return TakenItem(taken, attempt, request.period, request.options, request.author, pin)

    def renew(self, item: TakenItem, lease_seconds: int, /) -> bool:
        stored = self._held(item)
        if stored is None:
            return False
        leased_until = _now() + lease_seconds * _MS
        self._put(item.key.run_id, replace(stored, leased_until=leased_until))
        return True

    def finish(self, item: TakenItem, report_id: int, milliseconds: int, /) -> None:
        self._end(item, ItemState.DONE, report_id=report_id, milliseconds=milliseconds)

    def fail(self, item: TakenItem, error: str, milliseconds: int, /) -> None:
        self._end(item, ItemState.FAILED, error=error, milliseconds=milliseconds)

    def put_back(self, item: TakenItem, /) -> None:
        self._end(item, ItemState.QUEUED)

    def tired(self) -> list[ItemKey]:
        return [key for key, _ in self._idle(tired=True)]

    def give_up(self, error: str, /) -> int:
        tired = self._idle(tired=True)
        for key, item in tired:
            self._move(key.run_id, item, ItemState.FAILED, error=error)
        return len(tired)

    def unsettled(self) -> list[int]:
        return [run.id for run in self._all() if self._is_unsettled(run)]

    def settle(self, run_id: int, now: datetime, /) -> bool:
        run = self._visible(run_id)
        if run is None or not self._is_unsettled(run):
            return False
        failed = any(item.state is ItemState.FAILED for item in self._items(run_id).values())
        self._move_run(run, RunState.FAILED if failed else RunState.DONE, finished_at=now)
        return True

    def _is_unsettled(self, run: StoredRun) -> bool:
        items = self._items(run.id).values()
        return run.state in LIVE_RUNS and not any(item.state in LIVE_ITEMS for item in items)

    def _idle(self, *, tired: bool) -> list[tuple[ItemKey, StoredItem]]:
        """Return the live items that nobody works on, early ones of all runs first."""
        now = _now()
        found = [
            (ItemKey(run.id, customer_id), item)
            for run in self._all()
            if run.state in LIVE_RUNS
            for customer_id, item in self._items(run.id).items()
            if item.state is ItemState.QUEUED
            or (item.state is ItemState.RUNNING and item.leased_until <= now)
        ]
        found = [(key, item) for key, item in found if (item.tries >= MAX_TRIES) == tired]
        return sorted(found, key=lambda one: (one[1].place, one[0].run_id))

    def _held(self, item: TakenItem) -> StoredItem | None:
        stored = self._items(item.key.run_id).get(item.key.customer_id)
        if stored and stored.state is ItemState.RUNNING and stored.attempt == item.attempt:
            return stored
        return None

    def _end(self, item: TakenItem, to: ItemState, **changes: Any) -> None:
        stored = self._held(item)
        if stored is None:
            raise StaleAttemptError(item)
        self._move(item.key.run_id, stored, to, **changes)


def _now() -> int:
    return time.monotonic_ns() // 1_000_000
