"""Settings: what the environment says, read once, checked and frozen."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from billing.domain.errors import BillingError, InvalidValueError
from billing.domain.fields import require_text

MIN_SECRET_BYTES = 32
MIN_SECRET_CHARACTERS = 8
"""A secret with fewer different characters than this was not made at random."""

MAX_THREADS = 256
MAX_RUN_WORKERS = 256

_PREFIX = "BILLING_"
_SECRETS = frozenset({"jwt_secret", "jwt_secret_previous"})
_DATABASE_URL = re.compile(r"memory://|sqlite(\+pysqlite)?:///.+|postgresql(\+psycopg)?://.+")
_LIMIT_STORAGE = re.compile(r"memory://|(redis|rediss|redis\+unix)://.+")
_RATE_LIMIT = re.compile(
    r"[1-9][0-9]{0,8} ?(/|per) ?([1-9][0-9]{0,4} ?)?(second|minute|hour|day|month|year)s?", re.ASCII
)
_EXAMPLE = re.compile(
    r"change[-_ ]?(me|this|it)|example|placeholder|your[-_ ]?secret", re.IGNORECASE
)
_QUEUE_SCHEMES = frozenset({"redis", "rediss", "redis+unix", "amqp", "amqps"})
_CREDENTIALS = re.compile(r"//[^/@]*@|\?.*")


class InvalidSettingError(BillingError):
    """A setting that cannot be used; says which one and what it takes, never its value."""

    code = "invalid_setting"

    def __init__(self, name: str, takes: str) -> None:
        super().__init__(f"{name} takes {takes}.")
        self.name = name


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Settings:
    """How the application is run; every field is the variable BILLING_<FIELD>.

    jwt_public_key: the PEM text, also when the variable named a file. trusted_proxies: how many
    proxies' forwarding headers are believed. threads: how many requests the server that runs the
    application answers at once in each process. run_workers: how many processes of this machine
    work on billing runs; None leaves it to the number of cores. queue_url: the broker that hints
    workers of many machines. Secrets and passwords never show in `repr`.
    """

    database_url: str = "sqlite:///var/billing.db"
    jwt_secret: str | None = None
    jwt_secret_previous: str | None = None
    jwt_public_key: str | None = None
    jwks_url: str | None = None
    jwt_issuer: str | None = None
    jwt_audience: str | None = None
    rate_limit: str = "100 per minute"
    rate_limit_storage: str = "memory://"
    trusted_proxies: int = 0
    max_body_mb: int = 64
    letterhead: str = "Billing"
    threads: int = 8
    run_workers: int | None = None
    queue_url: str | None = None

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the BILLING_ variables; an empty one counts as not set, others are ignored.

        Raises InvalidSettingError for the first one that is wrong.
        """
        values: dict[str, Any] = {}
        for field in _READERS:
            text = environ.get(name_of(field), "")
            if text.strip():
                values[field] = _read(field, text)
        settings = cls(**values)
        _check_together(settings)
        return settings

    @property
    def max_body_bytes(self) -> int:
        """The largest body of a request."""
        return self.max_body_mb * 1024 * 1024

    def __repr__(self) -> str:
        shown = (
            f"{field.name}={_masked(field.name, getattr(self, field.name))!r}"
            for field in fields(self)
        )
        return f"Settings({', '.join(shown)})"


def name_of(field: str) -> str:
    """Return the variable of a field: BILLING_JWT_SECRET for jwt_secret."""
    return _PREFIX + field.upper()


def _read(field: str, text: str) -> object:
    try:
        return _READERS[field](text)
    except InvalidValueError as error:
        raise InvalidSettingError(name_of(field), error.problem) from None


