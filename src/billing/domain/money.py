"""Money: exact amounts as integers of minor units, rounded once, half up.

Three scales, all integers, so that nothing is ever a binary float:
- minor units: what a bill shows (cents; yen have no smaller unit), ISO 4217;
- millionths: prices, percentages and quantities, which have up to 6 decimals;
- raw: the product of two millionths (10^-12 of a currency unit), before the one rounding.
"""

from collections.abc import Callable
from decimal import Decimal

from billing.domain.errors import AmountTooLargeError, InvalidValueError

RAW_DECIMALS = 12
MILLION = 1_000_000
MAX_MINOR_UNITS = 999_999_999_999_999

# ISO 4217 (list one, 2025), without metals, funds and test codes that have no minor unit.
_DECIMALS_OTHER_THAN_2 = {
    **dict.fromkeys(
        "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0
    ),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
    **dict.fromkeys("CLF UYW".split(), 4),
}
_TWO_DECIMALS = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN "
    "BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP "
    "GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP "
    "LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR "
    "NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN "
    "SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR "
    "ZMW ZWG"
)
CURRENCY_DECIMALS: dict[str, int] = {
    **dict.fromkeys(_TWO_DECIMALS.split(), 2),
    **_DECIMALS_OTHER_THAN_2,
}


def currency_decimals(currency: str, /) -> int:
    """Return how many decimals an ISO 4217 currency has: USD 2, JPY 0, KWD 3."""
    try:
        return CURRENCY_DECIMALS[currency]
    except KeyError:
        raise InvalidValueError(
            f"{currency[:50]!r} is no ISO 4217 currency code such as USD."
        ) from None


_RAW_UNITS = tuple(int(10 ** (RAW_DECIMALS - decimals)) for decimals in range(5))


def raw_per_minor(decimals: int, /) -> int:
    """Return how much raw money one minor unit is."""
    return _RAW_UNITS[decimals]


def round_raw(raw: int, decimals: int, /) -> int:
    """Round 10^-12 of a currency unit to minor units: half up, away from zero at the half."""
    divisor = _RAW_UNITS[decimals]
    half = divisor // 2
    return (raw + half) // divisor if raw >= 0 else -((-raw + half) // divisor)


def to_minor(amount: Decimal, decimals: int, /) -> int:
    """Return an amount that has at most `decimals` decimals as minor units."""
    return int(amount.scaleb(decimals))


def to_amount(minor: int, decimals: int, /) -> Decimal:
    """Return minor units as an exact amount with the currency's decimals."""
    return Decimal(minor).scaleb(-decimals)


def minor_text(decimals: int, /) -> Callable[[int], str]:
    """Return the function that writes minor units as a JSON number: 50000 is 500.00 in USD."""
    if decimals == 0:
        return str
    unit = 10**decimals

    def write(minor: int) -> str:
        whole, part = divmod(abs(minor), unit)
        return f"{'-' if minor < 0 else ''}{whole}.{part:0{decimals}d}"

    return write


def check_minor(minor: int, what: str, /) -> int:
    """Return the amount, or raise AmountTooLargeError naming `what` past the exact range."""
    if not -MAX_MINOR_UNITS <= minor <= MAX_MINOR_UNITS:
        raise AmountTooLargeError(what)
    return minor


def to_millionths(value: Decimal | int, /) -> int:
    """Return a number with at most 6 decimals as an integer of millionths."""
    return value * MILLION if isinstance(value, int) else int(value.scaleb(6))


def from_millionths(millionths: int, /) -> Decimal:
    """Return millionths as the exact number, without needless zeros."""
    whole, rest = divmod(millionths, MILLION)
    return Decimal(millionths).scaleb(-6).normalize() if rest else Decimal(whole)


def millionths_text(millionths: int, /) -> str:
    """Write millionths as a plain JSON number without needless zeros: 2500000 is 2.5."""
    whole, part = divmod(abs(millionths), MILLION)
    sign = "-" if millionths < 0 else ""
    return f"{sign}{whole}.{part:06d}".rstrip("0") if part else f"{sign}{whole}"


def raw_text(raw: int, /) -> str:
    """Write raw money as the exact plain number, without needless zeros."""
    whole, part = divmod(abs(raw), MILLION * MILLION)
    sign = "-" if raw < 0 else ""
    return f"{sign}{whole}.{part:012d}".rstrip("0") if part else f"{sign}{whole}"
