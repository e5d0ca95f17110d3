"""ReportGenerator and ReportArchive: from orders to a filed document."""

import hashlib
import io
import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing.adapters.exporters import EXPORTERS
from billing.adapters.memory import MemoryStorage
from billing.domain.catalog import Customer, Service
from billing.domain.document import ReportDocument
from billing.domain.errors import (
    AmountTooLargeError,
    BillingError,
    CustomerNotFoundError,
    ReportNotFoundError,
    ServiceNotFoundError,
    StartAfterEndError,
    UnknownFormatError,
)
from billing.domain.orders import Charge, Item, ItemLines, Order
from billing.domain.period import BillingPeriod
from billing.domain.rate_reading import read_rates
from billing.domain.report import ReportContent, ReportException
from billing.domain.report_archive import ReportArchive
from billing.domain.report_query import ReportQuery
from billing.testing.world import (
    ACME,
    EVERYTHING,
    JANUARY,
    NOON,
    WIDGETS,
    YEN,
    fill,
    generator,
    order,
)


@pytest.fixture
def storage() -> MemoryStorage:
    """Return the small world."""
    storage = MemoryStorage()
    fill(storage)
    return storage


def save(storage: MemoryStorage, *orders: Order) -> None:
    """Store orders."""
    with storage.transaction(EVERYTHING) as tx:
        tx.orders.save(orders)


def export(storage: MemoryStorage, report_id: int, name: str = "json") -> bytes:
    """Return a report in a format."""
    out = io.BytesIO()
    ReportArchive(storage, EXPORTERS).export(report_id, name, out)
    return out.getvalue()


def test_the_detail_has_the_published_fields_first_and_in_order(storage: MemoryStorage) -> None:
    """Field order, exact amounts and numbers as the API publishes them, to the byte."""
    report = generator(storage).generate(ACME, JANUARY)
    assert export(storage, report.id).decode() == (
        '{"id":1,"customer_id":123,"customer_name":"ACME Corp","start_date":"2023-01-01",'
        '"end_date":"2023-01-31","created_at":"2023-02-01T12:00:00Z","total_amount":12.00,'
        '"service_totals":{"1":{"service_name":"Picking","amount":5.00},'
        '"2":{"service_name":"Shipping, \\"fast\\"","amount":7.00}},"orders":['
        '{"order_id":2,"reference_number":null,"order_date":"2023-01-03","total_amount":6.00,'
        '"service_costs":[{"service_id":1,"service_name":"Picking","amount":2.50,"quantity":1,'
        '"rate":{"card":1,"index":0}},{"service_id":2,"service_name":"Shipping, \\"fast\\"",'
        '"amount":3.50,"quantity":10,"rate":{"card":1,"index":1}}]},'
        '{"order_id":1,"reference_number":null,"order_date":"2023-01-15","total_amount":6.00,'
        '"service_costs":[{"service_id":1,"service_name":"Picking","amount":2.50,"quantity":1,'
        '"rate":{"card":1,"index":0}},{"service_id":2,"service_name":"Shipping, \\"fast\\"",'
        '"amount":3.50,"quantity":10,"rate":{"card":1,"index":1}}]}],'
        f'"currency":"USD","status":"draft","exception_count":0,"content_hash":"{report.content_hash}"}}'
    )


def test_the_csv_has_the_published_bytes(storage: MemoryStorage) -> None:
    """Names always quoted and doubled, numbers bare, line feeds, nothing else."""
    report = generator(storage).generate(ACME, JANUARY)
    assert export(storage, report.id, "csv") == (
        b"order_id,service_id,service_name,amount\n"
        b'2,1,"Picking",2.50\n'
        b'2,2,"Shipping, ""fast""",3.50\n'
        b'1,1,"Picking",2.50\n'
        b'1,2,"Shipping, ""fast""",3.50\n'
    )


