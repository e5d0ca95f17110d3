"""SqlRunWork: the items of billing runs, for those who work on them.

A lease is by the database's own clock: workers' clocks do not matter.
"""

from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, Update, and_, exists, func, not_, or_, select, update
from sqlalchemy import literal_column as sql

from billing.adapters.sql.catalog import SqlRepository
from billing.adapters.sql.run_tables import run_items, runs
from billing.adapters.sql.runs import IS_LIVE_ITEM, IS_LIVE_RUN, options_from, visible_runs
from billing.domain.audit import Author
from billing.domain.billing_run import (
    MAX_TRIES,
    ItemKey,
    ItemState,
    RunState,
    StaleAttemptError,
    TakenItem,
)
from billing.domain.period import BillingPeriod

_MS = 1_000
_NOW_MS: dict[str, ColumnElement[int]] = {
    "sqlite": sql("CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"),
    # Not now(), which is when the transaction began.
    "postgresql": sql("CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"),
}
_ORDER = (run_items.c.place, run_items.c.run_id)
_LIVE = run_items.alias("live")
_IS_SPENT = not_(
    exists().where(
        _LIVE.c.run_id == runs.c.id, _LIVE.c.state.in_([ItemState.QUEUED, ItemState.RUNNING])
    )
)
"""The condition that a run has no live item left; made once, for that costs more than asking."""

_IS_TIRED = run_items.c.tries >= MAX_TRIES


