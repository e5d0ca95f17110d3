"""Strict JSON: decimals stay exact, doubtful input is refused instead of guessed."""

import json
from collections.abc import Callable
from decimal import Decimal
from json.encoder import encode_basestring as quote
from typing import Any

from billing.domain.errors import InvalidValueError
from billing.domain.fields import shown

MAX_DEPTH = 32
MAX_DIGITS = 4_300
"""Python refuses to read longer integers."""


def loads(text: str | bytes, /) -> object:
    """Parse JSON: numbers become int or Decimal, never float.

    NaN, Infinity and numbers beyond any sane size become decimals that no field takes.
    Raises InvalidValueError for anything that is not one JSON value in UTF-8, for duplicate keys
    and for nesting beyond any sane depth.
    """
    try:
        return _decoded(text.decode() if isinstance(text, bytes) else text)
    except InvalidValueError:
        raise
    except RecursionError:
        raise InvalidValueError(f"JSON is nested deeper than {MAX_DEPTH} levels.") from None
    except UnicodeDecodeError:
        raise InvalidValueError("Not valid UTF-8.") from None
    except json.JSONDecodeError as error:
        raise InvalidValueError(
            f"Malformed JSON at line {error.lineno}, column {error.colno}."
        ) from None


def dumps(value: Any, /) -> str:
    """Write plain data as JSON, decimals as exact numbers; a float would be a bug and raises."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dict):
        members = (f"{quote(key)}:{dumps(member)}" for key, member in value.items())
        return f"{{{','.join(members)}}}"
    if isinstance(value, list | tuple):
        return f"[{','.join(map(dumps, value))}]"
    if isinstance(value, float):
        raise TypeError("a float in an answer")
    return json.dumps(value, ensure_ascii=False)


def _decoded(text: str) -> object:
    try:
        try:  # The scanner itself: the decoder's frames and its two searches for white space
            value, end = _SCAN(text, 0)  # around it take a tenth of a bulk row's parsing.
        except StopIteration:
            end = -1
        if end == len(text) and _has_no_repeats(text, value):
            return value
        return _DECODER.decode(text)
    except (InvalidValueError, json.JSONDecodeError):
        raise
    except (ValueError, ArithmeticError):
        # A number beyond any sane size: read it as NaN, which every field refuses by its name.
        # What comes behind it may still be no JSON.
        return _WITHOUT_SIZE.decode(text)


def _has_no_repeats(text: str, value: object) -> bool:
    """Tell whether no object repeats a key, as far as that is quickly seen; True is certain.

    Each member that was written has its colon, so with a colon for each member that was read, none
    was lost. Members in deeper places, and colons inside texts, count against it. Looking at bulk
    rows so takes a third less time than reading each object through `_unique`.
    """
    if type(value) is not dict:
        return False
    members = len(value)
    for member in value.values():
        if type(member) is list and set(map(type, member)) == {dict}:
            members += sum(map(len, member))
    return members == text.count(":")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        keys = [key for key, _ in pairs]
        repeated = next(key for key in keys if keys.count(key) > 1)
        raise InvalidValueError("Duplicate key.", field=shown(repeated))
    return result


def _sane(number: str) -> Decimal:
    try:
        return Decimal(number) if len(number) < MAX_DIGITS else Decimal("NaN")
    except ArithmeticError:
        return Decimal("NaN")


# Hooks run for floats and objects only: integers keep the C parser's own path. NaN and Infinity
# become decimals that no field takes, so that the refusal names the field.
_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_float=Decimal, parse_constant=Decimal)
_SCAN: Callable[[str, int], tuple[object, int]] = json.JSONDecoder(  # type: ignore[attr-defined]  # Typeshed leaves it out.
    parse_float=Decimal, parse_constant=Decimal
).scan_once
_WITHOUT_SIZE = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=_sane, parse_int=_sane, parse_constant=Decimal
)
