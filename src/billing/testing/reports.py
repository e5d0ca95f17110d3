"""StorageContract, part two: reports as documents, their lists and sums, and who sees what."""

import json
from datetime import date
from decimal import Decimal

import pytest

from billing.domain.access import Access
from billing.domain.catalog import Customer
from billing.domain.customer_summary import summarise
from billing.domain.errors import (
    CustomerNotFoundError,
    OrderNotFoundError,
    ReportNotFoundError,
)
from billing.domain.orders import Charge, Order
from billing.domain.pages import SECTIONS, Page, inflate
from billing.domain.period import BillingPeriod
from billing.domain.ports import Storage
from billing.domain.report import ReportHeadline, ReportStatus
from billing.domain.report_query import SORT_KEYS, ReportOrder, ReportQuery, Slice
from billing.testing.world import (
    ACME,
    EVERYTHING,
    JANUARY,
    NOON,
    WIDGETS,
    YEN,
    TickingClock,
    fill,
    generator,
    order,
)


class ReportsContract:
    """What every Storage does with reports, and whom it shows them to."""

    @pytest.fixture
    def filled(self, storage: Storage) -> Storage:
        """Return the storage with the small world in it."""
        fill(storage)
        return storage

    def test_nobody_sees_another_customer(self, filled: Storage) -> None:
        """With an access, other customers do not exist: not to read, not to write, not to sum."""
        hidden = next(r.id for r in _file_some(filled) if r.customer_id == ACME)
        mine = Access.only([WIDGETS])
        with filled.snapshot(mine) as view:
            assert [c.id for c in view.customers.page(Slice())] == [WIDGETS]
            assert view.customers.known([ACME, WIDGETS]).keys() == {WIDGETS}
            assert view.orders.count(None, None, None) == 1
            assert list(view.orders.placed_in(ACME, JANUARY, frozenset())) == []
            assert list(view.orders.page(ACME, None, None, Slice())) == []
            assert view.rate_cards.of_customer(ACME) == []
            reports = list(view.reports.page(ReportQuery(), Slice()))
            assert {report.customer_id for report in reports} == {WIDGETS}
            assert view.reports.count(ReportQuery()) == len(reports)
            assert [s.customer_id for s in view.reports.summaries(None)] == [WIDGETS]
            assert view.reports.summaries(ACME) == []
            with pytest.raises(CustomerNotFoundError):
                view.customers.find(ACME)
            with pytest.raises(OrderNotFoundError):
                view.orders.find(ACME, 1)
            with pytest.raises(ReportNotFoundError):
                view.reports.find(hidden)
            assert view.reports.pages(hidden, "orders", 0, 10) == []

    def test_nobody_writes_for_another_customer(self, filled: Storage) -> None:
        """Saving for a customer outside the access is refused like a missing one."""
        with (
            generator(filled).prepare(ACME, JANUARY) as prepared,
            filled.transaction(Access.only([WIDGETS])) as tx,
        ):
            with pytest.raises(CustomerNotFoundError):
                tx.customers.save(Customer(ACME, "Mine now"))
            with pytest.raises(CustomerNotFoundError):
                tx.orders.save([order(ACME, 1, units=0)])
            with pytest.raises(CustomerNotFoundError):
                tx.rate_cards.add(ACME, date(2023, 1, 1), (), NOON)
            with pytest.raises(CustomerNotFoundError):
                tx.reports.file(prepared, NOON)

    def test_a_filed_report_reads_back_byte_for_byte(self, filled: Storage) -> None:
        """Nothing of a document is lost or changed on the way through the backend."""
        with generator(filled).prepare(ACME, JANUARY) as prepared:
            with filled.transaction(EVERYTHING) as tx:
                filed = tx.reports.file(prepared, NOON)
            with filled.snapshot(EVERYTHING) as view:
                assert view.reports.find(filed.id) == filed
                assert view.reports.totals(filed.id) == (prepared.service_totals, "Billing")
                for section in SECTIONS:
                    pages = view.reports.pages(filed.id, section, 0, 100)
                    assert pages == list(prepared.pages(section))
        assert filed.status is ReportStatus.DRAFT
        assert filed.created_at == NOON
        assert filed.total_amount == Decimal("12.00")

    def test_pages_are_read_in_parts(self, filled: Storage) -> None:
        """A long report is read a few pages at a time, in order, without its whole."""
        with filled.transaction(EVERYTHING) as tx:
            tx.orders.save([order(ACME, number) for number in range(1, 2_100)])
        report_id = generator(filled).generate(ACME, JANUARY).id
        with filled.snapshot(EVERYTHING) as view:
            first = view.reports.pages(report_id, "orders", 0, 2)
            rest = view.reports.pages(report_id, "orders", first[-1].number, 100)
        assert [page.number for page in first + rest] == [1, 2, 3, 4, 5]
        assert sum(page.entries for page in first + rest) == 2_099
        assert all(_holds_its_entries(page) for page in first + rest)

    def test_pages_can_be_asked_for_the_order_they_hold(self, filled: Storage) -> None:
        """Only pages whose ids reach over it, of every section, read on like all others."""
        numbers = [*range(1, 1_100), 5_000, 9_000]
        days = {5_000: 1}  # On the first page, which then reaches over all of the others' ids.
        with filled.transaction(EVERYTHING) as tx:
            tx.orders.save([order(ACME, n, day=days.get(n, 15)) for n in numbers])
        report_id = generator(filled).generate(ACME, JANUARY).id
        with filled.snapshot(EVERYTHING) as view:
            for section in SECTIONS:
                pages = view.reports.pages(report_id, section, 0, 100)
                for holding in (0, 1, 499, 500, 1_000, 4_999, 5_000, 7_777, 9_000, 9_001):
                    reaching = [p for p in pages if p.low_order <= holding <= p.high_order]
                    found = view.reports.pages(report_id, section, 0, 100, holding=holding)
                    assert found == reaching, (section, holding)
            first, second, *_ = view.reports.pages(report_id, "evidence", 0, 100, holding=700)
            assert view.reports.pages(report_id, "evidence", 0, 1, holding=700) == [first]
            after = view.reports.pages(report_id, "evidence", first.number, 1, holding=700)
            assert after == [second]
        with filled.snapshot(Access.only([WIDGETS])) as view:
            assert view.reports.pages(report_id, "evidence", 0, 100, holding=1) == []

    def test_report_lists_mean_what_the_query_says(self, filled: Storage) -> None:
        """Filters and orderings agree with ReportQuery's own meaning, on every storage."""
        headlines = _file_some(filled)
        queries = [
            ReportQuery(order_by=ReportOrder(field, descending))
            for field in SORT_KEYS
            for descending in (False, True)
        ]
        queries += [
            ReportQuery(customer_id=WIDGETS),
            ReportQuery(start_date=date(2023, 1, 2)),
            ReportQuery(end_date=date(2023, 1, 30)),
            ReportQuery(created_after=date(2023, 2, 2)),
            ReportQuery(created_before=date(2023, 2, 1)),
            ReportQuery(created_before=date.max, created_after=date.min),
        ]
        with filled.snapshot(EVERYTHING) as view:
            for query in queries:
                expected = sorted(
                    filter(query.matches, headlines),
                    key=query.order_by.sort_key,
                    reverse=query.order_by.descending,
                )
                assert list(view.reports.page(query, Slice())) == expected, query
                assert list(view.reports.page(query, Slice(1, 2))) == expected[1:3]
                assert view.reports.count(query) == len(expected)

    def test_summaries_are_what_summarise_makes_of_the_reports(self, filled: Storage) -> None:
        """The database's aggregate and the domain's definition never disagree."""
        headlines = _file_some(filled)
        with filled.snapshot(EVERYTHING) as view:
            assert view.reports.summaries(None) == summarise(headlines)
            mine = [headline for headline in headlines if headline.customer_id == YEN]
            assert view.reports.summaries(YEN) == summarise(mine)
            assert view.reports.summaries(999) == []

    def test_money_is_exact_to_the_last_unit(self, filled: Storage) -> None:
        """The greatest amount of every kind of currency survives storing, ordering and summing."""
        most = {
            "USD": Decimal("9999999999999.99"),
            "JPY": Decimal(999_999_999_999_999),
            "KWD": Decimal("-999999999999.999"),
            "UYW": Decimal("99999999999.9999"),
        }
        for customer_id, (currency, amount) in enumerate(most.items(), start=1):
            charged = Order(
                customer_id=customer_id,
                order_id=1,
                order_date=date(2023, 1, 20),
                charges=(Charge(1, amount),),
            )
            with filled.transaction(EVERYTHING) as tx:
                tx.customers.save(Customer(customer_id, currency, currency))
                tx.orders.save([charged])
            for _ in range(2):
                generator(filled).generate(customer_id, JANUARY)
        with filled.snapshot(EVERYTHING) as view:
            query = ReportQuery(order_by=ReportOrder("total_amount"))
            listed = [headline.total_amount for headline in view.reports.page(query, Slice())]
            summed = {s.currency: s.total_amount for s in view.reports.summaries(None)}
        assert listed == sorted(amount for amount in most.values() for _ in range(2))
        assert summed == {currency: 2 * amount for currency, amount in most.items()}


