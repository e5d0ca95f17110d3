"""The documentation's examples run, and answer as they say."""

import hashlib
import json
import re
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from billing.adapters.memory import MemoryStorage
from billing.bootstrap import Billing, compose
from billing.domain.costs import compile_card, cost_order
from billing.domain.explanation import explain_order
from billing.domain.measures import MEASURES
from billing.domain.orders import Order
from billing.domain.period import BillingPeriod
from billing.domain.rate_reading import MODELS, read_rates
from billing.domain.rates import RateCard
from billing.entrypoints.cli.demo_world import load
from billing.entrypoints.http.app import create_app
from billing.entrypoints.tokens import SCOPES, issue
from billing.settings import Settings
from billing.testing import ExporterContract, StorageContract
from tests import documents
from tests.documents import Block, Call, blocks, calls

NOON = datetime(2023, 2, 1, 12, tzinfo=UTC)
SETTINGS = Settings(jwt_secret="a secret of the tests that is long enough", rate_limit="9999/hour")
JANUARY = BillingPeriod(date(2023, 1, 1), date(2023, 1, 31))

PUBLISHED = "29b8fa47a0d4df205c9686caeef6e00eec7865777b34dcbe03b976032a5a478a"
"""SHA-256 over the three examples of the published API, which the README repeats."""


class StandingClock:
    """A clock that stands at noon."""

    def now(self) -> datetime:
        """Return noon of 2023-02-01."""
        return NOON


@pytest.fixture
def application() -> Billing:
    """Wire the use cases over an empty memory."""
    return compose(MemoryStorage(), clock=StandingClock())


@pytest.fixture
def client(application: Billing) -> FlaskClient:
    """Call the service."""
    return create_app(SETTINGS, application).test_client()


def send(client: FlaskClient, call: Call) -> TestResponse:
    """Send what curl would send, with a token that may do everything."""
    token = issue(SETTINGS, "reader", SCOPES, None, 1, NOON)
    headers = {name: value.replace("YOUR_TOKEN", token) for name, value in call.headers.items()}
    url = urlsplit(call.url)
    path = f"{url.path}?{url.query}"
    return client.open(path, method=call.method, headers=headers, data=call.body)


def exactly(text: str) -> Any:
    """Parse JSON so that only the same members in the same order with the same digits are equal."""
    return json.loads(text, parse_float=str, object_pairs_hook=list)


def check_answer(response: TestResponse, answer: str) -> None:
    """Hold an answer to the `http` block that documents it."""
    head, _, body = answer.partition("\n\n")
    status, *headers = head.splitlines()
    assert response.status_code == int(status.split()[1]), response.text
    for name, value in (header.split(": ", 1) for header in headers):
        assert response.headers[name] == value
    if response.mimetype == "application/json":
        assert exactly(response.text) == exactly(body)
    else:
        assert response.text == body


def test_the_api_answers_as_documented(client: FlaskClient) -> None:
    """The examples of docs/api.md, run in their order, give the answers below them."""
    documented = calls(documents.API)
    for call in documented:
        response = send(client, call)
        if call.answer is None:
            assert response.status_code in {200, 201}, response.text
        else:
            check_answer(response, call.answer)
    http_blocks = blocks(documents.API, "http")
    assert [call.answer for call in documented if call.answer] == [b.text for b in http_blocks]


def test_the_readme_can_be_followed(application: Billing, client: FlaskClient) -> None:
    """Every curl example of the README works on the sample world that `make run` loads."""
    load(application)
    answers = [send(client, call) for call in calls(documents.README)]
    assert [(a.status_code, a.text) for a in answers if a.status_code not in {200, 201}] == []
    bill = answers[-1].json
    assert bill is not None
    assert (bill["total_amount"], bill["exception_count"]) == (14.7, 1)


def test_the_contract_of_the_readme_costs_what_it_says(client: FlaskClient) -> None:
    """The README's rates, tried on the order that it describes, give its five amounts."""
    (block,) = blocks(documents.README, "json")
    token = {"Authorization": "Bearer YOUR_TOKEN", "Content-Type": "application/json"}

    def say(method: str, path: str, body: object) -> TestResponse:
        return send(client, Call(method, f"/api/v2/{path}", token, json.dumps(body)))

    say("PUT", "customers/1/", {"name": "ACME Corp"})
    for service_id in range(1, 6):
        say("PUT", f"services/{service_id}/", {"name": f"Service {service_id}"})
    packed = {"AB-1": 12, "CD-2": 5}
    products = [
        {"customer_id": 1, "sku": sku, "units_per_case": units} for sku, units in packed.items()
    ]
    say("POST", "products/", products)
    order = {"carrier": "UPS", "weight_lb": "12.5", "sku_quantity": {"AB-1": 30, "CD-2": 7}}
    tried = say(
        "POST", "customers/1/rates/test/", {"rates": json.loads(block.text), "order": order}
    )
    answer = json.loads(tried.text, parse_float=str)
    amounts = [cost["amount"] for cost in answer["service_costs"]]
    said = f"{' + '.join(amounts)} = {answer['total_amount']}"
    assert said in documents.prose(documents.README)


