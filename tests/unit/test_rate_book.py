"""RateBook: which cards a customer can have, and which one is in force."""

from datetime import date

import pytest

from billing.adapters.memory import MemoryStorage
from billing.bootstrap import Billing, compose
from billing.domain.access import Access
from billing.domain.catalog import Customer
from billing.domain.errors import (
    CustomerNotFoundError,
    InvalidValueError,
    RateCardNotFoundError,
    ServiceNotFoundError,
)
from billing.domain.rate_reading import read_rates
from billing.testing.world import ACME, EVERYTHING, WIDGETS, YEN, TickingClock, fill
from tests.unit.examples import check, flat, markup, percentage, unit


@pytest.fixture
def app() -> Billing:
    """Return an application with the small world: ACME in USD, YEN in JPY."""
    app = compose(MemoryStorage(), clock=TickingClock())
    fill(app.storage)
    return app


@pytest.mark.parametrize(
    ("customer_id", "too_fine", "exact", "problem"),
    [
        (ACME, "1.234", "1.2300", "Has more than 2 decimals."),
        (YEN, "1.5", "1.0", "Must have no decimals."),
        (9, "1.2345", "1.2340", "Has more than 3 decimals."),
    ],
)
def test_bounds_have_the_decimals_of_the_currency(
    app: Billing, customer_id: int, too_fine: str, exact: str, problem: str
) -> None:
    """A minimum or maximum is an amount; prices may be finer. Nothing is stored."""
    with app.storage.transaction(EVERYTHING) as tx:
        tx.customers.save(Customer(9, "In dinars", "KWD"))
    before = app.rate_book.cards(customer_id)
    for name in ("minimum", "maximum"):
        rates = read_rates([flat(1, "1.123456"), flat(1, "1", **{name: too_fine})])
        with pytest.raises(InvalidValueError) as refused:
            app.rate_book.put(customer_id, date(2023, 5, 1), rates)
        assert refused.value.field == f"rates[1].{name}"
        assert refused.value.problem == problem
    assert app.rate_book.cards(customer_id) == before
    rates = read_rates([flat(1, "1.123456", minimum=exact, maximum=exact)])
    assert app.rate_book.put(customer_id, date(2023, 5, 1), rates)[1]


def test_every_service_of_a_card_exists(app: Billing) -> None:
    """The one that is charged, and those that a percentage is of."""
    for rates in ([flat(3, "1")], [percentage(1, "1", 2, 77, 3)], [markup(3, "1")]):
        with pytest.raises(ServiceNotFoundError, match="Service with ID 3 not found"):
            app.rate_book.put(ACME, date(2023, 5, 1), read_rates(rates))
    assert len(app.rate_book.cards(ACME)) == 1


def test_a_card_equal_to_the_one_in_force_adds_nothing(app: Billing) -> None:
    """However its numbers and texts are written; a change back is a card of its own."""
    rates = [unit(1, "units", "0.50", when=check("carrier", "eq", "UPS"), minimum="1.00")]
    same = [unit(1, "units", "0.5", when=check("carrier", "eq", "ups"), minimum="1")]
    other = [unit(1, "units", "0.50", when=check("carrier", "ne", "UPS"), minimum="1.00")]
    first, made = app.rate_book.put(ACME, date(2023, 5, 1), read_rates(rates))
    assert made
    assert app.rate_book.put(ACME, date(2023, 6, 1), read_rates(same)) == (first, False)
    assert app.rate_book.put(ACME, date(2023, 6, 1), read_rates(other))[1]
    assert app.rate_book.put(ACME, date(2023, 7, 1), read_rates(rates))[1]
    assert [card.effective_from.month for card in app.rate_book.cards(ACME)] == [7, 6, 5, 1]


def test_a_card_is_found_by_the_day_and_by_its_customer(app: Billing) -> None:
    """No card in force and no such customer are told apart."""
    assert app.rate_book.in_force(ACME, date(2023, 1, 1)).id == 1
    with pytest.raises(RateCardNotFoundError, match="no rate card in force on 2022-12-31"):
        app.rate_book.in_force(ACME, date(2022, 12, 31))
    with pytest.raises(CustomerNotFoundError):
        app.rate_book.in_force(ACME, date(2023, 1, 1), access=Access.only([WIDGETS]))
