"""Logs: one JSON object a line on stderr, so that no text in it can forge a second line."""

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime

request_served: ContextVar[str] = ContextVar("request_served")
"""The id of the request that this thread serves, so that every line tells it; the next one's id
takes its place, since a body still goes out when its view has returned."""


class JsonLines(logging.Formatter):
    """Writes a record as one line of ASCII JSON; `extra={"facts": …}` adds members."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        served = request_served.get(None)
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **({} if served is None else {"request_id": served}),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def configure(level: int = logging.INFO) -> None:
    """Send the service's log to stderr: its own from a level on, other libraries' warnings."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("billing").setLevel(level)
