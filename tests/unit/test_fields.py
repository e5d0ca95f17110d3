"""Fields: untrusted values are read strictly or refused."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest

from billing.domain import fields
from billing.domain.errors import InvalidValueError


@pytest.mark.parametrize("value", [1, 2**63 - 1], ids=repr)
def test_ids_are_positive_64_bit_integers(value: int) -> None:
    """The whole range of a signed 64-bit key can be used."""
    assert fields.read_id(value) == value
    assert fields.read_id_text(str(value)) == value


@pytest.mark.parametrize(
    "value", [0, -1, 2**63, 1.0, 1.9, "1", True, None, [1], Decimal(1)], ids=repr
)
def test_what_is_no_id_is_refused(value: object) -> None:
    """Nothing is coerced into an id."""
    with pytest.raises(InvalidValueError, match="Not a valid id"):
        fields.read_id(value)


@pytest.mark.parametrize(
    "text",
    ["", "0", "01", "+1", "-1", " 1", "1 ", "1_0", "1.0", "1e2", "\u0661", "9" * 19, "9" * 5000],
    ids=repr,
)
def test_id_text_is_plain_ascii_digits(text: str) -> None:
    """Signs, spaces, leading zeros and other scripts' digits are no ids."""
    with pytest.raises(InvalidValueError, match="Not a valid id"):
        fields.read_id_text(text)


@pytest.mark.parametrize("text", ["0001-01-01", "9999-12-31", "2024-02-29"], ids=repr)
def test_dates_cover_the_whole_calendar(text: str) -> None:
    """Every day from 0001-01-01 to 9999-12-31 works."""
    assert fields.read_date(text) == date.fromisoformat(text)


@pytest.mark.parametrize(
    "value",
    [
        "2023-02-30",
        "20230101",
        "2023-W01-1",
        "10000-01-01",
        "0000-01-01",
        "2023-01-01T00:00:00",
        "\uff12\uff10\uff12\uff13-01-01",
        " 2023-01-01",
        "2023-1-1",
        "",
        20230101,
        None,
        True,
    ],
    ids=repr,
)
def test_only_plain_existing_days_are_dates(value: object) -> None:
    """Other ISO spellings, instants and days that never were are refused."""
    with pytest.raises(InvalidValueError, match="YYYY-MM-DD"):
        fields.read_date(value)


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        ("0.1", "0.10"),
        (Decimal("0.10"), "0.10"),
        ("1e2", "100.00"),
        (5, "5.00"),
        ("-4.20", "-4.20"),
        ("9999999999999.99", "9999999999999.99"),
        ("10.000", "10.00"),
        (Decimal("-0"), "0.00"),
    ],
    ids=repr,
)
def test_amounts_are_exact(value: object, amount: str) -> None:
    """An amount is read from its text, never through a float."""
    assert format(fields.read_amount(value, 2), "f") == amount


@pytest.mark.parametrize(
    "value",
    [
        "0.285",
        "1.005",
        "10000000000000.00",
        "1_000",
        " 5 ",
        "٣",
        "NaN",
        "Infinity",
        Decimal("NaN"),
        Decimal("Infinity"),
        Decimal("1e400"),
        Decimal("1e-400"),
        "1.0000000000000000000000000001",
        Decimal("1." + "0" * 50 + "1"),
        0.1,
        True,
        None,
        "",
        "1,50",
        "$5",
    ],
    ids=repr,
)
def test_doubtful_amounts_are_refused(value: object) -> None:
    """Nothing is rounded, coerced or guessed."""
    with pytest.raises(InvalidValueError):
        fields.read_amount(value, 2)


def test_yen_have_no_decimals() -> None:
    """The currency decides how many decimals an amount may have."""
    assert fields.read_amount("999999999999999", 0) == 999_999_999_999_999
    with pytest.raises(InvalidValueError, match="no decimals"):
        fields.read_amount("1.5", 0)


@pytest.mark.parametrize("value", [0, "0", 999_999_999, "0.000001", Decimal("12.5")], ids=repr)
def test_quantities_run_from_0_to_a_billion(value: object) -> None:
    """Both ends are in."""
    assert fields.read_quantity(value) == Decimal(str(value))


@pytest.mark.parametrize("value", [-1, "-0.1", 1_000_000_000, "0.0000001", True, 1.5], ids=repr)
def test_other_quantities_are_refused(value: object) -> None:
    """No negative, no seventh decimal, no float."""
    with pytest.raises(InvalidValueError):
        fields.read_quantity(value)


def test_text_is_trimmed_and_empty_text_is_missing() -> None:
    """Other scripts, emoji and spaces inside come back as they are."""
    assert fields.read_text("  Łódź 東京 العربية 😀 \n") == "Łódź 東京 العربية 😀"
    assert fields.read_text("a\N{NO-BREAK SPACE}b") == "a\N{NO-BREAK SPACE}b"
    assert fields.read_text(" \t ") is None
    assert fields.read_text(None) is None


@pytest.mark.parametrize(
    "text",
    ["a\x00", "\x1fa", "a\nb", "a\tb", "\ud800", "a\u202eb", "\u2066a", "a\x7f", "\x85\x9f"],
    ids=repr,
)
@pytest.mark.parametrize("read", [fields.read_text, fields.read_notes, fields.require_text])
def test_control_characters_are_refused(read: Callable[[object], object], text: str) -> None:
    """Control characters, lone surrogates and bidi controls are in no text, long or short."""
    with pytest.raises(InvalidValueError, match="not allowed"):
        read(text)


def test_text_has_a_greatest_length() -> None:
    """255 characters, for notes 10,000, counted after trimming."""
    assert fields.read_text(" " + "x" * 255) == "x" * 255
    assert fields.read_notes("x" * 10_000) == "x" * 10_000
    for read, length in ((fields.read_text, 256), (fields.read_notes, 10_001)):
        with pytest.raises(InvalidValueError, match="Longer than"):
            read("x" * length)


def test_a_refusal_knows_its_place() -> None:
    """Paths are put together from the inside out."""
    error = InvalidValueError("Wrong.").at("amount").at("[2]").at("charges")
    assert str(error) == "charges[2].amount: Wrong."
    assert (error.field, error.problem) == ("charges[2].amount", "Wrong.")


def test_what_is_repeated_in_a_message_is_short_and_printable() -> None:
    """Untrusted text cannot break a log line or an answer."""
    assert fields.shown("a\r\nb\ud800" + "x" * 100) == "a??b?" + "x" * 45


def test_only_texts_as_long_as_a_day_are_remembered() -> None:
    """What callers send has no end; what is kept to read it faster has."""
    kept = fields._known_day.cache_info().currsize
    with pytest.raises(InvalidValueError):
        fields.read_date("2023-01-01" * 1_000)
    assert fields._known_day.cache_info().currsize == kept
