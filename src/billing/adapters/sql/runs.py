"""SqlRuns: billing runs and their items, for those who start and watch them.

Whoever changes a run and its items locks the run's row first.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ColumnElement,
    RowMapping,
    and_,
    bindparam,
    exists,
    func,
    insert,
    not_,
    select,
    true,
    update,
)
from sqlalchemy.exc import IntegrityError

from billing.adapters.sql.catalog import SqlRepository, sliced, visible
from billing.adapters.sql.mapping import join_amount
from billing.adapters.sql.run_tables import run_items, runs
from billing.adapters.sql.tables import reports
from billing.domain.access import Access
from billing.domain.billing_run import (
    LIVE_ITEMS,
    LIVE_RUNS,
    ItemState,
    NewItem,
    Run,
    RunClashError,
    RunItem,
    RunNotFoundError,
    RunState,
    Tally,
)
from billing.domain.period import BillingPeriod
from billing.domain.report_query import Slice
from billing.domain.run_request import RunOptions, RunRequest

RUNS_A_READ = 100
_ITEM = [run_items.c[name] for name in RunItem._fields]
IS_LIVE_RUN = runs.c.state.in_(sorted(LIVE_RUNS))
IS_LIVE_ITEM = run_items.c.state.in_(sorted(LIVE_ITEMS))


def visible_runs(access: Access) -> ColumnElement[bool]:
    """Return the condition that a run touches no customer outside the access."""
    if access.is_everything:
        return true()
    item = run_items.alias("touched")
    hidden = and_(item.c.run_id == runs.c.id, not_(visible(item.c.customer_id, access)))
    return not_(exists().where(hidden))


class SqlRuns(SqlRepository):
    """Runs, for those who start and watch them."""

    def add(self, request: RunRequest, items: Sequence[NewItem], created_at: datetime, /) -> int:
        """Queue a run and return its id."""
        self._check_free(request.period, {item.customer_id for item in items})
        values = _run_row(request) | {"created_at": created_at, "state": RunState.QUEUED.value}
        days = {"start_date": request.period.start, "end_date": request.period.end}
        new = {"state": "queued", "attempt": 0, "tries": 0, "leased_until": 0, "milliseconds": 0}
        places = sorted(enumerate(items), key=lambda entry: entry[1].customer_id)
        try:
            statement = insert(runs).values(values).returning(runs.c.id)
            run_id: int = self._connection.execute(statement).scalar_one()
            # By customer: two runs that overlap wait for each other instead of deadlocking.
            rows = [
                {"run_id": run_id, "place": place, **days, **new, **item._asdict()}
                for place, item in places
            ]
            self._connection.execute(insert(run_items), rows)
        except IntegrityError as error:
            raise RunClashError(items[0].customer_id, None) from error
        return run_id

    def living(self, request: RunRequest, /) -> int | None:
        """Return the id of the live run that the same request started, if there is one."""
        same = and_(runs.c.request_key == request.key, IS_LIVE_RUN, self._visible)
        return self._connection.execute(select(runs.c.id).where(same)).scalar_one_or_none()

    def find(self, run_id: int, /) -> Run:
        """Return the run with its tallies and totals, or raise RunNotFoundError."""
        statement = select(runs).where(runs.c.id == run_id, self._visible)
        row = self._connection.execute(statement).mappings().one_or_none()
        if row is None:
            raise RunNotFoundError(run_id)
        return next(self._read([row]))

    def page(self, part: Slice, /) -> Iterator[Run]:
        """Return runs, newest first."""
        statement = sliced(select(runs).where(self._visible).order_by(runs.c.id.desc()), part)
        rows = self._connection.execute(statement).mappings().partitions(RUNS_A_READ)
        for some in rows:
            yield from self._read(some)

    def count(self) -> int:
        """Return how many runs there are."""
        statement = select(func.count()).select_from(runs).where(self._visible)
        return self._connection.execute(statement).scalar_one()

    def items(self, run_id: int, part: Slice, /) -> Iterator[RunItem]:
        """Return the items of a run by customer."""
        of_run = select(*_ITEM).join(runs).where(runs.c.id == run_id, self._visible)
        statement = sliced(of_run.order_by(run_items.c.customer_id), part)
        for row in self._connection.execute(statement):
            yield RunItem(*row)._replace(state=ItemState(row.state))

    def cancel(self, run_id: int, now: datetime, /) -> bool:
        """End a live run and its live items."""
        if self._locked_state(run_id) not in LIVE_RUNS:
            return False
        cancelled = {"state": RunState.CANCELLED.value}
        live = and_(run_items.c.run_id == run_id, IS_LIVE_ITEM)
        self._connection.execute(update(run_items).where(live).values(cancelled))
        ended = update(runs).where(runs.c.id == run_id).values(finished_at=now, **cancelled)
        self._connection.execute(ended)
        return True

    def retry(self, run_id: int, pins: Mapping[int, int], /) -> int:
        """Queue the failed items of a run again and say how many there were."""
        state = self._locked_state(run_id)
        failed = and_(run_items.c.run_id == run_id, run_items.c.state == ItemState.FAILED)
        who = select(run_items.c.customer_id).where(failed).order_by(run_items.c.customer_id)
        customers = list(self._connection.execute(who).scalars())
        if state is None or state is RunState.CANCELLED or not customers:
            return 0
        days = select(runs.c.start_date, runs.c.end_date).where(runs.c.id == run_id)
        period = BillingPeriod(*self._connection.execute(days).one())
        self._check_free(period, set(customers))
        again = {"state": "queued", "tries": 0, "error": None}
        try:
            mine = and_(failed, run_items.c.customer_id == bindparam("customer"))
            pinned = update(run_items).where(mine).values(cards_up_to=bindparam("pin"), **again)
            rows = [{"customer": key, "pin": pins.get(key, 0)} for key in customers]
            self._connection.execute(pinned, rows)
            if state not in LIVE_RUNS:
                lives = update(runs).where(runs.c.id == run_id)
                self._connection.execute(lives.values(state="queued", finished_at=None))
        except IntegrityError as error:
            raise RunClashError(customers[0], None) from error
        return len(customers)

    @property
    def _visible(self) -> ColumnElement[bool]:
        return visible_runs(self._access)

    def _locked_state(self, run_id: int) -> RunState | None:
        """Lock the run against other moves and return its state; None if there is no such run."""
        statement = select(runs.c.state).where(runs.c.id == run_id, self._visible)
        state = self._connection.execute(statement.with_for_update()).scalar_one_or_none()
        return None if state is None else RunState(state)

    def _check_free(self, period: BillingPeriod, customers: set[int]) -> None:
        """Raise RunClashError for a customer whose period another run bills already."""
        busy = select(run_items.c.customer_id, run_items.c.run_id).where(
            IS_LIVE_ITEM,
            run_items.c.start_date == period.start,
            run_items.c.end_date == period.end,
        )
        for customer_id, run_id in self._connection.execute(busy):
            if customer_id in customers:
                seen = select(runs.c.id).where(runs.c.id == run_id, self._visible)
                raise RunClashError(
                    customer_id, self._connection.execute(seen).scalar_one_or_none()
                )

    def _read(self, rows: Sequence[RowMapping]) -> Iterator[Run]:
        ids = [row["id"] for row in rows]
        tallies = self._tallies(ids)
        totals = self._totals(ids)
        for row in rows:
            yield _run_from(row, tallies[row["id"]], totals[row["id"]])

    def _tallies(self, run_ids: list[int]) -> Mapping[int, dict[ItemState, Tally]]:
        columns = run_items.c
        sums = (func.sum(columns.orders), func.sum(columns.milliseconds))
        statement = (
            select(columns.run_id, columns.state, func.count(), *sums)
            .where(columns.run_id.in_(run_ids))
            .group_by(columns.run_id, columns.state)
        )
        found: dict[int, dict[ItemState, Tally]] = defaultdict(dict)
        for run_id, state, *counted in self._connection.execute(statement):
            found[run_id][ItemState(state)] = Tally(*map(int, counted))
        return found

    def _totals(self, run_ids: list[int]) -> Mapping[int, dict[str, Decimal]]:
        columns = run_items.c
        sums = (func.sum(reports.c.total_units), func.sum(reports.c.total_fraction))
        statement = (
            select(columns.run_id, reports.c.currency, *sums)
            .join(reports, reports.c.id == columns.report_id)
            .where(columns.run_id.in_(run_ids))
            .group_by(columns.run_id, reports.c.currency)
        )
        found: dict[int, dict[str, Decimal]] = defaultdict(dict)
        for run_id, currency, units, fraction in self._connection.execute(statement):
            found[run_id][currency] = join_amount(units, fraction, currency)
        return found


def options_from(row: RowMapping) -> RunOptions:
    """Return the options of a run."""
    services = None if row["services"] is None else tuple(json.loads(row["services"]))
    return RunOptions(services, row["only_unbilled"], row["finalize"])


def _run_row(request: RunRequest) -> dict[str, Any]:
    options = request.options
    return {
        "request_key": request.key,
        "start_date": request.period.start,
        "end_date": request.period.end,
        "author": request.author.name,
        "request_id": request.author.request_id,
        **options._asdict(),
        "services": None if options.services is None else json.dumps(options.services),
    }


def _run_from(row: RowMapping, tallies: dict[ItemState, Tally], totals: dict[str, Decimal]) -> Run:
    return Run(
        id=row["id"],
        period=BillingPeriod(row["start_date"], row["end_date"]),
        options=options_from(row),
        state=RunState(row["state"]),
        created_at=row["created_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        tallies=tallies,
        totals=totals,
    )
