"""Tokens: issuing the JWTs that the HTTP service verifies, for whoever holds the secret."""

import secrets
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import jwt

from billing.domain.errors import InvalidValueError
from billing.domain.fields import read_id, require_text
from billing.domain.tokens import IssuedToken
from billing.settings import InvalidSettingError, Settings

SCOPES = ("reports:read", "reports:write", "catalog:write", "audit:read")
"""What a token may allow."""

EVERY_CUSTOMER = "*"
MAX_TOKEN_BYTES = 8 * 1024
MAX_DAYS = 3_650


class NewToken(NamedTuple):
    """A token, and what is kept of it."""

    text: str
    issued: IssuedToken


def issue(
    settings: Settings,
    subject: str,
    scopes: Iterable[str],
    customers: Collection[int] | None,
    days: int,
    now: datetime,
) -> str:
    """Return the text of `new_token`."""
    return new_token(settings, subject, scopes, customers, days, now).text


def new_token(
    settings: Settings,
    subject: str,
    scopes: Iterable[str],
    customers: Collection[int] | None,
    days: int,
    now: datetime,
) -> NewToken:
    """Return a token for a user: what it may do, for which customers (None: all), for how long.

    Raises InvalidSettingError without BILLING_JWT_SECRET, InvalidValueError for what no token
    can say.
    """
    if settings.jwt_secret is None:
        raise InvalidSettingError(
            "BILLING_JWT_SECRET",
            "a secret of at least 32 bytes, which issuing tokens needs; "
            "tokens of another kind come from whoever holds their private key",
        )
    issued_at = now.astimezone(UTC).replace(microsecond=0)
    issued = IssuedToken(
        jti=secrets.token_hex(16),  # Without the - at its start that an option would have.
        subject=_subject(subject),
        scopes=tuple(_scope(scope) for scope in scopes),
        customers=None if customers is None else _customers(customers),
        issued_at=issued_at,
        expires_at=issued_at + timedelta(days=_days(days)),
    )
    token = jwt.encode(_claims(issued, settings), settings.jwt_secret.encode(), "HS256")
    if len(token) > MAX_TOKEN_BYTES:
        raise InvalidValueError(
            "Too many for one token, which may have 8 KB: name fewer, or none for all.",
            field="customers",
        )
    return NewToken(token, issued)


def read_token(token: bytes) -> tuple[str, datetime | None]:
    """Return a token's jti and its end, without asking who signed it.

    Raises InvalidValueError for what is no token, and for one that has no jti.
    """
    try:
        claims = jwt.decode(token.strip(), options={"verify_signature": False})
    except jwt.PyJWTError:
        raise InvalidValueError("Not a token.", field="token") from None
    if not isinstance(claims.get("jti"), str):
        raise InvalidValueError("It has no jti: revoke it by its subject.", field="token")
    try:
        return claims["jti"], datetime.fromtimestamp(claims["exp"], UTC)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return claims["jti"], None


def _claims(issued: IssuedToken, settings: Settings) -> dict[str, object]:
    claims: dict[str, object] = {
        "sub": issued.subject,
        "scope": " ".join(issued.scopes),
        "customers": EVERY_CUSTOMER if issued.customers is None else issued.customers,
        "iat": int(issued.issued_at.timestamp()),
        "exp": int(issued.expires_at.timestamp()),
        "jti": issued.jti,
    }
    if settings.jwt_issuer:
        claims["iss"] = settings.jwt_issuer
    if settings.jwt_audience:
        claims["aud"] = settings.jwt_audience
    return claims


def _subject(subject: str) -> str:
    try:
        return require_text(subject)
    except InvalidValueError as error:
        raise error.at("subject") from None


def _scope(scope: str) -> str:
    if scope not in SCOPES:
        raise InvalidValueError(f"Use some of {', '.join(SCOPES)}.", field="scope")
    return scope


def _customers(customers: Collection[int]) -> tuple[int, ...]:
    try:
        return tuple(sorted({read_id(customer) for customer in customers}))
    except InvalidValueError as error:
        raise error.at("customers") from None


def _days(days: int) -> int:
    if not 1 <= days <= MAX_DAYS:
        raise InvalidValueError(f"Must be between 1 and {MAX_DAYS:,}.", field="days")
    return days
