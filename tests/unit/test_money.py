"""Money: scales, rounding and exact text."""

from decimal import Decimal

import pytest

from billing.domain import money
from billing.domain.errors import AmountTooLargeError, InvalidValueError


@pytest.mark.parametrize(
    ("raw", "decimals", "minor"),
    [
        (5_000_000_000, 2, 1),  # 0.005 is half a cent: away from zero
        (4_999_999_999, 2, 0),
        (-5_000_000_000, 2, -1),
        (-4_999_999_999, 2, 0),
        (1_005_000_000_000, 2, 101),  # 1.005, which a float holds as 1.00499...
        (500_000_000_000, 0, 1),
        (1_234_500_000_000, 3, 1235),
        (0, 2, 0),
    ],
)
def test_rounding_is_half_up_away_from_zero(raw: int, decimals: int, minor: int) -> None:
    """Half a minor unit goes away from zero, on both sides of it."""
    assert money.round_raw(raw, decimals) == minor


@pytest.mark.parametrize(
    ("minor", "decimals", "text"),
    [
        (50_000, 2, "500.00"),
        (-1, 2, "-0.01"),
        (7, 0, "7"),
        (-1_005, 3, "-1.005"),
        (0, 2, "0.00"),
        (999_999_999_999_999, 4, "99999999999.9999"),
    ],
)
def test_amounts_are_written_with_the_currencys_decimals(
    minor: int, decimals: int, text: str
) -> None:
    """No amount loses a zero or passes through a float."""
    assert money.minor_text(decimals)(minor) == text
    assert money.to_minor(money.to_amount(minor, decimals), decimals) == minor
    assert format(money.to_amount(minor, decimals), "f") == text


@pytest.mark.parametrize(
    ("millionths", "text"),
    [(2_500_000, "2.5"), (30_000_000, "30"), (1, "0.000001"), (-1_500_000, "-1.5"), (0, "0")],
)
def test_quantities_are_written_without_needless_zeros(millionths: int, text: str) -> None:
    """A quantity is the shortest plain number."""
    assert money.millionths_text(millionths) == text
    assert money.from_millionths(millionths) == Decimal(text)
    assert money.to_millionths(Decimal(text)) == millionths


def test_currencies_have_their_iso_decimals() -> None:
    """Yen have none, dinars three; what is no currency is refused."""
    decimals = [money.currency_decimals(code) for code in ("USD", "JPY", "KWD", "UYW")]
    assert decimals == [2, 0, 3, 4]
    for wrong in ("usd", "XXX", "", "EURO", "XAU"):
        with pytest.raises(InvalidValueError, match="ISO 4217"):
            money.currency_decimals(wrong)


def test_no_amount_passes_the_exact_range() -> None:
    """Past 999,999,999,999,999 minor units a JSON number is no longer exact: refused."""
    assert money.check_minor(-money.MAX_MINOR_UNITS, "x") == -money.MAX_MINOR_UNITS
    for beyond in (money.MAX_MINOR_UNITS + 1, -money.MAX_MINOR_UNITS - 1):
        with pytest.raises(AmountTooLargeError, match="The total exceeds"):
            money.check_minor(beyond, "The total")
