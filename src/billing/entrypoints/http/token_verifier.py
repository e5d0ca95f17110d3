"""Token verifier: whether a token is to be believed, and whom it speaks for."""

import binascii
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

import jwt
from jwt.utils import base64url_decode

from billing.domain.access import Access
from billing.domain.errors import InvalidValueError
from billing.domain.fields import read_id, require_text
from billing.domain.ports import Clock
from billing.domain.strict_json import loads
from billing.entrypoints.http.context import Caller
from billing.entrypoints.http.token_keys import KeySource, VerifyingKey
from billing.entrypoints.tokens import EVERY_CUSTOMER, MAX_TOKEN_BYTES
from billing.settings import Settings

LEEWAY_SECONDS = 30
TOKENS_BELIEVED = 1_000

_JWS = jwt.PyJWS()
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_HEADERS = frozenset({"alg", "typ", "kid"})
_TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})


class InvalidTokenError(Exception):
    """A token that is not to be believed; nobody is told why."""


class ExpiredTokenError(InvalidTokenError):
    """A token that was good once."""


class TokenVerifier:
    """Believes a token when its signature, its header and every claim are as they must be."""

    def __init__(self, settings: Settings, keys: KeySource, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock
        self._issuer = settings.jwt_issuer
        self._audience = settings.jwt_audience
        self._believed: dict[str, _Believed] = {}

    def verify(self, token: str) -> Caller:
        """Return who the token speaks for, or raise InvalidTokenError or ExpiredTokenError.

        A token that was verified by a key that still counts is only asked whether it ended: the
        rest took a tenth of a list's time.
        """
        now = self._clock.now().timestamp()
        known = self._believed.get(token)
        if known is None or not any(known.key is key for key in self._keys.keys(known.key_id)):
            known = self._verified(token, now)
            if len(self._believed) >= TOKENS_BELIEVED:
                self._believed.clear()
            self._believed[token] = known
        if known.expires + LEEWAY_SECONDS <= now:
            raise ExpiredTokenError
        return known.caller

    def _verified(self, token: str, now: float) -> "_Believed":
        if len(token) > MAX_TOKEN_BYTES or not _COMPACT.fullmatch(token):
            raise InvalidTokenError
        key_id = _key_id(token)
        claims, key = self._claims(token, key_id)
        self._check_origin(claims)
        subject = _subject(claims)
        expires, issued_at = _times(claims, now)
        caller = Caller(subject, _scopes(claims), _access(claims), _jti(claims), issued_at)
        return _Believed(caller, expires, key_id, key)

    def _claims(self, token: str, key_id: str | None) -> tuple[dict[str, object], VerifyingKey]:
        """Return the claims of a token, and the key that verifies its signature."""
        for key in self._keys.keys(key_id):
            try:
                payload = _JWS.decode(token, key.key, [key.algorithm])
            except jwt.PyJWTError:
                continue
            return _object(payload), key
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


class _Believed(NamedTuple):
    """A token that was verified. expires: its `exp`. key: what verified it."""

    caller: Caller
    expires: int
    key_id: str | None
    key: VerifyingKey


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


def _times(claims: Mapping[str, object], now: float) -> tuple[int, int | Decimal | None]:
    """Return when the token ends, and when it was issued if it says so."""
    expires = claims.get("exp")
    if type(expires) is not int:
        raise InvalidTokenError
    instants = [_instant(claims[name]) for name in ("nbf", "iat") if name in claims]
    if any(instant > now + LEEWAY_SECONDS for instant in instants):
        raise InvalidTokenError
    if expires + LEEWAY_SECONDS <= now:
        raise ExpiredTokenError
    return expires, instants[-1] if "iat" in claims else None
