"""Idempotency: keys that callers give their requests, so that one sent again is done once."""

import hashlib
from datetime import datetime, timedelta
from decimal import Decimal
from json.encoder import encode_basestring as quote
from typing import NamedTuple, Protocol

from billing.domain.errors import BillingError

KEPT = timedelta(days=7)
"""How long a key is remembered; after that it is new. Clients are promised a day."""


class KeyedRequest(NamedTuple):
    """A request that is to be done once.

    principal: the user who sends it; nobody meets another user's keys. operation: the method and
    the path. body_sha256: see `body_sha256`.
    """

    principal: str
    operation: str
    key: str
    body_sha256: str


class EarlierRequest(NamedTuple):
    """What is remembered of a request that was done."""

    body_sha256: str
    report_id: int


class KeyReusedError(BillingError):
    """A key that came with another body before."""

    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used with another body: give a new key")


class RequestInFlightError(BillingError):
    """The same request is being done at this moment."""

    code = "request_in_flight"

    def __init__(self) -> None:
        super().__init__("A request with this Idempotency-Key is under way: try again shortly")


class IdempotencyKeys(Protocol):
    """The keys of requests that were done, each for KEPT from then on."""

    def find(self, request: KeyedRequest, now: datetime, /) -> EarlierRequest | None:
        """Return the request that was done under this principal, operation and key, if any."""

    def take(self, request: KeyedRequest, now: datetime, /) -> EarlierRequest | None:
        """Keep the key, as the first step of the transaction that does the request.

        Returns the earlier request instead if it was done already. It is gone again when the
        transaction rolls back, so only what was done is remembered. Of several transactions with
        one key the others wait for the first, or raise RequestInFlightError. Some of the keys
        that are past their time are forgotten on the way.
        """

    def settle(self, request: KeyedRequest, report_id: int, /) -> None:
        """Say which report the request, whose key this transaction took, has made."""


def body_sha256(value: object) -> str:
    """Return the SHA-256, in hex, of a parsed JSON value: the same for equal values.

    The order of members does not count, nor how a number is written: 1, 1.0 and 1e0 are equal.
    """
    return hashlib.sha256(_canonical(value).encode("utf-8", "surrogatepass")).hexdigest()


def _canonical(value: object) -> str:
    if isinstance(value, dict):
        members = sorted((quote(key), _canonical(member)) for key, member in value.items())
        return f"{{{','.join(f'{key}:{member}' for key, member in members)}}}"
    if isinstance(value, list):
        return f"[{','.join(map(_canonical, value))}]"
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, bool) or value is None:
        return repr(value)
    assert isinstance(value, int | Decimal)  # Nothing else comes out of strict_json.loads.
    return _number(Decimal(value))


def _number(number: Decimal) -> str:
    """Write a number as digits without trailing zeros and an exponent; exact at any size."""
    sign, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int):
        return str(number)  # NaN and the infinities.
    written = "".join(map(str, digits)).lstrip("0")
    kept = written.rstrip("0")
    if not kept:
        return "0"
    return f"{'-' if sign else ''}{kept}e{exponent + len(written) - len(kept)}"
