"""Auth: who calls, as a verified token says, and what that lets them do. Denied by default."""

import logging
from typing import NoReturn

from flask import Response, abort, g, request
from werkzeug.exceptions import HTTPException

from billing.domain.ports import Clock, Storage
from billing.entrypoints.http.blueprint import PUBLIC
from billing.entrypoints.http.context import SUBJECT, Caller
from billing.entrypoints.http.errors import answer
from billing.entrypoints.http.revocations import RevocationList
from billing.entrypoints.http.token_keys import key_source
from billing.entrypoints.http.token_verifier import (
    ExpiredTokenError,
    InvalidTokenError,
    TokenVerifier,
)
from billing.settings import Settings

NO_CREDENTIALS = "Authentication credentials were not provided."
INVALID_TOKEN = "Invalid token."  # noqa: S105 a sentence
EXPIRED_TOKEN = "Token has expired."  # noqa: S105 a sentence
NOT_ALLOWED = "You do not have permission to perform this action."

_LOG = logging.getLogger(__name__)


class Authenticator:
    """Finds out who calls, once a request."""

    def __init__(self, settings: Settings, clock: Clock, storage: Storage) -> None:
        self._revoked = RevocationList(storage)
        self._verifier = TokenVerifier(settings, key_source(settings), clock)

    def caller(self) -> Caller | Exception | None:
        """Return who calls; None when no token was sent, what is wrong with it otherwise.

        The rate limit asks before the views do, so that a forged `sub` costs its victim nothing.
        """
        if "caller" not in g:
            g.caller = self._caller()
            if isinstance(g.caller, Caller):
                request.environ[SUBJECT] = g.caller.subject
        found: Caller | Exception | None = g.caller
        return found

    def authorise(self, scope: str | None, *, every_customer: bool = False) -> None:
        """Let the request go on, or end it with 401 or 403.

        every_customer: let in only those from whom no customer is hidden.
        """
        if scope == PUBLIC:
            return
        caller = self.caller()
        if not isinstance(caller, Caller):
            _end_unauthorised(caller)
        if scope not in caller.scopes:
            challenge = f'Bearer error="insufficient_scope", scope="{scope}"'
            abort(answer(403, NOT_ALLOWED, headers={"WWW-Authenticate": challenge}))
        if every_customer and not caller.access.is_everything:
            abort(answer(403, NOT_ALLOWED))  # No scope is missing: there is nothing to challenge.

    def _caller(self) -> Caller | Exception | None:
        scheme, _, token = request.headers.get("Authorization", "").strip().partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return None
        try:
            caller = self._verifier.verify(token.strip())
            return InvalidTokenError() if self._revoked.includes(caller) else caller
        except (InvalidTokenError, HTTPException) as error:
            return error
        except Exception as error:  # noqa: BLE001  No token may be able to break the service.
            _LOG.exception("A token could not be read")
            return error


def _end_unauthorised(reason: Exception | None) -> NoReturn:
    if isinstance(reason, HTTPException):
        raise reason
    if reason is None:
        abort(_unauthorised(NO_CREDENTIALS, "Bearer"))
    sentence = EXPIRED_TOKEN if isinstance(reason, ExpiredTokenError) else INVALID_TOKEN
    abort(_unauthorised(sentence, 'Bearer error="invalid_token"'))


def _unauthorised(sentence: str, challenge: str) -> Response:
    return answer(401, sentence, headers={"WWW-Authenticate": challenge})
