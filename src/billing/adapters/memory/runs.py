"""MemoryRuns: billing runs and their items, for those who start and watch them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from billing.adapters.memory.state import (
    MemoryRepository,
    StoredItem,
    StoredRun,
    part_of,
)
from billing.domain.billing_run import (
    ITEM_MOVES,
    LIVE_ITEMS,
    LIVE_RUNS,
    RUN_MOVES,
    ItemState,
    NewItem,
    Run,
    RunClashError,
    RunItem,
    RunNotFoundError,
    RunState,
    Tally,
)
from billing.domain.report_query import Slice
from billing.domain.run_request import RunRequest


class MemoryRunRows(MemoryRepository):
    """What both repositories do with the rows."""

    def _visible(self, run_id: int) -> StoredRun | None:
        state, access = self._unit.state, self._unit.access
        if all(map(access.allows, state.run_items.get(run_id, ()))):
            return state.runs.get(run_id)
        return None

    def _all(self) -> list[StoredRun]:
        return [run for run_id in self._unit.state.runs if (run := self._visible(run_id))]

    def _items(self, run_id: int) -> dict[int, StoredItem]:
        return self._unit.state.run_items[run_id] if self._visible(run_id) else {}

    def _move_run(self, run: StoredRun, to: RunState, **changes: Any) -> None:
        assert run.state is to or to in RUN_MOVES[run.state]
        state = self._unit.state
        changed = replace(run, state=to, **changes)
        self._unit.state = replace(state, runs=state.runs | {run.id: changed})

    def _move(self, run_id: int, item: StoredItem, to: ItemState, **changes: Any) -> None:
        assert to in ITEM_MOVES[item.state] or item.state is to is ItemState.RUNNING
        self._put(run_id, replace(item, state=to, **changes))

    def _put(self, run_id: int, *items: StoredItem) -> None:
        state = self._unit.state
        changed = state.run_items.get(run_id, {}) | {item.new.customer_id: item for item in items}
        self._unit.state = replace(state, run_items=state.run_items | {run_id: changed})


class MemoryRuns(MemoryRunRows):
    """Runs, for those who start and watch them."""

    def add(self, request: RunRequest, items: Sequence[NewItem], created_at: datetime, /) -> int:
        self._check_free(request, [item.customer_id for item in items])
        state = self._unit.state
        run = StoredRun(len(state.runs) + 1, request, created_at)
        self._unit.state = replace(state, runs=state.runs | {run.id: run})
        self._put(run.id, *(StoredItem(item, place) for place, item in enumerate(items)))
        return run.id

    def living(self, request: RunRequest, /) -> int | None:
        live = (run for run in self._all() if run.state in LIVE_RUNS)
        return next((run.id for run in live if run.request.key == request.key), None)

    def find(self, run_id: int, /) -> Run:
        run = self._visible(run_id)
        if run is None:
            raise RunNotFoundError(run_id)
        return self._run(run)

    def page(self, part: Slice, /) -> Iterator[Run]:
        return map(self._run, part_of(reversed(self._all()), part))

    def count(self) -> int:
        return len(self._all())

    def items(self, run_id: int, part: Slice, /) -> Iterator[RunItem]:
        items = (
            RunItem(customer_id, item.state, item.report_id, item.error)
            for customer_id, item in sorted(self._items(run_id).items())
        )
        return part_of(items, part)

    def cancel(self, run_id: int, now: datetime, /) -> bool:
        run = self._visible(run_id)
        if run is None or run.state not in LIVE_RUNS:
            return False
        for item in list(self._items(run_id).values()):
            if item.state in LIVE_ITEMS:
                self._move(run_id, item, ItemState.CANCELLED)
        self._move_run(run, RunState.CANCELLED, finished_at=now)
        return True

    def retry(self, run_id: int, pins: Mapping[int, int], /) -> int:
        failed = {k: v for k, v in self._items(run_id).items() if v.state is ItemState.FAILED}
        run = self._visible(run_id)
        if run is None or run.state is RunState.CANCELLED or not failed:
            return 0
        self._check_free(run.request, list(failed), but=run_id)
        for customer_id, item in failed.items():
            new = item.new._replace(cards_up_to=pins.get(customer_id, 0))
            self._move(run_id, item, ItemState.QUEUED, new=new, tries=0, error=None)
        if run.state is RunState.FAILED:
            self._move_run(run, RunState.QUEUED, finished_at=None)
        return len(failed)

    def _check_free(
        self, request: RunRequest, customers: Sequence[int], *, but: int | None = None
    ) -> None:
        state = self._unit.state
        for run in state.runs.values():
            if run.id == but or run.state not in LIVE_RUNS:
                continue
            if run.request.period != request.period:
                continue
            items = state.run_items[run.id]
            for customer_id in customers:
                if customer_id in items and items[customer_id].state in LIVE_ITEMS:
                    raise RunClashError(customer_id, run.id if self._visible(run.id) else None)
            if run.request.key == request.key:
                raise RunClashError(customers[0], run.id if self._visible(run.id) else None)

    def _run(self, run: StoredRun) -> Run:
        state = self._unit.state
        tallies: dict[ItemState, Tally] = defaultdict(Tally)
        totals: dict[str, Decimal] = {}
        for item in state.run_items[run.id].values():
            add = Tally(1, item.new.orders, item.milliseconds)
            old = tallies[item.state]
            tallies[item.state] = Tally(*(a + b for a, b in zip(old, add, strict=True)))
            if item.report_id is not None:
                headline = state.reports[item.report_id].headline
                so_far = totals.get(headline.currency, Decimal(0))
                totals[headline.currency] = so_far + headline.total_amount
        return Run(
            id=run.id,
            period=run.request.period,
            options=run.request.options,
            state=run.state,
            created_at=run.created_at,
            started_at=run.started_at,
            finished_at=run.finished_at,
            tallies=dict(tallies),
            totals=totals,
        )
