"""Settling: ends runs whose items have all ended, and tells of it."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from billing.domain.access import Access
from billing.domain.ports import Storage
from billing.domain.run_observer import RunObserver

_LOG = logging.getLogger(__name__)


def settle(storage: Storage, run_ids: Sequence[int], now: datetime, observer: RunObserver) -> None:
    """End those of these runs that have no live item left.

    In one transaction; of several processes that try at once, one ends a run and tells of it.
    """
    with storage.transaction(Access.everything()) as tx:
        ended = [tx.runs.find(key) for key in run_ids if tx.run_work.settle(key, now)]
    for run in ended:
        took = (run.finished_at or now) - (run.started_at or now)
        milliseconds = took // timedelta(milliseconds=1)
        observer.run_ended(run.state.value, milliseconds)
        facts = {"run_id": run.id, "ms": milliseconds, "items": run.total}
        _LOG.info("run %s", run.state.value, extra={"facts": facts})