class SqlRunWork(SqlRepository):
    """Items, for those who work on them."""

    def waiting(self, limit: int, /) -> list[ItemKey]:
        """Return up to `limit` items that can be taken: early items of all runs first."""
        return self._keys(not_(_IS_TIRED), limit)

    def backlog(self) -> tuple[int, int]:
        """Return how many live items wait, and how many are at work."""
        waits = func.count().filter(_idle(self._connection.dialect.name))
        statement = select(waits, func.count()).select_from(run_items.join(runs))
        counted = statement.where(IS_LIVE_ITEM, visible_runs(self._access))
        waiting, live = self._connection.execute(counted).one()
        return waiting, live - waiting

    def take(
        self, lease_seconds: int, now: datetime, /, *, key: ItemKey | None = None
    ) -> TakenItem | None:
        """Take the first item that waits, or the one named; None when there is none."""
        statement = _next(self._connection.dialect.name)
        if key is not None:
            statement = statement.where(_is(key))
        if not self._access.is_everything:
            statement = statement.where(visible_runs(self._access))
        row = self._connection.execute(statement).mappings().one_or_none()
        if row is None:
            return None
        taken = ItemKey(row["id"], row["customer_id"])
        attempt = row["attempt"] + 1
        changed = update(run_items).where(_is(taken))
        self._connection.execute(
            changed.values(
                state=ItemState.RUNNING.value,
                attempt=attempt,
                tries=run_items.c.tries + 1,
                leased_until=self._now_ms + lease_seconds * _MS,
            )
        )
        if row["state"] == RunState.QUEUED:
            self._begin(taken.run_id, now)
        period = BillingPeriod(row["start_date"], row["end_date"])
        author = Author(row["author"], row["request_id"])
        return TakenItem(taken, attempt, period, options_from(row), author, row["cards_up_to"])

    def renew(self, item: TakenItem, lease_seconds: int, /) -> bool:
        """Begin the lease anew; False when the item is not this attempt's any more."""
        leased_until = self._now_ms + lease_seconds * _MS
        return self._changed(_held(item).values(leased_until=leased_until))

    def finish(self, item: TakenItem, report_id: int, milliseconds: int, /) -> None:
        """Move the item to done, with its report."""
        self._end(item, ItemState.DONE, report_id=report_id, milliseconds=milliseconds)

    def fail(self, item: TakenItem, error: str, milliseconds: int, /) -> None:
        """Move the item to failed, with the reason."""
        self._end(item, ItemState.FAILED, error=error, milliseconds=milliseconds)

    def put_back(self, item: TakenItem, /) -> None:
        """Queue the item again, its tries counted."""
        self._end(item, ItemState.QUEUED)

    def tired(self) -> list[ItemKey]:
        """Return the items that nobody works on and that were tried too often."""
        return self._keys(_IS_TIRED)

    def give_up(self, error: str, /) -> int:
        """Fail the items that are tired, with this reason; say how many there were."""
        still = and_(_idle(self._connection.dialect.name), _IS_TIRED)
        failed = update(run_items).values(state=ItemState.FAILED.value, error=error)
        # Another process may be at the same items: each is counted by the one that failed it.
        return sum(self._changed(failed.where(_is(key), still)) for key in self._keys(_IS_TIRED))

    def unsettled(self) -> list[int]:
        """Return the ids of live runs that have no live item left."""
        statement = select(runs.c.id).where(IS_LIVE_RUN, _IS_SPENT, visible_runs(self._access))
        return list(self._connection.execute(statement.order_by(runs.c.id)).scalars())

    def settle(self, run_id: int, now: datetime, /) -> bool:
        """End a live run without live items: failed if an item is, done otherwise."""
        mine = and_(runs.c.id == run_id, visible_runs(self._access))
        # A retry under way holds this lock; what it queued is seen by the next statement.
        self._connection.execute(select(runs.c.id).where(mine).with_for_update()).all()
        failed = exists().where(run_items.c.run_id == run_id, run_items.c.state == ItemState.FAILED)
        any_failed = self._connection.execute(select(failed)).scalar_one()
        state = RunState.FAILED if any_failed else RunState.DONE
        ended = update(runs).where(mine, IS_LIVE_RUN, _IS_SPENT)
        started_at = func.coalesce(runs.c.started_at, now)
        return self._changed(
            ended.values(state=state.value, started_at=started_at, finished_at=now)
        )

    @property
    def _now_ms(self) -> ColumnElement[int]:
        return _NOW_MS[self._connection.dialect.name]

    def _keys(self, which: ColumnElement[bool], limit: int | None = None) -> list[ItemKey]:
        idle = _idle(self._connection.dialect.name)
        statement = select(run_items.c.run_id, run_items.c.customer_id).join(runs)
        statement = statement.where(idle, which, visible_runs(self._access))
        rows = self._connection.execute(statement.order_by(*_ORDER).limit(limit))
        return [ItemKey(*row) for row in rows]

    def _begin(self, run_id: int, now: datetime) -> None:
        """Say that the run is running; if somebody moves it just now, the next item says it."""
        queued = select(runs.c.id).where(runs.c.id == run_id, runs.c.state == RunState.QUEUED)
        free = queued.with_for_update(skip_locked=True)
        if self._connection.execute(free).one_or_none() is not None:
            begun = update(runs).where(runs.c.id == run_id)
            started_at = func.coalesce(runs.c.started_at, now)
            running = begun.values(state=RunState.RUNNING.value, started_at=started_at)
            self._connection.execute(running)

    def _end(self, item: TakenItem, to: ItemState, **changes: Any) -> None:
        if not self._changed(_held(item).values(state=to.value, **changes)):
            raise StaleAttemptError(item)

    def _changed(self, statement: Update) -> bool:
        return self._connection.execute(statement).rowcount == 1


@cache
def _idle(dialect: str) -> ColumnElement[bool]:
    """Return the condition that an item lives and nobody works on it."""
    queued = run_items.c.state == ItemState.QUEUED
    return and_(IS_LIVE_ITEM, or_(queued, run_items.c.leased_until <= _NOW_MS[dialect]))


@cache
def _next(dialect: str) -> Select[Any]:
    """Return the selection of the first item that waits, with its run."""
    columns = (run_items.c.customer_id, run_items.c.attempt, run_items.c.cards_up_to)
    return (
        select(runs, *columns)
        .select_from(run_items.join(runs, runs.c.id == run_items.c.run_id))
        .where(_idle(dialect), not_(_IS_TIRED))
        .order_by(*_ORDER)
        .limit(1)
        .with_for_update(of=run_items, skip_locked=True)
    )


def _is(key: ItemKey) -> ColumnElement[bool]:
    return and_(run_items.c.run_id == key.run_id, run_items.c.customer_id == key.customer_id)


def _held(item: TakenItem) -> Update:
    """Return the update of an item as long as it is this attempt's."""
    running = run_items.c.state == ItemState.RUNNING
    return update(run_items).where(_is(item.key), running, run_items.c.attempt == item.attempt)
