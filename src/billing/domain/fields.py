"""Fields: how one value of untrusted input is read, strictly, or refused with its mend.

The one place that decides what an id, a date, a decimal or a text may look like; HTTP schemas,
bulk rows, rate cards and the command line all read through it.
"""

import decimal
import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import TypeGuard

from billing.domain.errors import InvalidValueError

MAX_ID = 2**63 - 1
MAX_TEXT = 255
MAX_NOTES = 10_000
MAX_QUANTITY = 999_999_999
DAY_LENGTH = len("YYYY-MM-DD")

_ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_DECIMAL = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?([eE][+-]?[0-9]{1,2})?", re.ASCII)
# Control characters except the white space that trimming may remove, lone surrogates, and the
# characters that reorder text on screen (bidi embeddings, overrides and isolates).
_FORBIDDEN = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
_INNER_CONTROL = re.compile("[\t\n\v\f\r]")
# Precise enough for any decimal that is then compared with a range; anything inexact is refused.
_EXACT = decimal.Context(prec=60, traps=[decimal.Inexact, decimal.InvalidOperation])
_STEP = {places: Decimal(1).scaleb(-places) for places in range(7)}


def read_text(value: object, /, limit: int = MAX_TEXT) -> str | None:
    """Return the trimmed text, or None when it is missing or empty."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidValueError("Not a valid string.")
    if not value.isprintable() and _FORBIDDEN.search(value):
        raise InvalidValueError(
            "Control characters, lone surrogates and bidi controls are not allowed."
        )
    text = value.strip()
    if not text:
        return None
    if not text.isprintable() and _INNER_CONTROL.search(text):
        raise InvalidValueError("Control characters are not allowed.")
    if len(text) > limit:
        raise InvalidValueError(f"Longer than {limit:,} characters.")
    return text


def read_notes(value: object, /) -> str | None:
    """Return the trimmed text of a long field, up to 10,000 characters."""
    return read_text(value, MAX_NOTES)


def require_text(value: object, /) -> str:
    """Return the trimmed text; missing or empty text is refused."""
    text = read_text(value)
    if text is None:
        raise InvalidValueError("Missing: give a text.")
    return text


def is_id(value: object, /) -> TypeGuard[int]:
    """Tell whether the value is an integer that an id can be."""
    return type(value) is int and 1 <= value <= MAX_ID


def read_id(value: object, /) -> int:
    """Return an id given as a JSON integer from 1 to 2^63 - 1."""
    if is_id(value):
        return value
    raise InvalidValueError("Not a valid id: give an integer from 1 to 9223372036854775807.")


def read_id_text(value: str, /) -> int:
    """Return an id given as plain ASCII digits, without sign or leading zero."""
    return read_id(int(value) if _ID.fullmatch(value) else None)


def read_date(value: object, /) -> date:
    """Return a day given as YYYY-MM-DD, from 0001-01-01 to 9999-12-31."""
    if isinstance(value, str):
        day = day_of(value)
        if day is not None:
            return day
    elif type(value) is date:
        return value
    raise InvalidValueError("Not a valid date: give an existing day as YYYY-MM-DD.")


def day_of(text: str, /) -> date | None:
    """Return the day that is written as YYYY-MM-DD, or None if it is none."""
    # What is kept is short, however long the texts that callers send.
    return _known_day(text) if len(text) == DAY_LENGTH else None


@lru_cache(maxsize=1_000)  # Bulk rows name few days, each by the thousand.
def _known_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        return None


def read_decimal(
    value: object, /, *, places: int, low: Decimal | int, high: Decimal | int
) -> Decimal:
    """Return an exact decimal with at most `places` decimals between `low` and `high`.

    Takes an int, a Decimal, or plain ASCII text; a float or bool is refused, never converted.
    """
    number = _as_decimal(value)
    if not number.is_finite():
        raise InvalidValueError("Not a valid number: give a plain decimal such as 12.50.")
    try:
        number.quantize(_STEP[places], context=_EXACT)
    except decimal.Inexact:
        raise InvalidValueError(
            f"Has more than {places} decimals." if places else "Must have no decimals."
        ) from None
    except decimal.InvalidOperation:
        raise InvalidValueError(f"Out of range: give {low:,} to {high:,}.") from None
    if not low <= number <= high:
        raise InvalidValueError(f"Out of range: give {low:,} to {high:,}.")
    return number or Decimal(0)


def _as_decimal(value: object) -> Decimal:
    if type(value) is int or isinstance(value, Decimal):
        # Decimal(int) is exact and linear only for sane sizes; readers refuse longer literals.
        return Decimal(value)
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return Decimal(value)
    raise InvalidValueError("Not a valid number: give a plain decimal such as 12.50.")


def read_amount(value: object, /, decimals: int) -> Decimal:
    """Return an amount with the currency's decimals; negative amounts are credits."""
    bound = Decimal(10**15 - 1).scaleb(-decimals)
    return read_decimal(value, places=decimals, low=-bound, high=bound).quantize(_STEP[decimals])


def read_quantity(value: object, /) -> Decimal:
    """Return a quantity, weight or volume: up to 6 decimals, 0 to 999,999,999."""
    if type(value) is int and 0 <= value <= MAX_QUANTITY:  # Nearly every quantity; 4 x faster.
        return Decimal(value)
    return read_decimal(value, places=6, low=0, high=MAX_QUANTITY)


def check_keys(
    value: object, known: Iterable[str], required: Iterable[str] = ()
) -> dict[str, object]:
    """Return a JSON object whose keys are all known and whose required keys are all there."""
    if not isinstance(value, dict):
        raise InvalidValueError("Not a JSON object.")
    for key in value:
        if key not in known:
            raise InvalidValueError("Unknown field.", field=shown(str(key)))
    for key in required:
        if value.get(key) is None:
            raise InvalidValueError("Missing data for required field.", field=key)
    return value


def shown(text: str, /) -> str:
    """Return untrusted text as it may be repeated in a message: short and printable."""
    return "".join(character if character.isprintable() else "?" for character in text[:50])