@pytest.mark.parametrize("name", ["=1+1", "+x", "-x", "@x"])
def test_a_name_that_a_spreadsheet_would_run_is_made_text(
    storage: MemoryStorage, name: str
) -> None:
    """Text cells are guarded by a `'`; a negative amount stays a number."""
    with storage.transaction(EVERYTHING) as tx:
        tx.services.save(Service(1, name))
    credit = Order(
        customer_id=YEN, order_id=1, order_date=date(2023, 1, 1), charges=(Charge(1, Decimal(-5)),)
    )
    save(storage, credit)
    report = generator(storage).generate(YEN, JANUARY)
    assert export(storage, report.id, "csv").decode().splitlines()[1] == f'1,1,"\'{name}",-5'


def test_a_report_without_orders_is_a_report(storage: MemoryStorage) -> None:
    """An empty period gives a total of zero in every format."""
    period = BillingPeriod(date(2020, 1, 1), date(2020, 1, 1))
    report = generator(storage).generate(ACME, period)
    detail = json.loads(export(storage, report.id))
    assert (detail["total_amount"], detail["orders"], detail["service_totals"]) == (0, [], {})
    assert b'"total_amount":0.00,' in export(storage, report.id)
    assert export(storage, report.id, "csv") == b"order_id,service_id,service_name,amount\n"


def test_every_order_is_billed_or_listed_with_the_reason(storage: MemoryStorage) -> None:
    """Cancelled orders are listed but not counted; a partly billed order is in both lists."""
    day = date(2023, 1, 20)
    save(
        storage,
        Order(customer_id=ACME, order_id=10, order_date=day),
        Order(customer_id=ACME, order_id=11, order_date=day, status="CANCELED"),
        Order(customer_id=ACME, order_id=12),
        Order(customer_id=YEN, order_id=13, order_date=day),
    )
    archive = ReportArchive(storage, EXPORTERS)
    report = archive.read(generator(storage).generate(ACME, JANUARY).id)
    assert [billed.order_id for billed in report.orders] == [2, 1, 10]
    assert report.exceptions == (
        ReportException(10, "needs_attention", ("items and total_item_qty are missing",)),
        ReportException(11, "cancelled", ()),
    )
    assert (report.headline.order_count, report.headline.exception_count) == (3, 1)
    bare = archive.read(generator(storage).generate(YEN, JANUARY).id)
    assert bare.exceptions == (ReportException(13, "nothing_applies", ()),)
    assert bare.headline.order_count == 0


def test_an_order_before_every_card_needs_attention(storage: MemoryStorage) -> None:
    """With cards, but none in force on the day, charges are billed and the rest is said."""
    early = Order(
        customer_id=ACME,
        order_id=9,
        order_date=date(2022, 12, 31),
        charges=(Charge(1, Decimal("1.00")),),
    )
    save(storage, early)
    period = BillingPeriod(date(2022, 12, 1), date(2023, 1, 31))
    report = ReportArchive(storage, {}).read(generator(storage).generate(ACME, period).id)
    assert [billed.order_id for billed in report.orders] == [9, 2, 1]
    (exception,) = report.exceptions
    assert exception.order_id == 9
    assert "no rate card is in force" in exception.problems[0]


def test_each_order_is_priced_by_the_card_of_its_day(storage: MemoryStorage) -> None:
    """A new card prices from its day on, the later one of two for a day."""
    with storage.transaction(EVERYTHING) as tx:
        for price in ("9.00", "4.00"):
            rates = [{"service_id": 1, "price": {"model": "flat", "amount": price}}]
            tx.rate_cards.add(ACME, date(2023, 1, 10), read_rates(rates), NOON)
    report = ReportArchive(storage, {}).read(generator(storage).generate(ACME, JANUARY).id)
    assert [(o.order_id, o.total_amount) for o in report.orders] == [
        (2, Decimal("6.00")),
        (1, Decimal("4.00")),
    ]
    assert report.orders[1].service_costs[0].card_id == 4


