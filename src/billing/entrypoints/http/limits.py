"""Limits: so many requests a minute for each user, over all routes, tokens and processes."""

import logging
import math
from typing import Any

from flask import Flask, Response, current_app, request
from flask_limiter import Limiter, RateLimitExceeded, RequestLimit
from limits import RateLimitItem, parse
from limits.errors import ConfigurationError

from billing.domain.errors import MissingExtraError
from billing.domain.ports import Clock
from billing.entrypoints.http import moving_windows
from billing.entrypoints.http.auth import Authenticator
from billing.entrypoints.http.blueprint import is_public
from billing.entrypoints.http.context import THROTTLED, Caller
from billing.entrypoints.http.errors import answer
from billing.settings import Settings

_PREFIX = "billing"
_SCOPE = "global"
"""The one bucket that flask-limiter counts an application's limits in."""

_EXTENSION = "billing.limits"

_REDIS_SECONDS = 0.25
"""How long a request may wait for Redis before it is counted in memory instead."""

_LOG = logging.getLogger(__name__)


class RateLimits:
    """Counts requests in a moving window, and tells every client where it stands.

    A verified token counts on its `sub`, everything else on the client's address: a forged token
    costs its victim nothing. While Redis is away each process counts for itself.
    """

    def __init__(self, settings: Settings, authenticator: Authenticator, clock: Clock) -> None:
        self._authenticator = authenticator
        self._clock = clock
        self._limit: RateLimitItem = parse(settings.rate_limit)
        uri, options = _storage(settings.rate_limit_storage, clock)
        self._limiter = Limiter(
            self._key,
            application_limits=[settings.rate_limit],
            strategy="moving-window",
            storage_uri=uri,
            storage_options=options,
            in_memory_fallback_enabled=True,
            key_prefix=_PREFIX,
        )
        self._limiter.request_filter(is_public)

    def install(self, app: Flask) -> None:
        """Count every request from here on in the order of the app's checks."""
        try:
            self._limiter.init_app(app)
        except ConfigurationError as error:
            raise MissingExtraError("BILLING_RATE_LIMIT_STORAGE", "redis") from error
        app.register_error_handler(RateLimitExceeded, self._throttled)
        app.after_request(self._add_headers)
        app.extensions[_EXTENSION] = self

    def warning(self) -> str | None:
        """Return what is to be known about the counting, None while all is well."""
        if self._limiter.storage.check():
            return None
        return "The rate limit's storage is away: each process counts for itself"

    def _key(self) -> str:
        """Return whom the request counts against; never empty, which would count nobody."""
        caller = self._authenticator.caller()
        if isinstance(caller, Caller):
            return f"user:{caller.subject}"
        return f"address:{request.remote_addr or 'unknown'}"

    def _throttled(self, error: RateLimitExceeded) -> Response:
        del error
        request.environ[THROTTLED] = True
        _, reset_at = self._standing()
        seconds = math.ceil(reset_at - self._clock.now().timestamp())
        seconds = max(1, min(seconds, self._limit.get_expiry()))
        sentence = f"Request was throttled. Expected available in {seconds} seconds."
        return answer(429, sentence, headers={"Retry-After": str(seconds)})

    def _add_headers(self, response: Response) -> Response:
        """Tell where the client stands, also on answers that were not counted, such as 404."""
        if not is_public():
            remaining, reset_at = self._standing()
            response.headers["X-RateLimit-Limit"] = str(self._limit.amount)
            response.headers["X-RateLimit-Remaining"] = str(remaining)
            response.headers["X-RateLimit-Reset"] = str(reset_at)
        return response

    def _standing(self) -> tuple[int, int]:
        """Return how many requests are left, and when (as an epoch second) there are more."""
        try:
            window = (self._limiter.current_limit or self._uncounted()).window
        except Exception as error:  # noqa: BLE001  Redis is away; nobody need notice.
            _LOG.warning("The rate limit cannot be read: %s", type(error).__name__)
            return self._limit.amount, math.ceil(self._clock.now().timestamp())
        return window.remaining, math.ceil(window.reset_time)

    def _uncounted(self) -> RequestLimit:
        """Return the limit as it stands for a request that did not get as far as being counted."""
        bucket = [_PREFIX, self._key(), _SCOPE]
        return RequestLimit(self._limiter, self._limit, bucket, breached=False, shared=True)


def current_limits() -> RateLimits:
    """Return the running application's limits."""
    limits: RateLimits = current_app.extensions[_EXTENSION]
    return limits


def _storage(uri: str, clock: Clock) -> tuple[str, dict[str, Any]]:
    """Return the storage's URI for `limits`, and its options."""
    if uri == "memory://":
        return f"{moving_windows.SCHEME}://", {"clock": clock}
    return uri, {"socket_timeout": _REDIS_SECONDS, "socket_connect_timeout": _REDIS_SECONDS}