def _holds_its_entries(page: Page) -> bool:
    ids = [entry["order_id"] for entry in json.loads(b"[" + inflate(page.body) + b"]")]
    return (
        len(inflate(page.body)) == page.length
        and len(ids) == page.entries
        and (min(ids), max(ids)) == (page.low_order, page.high_order)
    )


def _file_some(storage: Storage) -> list[ReportHeadline]:
    """File reports that differ in every field, two of them at one instant."""
    first_half = BillingPeriod(date(2023, 1, 1), date(2023, 1, 10))
    second_half = BillingPeriod(date(2023, 1, 2), date(2023, 1, 31))
    maker = generator(storage, TickingClock(NOON.replace(hour=23, minute=58)))
    filed = [
        maker.generate(customer_id, period)
        for customer_id in (WIDGETS, ACME, YEN)
        for period in (JANUARY, first_half, second_half)
    ]
    with storage.transaction(EVERYTHING) as tx:
        tx.customers.save(Customer(ACME, "Zebra, formerly ACME"))
        tx.customers.save(Customer(YEN, "acme in lower case", "JPY", "Asia/Tokyo"))
    late = TickingClock(filed[-1].created_at)
    return [*filed, *(generator(storage, late).generate(c, JANUARY) for c in (ACME, YEN))]
