"""Previewing: what generate would file, to the last field, without a trace; and what-if."""

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from billing.adapters.sql.storage import SqlStorage
from billing.bootstrap import Billing
from billing.domain.ports import Storage
from tests.integration.http.contract import (
    AMOUNTS,
    ROW,
    TOTAL,
    lines,
    settle_contract,
    store,
)
from tests.integration.http.worlds import (
    API,
    FORBIDDEN,
    JANUARY,
    Caller,
    generate,
    put,
    settle,
    value,
)
from tests.unit.worked_example import ORDER, RATES

PREVIEW = API + "reports/preview/"
FLAT = {"service_id": 3, "price": {"model": "flat", "amount": "5.00"}}


@pytest.fixture
def world(client: FlaskClient) -> FlaskClient:
    """Put the small world."""
    settle(client)
    return client


@pytest.fixture
def contract(client: FlaskClient) -> FlaskClient:
    """Put the worked contract."""
    settle_contract(client)
    return client


def preview(client: FlaskClient, customer_id: int = 1, /, **changes: object) -> TestResponse:
    """Preview January; `changes` to the body win."""
    return client.post(PREVIEW, json={"customer_id": customer_id, **JANUARY, **changes})


def previewed(client: FlaskClient, customer_id: int = 1, /, **changes: object) -> dict[str, Any]:
    """Return a preview's detail."""
    response = preview(client, customer_id, **changes)
    assert response.status_code == 200, response.text
    detail: dict[str, Any] = value(response)
    return detail


def without_id_and_time(detail: str) -> str:
    """Return the text of a filed report's detail as if it had not been filed."""
    bare, cut = re.subn(r'^\{"id":\d+,|"created_at":"[^"]*",', "", detail)
    assert cut == 2
    return "{" + bare


# ----------------------------------------------------------------------------------- equality


@pytest.mark.parametrize(
    ("customer_id", "changes"),
    [
        (1, {}),
        (2, {}),
        (1, {"services": [3, 1]}),
        (1, {"services": []}),
        (1, {"start_date": "2020-01-01", "end_date": "2020-01-01"}),
        (1, {"start_date": "0001-01-01", "end_date": "9999-12-31"}),
    ],
)
def test_a_preview_is_what_generate_would_file(
    world: FlaskClient, customer_id: int, changes: dict[str, object]
) -> None:
    """Byte for byte, but for the id and the time; the content hash, too."""
    before = preview(world, customer_id, **changes)
    filed = generate(world, customer_id, **changes)
    assert before.status_code == 200
    assert "Location" not in before.headers
    assert before.text == without_id_and_time(filed.text)
    assert preview(world, customer_id, **changes).data == before.data


def test_the_worked_example_is_previewed_to_the_cent(contract: FlaskClient) -> None:
    """10.47, as it is generated; percentages, conditions and products as they bill."""
    detail = previewed(contract)
    assert str(detail["total_amount"]) == TOTAL
    assert lines(detail["orders"][0]["service_costs"]) == AMOUNTS
    assert preview(contract).text == without_id_and_time(generate(contract).text)


def test_cards_that_follow_each_other_and_exceptions_are_previewed(contract: FlaskClient) -> None:
    """Every order by the card of its day, and the same orders left out."""
    put(contract, "customers/1/rates/", {"effective_from": "2023-01-20", "rates": [FLAT]})
    store(
        contract,
        {**ROW, "order_id": 2, "order_date": "2023-01-20"},
        {**ROW, "order_id": 3, "weight_lb": None},
        {**ROW, "order_id": 4, "status": "cancelled"},
        {**ROW, "order_id": 5, "order_date": None},
    )
    text = preview(contract).text
    assert '"exception_count":1' in text
    assert text == without_id_and_time(generate(contract).text)


@pytest.mark.parametrize("output_format", [None, "json", "dict"])
def test_json_and_dict_answer_the_detail(world: FlaskClient, output_format: str | None) -> None:
    """Without id and created_at, which only filing gives."""
    response = preview(world, output_format=output_format)
    detail = value(response)
    assert list(detail)[:4] == ["customer_id", "customer_name", "start_date", "end_date"]
    assert not {"id", "created_at", "compared_with_current"} & detail.keys()
    assert detail["status"] == "draft"
    assert "Content-Disposition" not in response.headers


