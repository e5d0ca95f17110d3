"""Rate rows: whole cards, and flat rows that make cards together, all or nothing."""

from collections.abc import Iterable
from datetime import UTC, date, datetime

import pytest

from billing.adapters.memory import MemoryStorage
from billing.bootstrap import Billing, compose
from billing.domain.bulk_intake import Cells, IntakeResult, RowsRefusedError
from billing.domain.catalog_rows import CustomerRows, ServiceRows
from billing.domain.errors import InvalidValueError
from billing.domain.rate_rows import RateRows

HEADER = "customer_id effective_from service_id model measure price percent of minimum".split()


class NoonClock:
    """A clock that stands still."""

    def now(self) -> datetime:
        return datetime(2023, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def billing() -> Billing:
    """Return the application with two customers and three services."""
    billing = compose(MemoryStorage(), clock=NoonClock())
    customers = [{"id": 1, "name": "A"}, {"id": 2, "name": "B", "currency": "JPY"}]
    billing.intake.store(customers, CustomerRows())
    billing.intake.store([{"id": n, "name": str(n)} for n in (1, 2, 3)], ServiceRows())
    return billing


def flat(
    customer: object = 1, service: object = 1, *more: object, day: str = "2023-01-01"
) -> Cells:
    """Return a row of a flat file with a unit price, or what `more` says from the model on."""
    cells = [customer, day, service, *(more or ("unit", "units", "0.35"))]
    return Cells(zip(HEADER, map(str, cells), strict=False))


def take(billing: Billing, rows: Iterable[object], *, skip: bool = False) -> IntakeResult:
    """Import the rows of a flat file."""
    kind = RateRows(billing.clock)
    return billing.intake.store(kind.gathered(rows), kind, skip_invalid=skip)


def refusals(billing: Billing, *rows: object) -> list[tuple[int, str | None]]:
    """Return row and column of everything that the rows are refused for."""
    with pytest.raises(RowsRefusedError) as refused:
        take(billing, rows)
    assert all(billing.rate_book.cards(customer_id) == [] for customer_id in (1, 2))
    return [(error.row, error.field) for error in refused.value.result.errors]


def services(billing: Billing, customer_id: int) -> dict[str, list[int]]:
    """Return the services of a customer's cards by their first day."""
    return {
        str(card.effective_from): [rate.service_id for rate in card.rates]
        for card in billing.rate_book.cards(customer_id)
    }


def test_rows_of_a_customer_and_day_make_one_card(billing: Billing) -> None:
    """In the order of the file, wherever the other rows stand."""
    rows = [flat(1, 2), flat(2, 3), flat(1, 1), flat(1, 3, day="2023-03-01"), flat(1, 3)]
    result = take(billing, rows)
    assert (result.received, result.created, result.skipped) == (5, 5, 0)
    assert services(billing, 1) == {"2023-03-01": [3], "2023-01-01": [2, 1, 3]}
    assert services(billing, 2) == {"2023-01-01": [3]}


def test_the_same_rows_again_change_nothing(billing: Billing) -> None:
    """A rate's outcome is that of its card."""
    rows = [flat(1, 1), flat(1, 2)]
    take(billing, rows)
    assert take(billing, rows).unchanged == 2
    assert take(billing, [*rows, flat(1, 3)]).created == 3
    assert len(billing.rate_book.cards(1)) == 2


def test_a_card_may_be_longer_than_a_batch(billing: Billing) -> None:
    """Its last row may come in a later batch, and what is wrong with it refuses the first ones."""
    rows = [flat(1, 1, "unit", "units", f"0.{number}") for number in range(300, 1000)]
    assert take(billing, rows).created == 700
    assert len(billing.rate_book.cards(1)[0].rates) == 700
    result = take(billing, [*rows, flat(1, 9, day="2023-01-01")], skip=True)
    assert (result.skipped, result.created, result.unchanged) == (701, 0, 0)


def test_wrong_rows_are_said_by_row_and_column(billing: Billing) -> None:
    """Every wrong row of the file, and nothing of it is stored."""
    assert refusals(
        billing,
        flat(1, 1, "unit", "units", "x"),
        flat(1, 1, "unit", "pallets", "1"),
        flat(2, 9),
        flat(2, 1, "percentage", "", "", "5", "2;9"),
    ) == [(1, "price"), (2, "measure"), (3, "service_id"), (4, "of")]


def test_a_row_pasted_twice_is_refused(billing: Billing) -> None:
    """It would be billed twice; another price or condition of the service is no copy."""
    assert refusals(billing, flat(1, 1), flat(1, 2), flat(1, 1)) == [
        (1, None),
        (2, None),
        (3, None),
    ]
    assert take(billing, [flat(1, 1), flat(1, 1, "unit", "units", "0.40")]).created == 2


def test_an_unknown_customer_is_said_once(billing: Billing) -> None:
    """At its first row; the others are refused together with it."""
    assert refusals(billing, flat(9, 1), flat(9, 2)) == [(1, "customer_id"), (2, None)]


def test_what_only_the_card_shows_is_said_at_its_row(billing: Billing) -> None:
    """A second markup, a circle of percentages, a bound finer than the currency."""
    markup = ("markup", "", "", "10")
    assert refusals(billing, flat(1, 1, *markup), flat(1, 1, *markup)) == [(1, None), (2, "model")]
    circle = [flat(1, s, "percentage", "", "", "5", str(of)) for s, of in ((1, 2), (2, 1))]
    assert refusals(billing, flat(1, 3), *circle)[1:2] == [(2, "of")]
    fine = flat(2, 1, "unit", "units", "1", "", "", "0.5")
    assert refusals(billing, fine) == [(1, "minimum")]


def test_a_wrong_row_refuses_its_card_alone_when_others_may_be_skipped(billing: Billing) -> None:
    """A card without one of its rates would bill less without a word."""
    rows = [flat(1, 1), flat(1, 2, "unit", "units", "x"), flat(1, 3, day="2023-02-01"), flat(2, 1)]
    result = take(billing, rows, skip=True)
    assert [(e.row, e.field, e.error[:24]) for e in result.errors] == [
        (1, None, "Refused together with ro"),
        (2, "price", "Not a valid number: give"),
    ]
    assert (result.created, result.skipped) == (2, 2)
    assert services(billing, 1) == {"2023-02-01": [3]}
    assert services(billing, 2) == {"2023-01-01": [1]}


@pytest.mark.parametrize(
    ("stray", "kept"),
    [
        (flat(1, 1, day="soon"), {2}),
        (flat(1, 1, day=""), {2}),
        (flat("x", 1), set()),
        (flat("", 1), set()),
        (InvalidValueError("More cells than the header has columns."), set()),
    ],
)
def test_a_row_without_a_card_refuses_each_that_it_may_belong_to(
    billing: Billing, stray: object, kept: set[int]
) -> None:
    """Of its customer, if that can be told; otherwise all of the file."""
    result = take(billing, [flat(1, 1), flat(2, 1), stray], skip=True)
    assert {customer_id for customer_id in (1, 2) if services(billing, customer_id)} == kept
    assert result.skipped == 3 - len(kept)
    assert "Refused together with row 3." in {error.error for error in result.errors}


def test_a_row_says_all_that_is_wrong_with_its_head(billing: Billing) -> None:
    """Customer, day and rate are read apart."""
    assert refusals(billing, flat("x", 1, "unit", "", "1", day="x")) == [
        (1, "customer_id"),
        (1, "effective_from"),
        (1, "measure"),
    ]


class TestCards:
    """Elements that are whole cards."""

    def take(self, billing: Billing, *rates: dict[str, object]) -> IntakeResult:
        """Import one card."""
        card = {"customer_id": 2, "effective_from": "2023-01-01", "rates": list(rates)}
        return billing.intake.store([card], RateRows(billing.clock), skip_invalid=True)

    def test_it_is_put_in_force(self, billing: Billing) -> None:
        """As the HTTP call does."""
        assert self.take(billing).created == 1
        assert billing.rate_book.in_force(2, date(2023, 6, 1)).rates == ()

    def test_services_of_a_percentage_must_exist(self, billing: Billing) -> None:
        """They are refused by their place."""
        price = {"model": "percentage", "percent": "5", "of": [1, 8, 9]}
        result = self.take(billing, {"service_id": 3, "price": price})
        assert [(e.field, e.error) for e in result.errors] == [
            ("rates[0].price.of", "Service with ID 8 not found"),
            ("rates[0].price.of", "Service with ID 9 not found"),
        ]

    def test_a_bound_has_the_currency_s_decimals(self, billing: Billing) -> None:
        """Yen have none."""
        flat_price = {"model": "flat", "amount": "5"}
        result = self.take(billing, {"service_id": 1, "price": flat_price, "minimum": "1.50"})
        assert [error.field for error in result.errors] == ["rates[0].minimum"]
