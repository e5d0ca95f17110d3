"""Settings: what the environment says, read once, checked and frozen."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from billing.domain.errors import BillingError, InvalidValueError
from billing.setting_values import (
    http_url,
    line,
    matching,
    public_key,
    queue_url,
    secret,
    whole_number,
)

MAX_THREADS = 256
MAX_RUN_WORKERS = 256

_PREFIX = "BILLING_"
_SECRETS = frozenset({"jwt_secret", "jwt_secret_previous"})
_DATABASE_URL = re.compile(r"memory://|sqlite(\+pysqlite)?:///.+|postgresql(\+psycopg)?://.+")
_LIMIT_STORAGE = re.compile(r"memory://|(redis|rediss|redis\+unix)://.+")
_RATE_LIMIT = re.compile(
    r"[1-9][0-9]{0,8} ?(/|per) ?([1-9][0-9]{0,4} ?)?(second|minute|hour|day|month|year)s?", re.ASCII
)
_HOST = re.compile(r"[A-Za-z0-9._:%-]{1,255}", re.ASCII)
_CREDENTIALS = re.compile(r"//.*@|\?.*")  # A password may hold "/" or "@" as it is.


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
    workers of many machines. metrics_port, metrics_host: where `billing serve` and `billing worker`
    serve metrics; None: nowhere. Secrets and passwords never show in `repr`.
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
    metrics_port: int | None = None
    metrics_host: str = "127.0.0.1"

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


def _masked(field: str, value: object) -> object:
    if value is None or not isinstance(value, str):
        return value
    if field in _SECRETS:
        return "***"
    return _CREDENTIALS.sub("***", value) if "://" in value else value


_READERS: dict[str, Callable[[str], object]] = {
    "database_url": matching(
        _DATABASE_URL, "sqlite:///<path>, postgresql+psycopg://<user>@<host>/<name> or memory://"
    ),
    "jwt_secret": secret,
    "jwt_secret_previous": secret,
    "jwt_public_key": public_key,
    "jwks_url": http_url,
    "jwt_issuer": line,
    "jwt_audience": line,
    "rate_limit": matching(_RATE_LIMIT, "a limit such as 100 per minute"),
    "rate_limit_storage": matching(_LIMIT_STORAGE, "memory:// or redis://<host>"),
    "trusted_proxies": whole_number(0, 9),
    "max_body_mb": whole_number(1, 4096),
    "letterhead": line,
    "threads": whole_number(1, MAX_THREADS),
    "run_workers": whole_number(0, MAX_RUN_WORKERS),
    "queue_url": queue_url,
    "metrics_port": whole_number(0, 65_535),
    "metrics_host": matching(_HOST, "an address or a host name, without a port"),
}
