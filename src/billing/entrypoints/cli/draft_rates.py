"""Draft rates: the card that a file holds for one customer, to be tried and not put in force."""

from collections.abc import Iterator

import click

from billing.bootstrap import READERS
from billing.domain.bulk_intake import Cells
from billing.domain.errors import InvalidValueError
from billing.domain.flat_cards import FlatRow, gather
from billing.domain.ports import Rows
from billing.domain.rate_reading import read_rates
from billing.domain.rates import Rate
from billing.domain.strict_json import loads
from billing.entrypoints.cli.input_files import format_of, opened

_ANY_DAY = "0001-01-01"


def read_draft(file: str, customer_id: int) -> tuple[Rate, ...]:
    """Read the one card of a customer from a file that `billing import rates` takes.

    The file may also hold a single card, or its rates alone; then it needs no customer and no
    day. Raises InvalidValueError, or click.ClickException when there is not one card.
    """
    name = format_of(file)
    with opened(file) as stream:
        if name == "json":
            data = loads(stream.read())
            rows = data if isinstance(data, list) else [data]
        else:
            rows = list(READERS[name](stream))
    if name == "csv":
        return _flat_rates(file, rows, customer_id)
    for number, row in enumerate(rows, start=1):
        if isinstance(row, InvalidValueError):
            raise row.at(f"row {number}")
    if rows and all(isinstance(row, dict) and "service_id" in row for row in rows):
        return read_rates(rows)
    mine = [
        card for card in map(_card, rows) if card.get("customer_id", customer_id) == customer_id
    ]
    _check_one(file, len(mine), customer_id)
    return read_rates(mine[0]["rates"])


def _card(row: object) -> dict[str, object]:
    if not isinstance(row, dict) or "rates" not in row:
        raise InvalidValueError('Not a rate card: give {"rates": [...]} or a list of rates.')
    return row


def _flat_rates(file: str, rows: Rows, customer_id: int) -> tuple[Rate, ...]:
    ignored: list[str] = []
    cards = {}
    for number, row in enumerate(gather(_headed(rows, customer_id), ignored), start=1):
        if isinstance(row, InvalidValueError):
            raise row.at(f"row {number}")
        if isinstance(row, FlatRow) and row.card.customer_id in {customer_id, None}:
            for problem in row.problems:
                place = f"row {number}, {problem.field}"
                raise InvalidValueError(problem.problem, field=place)
            cards[id(row.card)] = row.card
    if ignored:
        click.echo(f"Ignored columns: {', '.join(ignored)}", err=True)
    _check_one(file, len(cards), customer_id)
    (card,) = cards.values()
    assert card.rates is not None  # What is refused has a problem in one of its rows.
    return card.rates


def _headed(rows: Rows, customer_id: int) -> Iterator[object]:
    """Say of rows without a customer or a day that they are of the one card that is asked for."""
    for row in rows:
        if isinstance(row, Cells):
            customer = row.get("customer_id", "").strip() or str(customer_id)
            day = row.get("effective_from", "").strip() or _ANY_DAY
            yield Cells({**row, "customer_id": customer, "effective_from": day})
        else:
            yield row


def _check_one(file: str, cards: int, customer_id: int) -> None:
    if cards != 1:
        raise click.ClickException(
            f"{file} holds {cards} rate cards of customer {customer_id}: one can be tried"
        )
