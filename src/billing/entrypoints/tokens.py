"""Tokens: issuing the JWTs that the HTTP service verifies, for whoever holds the secret."""

import secrets
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

import jwt

from billing.domain.errors import InvalidValueError
from billing.domain.fields import read_id, require_text
from billing.settings import InvalidSettingError, Settings

SCOPES = ("reports:read", "reports:write", "catalog:write", "audit:read")
"""What a token may allow."""

EVERY_CUSTOMER = "*"
MAX_TOKEN_BYTES = 8 * 1024
MAX_DAYS = 3_650


def issue(
    settings: Settings,
    subject: str,
    scopes: Iterable[str],
    customers: Collection[int] | None,
    days: int,
    now: datetime,
) -> str:
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
    issued_at = int(now.timestamp())
    claims: dict[str, object] = {
        "sub": _subject(subject),
        "scope": " ".join(_scope(scope) for scope in scopes),
        "customers": EVERY_CUSTOMER if customers is None else _customers(customers),
        "iat": issued_at,
        "exp": issued_at + int(timedelta(days=_days(days)).total_seconds()),
        "jti": secrets.token_urlsafe(16),
    }
    if settings.jwt_issuer:
        claims["iss"] = settings.jwt_issuer
    if settings.jwt_audience:
        claims["aud"] = settings.jwt_audience
    token = jwt.encode(claims, settings.jwt_secret.encode(), "HS256")
    if len(token) > MAX_TOKEN_BYTES:
        raise InvalidValueError(
            "Too many for one token, which may have 8 KB: name fewer, or none for all.",
            field="customers",
        )
    return token


def _subject(subject: str) -> str:
    try:
        return require_text(subject)
    except InvalidValueError as error:
        raise error.at("subject") from None


def _scope(scope: str) -> str:
    if scope not in SCOPES:
        raise InvalidValueError(f"Use some of {', '.join(SCOPES)}.", field="scope")
    return scope


def _customers(customers: Collection[int]) -> list[int]:
    try:
        return sorted({read_id(customer) for customer in customers})
    except InvalidValueError as error:
        raise error.at("customers") from None


def _days(days: int) -> int:
    if not 1 <= days <= MAX_DAYS:
        raise InvalidValueError(f"Must be between 1 and {MAX_DAYS:,}.", field="days")
    return days
