"""The Celery application: its one message, "try this item", and settings that outlive workers."""

import ssl
from typing import Any
from urllib.parse import urlsplit

from celery import Celery

from billing.adapters.celery.queue import QUEUE
from billing.domain.run_worker import LEASE_SECONDS

VISIBILITY_SECONDS = 2 * LEASE_SECONDS
RESTORE_SECONDS = 5

SEND_SECONDS = 1
"""How long one step towards the broker may take those who send a hint."""


def working_app(url: str) -> Celery:
    """Return the application of a worker, which waits for its broker as long as it takes."""
    app = _make_app(url)
    if not url.startswith("amqp"):
        app.conf.broker_transport_options = _REDIS
    return app


def sending_app(url: str) -> Celery:
    """Return the application of those who only send, and must not wait long for the broker."""
    app = _make_app(url)
    app.conf.broker_connection_timeout = SEND_SECONDS
    if url.startswith("amqp"):
        options = {"read_timeout": SEND_SECONDS, "write_timeout": SEND_SECONDS}
    else:
        options = {"socket_connect_timeout": SEND_SECONDS, "socket_timeout": SEND_SECONDS}
        options = _REDIS | options
    # Without it kombu waits two seconds and tries again.
    app.conf.broker_transport_options = options | {"max_retries": 0}
    return app


_MESSAGES: dict[str, Any] = {
    "task_default_queue": QUEUE,
    # A message is two numbers. Nothing else is read from the broker: pickle would be run.
    "task_serializer": "json",
    "accept_content": ["json"],
    # The item's row has the result. The broker keeps nothing that anybody would miss.
    "task_ignore_result": True,
    "result_backend": None,
    # A hint that a restart of the broker loses is sent again: it need not reach the disk.
    "task_default_delivery_mode": "transient",
    # Sent once, and then by the sweep: whoever starts a run does not wait for a broker.
    "task_publish_retry": False,
}

_WORKERS: dict[str, Any] = {
    # Acknowledged when the work is done, not when it begins: a worker that dies keeps no hint.
    "task_acks_late": True,
    # And a process of it that dies, as the kernel ends one for its memory, gives it back at once.
    # The number of tries in the item's row keeps that from going round for ever.
    "task_reject_on_worker_lost": True,
    # What failed is acknowledged all the same: the row has the reason, and `retry` takes it up.
    "task_acks_on_failure": True,
    "task_acks_on_timeout": True,
    # One hint for each process: no worker sits on hints that another one is free for.
    "worker_prefetch_multiplier": 1,
    # Nobody commands workers through the broker, nor listens to them: who can write to it can only
    # hint. Each of these would also need queues of a kind that RabbitMQ 4.3 refuses.
    "worker_enable_remote_control": False,
    "worker_send_task_events": False,
    # What a long run left in memory is given back from time to time.
    "worker_max_tasks_per_child": 1_000,
    # A process that starts on a busy machine, at the lowest priority, is slow and not dead.
    "worker_proc_alive_timeout": 60.0,
    # The log is this service's own.
    "worker_hijack_root_logger": False,
    "worker_redirect_stdouts": False,
}

# A Redis has no acknowledgements of its own; this is how hints come back to it.
_REDIS: dict[str, Any] = {
    # What a worker took and did not acknowledge is given to another after this time. Longer than a
    # lease, so that the item can be taken by then. A bill that takes longer still is hinted a
    # second time; that hint finds the item leased and is dropped.
    "visibility_timeout": VISIBILITY_SECONDS,
    # Looked for every 5 s and each time: by default it is every 10th time of every 10 s, and what a
    # killed worker held came back after 102 s.
    "unacked_restore_interval": RESTORE_SECONDS,
    "unacked_restore_throttle": 1,
    # A worker that is killed while it looks would keep the others from it for 5 minutes.
    "unacked_mutex_expire": 2 * RESTORE_SECONDS,
    # Another application's Celery may use the same Redis, with another visibility timeout.
    "global_keyprefix": "billing:",
    # A connection that is half open is noticed; without these a worker may wait for ever.
    "socket_connect_timeout": 5,
    "socket_timeout": 10,
    "socket_keepalive": True,
}

_CONNECTIONS: dict[str, Any] = {
    # A broker that is away at the start, or for hours, is waited for; by default 100 tries end it.
    "broker_connection_retry_on_startup": True,
    "broker_connection_retry": True,
    "broker_connection_max_retries": None,
    "broker_connection_timeout": 5,
    # Work under way when the broker goes is ended and stored: the row decides, not the message.
    "worker_cancel_long_running_tasks_on_connection_loss": False,
}


def _tls(url: str) -> dict[str, Any] | None:
    """Return how the broker's certificate is checked; kombu by itself would take any."""
    if url.startswith("rediss:"):
        return {"ssl_cert_reqs": ssl.CERT_REQUIRED}
    if url.startswith("amqps:"):
        return {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": urlsplit(url).hostname}
    return None


def _make_app(url: str) -> Celery:
    app = Celery("billing", set_as_current=False)
    app.conf.update(
        broker_url=url.replace("redis+unix://", "redis+socket://", 1),  # As kombu calls it.
        broker_use_ssl=_tls(url),
        **_MESSAGES,
        **_WORKERS,
        **_CONNECTIONS,
    )
    return app