@pytest.mark.parametrize("rates", [None, RATES])
def test_csv_answers_the_file_that_generate_would(
    contract: FlaskClient, rates: list[object] | None
) -> None:
    """Under a name without an id."""
    response = preview(contract, output_format="csv", rates=rates)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.headers["Content-Disposition"] == 'attachment; filename="billing_preview.csv"'
    assert response.content_length == len(response.data)
    assert response.data == generate(contract, output_format="csv").data


@pytest.mark.parametrize("rates", [None, RATES])
def test_pdf_answers_a_document(contract: FlaskClient, rates: list[object] | None) -> None:
    """A draft that can be shown around; percentages, which measure nothing, print as well."""
    response = preview(contract, output_format="pdf", rates=rates)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/pdf"
    assert response.headers["Content-Disposition"] == 'attachment; filename="billing_preview.pdf"'
    assert response.data.startswith(b"%PDF-")
    assert preview(contract, output_format="pdf", rates=rates).data == response.data
    assert generate(contract, output_format="pdf").status_code == 201


# ------------------------------------------------------------------------------------ what-if


def test_a_draft_card_is_compared_with_the_one_in_force(contract: FlaskClient) -> None:
    """By service, of either card, and by order; exact numbers."""
    store(
        contract,
        {**ROW, "order_id": 2},
        {**ROW, "order_id": 3, "items": [], "weight_lb": 1},
    )
    response = preview(contract, rates=[RATES[0], FLAT])
    detail = value(response)
    assert list(detail)[-2:] == ["content_hash", "compared_with_current"]
    assert str(detail["total_amount"]) == "22.00"
    assert detail["orders"][0]["service_costs"][0]["rate"] == {"card": None, "index": 0}
    compared = detail["compared_with_current"]
    assert list(compared) == [
        "current_amount",
        "draft_amount",
        "difference",
        "services",
        "orders",
    ]
    assert (str(compared["current_amount"]), str(compared["difference"])) == ("23.66", "-1.66")
    assert compared["services"][2] == {
        "service_id": 3,
        "service_name": "Handling",
        "current_amount": Decimal("7.50"),
        "draft_amount": Decimal("15.00"),
        "difference": Decimal("7.50"),
    }
    assert [entry["service_id"] for entry in compared["services"]] == [1, 2, 3, 4, 5]
    assert '"current_amount":7.50,"draft_amount":15.00,"difference":7.50' in response.text
    changed = [(entry["order_id"], str(entry["difference"])) for entry in compared["orders"]]
    assert changed == [(3, "2.28"), (2, "-1.97"), (10001, "-1.97")]


def test_the_ten_orders_changed_most_are_named(contract: FlaskClient) -> None:
    """The largest change first, whichever way; equal ones by id; unchanged ones not at all."""
    store(contract, *[{**ROW, "order_id": n, "packages": n} for n in range(1, 15)])
    per_package = {"model": "unit", "measure": "packages", "unit_price": "1"}
    rates = [*RATES, {"service_id": 1, "price": per_package}]
    changed = previewed(contract, rates=rates)["compared_with_current"]["orders"]
    assert [entry["order_id"] for entry in changed] == list(range(14, 4, -1))
    same = previewed(contract, rates=RATES)["compared_with_current"]
    assert (str(same["difference"]), same["orders"]) == ("0.00", [])


def test_a_draft_of_the_card_in_force_bills_the_same(contract: FlaskClient) -> None:
    """But for the card's id, which a draft has not."""
    tried = preview(contract, rates=RATES).text
    plain = preview(contract).text
    assert '"card":null' in tried
    bare = re.sub(r',"compared_with_current":.*', "}", tried)
    bare = re.sub(r'"content_hash":"\w+"', "", bare.replace('"card":null', '"card":1'))
    assert bare == re.sub(r'"content_hash":"\w+"', "", plain)


