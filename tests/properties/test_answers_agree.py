"""Answers agree: generate, preview, explain and the rate trial say the same of every order."""

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from billing.bootstrap import Billing
from billing.domain.catalog import Customer, Product, Service
from billing.domain.document import detail_chunks
from billing.domain.explanation import Explanation
from billing.domain.orders import Order
from billing.domain.pages import SECTIONS
from billing.domain.rate_reading import read_rates
from billing.domain.strict_json import dumps
from billing.testing.world import EVERYTHING, NOON
from tests.properties.applications import (
    FIRST,
    WHOLE,
    World,
    application,
    billable,
    dated,
    detail_of,
)
from tests.properties.strategies import SERVICES, SKUS, rate_lists, worlds

Costs = list[tuple[int, Decimal]]


def preview(app: Billing, rates: Any = None) -> dict[str, Any]:
    """Return the detail of a preview."""
    draft = None if rates is None else read_rates(rates)
    with app.generator.prepare(1, WHOLE, rates=draft) as prepared:
        return detail_of(prepared.document())


def billed(detail: dict[str, Any]) -> dict[int, Costs]:
    """Return the costs of every billed order."""
    return {
        order["order_id"]: [
            (cost["service_id"], Decimal(cost["amount"])) for cost in order["service_costs"]
        ]
        for order in detail["orders"]
    }


def explained(explanation: Explanation) -> Costs:
    """Return the costs that an explanation is about."""
    return [(cost.service_id, cost.amount) for cost in explanation.service_costs]


@settings(max_examples=60)
@given(worlds())
def test_every_way_to_ask_gives_the_same_costs(world: World) -> None:
    """The bill, its preview, its explanation, a trial, and the same rates as a draft."""
    app = application(world)
    report = app.archive.open(app.generator.generate(1, WHOLE).id)
    by_bill = billed(detail_of(report))
    assert billed(preview(app)) == by_bill
    problems = {entry.order_id: list(entry.problems) for entry in report.exceptions()}
    for row in dated(world):
        number = row["order_id"]
        explanation = app.archive.explain(1, number)
        assert explanation == app.rate_trial.run(1, row)
        assert explained(explanation) == by_bill.get(number, [])
        assert explanation.as_json()["problems"] == problems.get(number, [])
    for card in world["cards"]:
        drafted = billed(preview(app, card["rates"]))
        for row in billable(world):
            tried = app.rate_trial.run(1, row, read_rates(card["rates"]))
            assert explained(tried) == drafted.get(row["order_id"], [])


@settings(max_examples=60)
@given(worlds(), st.none() | st.sets(st.sampled_from(SERVICES)))
def test_a_preview_is_the_report_to_the_last_field(world: World, services: Any) -> None:
    """Every byte of detail, exceptions and evidence, but for id and created_at."""
    app = application(world)
    with app.generator.prepare(1, WHOLE, services=services) as prepared:
        text = b"".join(detail_chunks(prepared.document()))
        shown = detail_of(prepared.document())
        pages = {section: list(prepared.pages(section)) for section in SECTIONS}
        totals = prepared.service_totals
    filed = app.generator.generate(1, WHOLE, services=services)
    document = app.archive.open(filed.id)
    detail = detail_of(document)
    assert len(b"".join(detail_chunks(document))) > len(text)
    assert [name for name in detail if name not in shown] == ["id", "created_at"]
    assert [*shown.items()] == [(name, value) for name, value in detail.items() if name in shown]
    with app.storage.snapshot(EVERYTHING) as view:
        for section in SECTIONS:
            assert view.reports.pages(filed.id, section, 0, 100) == pages[section]
        assert view.reports.totals(filed.id)[0] == totals


@settings(max_examples=40)
@given(worlds(most_rows=14), st.data())
def test_what_a_draft_changes_adds_up(world: World, data: st.DataObject) -> None:
    """By service and in all, to the two reports; and the ten orders are the most changed."""
    app = application(world)
    draft = data.draw(rate_lists(world["currency"]), label="draft")
    tried, current = preview(app, draft), preview(app)
    compared = tried["compared_with_current"]
    for three in (compared, *compared["services"], *compared["orders"]):
        assert three["draft_amount"] - three["current_amount"] == three["difference"]
    assert compared["draft_amount"] == tried["total_amount"]
    assert compared["current_amount"] == current["total_amount"]
    assert compared["difference"] == sum(entry["difference"] for entry in compared["services"])
    for name, report in (("draft_amount", tried), ("current_amount", current)):
        by_service = {str(s["service_id"]): s[name] for s in compared["services"] if s[name]}
        totals = {key: total["amount"] for key, total in report["service_totals"].items()}
        assert by_service == {key: amount for key, amount in totals.items() if amount}
    before, after = (
        {order["order_id"]: order["total_amount"] for order in report["orders"]}
        for report in (current, tried)
    )
    changes = {n: after.get(n, 0) - before.get(n, 0) for n in {*before, *after}}
    most = sorted((n for n in changes if changes[n]), key=lambda n: (-abs(changes[n]), n))
    assert [entry["order_id"] for entry in compared["orders"]] == most[:10]
    assert all(entry["difference"] == changes[entry["order_id"]] for entry in compared["orders"])


@settings(max_examples=40)
@given(worlds())
def test_explanations_outlive_every_change(world: World) -> None:
    """New cards, products, names and orders leave what was said of a report as it was."""
    app = application(world)
    app.generator.generate(1, WHOLE)
    numbers = [row["order_id"] for row in dated(world)]
    before = [dumps(app.archive.explain(1, number).as_json()) for number in numbers]
    with app.storage.transaction(EVERYTHING) as tx:
        tx.customers.save(Customer(1, "Renamed", world["currency"], "Asia/Tokyo"))
        for service_id in SERVICES:
            tx.services.save(Service(service_id, "Renamed"))
        kept = {sku: units for sku, units in world["products"].items() if units != 7}
        tx.products.save([Product(1, sku, 7) for sku in {"CD-2", *kept} & {*SKUS}])
        tx.rate_cards.add(1, FIRST, (), NOON)
        tx.orders.save([Order(customer_id=1, order_id=number) for number in numbers])
    assert [dumps(app.archive.explain(1, number).as_json()) for number in numbers] == before
