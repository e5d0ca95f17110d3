"""StorageContract, part one: transactions, the catalog, orders and rate cards."""

from datetime import date

import pytest

from billing.domain.access import Access
from billing.domain.catalog import Customer, Service
from billing.domain.errors import (
    CurrencyFixedError,
    CustomerNotFoundError,
    OrderNotFoundError,
    RateCardNotFoundError,
    ReportNotFoundError,
    ServiceNotFoundError,
)
from billing.domain.orders import Order
from billing.domain.period import BillingPeriod
from billing.domain.ports import Storage
from billing.domain.report_query import Slice
from billing.domain.repositories import Outcome
from billing.testing.world import (
    ACME,
    EVERY_KIND_OF_RATE,
    EVERYTHING,
    JANUARY,
    NOON,
    RATES,
    WHOLE_ORDER,
    WIDGETS,
    YEN,
    fill,
    order,
)


class ObjectsContract:
    """What every Storage does with transactions, customers, services, orders and cards."""

    @pytest.fixture
    def filled(self, storage: Storage) -> Storage:
        """Return the storage with the small world in it."""
        fill(storage)
        return storage

    def test_an_exception_rolls_everything_back(self, filled: Storage) -> None:
        """Nothing of a failed transaction is left, whatever it touched."""
        with pytest.raises(RuntimeError), filled.transaction(EVERYTHING) as tx:  # noqa: PT012
            tx.customers.save(Customer(9, "Gone"))
            tx.customers.save(Customer(ACME, "Renamed"))
            tx.services.save(Service(9, "Gone"))
            tx.orders.save([order(ACME, 99), order(ACME, 1, units=11)])
            tx.rate_cards.add(ACME, date(2024, 1, 1), RATES, NOON)
            raise RuntimeError
        with filled.snapshot(EVERYTHING) as view:
            assert view.customers.find(ACME).name == "ACME Corp"
            assert view.customers.known([9]) == {}
            assert view.services.known([9]) == {}
            assert view.orders.find(ACME, 1) == order(ACME, 1)
            assert view.orders.count(None, None, None) == 3
            assert len(view.rate_cards.of_customer(ACME)) == 1

    def test_a_snapshot_sees_one_state(self, filled: Storage) -> None:
        """What is committed while a snapshot is open does not show in it."""
        with filled.snapshot(EVERYTHING) as view:
            assert view.orders.count(ACME, None, None) == 2
            with filled.transaction(EVERYTHING) as tx:
                tx.orders.save([order(ACME, 3)])
            assert view.orders.count(ACME, None, None) == 2
        with filled.snapshot(EVERYTHING) as view:
            assert view.orders.count(ACME, None, None) == 3

    def test_a_transaction_sees_its_own_writes(self, storage: Storage) -> None:
        """What was saved can be read before the commit."""
        with storage.transaction(EVERYTHING) as tx:
            tx.customers.save(Customer(1, "New"))
            assert tx.customers.find(1).name == "New"

    def test_saving_tells_what_it_did(self, filled: Storage) -> None:
        """Created, updated and unchanged are told apart for every kind of object."""
        with filled.transaction(EVERYTHING) as tx:
            assert tx.customers.save(Customer(ACME, "ACME Corp")) is Outcome.UNCHANGED
            assert tx.customers.save(Customer(ACME, "ACME Ltd")) is Outcome.UPDATED
            assert tx.customers.save(Customer(1, "First")) is Outcome.CREATED
            assert tx.services.save(Service(1, "Picking")) is Outcome.UNCHANGED
            assert tx.services.save(Service(1, "Pick")) is Outcome.UPDATED
            assert tx.services.save(Service(7, "Packing")) is Outcome.CREATED
            saved = tx.orders.save([order(ACME, 3), order(ACME, 1), order(ACME, 2, units=1)])
            assert saved == [Outcome.CREATED, Outcome.UNCHANGED, Outcome.UPDATED]

    def test_what_is_held_is_read(self, filled: Storage) -> None:
        """Those that exist, and for customers those that are seen, as `known` returns them."""
        with filled.transaction(Access.only([ACME])) as tx:
            assert tx.customers.held([WIDGETS, ACME, 9]) == tx.customers.known([ACME])
            assert tx.customers.held([]) == tx.customers.held([WIDGETS]) == {}
            assert tx.services.held([2, 1, 9]) == tx.services.known([1, 2])
            assert tx.services.held([]) == {}

    def test_an_order_comes_back_as_it_was(self, filled: Storage) -> None:
        """No field is lost, rounded or reordered on the way through the backend."""
        bare = Order(customer_id=ACME, order_id=77)
        with filled.transaction(EVERYTHING) as tx:
            tx.orders.save([WHOLE_ORDER, bare])
        with filled.snapshot(EVERYTHING) as view:
            assert view.orders.find(ACME, WHOLE_ORDER.order_id) == WHOLE_ORDER
            assert view.orders.find(ACME, 77) == bare
        with filled.transaction(EVERYTHING) as tx:
            assert set(tx.orders.save([WHOLE_ORDER, bare])) == {Outcome.UNCHANGED}

    def test_orders_of_a_period_stream_by_date_then_id(self, filled: Storage) -> None:
        """Both ends of the period count; undated orders and other customers do not."""
        days = {5: 31, 4: 1, 9: 1, 3: 31}
        with filled.transaction(EVERYTHING) as tx:
            tx.orders.save([order(ACME, number, day=day) for number, day in days.items()])
            tx.orders.save([Order(customer_id=ACME, order_id=50)])
            outside = Order(customer_id=ACME, order_id=51, order_date=date(2023, 2, 1))
            tx.orders.save([outside])
        with filled.snapshot(EVERYTHING) as view:
            placed = view.orders.placed_in(ACME, JANUARY, frozenset({"items"}))
            assert [(o.order_id, o.items) for o in placed] == [
                (number, order(ACME, 1).items) for number in (4, 9, 2, 1, 3, 5)
            ]

    def test_the_first_and_the_last_day_of_the_calendar_work(self, filled: Storage) -> None:
        """0001-01-01 and 9999-12-31 are days like any other."""
        ends = [date.min, date.max]
        with filled.transaction(EVERYTHING) as tx:
            tx.orders.save(
                [Order(customer_id=YEN, order_id=n + 1, order_date=d) for n, d in enumerate(ends)]
            )
        with filled.snapshot(EVERYTHING) as view:
            placed = view.orders.placed_in(YEN, BillingPeriod(date.min, date.max), frozenset())
            assert [o.order_date for o in placed] == ends

    def test_lists_come_by_id_and_in_parts(self, filled: Storage) -> None:
        """Customers, services and orders are listed in a fixed order that can be sliced."""
        with filled.snapshot(EVERYTHING) as view:
            assert [c.id for c in view.customers.page(Slice())] == [ACME, WIDGETS, YEN]
            assert [c.id for c in view.customers.page(Slice(1, 1))] == [WIDGETS]
            assert [s.id for s in view.services.page(Slice(1))] == [2]
            assert (view.customers.count(), view.services.count()) == (3, 2)
            keys = [
                (o.customer_id, o.order_id) for o in view.orders.page(None, None, None, Slice())
            ]
            assert keys == [(ACME, 1), (ACME, 2), (WIDGETS, 1)]
            dated = view.orders.page(ACME, date(2023, 1, 3), date(2023, 1, 14), Slice())
            assert [o.order_id for o in dated] == [2]
            assert view.orders.count(ACME, date(2023, 1, 4), None) == 1

    def test_what_is_not_there_is_refused_by_name(self, filled: Storage) -> None:
        """Each kind of object has its own refusal."""
        with filled.snapshot(EVERYTHING) as view:
            with pytest.raises(CustomerNotFoundError, match="Customer with ID 999 not found"):
                view.customers.find(999)
            with pytest.raises(ServiceNotFoundError):
                view.services.find(999)
            with pytest.raises(OrderNotFoundError):
                view.orders.find(ACME, 999)
            with pytest.raises(ReportNotFoundError):
                view.reports.find(999)
            with pytest.raises(ReportNotFoundError):
                view.reports.totals(999)

    def test_a_currency_is_fixed_once_amounts_exist(self, filled: Storage) -> None:
        """After the first card or charge a customer's currency cannot change; its name can."""
        with filled.transaction(EVERYTHING) as tx:
            assert tx.customers.save(Customer(ACME, "ACME Corp", "EUR")) is Outcome.UPDATED
            tx.customers.fix_currency([ACME])
            with pytest.raises(CurrencyFixedError):
                tx.customers.save(Customer(ACME, "ACME Corp", "USD"))
            assert tx.customers.save(Customer(ACME, "ACME Ltd", "EUR")) is Outcome.UPDATED

    def test_cards_are_kept_newest_first(self, filled: Storage) -> None:
        """Every card stays, with an id that only grows."""
        with filled.transaction(EVERYTHING) as tx:
            later = tx.rate_cards.add(ACME, date(2023, 3, 1), RATES[:1], NOON)
            earlier = tx.rate_cards.add(ACME, date(2022, 3, 1), RATES[1:], NOON)
            same_day = tx.rate_cards.add(ACME, date(2023, 3, 1), RATES, NOON)
        with filled.snapshot(EVERYTHING) as view:
            cards = view.rate_cards.of_customer(ACME)
        assert [card.id for card in cards][:2] == [same_day.id, later.id]
        assert cards[-1] == earlier
        assert later.id < earlier.id < same_day.id
        assert cards[0].rates == RATES

    def test_a_card_comes_back_as_it_was(self, filled: Storage) -> None:
        """Every model, condition, bound and list of SKUs, found by the card's id alone."""
        with filled.transaction(EVERYTHING) as tx:
            card = tx.rate_cards.add(WIDGETS, date(2023, 3, 1), EVERY_KIND_OF_RATE, NOON)
            assert tx.rate_cards.find(card.id) == card
        with filled.snapshot(EVERYTHING) as view:
            found = view.rate_cards.find(card.id)
        assert found == card
        assert [r.as_json() for r in found.rates] == [r.as_json() for r in EVERY_KIND_OF_RATE]

    def test_a_card_is_found_by_those_who_see_its_customer(self, filled: Storage) -> None:
        """For others it does not exist, as one that nobody made."""
        with filled.snapshot(EVERYTHING) as view:
            (card,) = view.rate_cards.of_customer(ACME)
            with pytest.raises(RateCardNotFoundError, match="Rate card 999 not found"):
                view.rate_cards.find(999)
        with filled.snapshot(Access.only([ACME])) as view:
            assert view.rate_cards.find(card.id) == card
        other = filled.snapshot(Access.only([WIDGETS]))
        with other as view, pytest.raises(RateCardNotFoundError):
            view.rate_cards.find(card.id)