def test_an_empty_draft_bills_the_charges_alone(contract: FlaskClient) -> None:
    """A card without rates is a card; null is none."""
    store(contract, {**ROW, "charges": [{"service_id": 1, "amount": "4.20"}]})
    detail = previewed(contract, rates=[])
    assert str(detail["compared_with_current"]["draft_amount"]) == "4.20"
    assert "compared_with_current" not in previewed(contract, rates=None)


def test_the_draft_prices_the_whole_period(contract: FlaskClient) -> None:
    """Also where no card was in force: there the current amount is nothing."""
    store(contract, {**ROW, "order_id": 9, "order_date": "2022-12-31"})
    detail = previewed(contract, rates=RATES, start_date="2022-12-01")
    assert len(detail["orders"]) == 2
    assert detail["exception_count"] == 0
    (changed,) = detail["compared_with_current"]["orders"]
    assert (changed["order_id"], str(changed["current_amount"])) == (9, "0.00")


def test_chosen_services_are_compared_alone(contract: FlaskClient) -> None:
    """Chosen after pricing, on both sides."""
    compared = previewed(contract, rates=[FLAT], services=[3, 5])["compared_with_current"]
    assert [entry["service_id"] for entry in compared["services"]] == [3, 5]
    assert (str(compared["current_amount"]), str(compared["draft_amount"])) == ("2.84", "5.00")


# ----------------------------------------------------------------------------------- refusals


def test_refusals_come_in_the_order_of_generate(world: FlaskClient) -> None:
    """Unknown keys, types with the rates' places, format, dates, customer, services, rates."""
    bad_rate = {"service_id": 1, "price": {"model": "flat", "amount": "x"}}
    wrong: list[tuple[dict[str, object], str]] = [
        ({"nonsense": 1}, "nonsense: Unknown field."),
        ({"end_date": "never"}, "end_date: Not a valid date: give an existing day as YYYY-MM-DD."),
        (
            {"rates": [FLAT, bad_rate]},
            "rates[1].price.amount: Not a valid number: give a plain decimal such as 12.50.",
        ),
        ({"output_format": "xyz"}, "Invalid output format: xyz"),
        ({"start_date": "2024-01-01"}, "Start date must be before end date"),
        ({"customer_id": 999}, "Customer with ID 999 not found"),
        ({"services": [98]}, "Service with ID 98 not found"),
        ({"rates": [FLAT | {"service_id": 99}]}, "Service with ID 99 not found"),
    ]
    for place, (_, error) in enumerate(wrong):
        later = [entry for entry, _ in wrong[place:]]
        changes = {key: entry[key] for entry in reversed(later) for key in entry}
        response = preview(world, **changes)
        assert response.status_code == 400
        assert response.json is not None
        assert response.json["error"] == error


def test_several_wrong_types_are_all_named(world: FlaskClient) -> None:
    """The rates' place among them, in the schema's order."""
    response = preview(world, customer_id="1", rates=[{**FLAT, "colour": 1}], end_date=5)
    assert response.json is not None
    assert list(response.json["details"]) == ["rates[0].colour", "customer_id", "end_date"]


def test_a_sum_beyond_exactness_is_refused(contract: FlaskClient) -> None:
    """Each order would fit, all of them together do not."""
    rates = [{"service_id": 1, "price": {"model": "flat", "amount": "999999999999"}}]
    store(contract, *[{**ROW, "order_id": n} for n in range(1, 21)])
    response = preview(contract, rates=rates)
    assert response.status_code == 400
    assert response.json is not None
    assert "exceeds 999,999,999,999,999 minor units" in response.json["error"]


def test_a_media_type_and_a_query_are_checked(world: FlaskClient) -> None:
    """As for generate."""
    assert world.post(PREVIEW, data="{}").status_code == 415
    assert world.post(PREVIEW + "?x=1", json={"customer_id": 1, **JANUARY}).status_code == 400
    assert world.get(PREVIEW).status_code == 405


