"""Rate rows: how the elements of a file become rate cards in force.

An element is a whole card, `{"customer_id", "effective_from", "rates"}`, or one rate: a row of a
flat CSV. All rows of a customer and day make one card, and it is taken whole or not at all.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import date
from typing import Any, NamedTuple

from billing.domain.audit import Change
from billing.domain.bulk_intake import InvalidRowError
from billing.domain.errors import CustomerNotFoundError, InvalidValueError, ServiceNotFoundError
from billing.domain.fields import read_date, read_id
from billing.domain.flat_cards import FlatCard, FlatRow, gather
from billing.domain.ports import Clock, Repositories, Rows
from billing.domain.rate_book import put_card
from billing.domain.rate_reading import check_decimals, read_rates
from billing.domain.rates import Rate
from billing.domain.repositories import Outcome
from billing.domain.row_reading import Reader, read_fields

_HEAD: dict[str, Reader] = {"customer_id": read_id, "effective_from": read_date}


class NewCard(NamedTuple):
    """A rate card that a file asks for."""

    customer_id: int
    effective_from: date
    rates: tuple[Rate, ...]


class Part(NamedTuple):
    """What one element brings: a whole card (number is None), or a card's rate of that number."""

    card: NewCard
    number: int | None = None


class RateRows:
    """Reads and saves rate cards; one object serves one call."""

    key_field = "effective_from"

    def __init__(self, clock: Clock) -> None:
        self.ignored_columns: list[str] = []
        self._clock = clock
        self._saved: dict[tuple[int, date], Outcome] = {}
        self._changes: list[Change] = []

    def gathered(self, rows: Rows) -> Iterator[object]:
        """Return the rows of a flat CSV, each with the card that it is a part of.

        They are held until all are there: any later row may belong to the first card.
        """
        return gather(rows, self.ignored_columns)

    def begin(self, row: dict[str, object], /) -> dict[str, object]:
        """Leave the row as it is: it is small."""
        return row

    def read(
        self, tx: Repositories, rows: Sequence[dict[str, object]], /
    ) -> list[Part | InvalidRowError]:
        """Read a batch; the customers and services it names are looked up once for all rows."""
        flat = list({id(row.card): row.card for row in rows if isinstance(row, FlatRow)}.values())
        whole = [None if isinstance(row, FlatRow) else _card(row) for row in rows]
        asked = [card for card in whole if isinstance(card, NewCard)]
        asked += [card for card in map(_of_flat, flat) if card is not None]
        check = _Known(tx, asked)
        for card in flat:
            check.refuse(card)
        return [
            _part(row) if isinstance(row, FlatRow) else check.verdict(card)
            for row, card in zip(rows, whole, strict=True)
        ]

    def key(self, part: Part, /) -> tuple[int, date, int | None]:
        """One card a customer and day; of a flat file, one rate of that number in it."""
        return part.card.customer_id, part.card.effective_from, part.number

    def save(self, tx: Repositories, parts: Sequence[Part], /) -> list[Outcome]:
        """Put the cards in force, in this transaction; a rate's outcome is that of its card."""
        for card, _ in parts:
            key = (card.customer_id, card.effective_from)
            if key not in self._saved:
                _, change = put_card(tx, *card, self._clock.now())
                self._saved[key] = Outcome.UNCHANGED if change is None else Outcome.CREATED
                self._changes += () if change is None else (change,)
        return [self._saved[card.customer_id, card.effective_from] for card, _ in parts]

    def changes(self) -> Sequence[Change]:
        """One a card."""
        return self._changes


class _Known:
    """What the cards of a batch refer to, looked up at once."""

    def __init__(self, tx: Repositories, cards: Collection[NewCard]) -> None:
        self._customers = tx.customers.known({card.customer_id for card in cards})
        named = {service for card in cards for rate in card.rates for service in rate.services}
        self._services = tx.services.known(named).keys()

    def verdict(self, card: NewCard | InvalidRowError | None) -> Part | InvalidRowError:
        assert card is not None  # Only a flat row has none here.
        if isinstance(card, InvalidRowError):
            return card
        problems = list(self._problems(card))
        return InvalidRowError(*problems) if problems else Part(card)

    def refuse(self, flat: FlatCard) -> None:
        """Tell a flat card what is wrong with it."""
        card = _of_flat(flat)
        for problem in self._problems(card) if card else ():
            flat.refuse(problem)

    def _problems(self, card: NewCard) -> Iterator[InvalidValueError]:
        customer = self._customers.get(card.customer_id)
        if customer is None:
            missing = str(CustomerNotFoundError(card.customer_id))
            yield InvalidValueError(missing, field="customer_id")
        else:
            try:
                check_decimals(card.rates, customer.decimals)
            except InvalidValueError as error:
                yield error
        for index, rate in enumerate(card.rates):
            for service_id in sorted(rate.services - self._services):
                place = "service_id" if service_id == rate.service_id else "price.of"
                yield InvalidValueError(
                    str(ServiceNotFoundError(service_id)), field=f"rates[{index}].{place}"
                )


def _card(row: dict[str, object]) -> NewCard | InvalidRowError:
    head = {name: value for name, value in row.items() if name != "rates"}
    try:
        values: dict[str, Any] = read_fields(head, _HEAD, _HEAD.keys())
        return NewCard(**values, rates=read_rates(row.get("rates")))
    except InvalidRowError as error:
        return error
    except InvalidValueError as error:
        return InvalidRowError(error)


def _of_flat(flat: FlatCard) -> NewCard | None:
    if flat.rates is None or flat.customer_id is None or flat.effective_from is None:
        return None
    return NewCard(flat.customer_id, flat.effective_from, flat.rates)


def _part(row: FlatRow) -> Part | InvalidRowError:
    problems = row.verdict()
    card = _of_flat(row.card)
    if problems or card is None:
        return InvalidRowError(*problems)
    return Part(card, row.number)
