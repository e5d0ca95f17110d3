"""Mapping: rows into values of the domain, and back."""

import json
from collections.abc import Callable, Collection, Sequence
from decimal import Decimal
from operator import attrgetter, itemgetter
from typing import Any

from sqlalchemy import ColumnElement, RowMapping

from billing.adapters.sql.tables import FRACTION_DECIMALS, orders, products, reports
from billing.domain.catalog import Customer, Product, Service, normalise_sku
from billing.domain.money import currency_decimals, from_millionths, to_millionths
from billing.domain.orders import QUANTITY_FIELDS, Charge, ItemLines, Order
from billing.domain.period import BillingPeriod
from billing.domain.rate_reading import read_rates
from billing.domain.rates import RateCard
from billing.domain.report import ReportContent, ReportHeadline, ReportStatus
from billing.domain.strict_json import loads

HEADLINE = [
    reports.c[name]
    for name in (
        "id customer_id customer_name start_date end_date created_at currency total_units "
        "total_fraction order_count exception_count status services content_hash"
    ).split()
]
"""The columns of a headline; by their places, for a name costs as much as the rest of a row."""

PRODUCT_COLUMNS: tuple[str, ...] = tuple(products.c.keys())
_FRACTION = 10**FRACTION_DECIMALS
_STATUSES = {status.value: status for status in ReportStatus}


def customer_from(row: RowMapping) -> Customer:
    """Return a row of customers."""
    return Customer(row["id"], row["name"], row["currency"], row["time_zone"])


def service_from(row: RowMapping) -> Service:
    """Return a row of services."""
    return Service(row["id"], row["name"], row["description"])


def product_row(product: Product) -> tuple[int, str, str, int]:
    """Return a product as a row of PRODUCT_COLUMNS."""
    key = normalise_sku(product.sku)
    return product.customer_id, key, product.sku, product.units_per_case


def product_from(row: Sequence[Any]) -> Product:
    """Return a row of PRODUCT_COLUMNS."""
    return Product(row[0], row[2], row[3])


def card_from(row: RowMapping) -> RateCard:
    """Return a row of rate_cards; it was validated before it was stored."""
    rates = read_rates(loads(row["rates"]))
    return RateCard(row["id"], row["customer_id"], row["effective_from"], row["created_at"], rates)


def order_columns(wanted: Collection[str]) -> list[ColumnElement[Any]]:
    """Return the columns of an order that are wanted, in the table's order."""
    return [column for column in orders.c if column.name in wanted]


def order_reader(wanted: Collection[str]) -> Callable[[Sequence[Any]], Order]:
    """Return what makes an order of a row of order_columns; what is not wanted is missing."""
    columns = [column.name for column in order_columns(wanted)]
    conversions = [(columns.index(n), convert) for n, convert in _FROM_COLUMN if n in columns]
    places = [columns.index(n) if n in columns else len(columns) for n in Order._fields]
    charges = columns.index("charges")
    ordered, make = itemgetter(*places), Order._make

    def read(row: Sequence[Any]) -> Order:
        values = [*row, None]
        for place, convert in conversions:
            if values[place] is not None:
                values[place] = convert(values[place])
        values[charges] = values[charges] or ()
        return make(ordered(values))

    return read


def _charges_text(charges: tuple[Charge, ...]) -> str | None:
    if not charges:
        return None
    return f"[{','.join(f'[{charge.service_id},{charge.amount:f}]' for charge in charges)}]"


def _charges(text: str) -> tuple[Charge, ...]:
    pairs = json.loads(text, parse_float=Decimal)
    return tuple(Charge(service_id, Decimal(amount)) for service_id, amount in pairs)


ORDER_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(QUANTITY_FIELDS, to_millionths),
    "items": attrgetter("text"),
    "charges": _charges_text,
}
"""How the fields of an order that differ from their columns are stored; None is null."""

_FROM_COLUMN: list[tuple[str, Callable[[Any], Any]]] = [
    *((name, from_millionths) for name in QUANTITY_FIELDS),
    ("items", ItemLines),
    ("charges", _charges),
]
order_from = order_reader(Order._fields)
"""Return the order of a row of all columns."""


def split_amount(amount: Decimal) -> tuple[int, int]:
    """Return an amount as whole units and 10^-4 of a unit, both with its sign."""
    scaled = int(amount.scaleb(FRACTION_DECIMALS))
    units, fraction = divmod(abs(scaled), _FRACTION)
    return (units, fraction) if scaled >= 0 else (-units, -fraction)


def join_amount(units: int, fraction: int, currency: str) -> Decimal:
    """Return what split_amount took apart, or a sum of such parts, with the currency's decimals.

    Never rounds: the parts are multiples of the currency's minor unit.
    """
    decimals = currency_decimals(currency)
    scaled = int(units) * _FRACTION + int(fraction)
    return Decimal(scaled // 10 ** (FRACTION_DECIMALS - decimals)).scaleb(-decimals)


def headline_row(content: ReportContent) -> dict[str, Any]:
    """Return what a report says as columns of reports."""
    units, fraction = split_amount(content.total_amount)
    return {
        "customer_id": content.customer_id,
        "customer_name": content.customer_name,
        "start_date": content.period.start,
        "end_date": content.period.end,
        "currency": content.currency,
        "total_units": units,
        "total_fraction": fraction,
        "order_count": content.order_count,
        "exception_count": content.exception_count,
        "services": None if content.services is None else json.dumps(content.services),
        "content_hash": content.content_hash,
    }


def headline_from(row: Sequence[Any]) -> ReportHeadline:
    """Return a row of HEADLINE."""
    id_, customer_id, name, start, end, created_at, currency, units, fraction, *others = row
    orders_, exceptions, status, services, content_hash = others
    return ReportHeadline(
        id=id_,
        customer_id=customer_id,
        customer_name=name,
        period=BillingPeriod(start, end),
        created_at=created_at,
        currency=currency,
        total_amount=join_amount(units, fraction, currency),
        order_count=orders_,
        exception_count=exceptions,
        status=_STATUSES[status],
        services=None if services is None else tuple(json.loads(services)),
        content_hash=content_hash,
    )
