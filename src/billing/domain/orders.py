"""Orders: what the warehouse did for a customer, as it was recorded."""

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from decimal import Decimal
from json.encoder import encode_basestring as quote
from typing import Any, NamedTuple

from billing.domain.catalog import normalise_sku
from billing.domain.money import millionths_text, to_millionths

CANCELLED = frozenset({"cancelled", "canceled"})


# The scanner itself: json.loads with a hook makes a new decoder for each order, at thrice the time.
_scan: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder(parse_float=Decimal).scan_once  # type: ignore[attr-defined]  # Typeshed leaves it out.


class Item(NamedTuple):
    """One item line: an SKU as the warehouse writes it, and how many (0 or more)."""

    sku: str
    quantity: Decimal


class Charge(NamedTuple):
    """A cost already known: a carrier's bill, a hand-entered fee, a credit when negative."""

    service_id: int
    amount: Decimal


class ItemLines:
    """The item lines of one order, immutable: canonical JSON text, read when somebody asks.

    text: `[["AB-1",30],["CD-2",0.5]]`, without spaces outside the SKUs. Storage and evidence copy
    the text as it is; measures read what is derived from it. Most orders of a report are never
    taken apart into Item objects, which would cost more than all of the pricing.
    lines: pairs of normalised SKU and quantity, an int where it is whole. units: the quantities of
    all lines together, in millionths. by_sku: the quantity of each normalised SKU over the whole
    order, above 0. written: each normalised SKU as the warehouse first writes it.
    """

    __slots__ = ("by_sku", "lines", "text", "units", "written")

    text: str
    lines: list[tuple[str, int | Decimal]]
    units: int
    by_sku: dict[str, int | Decimal]
    written: dict[str, str]

    def __init__(self, text: str) -> None:
        self.text = text

    @classmethod
    def of(cls, items: Iterable[Item]) -> "ItemLines":
        """Write item lines in their canonical form."""
        lines = (f"[{quote(sku)},{_plain(quantity)}]" for sku, quantity in items)
        return cls(f"[{','.join(lines)}]")

    def __getattr__(self, name: str) -> Any:
        """Work out what is derived from the text when it is first asked for, and keep it.

        A slot once filled is read without a frame; rates read these several times an order.
        """
        if name not in self.__slots__:
            raise AttributeError(name)
        if name in {"lines", "units"}:  # Almost every card reads both, from one parse.
            self.lines = _lines(self)
            self.units = to_millionths(sum([quantity for _, quantity in self.lines]))
        elif name == "by_sku":
            self.by_sku = _by_sku(self)
        else:
            self.written = {normalise_sku(sku): sku for sku, _ in reversed(self.raw)}
        return getattr(self, name)

    @property
    def raw(self) -> list[tuple[str, int | Decimal]]:
        """Pairs of SKU, as written, and quantity, an int where it is whole."""
        return list(_scan(self.text, 0)[0])

    def as_written(self, normalised: str) -> str:
        """Return an SKU of this order as the warehouse writes it, from its normalised form."""
        return self.written[normalised]

    def __iter__(self) -> Iterator[Item]:
        return (Item(sku, Decimal(quantity)) for sku, quantity in self.raw)

    def __len__(self) -> int:
        return len(self.lines)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ItemLines) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"ItemLines({self.text!r})"


def _lines(items: ItemLines) -> list[tuple[str, int | Decimal]]:
    # The text is normalised as a whole, for no quantity holds a hyphen or a space: a call for
    # each SKU took longer than parsing.
    return _scan(normalise_sku(items.text), 0)[0]  # type: ignore[no-any-return]


def _by_sku(items: ItemLines) -> dict[str, int | Decimal]:
    totals = dict(items.lines)
    if len(totals) != len(items.lines):  # Seldom: an SKU on more than one line.
        totals = dict.fromkeys(totals, 0)
        for sku, quantity in items.lines:
            totals[sku] += quantity
    if 0 in totals.values():
        totals = {sku: quantity for sku, quantity in totals.items() if quantity}
    return totals


class Order(NamedTuple):
    """One order, known by customer_id and order_id together; all but the key may be missing.

    A named tuple, for a report reads them by the hundred thousand: making one takes 1 us where a
    frozen dataclass of as many fields takes 7.

    order_date: the day it is billed on, in the customer's time zone; None: not billable yet.
    Quantities, weights (lb) and volumes (cu ft): up to 6 decimals, 0 to 999,999,999.
    items: None when unknown, which differs from an empty list.
    """

    customer_id: int
    order_id: int
    reference_number: str | None = None
    order_date: date | None = None
    status: str | None = None
    carrier: str | None = None
    notes: str | None = None
    ship_to_name: str | None = None
    ship_to_company: str | None = None
    ship_to_city: str | None = None
    ship_to_state: str | None = None
    ship_to_postal_code: str | None = None
    ship_to_country: str | None = None
    weight_lb: Decimal | None = None
    volume_cuft: Decimal | None = None
    packages: Decimal | None = None
    line_items: Decimal | None = None
    total_item_qty: Decimal | None = None
    items: ItemLines | None = None
    charges: tuple[Charge, ...] = ()

    @property
    def is_cancelled(self) -> bool:
        """Tell whether the order is never billed."""
        return self.status is not None and self.status.casefold() in CANCELLED


TEXT_FIELDS = (
    "reference_number",
    "status",
    "carrier",
    "notes",
    "ship_to_name",
    "ship_to_company",
    "ship_to_city",
    "ship_to_state",
    "ship_to_postal_code",
    "ship_to_country",
)
PERSONAL_FIELDS = frozenset(
    {"notes", "ship_to_name", "ship_to_company", "ship_to_city", "ship_to_postal_code"}
)
"""What may tell who a person is; a state or a country alone does not, and prices depend on it."""

QUANTITY_FIELDS = ("weight_lb", "volume_cuft", "packages", "line_items", "total_item_qty")


def order_json(order: Order) -> str:
    """Write an order as the API shows it: every field, items and charges as objects."""
    fields: dict[str, Any] = {"customer_id": order.customer_id, "order_id": order.order_id}
    fields["order_date"] = None if order.order_date is None else order.order_date.isoformat()
    fields.update({name: getattr(order, name) for name in TEXT_FIELDS})
    parts = [json.dumps(fields, ensure_ascii=False, separators=(",", ":"))[:-1]]
    for name in QUANTITY_FIELDS:
        value = getattr(order, name)
        parts.append(f'"{name}":{"null" if value is None else _plain(value)}')
    if order.items is None:
        items = "null"
    else:
        items = ",".join(f'{{"sku":{quote(s)},"quantity":{_plain(q)}}}' for s, q in order.items.raw)
        items = f"[{items}]"
    charges = ",".join(
        f'{{"service_id":{c.service_id},"amount":{c.amount:f}}}' for c in order.charges
    )
    parts.append(f'"items":{items},"charges":[{charges}]}}')
    return ",".join(parts)


def _plain(number: Decimal | int) -> str:
    """Write a quantity as the shortest plain JSON number; ints take the short way."""
    return str(number) if type(number) is int else millionths_text(to_millionths(number))
