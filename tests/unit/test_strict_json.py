"""Strict JSON: exact numbers, no doubtful input."""

from decimal import Decimal

import pytest

from billing.domain.errors import InvalidValueError
from billing.domain.fields import read_date, read_id, read_quantity, read_text
from billing.domain.strict_json import loads


def test_numbers_stay_exact() -> None:
    """Integers become int, everything else Decimal from its own text."""
    text = b'{"a": 12345678901234567.89, "b": 9007199254740993, "c": 1e2}'
    assert loads(text) == {
        "a": Decimal("12345678901234567.89"),
        "b": 9007199254740993,
        "c": Decimal("1E+2"),
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b'{"a": 1, "b": 2, "a": 3}', "a: Duplicate key"),
        (b'{"x": {"a": 1, "a": 1}}', "a: Duplicate key"),
        (b"", "Malformed"),
        (b"{} x", "Malformed"),
        (b"{'a': 1}", "Malformed"),
        (b"\xef\xbb\xbf{}", "Malformed"),
        (b"\xff", "UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "UTF-8"),
        (b"[" * 100_000, "nested"),
        (b'{"a":' * 100_000, "nested"),
        (b'{"a": ' + b"9" * 5_000 + b" x}", "Malformed"),
        (b"[1e" + b"9" * 30 + b", \xff]", "UTF-8"),
        (b"[" + b"9" * 5_000 + b"," + b"[" * 100_000, "nested"),
        (b"[" + b"9" * 5_000 + b', {"a": 1, "a": 2}]', "a: Duplicate key"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_doubtful_json_is_refused(text: bytes, message: str) -> None:
    """Each is refused with a sentence, none with a traceback."""
    with pytest.raises(InvalidValueError, match=message):
        loads(text)


@pytest.mark.parametrize(
    "text",
    [b"NaN", b"Infinity", b"-Infinity", b"1" * 5_000, b"1e" + b"9" * 30, b"-1." + b"9" * 5_000],
    ids=lambda value: repr(value)[:24],
)
def test_a_number_that_is_none_is_refused_by_its_field(text: bytes) -> None:
    """It is read as something that no field takes, so that the refusal can name the field."""
    value = loads(b'{"a": ' + text + b"}")
    assert isinstance(value, dict)
    for read in (read_id, read_quantity, read_text, read_date):
        with pytest.raises(InvalidValueError):
            read(value["a"])