def test_a_partial_report_bills_the_chosen_services(storage: MemoryStorage) -> None:
    """Chosen after pricing; problems of other services do not make an exception."""
    save(storage, Order(customer_id=ACME, order_id=10, order_date=date(2023, 1, 20)))
    report = generator(storage).generate(ACME, JANUARY, services=[1, 1])
    assert report.total_amount == Decimal("7.50")
    assert (report.services, report.exception_count) == ((1,), 0)
    assert export(storage, report.id).endswith(b',"services":[1]}')
    assert generator(storage).generate(ACME, JANUARY, services=[]).services is None
    with pytest.raises(ServiceNotFoundError, match="Service with ID 99 not found"):
        generator(storage).generate(ACME, JANUARY, services=[1, 99])


def test_a_report_is_a_snapshot(storage: MemoryStorage) -> None:
    """Later changes of names, orders and cards never change a filed report."""
    report = generator(storage).generate(ACME, JANUARY)
    before = export(storage, report.id), export(storage, report.id, "csv")
    with storage.transaction(EVERYTHING) as tx:
        tx.customers.save(Customer(ACME, "Renamed"))
        tx.services.save(Service(1, "Renamed"))
        tx.orders.save([order(ACME, 1, units=99), order(ACME, 3)])
        tx.rate_cards.add(ACME, date(2023, 1, 1), (), NOON)
    assert (export(storage, report.id), export(storage, report.id, "csv")) == before


def test_equal_data_gives_an_equal_hash(storage: MemoryStorage) -> None:
    """The hash leaves out id and time, and anyone who holds the detail can compute it."""
    first = generator(storage).generate(ACME, JANUARY)
    second = generator(storage).generate(ACME, JANUARY)
    assert first.id != second.id
    assert first.content_hash == second.content_hash
    detail = export(storage, first.id).decode()
    orders = detail[detail.index('"orders":') + 9 : detail.index(',"currency"')]
    total = detail[detail.index('"total_amount"') : detail.index(',"orders":')]
    digests = [hashlib.sha256(text.encode()).hexdigest() for text in (orders, "[]")]
    canonical = (
        '{"customer_id":123,"customer_name":"ACME Corp","start_date":"2023-01-01",'
        f'"end_date":"2023-01-31",{total},"currency":"USD","order_count":2,"exception_count":0,'
        f'"services":null,"letterhead":"Billing","orders":"{digests[0]}",'
        f'"exceptions":"{digests[1]}"}}'
    )
    assert hashlib.sha256(canonical.encode()).hexdigest() == first.content_hash
    save(storage, order(ACME, 1, units=11))
    assert generator(storage).generate(ACME, JANUARY).content_hash != first.content_hash


def test_evidence_holds_what_pricing_read_and_nothing_else(storage: MemoryStorage) -> None:
    """Every order of the period, billed or not, with the card that priced it."""
    whole = Order(
        customer_id=ACME,
        order_id=10,
        order_date=date(2023, 1, 20),
        status="Cancelled",
        carrier="UPS",
        weight_lb=Decimal(5),
        total_item_qty=Decimal("2.5"),
        charges=(Charge(1, Decimal("-1.00")),),
    )
    save(storage, whole)
    report = generator(storage).generate(ACME, JANUARY)
    evidence = list(ReportArchive(storage, {}).open(report.id).entries("evidence"))
    assert evidence == [
        {"order_id": 2, "order_date": "2023-01-03", "card": 1, "items": [["AB-1", 10]]},
        {"order_id": 1, "order_date": "2023-01-15", "card": 1, "items": [["AB-1", 10]]},
        {
            "order_id": 10,
            "order_date": "2023-01-20",
            "card": 1,
            "status": "Cancelled",
            "total_item_qty": "2.5",
            "charges": [[1, "-1.00"]],
        },
    ]


class Refusing:
    """An exporter that refuses every report."""

    media_type = "text/plain"

    def check(self, content: ReportContent, /) -> None:
        """Refuse."""
        raise BillingError("too big")

    def render(self, document: ReportDocument, out: Any, /) -> None:
        """Never come here."""
        raise AssertionError


