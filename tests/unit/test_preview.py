"""Preview: what generate would file, without a trace; and what a draft card would change."""

import json
from decimal import Decimal
from typing import Any

import pytest

from billing.bootstrap import Billing
from billing.domain.comparison import Comparison
from billing.domain.costs import OrderCost
from billing.domain.document import ReportDocument, detail_chunks, instant_text
from billing.domain.errors import (
    CustomerNotFoundError,
    InvalidValueError,
    ServiceNotFoundError,
)
from billing.domain.pages import SECTIONS
from billing.domain.period import BillingPeriod
from billing.domain.rate_reading import read_rates
from billing.domain.rate_steps import ServiceCost
from billing.domain.report_query import ReportQuery
from billing.testing.world import EVERYTHING, JANUARY
from tests.unit.examples import NEW_YEAR, Row, flat, percentage, unit
from tests.unit.worked_example import ORDER, application

ROWS = [
    ORDER,
    ORDER | {"order_id": 2, "order_date": "2023-01-02", "weight_lb": None},
    ORDER | {"order_id": 3, "status": "cancelled"},
    ORDER | {"order_id": 4, "items": [], "charges": [{"service_id": 2, "amount": "-7.25"}]},
    ORDER | {"order_id": 5, "order_date": "2023-02-01"},
]


def parsed(document: ReportDocument) -> dict[str, Any]:
    """Return a report's detail, amounts as their text."""
    detail: dict[str, Any] = json.loads(b"".join(detail_chunks(document)), parse_float=str)
    return detail


def draft(app: Billing, *rates: Row, **more: Any) -> dict[str, Any]:
    """Return the detail of a preview by a draft card."""
    with app.generator.prepare(1, JANUARY, rates=read_rates(list(rates)), **more) as prepared:
        return parsed(prepared.document())


@pytest.mark.parametrize("services", [None, [2, 4]])
def test_a_preview_equals_the_report_to_the_last_byte(services: list[int] | None) -> None:
    """All but id and created_at: detail, exceptions, evidence and hash; and it is a draft."""
    app = application(*ROWS)
    with app.generator.prepare(1, JANUARY, services=services) as prepared:
        preview = b"".join(detail_chunks(prepared.document()))
        pages = [list(prepared.pages(section)) for section in SECTIONS]
    report = app.generator.generate(1, JANUARY, services=services)
    filed = app.archive.open(report.id)
    whole = b"".join(detail_chunks(filed))
    created = instant_text(report.created_at).encode()
    named = b'"id":1,', b'"created_at":"%b",' % created
    assert all(whole.count(part) == 1 for part in named)
    assert preview == whole.replace(named[0], b"", 1).replace(named[1], b"")
    with app.storage.snapshot(EVERYTHING) as view:
        assert [view.reports.pages(1, section, 0, 100) for section in SECTIONS] == pages


def test_a_preview_leaves_nothing_behind() -> None:
    """No report, no card, and the clock was not needed to file anything."""
    app = application(*ROWS)
    with app.generator.prepare(1, JANUARY):
        pass
    draft(app, flat(1, "9"))
    assert app.archive.count(ReportQuery()) == 0
    assert len(app.rate_book.cards(1)) == 1


def test_a_draft_prices_the_whole_period() -> None:
    """Days before every card too; its costs are of no card; it is never filed."""
    early = ORDER | {"order_id": 7, "order_date": "2022-12-31"}
    app = application(ORDER, early)
    period = BillingPeriod(NEW_YEAR.replace(year=2022), JANUARY.end)
    rates = read_rates([flat(3, "3.00")])
    with app.generator.prepare(1, period, rates=rates) as prepared:
        detail = parsed(prepared.document())
        with (
            app.storage.transaction(EVERYTHING) as tx,
            pytest.raises(ValueError, match="never filed"),
        ):
            app.generator.file(prepared, tx)
    assert [order["order_id"] for order in detail["orders"]] == [7, 10001]
    assert detail["orders"][0]["service_costs"] == [
        {
            "service_id": 3,
            "service_name": "Handling",
            "amount": "3.00",
            "quantity": 1,
            "rate": {"card": None, "index": 0},
        }
    ]
    assert (detail["exception_count"], detail["total_amount"]) == (0, "6.00")


