"""CeleryQueue: hints workers of other machines over Redis or RabbitMQ."""

import logging
import time
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from billing.domain.billing_run import ItemKey

QUEUE = "billing"
TRY_ITEM = "billing.try_item"

HINT_SECONDS = 2
"""How long hints may take those who start a run; the sweeps of workers give the others."""

_LOG = logging.getLogger(__name__)


class CeleryQueue:
    """Sends a message for each item, as long as the broker takes them.

    A broker that is away costs a warning and a few seconds at most: workers sweep.

    refill_below: send only while fewer messages than these wait; None: always.
    """

    def __init__(self, url: str, *, refill_below: int | None = None) -> None:
        self._url = url
        self._refill_below = refill_below
        self.is_away = False

    def hint(self, items: Sequence[ItemKey], /) -> None:
        """Send a message for each item."""
        try:
            # A connection each time: hints are rare, and none is left that the broker closed since.
            with self._app.connection_for_write() as connection:
                if self._refill_below is None or self._waiting(connection) < self._refill_below:
                    self._send(items, self._app.amqp.Producer(connection))
        except Exception as error:  # noqa: BLE001 whatever its libraries raise, the rows are stored
            self.is_away = True
            _LOG.warning("The broker takes no hints, workers will find the items: %s", error)
        else:
            self.is_away = False

    @cached_property
    def _app(self) -> Any:
        """The application, made at the first hint: most commands give none, and start quickly."""
        from billing.adapters.celery.app import sending_app

        return sending_app(self._url)

    def _waiting(self, connection: Any) -> int:
        """Return how many messages no worker has taken yet."""
        queue = self._app.amqp.queues[QUEUE](connection.default_channel)
        return int(queue.queue_declare().message_count)

    def _send(self, items: Sequence[ItemKey], producer: Any) -> None:
        deadline = time.monotonic() + HINT_SECONDS
        for sent, item in enumerate(items):
            if time.monotonic() > deadline:
                _LOG.info("%d of %d hints are sent; sweeps send the others", sent, len(items))
                return
            self._app.send_task(TRY_ITEM, args=tuple(item), ignore_result=True, producer=producer)