def test_a_refused_rendering_leaves_nothing_behind(storage: MemoryStorage) -> None:
    """What could stop the rendering is asked before anything is stored."""
    with pytest.raises(BillingError, match="too big"):
        generator(storage).generate(ACME, JANUARY, exporter=Refusing())
    assert list(ReportArchive(storage, {}).find(ReportQuery())) == []


def test_refusals_of_the_use_cases(storage: MemoryStorage) -> None:
    """Each has its own error and its own published sentence."""
    archive = ReportArchive(storage, EXPORTERS)
    with pytest.raises(StartAfterEndError, match="Start date must be before end date"):
        BillingPeriod(date(2023, 1, 2), date(2023, 1, 1))
    with pytest.raises(CustomerNotFoundError, match="Customer with ID 999 not found"):
        generator(storage).generate(999, JANUARY)
    with pytest.raises(UnknownFormatError, match="Invalid format: xyz"):
        archive.export(1, "xyz", io.BytesIO())
    with pytest.raises(ReportNotFoundError):
        archive.open(1)


def test_totals_past_exactness_are_refused(storage: MemoryStorage) -> None:
    """Orders that fit alone but not together are refused as a whole; nothing is stored."""
    most = Charge(1, Decimal("9999999999999.99"))
    for number in (1, 2):
        day = date(2023, 1, number)
        save(storage, Order(customer_id=YEN, order_id=number, order_date=day, charges=(most,)))
    with storage.transaction(EVERYTHING) as tx:
        tx.customers.save(Customer(YEN, "In dollars"))
    with pytest.raises(AmountTooLargeError, match="The total of service 1"):
        generator(storage).generate(YEN, JANUARY)
    assert list(ReportArchive(storage, {}).find(ReportQuery())) == []


def test_a_long_report_is_the_same_in_every_format(storage: MemoryStorage) -> None:
    """Across page boundaries nothing is lost, doubled or reordered, and the sums agree."""
    days = [date(2023, 1, 1) + timedelta(days=number % 31) for number in range(1_234)]
    many = [
        Order(
            customer_id=WIDGETS,
            order_id=10_000 + number,
            order_date=day,
            items=ItemLines.of([Item("A", Decimal(number))]),
            charges=(Charge(2, Decimal(number % 7) / 100),),
        )
        for number, day in enumerate(days)
    ]
    save(storage, *many)
    report = generator(storage).generate(WIDGETS, JANUARY)
    detail = json.loads(export(storage, report.id), parse_float=Decimal)
    assert [entry["order_id"] for entry in detail["orders"]] == [
        o.order_id
        for o in sorted([*many, order(WIDGETS, 1)], key=lambda o: (o.order_date, o.order_id))
    ]
    lines = [cost["amount"] for entry in detail["orders"] for cost in entry["service_costs"]]
    assert sum(lines) == detail["total_amount"] == report.total_amount
    assert sum(t["amount"] for t in detail["service_totals"].values()) == report.total_amount
    rows = export(storage, report.id, "csv").decode().splitlines()[1:]
    assert sum(Decimal(row.rsplit(",", 1)[1]) for row in rows) == report.total_amount


def test_created_at_has_whole_seconds(storage: MemoryStorage) -> None:
    """What is shown is what is stored and ordered by."""

    class Clock:
        def now(self) -> datetime:
            return NOON.replace(microsecond=999_999)

    from billing.domain.report_generator import ReportGenerator

    assert ReportGenerator(storage, Clock()).generate(ACME, JANUARY).created_at == NOON


def test_the_archive_streams(storage: MemoryStorage) -> None:
    """Finding reports gives them one by one."""
    generator(storage).generate(ACME, JANUARY)
    found = ReportArchive(storage, {}).find(ReportQuery())
    assert isinstance(found, Iterator)
    assert [headline.id for headline in found] == [1]
