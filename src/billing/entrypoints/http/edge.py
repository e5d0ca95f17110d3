"""Edge: the outermost layer: every request has an id, every answer is JSON, safe and logged."""

import logging
import re
import uuid
from collections.abc import Iterable
from time import perf_counter
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from billing.domain.fields import shown
from billing.entrypoints.http.context import REQUEST_ID, RULE, SUBJECT, THROTTLED
from billing.entrypoints.http.errors import INTERNAL_ERROR, envelope
from billing.entrypoints.http.logs import request_served
from billing.entrypoints.metrics import Metrics

IN_ONE_PIECE = 2 * 1024 * 1024
"""Bodies up to this size are handed to the server whole: a slow reader then holds no thread."""

_VALID_ID = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_UNLESS_SAID = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
_HSTS = ("Strict-Transport-Security", "max-age=31536000")
_LOG = logging.getLogger(__name__)
_ACCESS_LOG = logging.getLogger("billing.access")

Headers = list[tuple[str, str]]


class Edge:
    """Wraps the application. Nothing leaves it without an id and the safety headers."""

    def __init__(self, application: WSGIApplication, metrics: Metrics | None = None) -> None:
        self._application = application
        self._metrics = metrics

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        started = perf_counter()
        request_id = _request_id(environ.get("HTTP_X_REQUEST_ID", ""))
        environ[REQUEST_ID] = request_id
        request_served.set(request_id)
        if environ.get("CONTENT_LENGTH"):
            # Seen with granian: a body cut short arrives as if it were whole. Werkzeug counts the
            # bytes, and refuses, when it is not told that the server knows where the body ends.
            environ.pop("wsgi.input_terminated", None)
        try:
            status, headers, body = self._answer(environ)
        except Exception:  # noqa: BLE001  The last resort: no failure may become HTML.
            _LOG.exception("Request %s failed outside of its view", request_id)
            status, headers, body = _last_resort()
        start_response(status, _completed(status, headers, environ))
        seconds = perf_counter() - started
        _log_access(environ, status, headers, seconds)
        if self._metrics is not None:
            _count(self._metrics, environ, status, seconds)
        return body

    def _answer(self, environ: WSGIEnvironment) -> tuple[str, Headers, Iterable[bytes]]:
        begun: list[tuple[str, Headers]] = []

        def begin(status: str, headers: Headers, exc_info: object = None, /) -> None:
            del exc_info
            begun[:] = [(status, headers)]

        body = self._application(environ, begin)  # type: ignore[arg-type]  # Flask never writes.
        status, headers = begun[0]
        if not _is_small(environ, status, headers):
            return status, headers, body
        try:
            return status, headers, [b"".join(body)]
        finally:
            if hasattr(body, "close"):
                body.close()


def _request_id(given: str) -> str:
    """Return the caller's id for the request if it is harmless, else a new one."""
    return given if _VALID_ID.fullmatch(given) else uuid.uuid4().hex


def _is_small(environ: WSGIEnvironment, status: str, headers: Headers) -> bool:
    if environ.get("REQUEST_METHOD") == "HEAD" or status.startswith("304"):
        return True  # The length is that of a body that is not there.
    length = _length(headers)
    return length is not None and length <= IN_ONE_PIECE


def _length(headers: Headers) -> int | None:
    return next((int(value) for name, value in headers if name == "Content-Length"), None)


def _last_resort() -> tuple[str, Headers, Iterable[bytes]]:
    body = envelope(500, INTERNAL_ERROR)
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    return "500 INTERNAL SERVER ERROR", headers, [body]


def _completed(status: str, headers: Headers, environ: WSGIEnvironment) -> Headers:
    said = {name.lower() for name, _ in headers}
    completed = [*headers, ("X-Request-ID", environ[REQUEST_ID]), *_ALWAYS.items()]
    completed += [item for item in _UNLESS_SAID.items() if item[0].lower() not in said]
    if environ.get("wsgi.url_scheme") == "https":
        completed.append(_HSTS)
    if status >= "400" and _has_body(environ):
        # Seen with granian: where a refusal left the body unread, the connection may end, also
        # under the next request. Reading on would let anybody hold a thread; this warns clients.
        completed.append(("Connection", "close"))
    return completed


def _has_body(environ: WSGIEnvironment) -> bool:
    length = environ.get("CONTENT_LENGTH") or "0"
    return length != "0" or "HTTP_TRANSFER_ENCODING" in environ


def _count(metrics: Metrics, environ: WSGIEnvironment, status: str, seconds: float) -> None:
    metrics.request_ended(environ.get(RULE), environ["REQUEST_METHOD"], status[:3], seconds)
    if environ.get(THROTTLED):
        metrics.request_throttled()


def _log_access(environ: WSGIEnvironment, status: str, headers: Headers, seconds: float) -> None:
    """Log the request by its route, which holds no secret; an unknown path is cut short."""
    if not _ACCESS_LOG.isEnabledFor(logging.INFO):
        return
    facts = {
        "request_id": environ[REQUEST_ID],
        "method": shown(environ.get("REQUEST_METHOD", "")),
        "route": environ.get(RULE) or shown(environ.get("PATH_INFO", "")),
        "status": int(status.split(" ", 1)[0]),
        "bytes": _length(headers),
        "ms": round(seconds * 1000, 1),
        "subject": environ.get(SUBJECT),
        "address": environ.get("REMOTE_ADDR"),
    }
    _ACCESS_LOG.info("request", extra={"facts": facts})