def test_the_python_example_lists_the_reports(
    application: Billing,
    client: FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The README's Python client prints the sample world's report of customer 123."""

    def get(url: str, params: dict[str, object], headers: dict[str, str]) -> object:
        response = send(client, Call("GET", f"{url}?{urlencode(params)}", headers))
        return SimpleNamespace(json=response.get_json)

    load(application)
    monkeypatch.setitem(sys.modules, "requests", SimpleNamespace(get=get))
    documents.run_python(documents.README, tmp_path, having="import requests")
    assert re.fullmatch(r"Report #1 - ACME Corp - \$[0-9.]+\n", capsys.readouterr().out)


def test_the_published_examples_are_word_for_word() -> None:
    """What the published API shows is not edited here."""
    _, *sections = re.split(
        r"^### .+ with (?:cURL|Python)$", documents.README.read_text(), flags=re.MULTILINE
    )
    found = [documents.FENCE.findall(section)[0][1] for section in sections]
    assert hashlib.sha256("".join(found).encode()).hexdigest() == PUBLISHED


def test_the_embedding_example_is_the_file_and_runs() -> None:
    """The README shows examples/embed.py as it is; it needs no site-packages."""
    example = documents.ROOT / "examples/embed.py"
    assert Block("python", example.read_text()) in blocks(documents.README)
    done = subprocess.run(
        [sys.executable, "-S", str(example)],
        env={"PYTHONPATH": str(documents.ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert f"It prints `{done.stdout.strip()}`" in documents.prose(documents.README)


def test_the_content_hash_is_computed_as_described(
    application: Billing, client: FlaskClient, tmp_path: Path
) -> None:
    """The recipe of docs/architecture.md gives a report's hash from what the API answers."""
    load(application)
    application.generator.generate(789, JANUARY, services=[2, 3])
    recipe = documents.run_python(documents.ARCHITECTURE, tmp_path, having="def content_hash")
    token = {"Authorization": "Bearer YOUR_TOKEN"}
    for report_id in (1, 2, 3):
        path = f"/api/v2/reports/{report_id}/"
        detail = send(client, Call("GET", path, token))
        exceptions = send(client, Call("GET", f"{path}exceptions/", token))
        assert detail.json is not None
        expected = detail.json["content_hash"]
        assert recipe["content_hash"](detail.data, exceptions.data, "Billing") == expected


def test_the_isolation_example_runs(tmp_path: Path) -> None:
    """What docs/architecture.md asserts of an Access holds."""
    documents.run_python(documents.ARCHITECTURE, tmp_path, having="Access.only")


@pytest.fixture
def extending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run docs/extending.md from top to bottom; what it registers is gone with the test."""
    monkeypatch.setitem(MEASURES, "extra_packages", MEASURES["order"])
    monkeypatch.setitem(MODELS, "first_and_further", MODELS["flat"])
    return documents.run_python(documents.EXTENDING, tmp_path)


class TestDocumentedStorage(StorageContract):
    """The storage of docs/extending.md keeps the contract."""

    @pytest.fixture
    def storage(self, extending: dict[str, Any]) -> Any:
        """Return it, empty."""
        return extending["CountingStorage"](MemoryStorage())


class TestDocumentedExporter(ExporterContract):
    """The exporter of docs/extending.md keeps the contract."""

    @pytest.fixture
    def exporter(self, extending: dict[str, Any]) -> Any:
        """Return it."""
        return extending["TextExporter"]()


@pytest.mark.usefixtures("extending")
def test_the_documented_measure_and_price_model_bill() -> None:
    """A card may use both, and is read back as it was written."""
    (block,) = blocks(documents.EXTENDING, "json")
    price = {"model": "first_and_further", "measure": "extra_packages", "first": 2, "further": "1"}
    rates = read_rates([json.loads(block.text), {"service_id": 2, "price": price}])
    assert rates == read_rates([rate.as_json() for rate in rates])
    pricing = compile_card(RateCard(1, 1, date.min, NOON, rates), 2)
    order = Order(customer_id=1, order_id=1, total_item_qty=Decimal(3), packages=Decimal(4))
    assert [cost.amount for cost in cost_order(order, pricing).service_costs] == [400, 400]
    texts = [cost.explanation["text"] for cost in explain_order(order, pricing).service_costs]
    assert texts[0] == "the first at 2.50; 2 further at 0.75; rounded half up to 4.00"
    for cost in explain_order(order, pricing).service_costs:
        steps = sum(step["amount"] for step in cost.explanation["steps"])
        assert steps == cost.amount
    bare = Order(customer_id=1, order_id=1, total_item_qty=Decimal(0))
    assert [problem.text for problem in cost_order(bare, pricing).problems] == [
        "packages is missing"
    ]
