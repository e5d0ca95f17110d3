"""Strict JSON: exact numbers, no doubtful input."""

from decimal import Decimal

import pytest

from billing.domain.errors import InvalidValueError
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
        (b"NaN", "NaN"),
        (b"[-Infinity]", "-Infinity"),
        (b"", "Malformed"),
        (b"{} x", "Malformed"),
        (b"{'a': 1}", "Malformed"),
        (b"\xef\xbb\xbf{}", "Malformed"),
        (b"\xff", "UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "UTF-8"),
        (b"[" * 100_000, "nested"),
        (b'{"a":' * 100_000, "nested"),
        (b"1" * 5_000, "sane size"),
        (b"1e" + b"9" * 30, "sane size"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_doubtful_json_is_refused(text: bytes, message: str) -> None:
    """Each is refused with a sentence, none with a traceback."""
    with pytest.raises(InvalidValueError, match=message):
        loads(text)