def _check_together(settings: Settings) -> None:
    """Refuse settings that contradict each other."""
    asymmetric = settings.jwt_public_key or settings.jwks_url
    if settings.jwt_secret and asymmetric:
        raise InvalidSettingError(
            "BILLING_JWT_SECRET",
            "no value together with BILLING_JWT_PUBLIC_KEY or BILLING_JWKS_URL: "
            "tokens are of one kind",
        )
    if settings.jwt_public_key and settings.jwks_url:
        raise InvalidSettingError(
            "BILLING_JWT_PUBLIC_KEY", "no value together with BILLING_JWKS_URL: give one of them"
        )
    if settings.jwt_secret_previous and not settings.jwt_secret:
        raise InvalidSettingError(
            "BILLING_JWT_SECRET_PREVIOUS", "a value only together with BILLING_JWT_SECRET"
        )
    if settings.jwks_url and not settings.jwt_audience:
        raise InvalidSettingError(
            "BILLING_JWT_AUDIENCE", "the audience of the tokens, required with BILLING_JWKS_URL"
        )
    if settings.queue_url and not settings.database_url.startswith("postgresql"):
        raise InvalidSettingError(
            "BILLING_DATABASE_URL",
            "postgresql+psycopg://<user>@<host>/<name> together with BILLING_QUEUE_URL: "
            "other machines see neither a SQLite file nor what is in memory",
        )


def _pattern(pattern: re.Pattern[str], takes: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not pattern.fullmatch(text.strip()):
            raise InvalidValueError(takes)
        return text.strip()

    return read


def _whole_number(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        digits = text.strip()
        number = int(digits) if re.fullmatch(r"[0-9]{1,9}", digits, re.ASCII) else -1
        if not low <= number <= high:
            raise InvalidValueError(f"a whole number from {low} to {high}")
        return number

    return read


def _text(text: str) -> str:
    try:
        return require_text(text)
    except InvalidValueError:
        raise InvalidValueError("a line of up to 255 characters") from None


def _secret(text: str) -> str:
    try:
        size = len(text.encode())
    except UnicodeEncodeError:  # Bytes that are not UTF-8 arrive as lone surrogates.
        size = 0
    if size < MIN_SECRET_BYTES:
        raise InvalidValueError(f"a secret of at least {MIN_SECRET_BYTES} bytes, in UTF-8")
    if len(set(text)) < MIN_SECRET_CHARACTERS or _EXAMPLE.search(text):
        raise InvalidValueError("a secret made at random, such as `openssl rand -hex 32` prints")
    return text


def _public_key(text: str) -> str:
    takes = "a public key in PEM form, or the path of a file that holds one"
    if "-----BEGIN" not in text:
        try:
            text = Path(text.strip()).read_text(encoding="ascii")
        except (OSError, ValueError):
            raise InvalidValueError(takes) from None
    if "PRIVATE KEY-----" in text:
        raise InvalidValueError(f"{takes}; this is a private key, which must stay with the issuer")
    if "PUBLIC KEY-----" not in text:
        raise InvalidValueError(takes)
    return text


def _http_url(text: str) -> str:
    try:
        parts = urlsplit(text.strip())
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InvalidValueError("an http:// or https:// URL")
    return text.strip()


def _queue_url(text: str) -> str:
    try:
        parts = urlsplit(text.strip())
        place = parts.path if parts.scheme == "redis+unix" else parts.hostname
        usable = parts.scheme in _QUEUE_SCHEMES and bool(place) and (parts.port or 0) >= 0
    except ValueError:  # A port that is no number, half an address.
        usable = False
    if not usable:
        raise InvalidValueError(
            "redis://<host>/<number>, rediss://…, redis+unix:///<socket>, "
            "amqp://<user>:<password>@<host>/<vhost> or amqps://…"
        )
    return text.strip()


def _masked(field: str, value: object) -> object:
    if value is None or not isinstance(value, str):
        return value
    if field in _SECRETS:
        return "***"
    return _CREDENTIALS.sub("***", value) if "://" in value else value


_READERS: dict[str, Callable[[str], object]] = {
    "database_url": _pattern(
        _DATABASE_URL, "sqlite:///<path>, postgresql+psycopg://<user>@<host>/<name> or memory://"
    ),
    "jwt_secret": _secret,
    "jwt_secret_previous": _secret,
    "jwt_public_key": _public_key,
    "jwks_url": _http_url,
    "jwt_issuer": _text,
    "jwt_audience": _text,
    "rate_limit": _pattern(_RATE_LIMIT, "a limit such as 100 per minute"),
    "rate_limit_storage": _pattern(_LIMIT_STORAGE, "memory:// or redis://<host>"),
    "trusted_proxies": _whole_number(0, 9),
    "max_body_mb": _whole_number(1, 4096),
    "letterhead": _text,
    "threads": _whole_number(1, MAX_THREADS),
    "run_workers": _whole_number(0, MAX_RUN_WORKERS),
    "queue_url": _queue_url,
}