def test_a_large_preview_waits_for_its_turn(
    app: Flask, world: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is nobody's due, so it is refused while others hold the place, and gives its own back."""
    app.config["LARGE_ANSWERS_AT_ONCE"] = 1
    monkeypatch.setattr("billing.entrypoints.http.answers.IN_ONE_PIECE", 0)
    monkeypatch.setattr("billing.entrypoints.http.edge.IN_ONE_PIECE", 0)
    slow = preview(world)
    refused = preview(world)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    slow.close()
    assert preview(world).status_code == 200


# ------------------------------------------------------------------------------------- access


@pytest.mark.usefixtures("world")
def test_another_customer_s_bill_cannot_be_previewed(caller: Caller) -> None:
    """A hidden customer and a missing one get the same words, rates or not."""
    bolt = caller(customers=[2])
    for customer_id in (1, 99):
        for rates in (None, [FLAT], [FLAT | {"service_id": 99}]):
            response = preview(bolt, customer_id, rates=rates)
            error = {"error": f"Customer with ID {customer_id} not found"}
            assert (response.status_code, response.json) == (400, error)
    assert preview(bolt, 2).status_code == 200


@pytest.mark.usefixtures("world")
def test_previewing_takes_the_scope_of_reading(caller: Caller) -> None:
    """It stores nothing; a token that only writes may not look."""
    assert preview(caller(scopes=["reports:read"])).status_code == 200
    for scopes in ([], ["reports:write", "catalog:write"]):
        response = preview(caller(scopes=scopes), nonsense=1)
        assert (response.status_code, response.text) == (403, FORBIDDEN)


# -------------------------------------------------------------------------------------- traces


class TestOnSqlite:
    """In a real database nothing is left behind: not a row, not a number."""

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        """Name a database that is not there yet."""
        return tmp_path / "billing.db"

    @pytest.fixture
    def storage(self, path: Path) -> Iterator[Storage]:
        """Return a migrated, empty database."""
        storage = SqlStorage.open(f"sqlite:///{path}")
        storage.upgrade()
        yield storage
        storage.close()

    def test_previews_and_trials_store_nothing(self, contract: FlaskClient, path: Path) -> None:
        """Good ones and refused ones, in every format."""
        generate(contract)
        before = contents(path)
        cards: list[list[Any] | None] = [None, RATES, [FLAT | {"service_id": 99}], [{}]]
        calls = [
            preview(contract, output_format=output_format, rates=rates)
            for output_format in ("json", "dict", "csv", "pdf", "xyz")
            for rates in cards
        ]
        charge = {"charges": [{"service_id": 1, "amount": 1}]}
        calls += [
            contract.post(
                f"{API}customers/{customer_id}/rates/test/", json={"order": order, "rates": rates}
            )
            for customer_id in (1, 2)
            for order in ({}, ORDER, charge, {"colour": 1})
            for rates in cards
        ]
        assert {call.status_code for call in calls} == {200, 400}
        assert contents(path) == before
        # Trying a charge does not fix a currency; the next report has the next number.
        put(contract, "customers/2/", {"name": "Bolt", "currency": "EUR"})
        assert value(generate(contract))["id"] == 2

    def test_a_preview_is_the_same_as_in_memory(
        self, contract: FlaskClient, billing: Billing
    ) -> None:
        """Whatever keeps the data."""
        assert isinstance(billing.storage, SqlStorage)
        assert preview(contract).text == without_id_and_time(generate(contract).text)
        compared = previewed(contract, rates=[FLAT])["compared_with_current"]
        assert str(compared["difference"]) == "-5.47"


def contents(path: Path) -> dict[str, str]:
    """Return every row of every table."""
    engine = sa.create_engine(f"sqlite:///{path}")
    schema = sa.MetaData()
    schema.reflect(engine)
    assert {"products", "reports", "rate_cards", "orders", "customers"} <= schema.tables.keys()
    with engine.connect() as connection:
        found = {
            name: repr(connection.execute(sa.select(table)).all())
            for name, table in schema.tables.items()
        }
    engine.dispose()
    return found
