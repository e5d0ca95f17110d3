"""Order fields: how the date, the items and the charges of an order are read."""

import re
from datetime import date, datetime
from json.encoder import encode_basestring as quote
from typing import Any
from zoneinfo import ZoneInfo

from billing.domain.errors import InvalidValueError
from billing.domain.fields import (
    MAX_QUANTITY,
    check_keys,
    day_of,
    read_amount,
    read_date,
    read_id,
    read_quantity,
    require_text,
)
from billing.domain.money import millionths_text, to_millionths
from billing.domain.orders import Charge, ItemLines

_INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}):([0-9]{2})(?:\.[0-9]{1,9})?"
    r"([Zz]|[+-][0-9]{2}(?::?[0-9]{2}(?::[0-9]{2})?)?)",
    re.ASCII,
)

_PLAIN_LINES = re.compile(
    r"""(?:\["[!#-\[\]-~]{1,255}+",(?:0|[1-9][0-9]{0,8}+)\],?+)++""",  # MAX_TEXT, MAX_QUANTITY
    re.ASCII,
)


def read_order_date(value: object, *, zone: ZoneInfo) -> date | None:
    """Read a day, or an instant with any offset: then its day in the customer's time zone."""
    if value is None:
        return None
    if isinstance(value, str):
        day = day_of(value)
        if day is not None:
            return day
        match = _INSTANT.fullmatch(value)
    else:
        match = None
    if match is None:
        try:
            return read_date(value)
        except InvalidValueError:
            raise InvalidValueError(
                "Not a valid date: give YYYY-MM-DD, or an instant with its offset."
            ) from None
    on, minute, second, offset = match.groups()
    offset = "+00:00" if offset in "Zz" else offset
    second = "59" if second == "60" else second  # A leap second falls on the same day.
    try:
        instant = datetime.fromisoformat(f"{on}T{minute}:{second}{offset}")
        return instant.astimezone(zone).date()
    except (ValueError, OverflowError):
        raise InvalidValueError("Not a valid instant: no such day, time or offset.") from None


def read_items(value: object) -> ItemLines | None:
    """Read `[{"sku": "AB-1", "quantity": 30}]`; None stays unknown."""
    if value is None or isinstance(value, ItemLines):  # By plain_items.
        return value
    if not isinstance(value, list):
        raise InvalidValueError("Not a list of {sku, quantity}.")
    plain = plain_items(value)
    if plain is not None:
        return plain
    lines = []
    for index, item in enumerate(value):
        try:
            lines.append(_item_text(item))
        except InvalidValueError as error:
            raise error.at(f"[{index}]") from None
    return ItemLines(f"[{','.join(lines)}]")


def plain_items(items: list[Any]) -> ItemLines | None:
    """Read items that are all as items mostly are, or return None: then look at each.

    What is written says whether they were: SKUs of ASCII without spaces, quotes and backslashes,
    so that nothing is trimmed or escaped, and whole quantities. It takes a fifth of the time of
    looking at each.
    """
    try:
        lines = ['["' + item["sku"] + f'",{item["quantity"]}]' for item in items]
    except (KeyError, TypeError, ValueError, RecursionError):
        return None  # The last two: a quantity too long, or nested too deep, to be written.
    text = ",".join(lines)
    twice = 2 * len(items)
    if text.count('"') == twice == sum(map(len, items)) and _PLAIN_LINES.fullmatch(text):
        return ItemLines(f"[{text}]")  # No SKU ends its own text, no item has another key.
    return None


def _item_text(item: object) -> str:
    fields = check_keys(item, ("sku", "quantity"), ("sku", "quantity"))
    try:
        sku = require_text(fields["sku"])
    except InvalidValueError as error:
        raise error.at("sku") from None
    quantity = fields["quantity"]
    if type(quantity) is int and 0 <= quantity <= MAX_QUANTITY:
        return f"[{quote(sku)},{quantity}]"
    try:
        number = to_millionths(read_quantity(quantity))
    except InvalidValueError as error:
        raise error.at("quantity") from None
    return f"[{quote(sku)},{millionths_text(number)}]"


def read_charges(value: object, *, decimals: int) -> tuple[Charge, ...]:
    """Read `[{"service_id": 3, "amount": "4.20"}]`, with the currency's decimals."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise InvalidValueError("Not a list of {service_id, amount}.")
    charges = []
    for index, item in enumerate(value):
        try:
            fields = check_keys(item, ("service_id", "amount"), ("service_id", "amount"))
            charges.append(_charge(fields, decimals))
        except InvalidValueError as error:
            raise error.at(f"[{index}]") from None
    return tuple(charges)


def _charge(fields: dict[str, object], decimals: int) -> Charge:
    try:
        service_id = read_id(fields["service_id"])
    except InvalidValueError as error:
        raise error.at("service_id") from None
    try:
        return Charge(service_id, read_amount(fields["amount"], decimals))
    except InvalidValueError as error:
        raise error.at("amount") from None
