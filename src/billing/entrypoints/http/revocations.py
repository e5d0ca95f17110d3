"""Revocations: which tokens no longer count, known in every process within half a minute."""

import logging
import threading
from time import monotonic

from werkzeug.exceptions import InternalServerError, ServiceUnavailable

from billing.domain.access import Access
from billing.domain.errors import StorageUnavailableError
from billing.domain.ports import Storage
from billing.domain.tokens import RevokedTokens
from billing.entrypoints.http.context import Caller

REFRESH_SECONDS = 15
RETRY_SECONDS = 5

_LOG = logging.getLogger(__name__)


class RevocationList:
    """The storage's revocations, read again in passing by the first request that finds them old.

    While the storage is away the last ones hold; no call gets far without it. Before the first
    ones are there nobody can be believed, and calls answer 503.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._known: RevokedTokens | None = None
        self._due = 0.0
        self._lock = threading.Lock()

    def includes(self, caller: Caller) -> bool:
        """Tell whether the caller's token is revoked."""
        if monotonic() >= self._due:
            self._refresh()
        if self._known is None:
            raise ServiceUnavailable(
                "Tokens cannot be verified now: the storage is unavailable.",
                retry_after=RETRY_SECONDS,
            )
        return self._known.include(caller.jti, caller.subject, caller.issued_at)

    def _refresh(self) -> None:
        # One thread reads; the others go on with what is known, or wait for the first.
        if not self._lock.acquire(blocking=self._known is None):
            return
        try:
            if monotonic() >= self._due:
                self._read()
        finally:
            self._lock.release()

    def _read(self) -> None:
        try:
            with self._storage.snapshot(Access.everything()) as view:
                self._known = RevokedTokens(view.tokens.revocations())
            self._due = monotonic() + REFRESH_SECONDS
        except StorageUnavailableError:
            _LOG.warning("The revoked tokens could not be read; the last known ones hold")
            self._due = monotonic() + RETRY_SECONDS
        except Exception as error:
            # A fault of the service and not of the token, which must not be called invalid.
            _LOG.exception("The revoked tokens could not be read")
            raise InternalServerError(original_exception=error) from error
