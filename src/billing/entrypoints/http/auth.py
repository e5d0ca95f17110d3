"""Auth: who calls, as a verified token says, and what that lets them do. Denied by default."""

import binascii
import logging
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import NoReturn

import jwt
from flask import Response, abort, g, request
from jwt.utils import base64url_decode
from werkzeug.exceptions import HTTPException

from billing.domain.access import Access
from billing.domain.errors import InvalidValueError
from billing.domain.fields import read_id, require_text
from billing.domain.ports import Clock, Storage
from billing.domain.strict_json import loads
from billing.entrypoints.http.blueprint import PUBLIC
from billing.entrypoints.http.context import SUBJECT, Caller
from billing.entrypoints.http.errors import answer
from billing.entrypoints.http.revocations import RevocationList
from billing.entrypoints.http.token_keys import KeySource, key_source
from billing.entrypoints.tokens import EVERY_CUSTOMER, MAX_TOKEN_BYTES
from billing.settings import Settings

LEEWAY_SECONDS = 30

NO_CREDENTIALS = "Authentication credentials were not provided."
INVALID_TOKEN = "Invalid token."  # noqa: S105 a sentence
EXPIRED_TOKEN = "Token has expired."  # noqa: S105 a sentence
NOT_ALLOWED = "You do not have permission to perform this action."

_LOG = logging.getLogger(__name__)
_JWS = jwt.PyJWS()
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_HEADERS = frozenset({"alg", "typ", "kid"})
_TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})


class InvalidTokenError(Exception):
    """A token that is not to be believed; nobody is told why."""


class ExpiredTokenError(InvalidTokenError):
    """A token that was good once."""


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


class TokenVerifier:
    """Believes a token when its signature, its header and every claim are as they must be."""

    def __init__(self, settings: Settings, keys: KeySource, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock
        self._issuer = settings.jwt_issuer
        self._audience = settings.jwt_audience

    def verify(self, token: str) -> Caller:
        """Return who the token speaks for, or raise InvalidTokenError or ExpiredTokenError."""
        if len(token) > MAX_TOKEN_BYTES or not _COMPACT.fullmatch(token):
            raise InvalidTokenError
        claims = self._claims(token)
        self._check_origin(claims)
        subject = _subject(claims)
        issued_at = self._check_times(claims)
        return Caller(subject, _scopes(claims), _access(claims), _jti(claims), issued_at)

    def _claims(self, token: str) -> dict[str, object]:
        """Return the claims of a token whose signature one of the keys verifies."""
        for key in self._keys.keys(_key_id(token)):
            try:
                payload = _JWS.decode(token, key.key, [key.algorithm])
            except jwt.PyJWTError:
                continue
            return _object(payload)
        raise InvalidTokenError

    def _check_origin(self, claims: Mapping[str, object]) -> None:
        if self._issuer is not None and claims.get("iss") != self._issuer:
            raise InvalidTokenError
        audiences = claims.get("aud")
        if isinstance(audiences, str):
            audiences = [audiences]
        if audiences is None and self._audience is None:
            return
        # RFC 7519: a token that names an audience is for nobody else.
        if not isinstance(audiences, list) or self._audience not in audiences:
            raise InvalidTokenError

    def _check_times(self, claims: Mapping[str, object]) -> int | Decimal | None:
        """Return when the token was issued, if it says so."""
        now = self._clock.now().timestamp()
        expires = claims.get("exp")
        if type(expires) is not int:
            raise InvalidTokenError
        instants = [_instant(claims[name]) for name in ("nbf", "iat") if name in claims]
        if any(instant > now + LEEWAY_SECONDS for instant in instants):
            raise InvalidTokenError
        if expires + LEEWAY_SECONDS <= now:
            raise ExpiredTokenError
        return instants[-1] if "iat" in claims else None


def _end_unauthorised(reason: Exception | None) -> NoReturn:
    if isinstance(reason, HTTPException):
        raise reason
    if reason is None:
        abort(_unauthorised(NO_CREDENTIALS, "Bearer"))
    sentence = EXPIRED_TOKEN if isinstance(reason, ExpiredTokenError) else INVALID_TOKEN
    abort(_unauthorised(sentence, 'Bearer error="invalid_token"'))


def _unauthorised(sentence: str, challenge: str) -> Response:
    return answer(401, sentence, headers={"WWW-Authenticate": challenge})


def _key_id(token: str) -> str | None:
    """Return what the header says of the key; refuse all that would change how to read on."""
    try:
        header = _object(base64url_decode(token.partition(".")[0]))
    except binascii.Error:
        raise InvalidTokenError from None
    kid = header.get("kid")
    if not header.keys() <= _HEADERS or not isinstance(kid, str | None):
        raise InvalidTokenError
    if str(header.get("typ", "JWT")).lower() not in _TYPES:
        raise InvalidTokenError
    return kid


def _object(payload: bytes) -> dict[str, object]:
    try:
        claims = loads(payload)
    except InvalidValueError:
        raise InvalidTokenError from None
    if not isinstance(claims, dict):
        raise InvalidTokenError
    return claims


def _subject(claims: Mapping[str, object]) -> str:
    subject = claims.get("sub")
    try:
        read = require_text(subject)
    except InvalidValueError:
        raise InvalidTokenError from None
    if read != subject:  # " alice" is not a second name of alice.
        raise InvalidTokenError
    return read


def _instant(claim: object) -> int | Decimal:
    """Return a claim that is an instant in epoch seconds; a bool is no number here."""
    if isinstance(claim, bool) or not isinstance(claim, int | Decimal):
        raise InvalidTokenError
    if isinstance(claim, Decimal) and not claim.is_finite():
        raise InvalidTokenError
    return claim


def _jti(claims: Mapping[str, object]) -> str | None:
    """Return the token's own id; RFC 7519 makes it a text."""
    jti = claims.get("jti")
    if not isinstance(jti, str | None):
        raise InvalidTokenError
    return jti


def _scopes(claims: Mapping[str, object]) -> frozenset[str]:
    scope = claims.get("scope")
    return frozenset(scope.split(" ")) if isinstance(scope, str) else frozenset()


def _access(claims: Mapping[str, object]) -> Access:
    """Return the customers that the token names; whatever is not plainly a list names none."""
    customers = claims.get("customers")
    if customers == EVERY_CUSTOMER:
        return Access.everything()
    if not isinstance(customers, list):
        return Access.only(())
    try:
        return Access.only(map(read_id, customers))
    except InvalidValueError:
        return Access.only(())
