"""Flat cards: the rows of a flat CSV of rates, gathered into the cards that they make together."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any, TypeVar

from billing.domain.bulk_intake import Cells, InvalidRowError
from billing.domain.errors import InvalidValueError
from billing.domain.fields import read_date, read_id_text
from billing.domain.ports import Rows
from billing.domain.rate_cells import placed_in_row, rate_of_values, rate_place, values_of_row
from billing.domain.rate_reading import read_rates
from billing.domain.rates import Rate

T = TypeVar("T")


class FlatCard:
    """The rows of one customer and day.

    rates: what they say together; None when the card is refused. A row whose customer or day
    cannot be read makes a card of its own, which is refused.
    """

    def __init__(self, customer_id: int | None, effective_from: date | None) -> None:
        self.customer_id = customer_id
        self.effective_from = effective_from
        self.rows: list[FlatRow] = []
        self.rates: tuple[Rate, ...] | None = None
        self.spoiled_by: int | None = None

    def refuse(self, error: InvalidValueError) -> None:
        """Refuse the card for what is wrong with one of its rates, or with its head."""
        index, _ = rate_place(error)
        row = self.rows[index]
        row.problems.append(placed_in_row(error, row.fields))
        self.spoil(row.number)

    def spoil(self, number: int) -> None:
        """Refuse the card with the row of that number."""
        self.rates = None
        if self.spoiled_by is None:
            self.spoiled_by = number

    def close(self) -> None:
        """Read the rates together, now that all rows are there."""
        if self.spoiled_by is None:
            try:
                self.rates = read_rates([rate_of_values(row.fields) for row in self.rows])
            except InvalidValueError as error:
                self.refuse(error)
        if self.rates is not None:
            self._refuse_copies(self.rates)

    def _refuse_copies(self, rates: tuple[Rate, ...]) -> None:
        """Refuse a row that was pasted twice: it would be billed twice."""
        first: dict[Rate, int] = {}
        for row, rate in zip(self.rows, rates, strict=True):
            number = first.setdefault(rate, row.number)
            if number != row.number:
                row.problems.append(InvalidValueError(f"The same rate as row {number}."))
                self.spoil(row.number)


class FlatRow(dict[str, object]):
    """One row, as bulk intake takes rows: which card it is a part of, and what is wrong with it.

    number: its place in the file, from 1. fields: what its cells say, by column.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number
        self.fields: dict[str, Any] = {}
        self.problems: list[InvalidValueError] = []
        self.card = FlatCard(None, None)

    def verdict(self) -> list[InvalidValueError]:
        """Return why the row is not taken; nothing when its card is."""
        if self.problems or self.card.spoiled_by is None:
            return self.problems
        return [InvalidValueError(f"Refused together with row {self.card.spoiled_by}.")]


def gather(rows: Rows, ignored: list[str]) -> Iterator[object]:
    """Return the rows of a flat CSV as FlatRows; what is no row of cells passes as it is.

    A row that does not say which card it belongs to spoils every card that it may belong to: a
    card that lacks one of its rates would bill less without a word.
    """
    elements: list[object] = []
    cards: dict[tuple[int, date], FlatCard] = {}
    strays: list[tuple[int, int | None]] = []
    for number, cells in enumerate(rows, start=1):
        if not isinstance(cells, Cells):
            elements.append(cells)
            strays.append((number, None))
            continue
        row = _row(number, cells, ignored)
        elements.append(row)
        customer_id, day = row.card.customer_id, row.card.effective_from
        if customer_id is None or day is None:
            strays.append((number, customer_id))
        else:
            row.card = cards.setdefault((customer_id, day), row.card)
        row.card.rows.append(row)
        if row.problems:
            row.card.spoil(number)
    for card in cards.values():
        for number, customer_id in strays:
            if customer_id in {None, card.customer_id}:
                card.spoil(number)
        card.close()
    return iter(elements)


def _row(number: int, cells: Cells, ignored: list[str]) -> FlatRow:
    """Read a row by itself, so that each wrong one of a card is said."""
    row = FlatRow(number)
    customer_id = _head(row, cells, "customer_id", read_id_text)
    row.card = FlatCard(customer_id, _head(row, cells, "effective_from", read_date))
    try:
        row.fields = values_of_row(cells, ignored)
        read_rates([rate_of_values(row.fields)])
    except InvalidRowError as error:
        row.problems += error.problems
    except InvalidValueError as error:
        row.problems.append(placed_in_row(error, row.fields))
    return row


def _head(row: FlatRow, cells: Cells, column: str, read: Callable[[str], T]) -> T | None:
    text = cells.get(column, "").strip()
    try:
        if text:
            return read(text)
        row.problems.append(InvalidValueError("Missing data for required field.", field=column))
    except InvalidValueError as error:
        row.problems.append(error.at(column))
    return None
