"""Setting values: how the text of one setting is read, or refused with what it takes."""

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from billing.domain.errors import InvalidValueError
from billing.domain.fields import require_text

MIN_SECRET_BYTES = 32
MIN_SECRET_CHARACTERS = 8
"""A secret with fewer different characters than this was not made at random."""

_EXAMPLE = re.compile(
    r"change[-_ ]?(me|this|it)|example|placeholder|your[-_ ]?secret", re.IGNORECASE
)
_QUEUE_SCHEMES = frozenset({"redis", "rediss", "redis+unix", "amqp", "amqps"})


def matching(pattern: re.Pattern[str], takes: str) -> Callable[[str], str]:
    """Return what reads a text of a form."""

    def read(text: str) -> str:
        if not pattern.fullmatch(text.strip()):
            raise InvalidValueError(takes)
        return text.strip()

    return read


def whole_number(low: int, high: int) -> Callable[[str], int]:
    """Return what reads a whole number of a range."""

    def read(text: str) -> int:
        digits = text.strip()
        number = int(digits) if re.fullmatch(r"[0-9]{1,9}", digits, re.ASCII) else -1
        if not low <= number <= high:
            raise InvalidValueError(f"a whole number from {low} to {high}")
        return number

    return read


def line(text: str) -> str:
    """Read a line of text."""
    try:
        return require_text(text)
    except InvalidValueError:
        raise InvalidValueError("a line of up to 255 characters") from None


def secret(text: str) -> str:
    """Read a secret that nobody can guess."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:  # Bytes that are not UTF-8 arrive as lone surrogates.
        size = 0
    if size < MIN_SECRET_BYTES:
        raise InvalidValueError(f"a secret of at least {MIN_SECRET_BYTES} bytes, in UTF-8")
    if len(set(text)) < MIN_SECRET_CHARACTERS or _EXAMPLE.search(text):
        raise InvalidValueError("a secret made at random, such as `openssl rand -hex 32` prints")
    return text


def public_key(text: str) -> str:
    """Read a public key, or the path of one."""
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


def http_url(text: str) -> str:
    """Read the URL of a web server."""
    try:
        parts = urlsplit(text.strip())
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InvalidValueError("an http:// or https:// URL")
    return text.strip()


def queue_url(text: str) -> str:
    """Read the URL of a broker."""
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
