"""Token keys: which key verifies a token, decided by the settings and never by the token."""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, Protocol

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from werkzeug.exceptions import ServiceUnavailable

from billing.settings import InvalidSettingError, Settings

ASYMMETRIC = ("RS256", "ES256", "EdDSA")
MIN_RSA_BITS = 2_048

JWKS_SECONDS = 60
"""How long a fetched key set is used: a key that the issuer drops is refused after this."""

JWKS_RETRY_SECONDS = 5
JWKS_TIMEOUT_SECONDS = 5

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """A key and the one algorithm it is used with."""

    algorithm: str
    key: Any


class KeySource(Protocol):
    """Where verifying keys come from."""

    def keys(self, kid: str | None, /) -> Sequence[VerifyingKey]:
        """Return the keys that may have signed a token whose header says `kid`."""


def key_source(settings: Settings) -> KeySource:
    """Return the keys that the settings name; raise InvalidSettingError when there are none."""
    if settings.jwt_secret:
        secrets = [settings.jwt_secret]
        if settings.jwt_secret_previous:
            secrets.append(settings.jwt_secret_previous)
        return Secrets(secrets)
    if settings.jwt_public_key:
        return PublicKey(settings.jwt_public_key)
    if settings.jwks_url:
        return KeySet(settings.jwks_url)
    raise InvalidSettingError(
        "BILLING_JWT_SECRET",
        "a secret of at least 32 bytes, unless BILLING_JWT_PUBLIC_KEY or BILLING_JWKS_URL is set",
    )


class Secrets:
    """The shared secrets of HS256. They have no ids, so a token that names one means no key."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._keys = [VerifyingKey("HS256", secret.encode()) for secret in secrets]

    def keys(self, kid: str | None, /) -> Sequence[VerifyingKey]:
        """Return every secret, the present one first."""
        return self._keys if kid is None else ()


class PublicKey:
    """One public key from the settings; the ids that issuers put in tokens say nothing here."""

    def __init__(self, pem: str) -> None:
        self._keys = [_read_pem(pem)]

    def keys(self, kid: str | None, /) -> Sequence[VerifyingKey]:
        """Return the key."""
        del kid
        return self._keys


class KeySet:
    """The issuer's published keys, by id, fetched again by the clock alone.

    A token's header never causes a fetch: whoever may send a token could otherwise make this
    service call another one as often as they like. While the issuer is away the last set holds.
    """

    def __init__(self, url: str) -> None:
        self._client = jwt.PyJWKClient(url, cache_jwk_set=False, timeout=JWKS_TIMEOUT_SECONDS)
        self._found: dict[str, VerifyingKey] | None = None
        self._due = 0.0
        self._lock = threading.Lock()

    def keys(self, kid: str | None, /) -> Sequence[VerifyingKey]:
        """Return the key with this id; answer 503 while none was ever fetched."""
        self._refresh()
        if self._found is None:
            raise ServiceUnavailable(
                "Tokens cannot be verified now: their issuer's keys are unavailable.",
                retry_after=JWKS_RETRY_SECONDS,
            )
        key = self._found.get(kid) if kid else None
        return () if key is None else (key,)

    def _refresh(self) -> None:
        if monotonic() < self._due:
            return
        # One thread fetches; the others go on with the last set, or wait for the first.
        if not self._lock.acquire(blocking=self._found is None):
            return
        try:
            if monotonic() >= self._due:
                self._fetch()
        finally:
            self._lock.release()

    def _fetch(self) -> None:
        try:
            self._found = _usable(self._client.get_jwk_set(refresh=True))
            self._due = monotonic() + JWKS_SECONDS
        except (jwt.PyJWTError, OSError, ValueError, RecursionError) as error:
            _LOG.warning("The token issuer's keys could not be fetched: %s", error)
            self._due = monotonic() + JWKS_RETRY_SECONDS


def _usable(published: jwt.PyJWKSet) -> dict[str, VerifyingKey]:
    """Keep the signing keys that have an id, of the asymmetric kinds only."""
    return {
        key.key_id: VerifyingKey(key.algorithm_name, key.key)
        for key in published.keys
        if key.key_id and key.public_key_use in {"sig", None} and key.algorithm_name in ASYMMETRIC
    }


def _read_pem(pem: str) -> VerifyingKey:
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= MIN_RSA_BITS:
        return VerifyingKey("RS256", key)
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return VerifyingKey("ES256", key)
    if isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
        return VerifyingKey("EdDSA", key)
    raise InvalidSettingError(
        "BILLING_JWT_PUBLIC_KEY",
        f"a public key of RSA (at least {MIN_RSA_BITS:,} bits), of the curve P-256, or Ed25519",
    )
