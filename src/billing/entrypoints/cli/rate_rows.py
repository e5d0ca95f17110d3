"""Rate rows: how an element of a file of rate cards becomes a card in force."""

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import date
from typing import Any, NamedTuple

from billing.domain.access import Access
from billing.domain.bulk_intake import InvalidRowError
from billing.domain.errors import CustomerNotFoundError, InvalidValueError, ServiceNotFoundError
from billing.domain.fields import read_date, read_id
from billing.domain.ports import Clock, Outcome, Repositories
from billing.domain.rate_book import RateBook
from billing.domain.rate_reading import read_rates
from billing.domain.rates import Rate
from billing.domain.row_reading import Reader, read_fields

_HEAD: dict[str, Reader] = {"customer_id": read_id, "effective_from": read_date}


class NewCard(NamedTuple):
    """A rate card that a file asks for."""

    customer_id: int
    effective_from: date
    rates: tuple[Rate, ...]


class RateRows:
    """Reads and saves `{"customer_id", "effective_from", "rates"}`; one object serves one call."""

    key_field = "effective_from"

    def __init__(self, clock: Clock) -> None:
        self.ignored_columns: list[str] = []
        self._clock = clock

    def read(
        self, tx: Repositories, rows: Sequence[dict[str, object]], /
    ) -> list[NewCard | InvalidRowError]:
        """Read a batch; the customers and services it names are looked up once for all rows."""
        verdicts = [_card(row) for row in rows]
        cards = [verdict for verdict in verdicts if isinstance(verdict, NewCard)]
        customers = tx.customers.known({card.customer_id for card in cards}).keys()
        services = tx.services.known({r.service_id for card in cards for r in card.rates}).keys()
        return [
            _of_known(verdict, customers, services) if isinstance(verdict, NewCard) else verdict
            for verdict in verdicts
        ]

    def key(self, card: NewCard, /) -> tuple[int, date]:
        """One card a customer and day."""
        return card.customer_id, card.effective_from

    def save(self, tx: Repositories, cards: Sequence[NewCard], /) -> list[Outcome]:
        """Put the cards in force, in this transaction."""
        book = RateBook(_Joined(tx), self._clock)
        return [Outcome.CREATED if book.put(*card)[1] else Outcome.UNCHANGED for card in cards]


class _Joined:
    """A storage whose every transaction is the one that is open already."""

    def __init__(self, tx: Repositories) -> None:
        self._tx = tx

    def transaction(self, _: Access, /) -> AbstractContextManager[Repositories]:
        return nullcontext(self._tx)

    def snapshot(self, _: Access, /) -> AbstractContextManager[Repositories]:
        return nullcontext(self._tx)


def _card(row: dict[str, object]) -> NewCard | InvalidRowError:
    head = {name: value for name, value in row.items() if name != "rates"}
    try:
        values: dict[str, Any] = read_fields(head, _HEAD, _HEAD.keys())
        return NewCard(**values, rates=read_rates(row.get("rates")))
    except InvalidRowError as error:
        return error
    except InvalidValueError as error:
        return InvalidRowError(error)


def _of_known(
    card: NewCard, customers: Collection[int], services: Collection[int]
) -> NewCard | InvalidRowError:
    problems = []
    if card.customer_id not in customers:
        missing = str(CustomerNotFoundError(card.customer_id))
        problems.append(InvalidValueError(missing, field="customer_id"))
    problems += [
        InvalidValueError(str(ServiceNotFoundError(rate.service_id)), field=place)
        for place, rate in ((f"rates[{i}].service_id", r) for i, r in enumerate(card.rates))
        if rate.service_id not in services
    ]
    return InvalidRowError(*problems) if problems else card