def test_a_draft_is_compared_with_the_cards_in_force() -> None:
    """By service, those of either card, and by order, the most changed first."""
    app = application(*ROWS)
    compared = draft(app, flat(3, "4.00"), unit(4, "weight_lb", "0.20"))["compared_with_current"]
    # In force 10001 costs 10.47, 2 has no weight (8.75), 4 has no items (-3.03 with its credit).
    assert compared == {
        "current_amount": "16.19",
        "draft_amount": "9.75",
        "difference": "-6.44",
        "services": [
            service(1, "Case pick", "7.00", "0.00", "-7.00"),
            service(2, "Loose pick", "-1.75", "-7.25", "-5.50"),
            service(3, "Handling", "7.50", "12.00", "4.50"),
            service(4, "Weight", "2.76", "5.00", "2.24"),
            service(5, "Fuel", "0.68", "0.00", "-0.68"),
        ],
        "orders": [
            changed(2, "8.75", "4.00", "-4.75"),
            changed(10001, "10.47", "6.50", "-3.97"),
            changed(4, "-3.03", "-0.75", "2.28"),
        ],
    }


def amounts(current: str, tried: str, difference: str) -> Row:
    """Return the three amounts of a comparison."""
    return {"current_amount": current, "draft_amount": tried, "difference": difference}


def service(service_id: int, name: str, *three: str) -> Row:
    """Return what a comparison says of a service."""
    return {"service_id": service_id, "service_name": name, **amounts(*three)}


def changed(order_id: int, *three: str) -> Row:
    """Return what a comparison says of an order."""
    return {"order_id": order_id, **amounts(*three)}


def test_a_comparison_of_chosen_services_is_about_them_alone() -> None:
    """Services are chosen after pricing by both cards."""
    app = application(*ROWS)
    rates = [flat(3, "4.00"), percentage(5, "10", 3)]
    compared = draft(app, *rates, services=[5])["compared_with_current"]
    assert [entry["service_id"] for entry in compared["services"]] == [5]
    assert compared["draft_amount"] == "1.20"
    assert compared["current_amount"] == "0.68"


def test_a_draft_that_the_customer_cannot_have_is_refused() -> None:
    """As it would be when put in force; an unknown customer or service likewise."""
    app = application()
    with pytest.raises(InvalidValueError, match=r"rates\[0\].minimum: Has more than 2 decimals"):
        draft(app, flat(1, "1", minimum="1.234"))
    with pytest.raises(ServiceNotFoundError, match="Service with ID 9 not found"):
        draft(app, percentage(1, "1", 2, 9))
    with pytest.raises(ServiceNotFoundError):
        draft(app, flat(1, "1"), services=[9])
    with pytest.raises(CustomerNotFoundError):
        app.generator.prepare(2, JANUARY, rates=())


def test_a_draft_reads_what_it_needs() -> None:
    """Fields and products that only the draft looks at are there."""
    app = application(ORDER, rates=[flat(1, "1")])
    detail = draft(app, unit(1, "cases", "1"), unit(2, "weight_lb", "1"))
    assert detail["total_amount"] == "15.50"
    assert detail["compared_with_current"]["current_amount"] == "1.00"


def test_a_comparison_shows_the_ten_most_changed_orders() -> None:
    """By the size of the change, up or down; of equal ones the lowest ids; none unchanged."""
    comparison = Comparison()
    changes = {1: 5, 2: -7, 3: 0, 4: 7, 5: 1, **dict.fromkeys(range(20, 30), 5)}
    for order_id, change in changes.items():
        current, tried = one_cost(100), one_cost(100 + change)
        comparison.add(order_id, current, tried)
    shown = comparison.as_json({1: "One"}, 2)["orders"]
    assert [entry["order_id"] for entry in shown] == [2, 4, 1, *range(20, 27)]
    assert [entry["difference"] for entry in shown[:3]] == [
        Decimal("-0.07"),
        Decimal("0.07"),
        Decimal("0.05"),
    ]


def one_cost(amount: int) -> OrderCost:
    """Return an order with one line."""
    return OrderCost(amount, (ServiceCost(1, amount),), ())


def test_an_equal_card_changes_nothing() -> None:
    """All services are listed with no difference, and no order is."""
    app = application(*ROWS)
    (card,) = app.rate_book.cards(1)
    rates = [rate.as_json() for rate in card.rates]
    compared = draft(app, *rates)["compared_with_current"]
    assert {entry["difference"] for entry in compared["services"]} == {"0.00"}
    assert compared["orders"] == []
