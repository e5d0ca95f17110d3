"""OpenAPI: the document tells what calls really take and answer."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from jsonschema import (  # type: ignore[import-untyped]  # It ships no types.
    Draft202012Validator,
    ValidationError,
)
from marshmallow import RAISE, Schema, fields

from billing.bootstrap import Billing
from billing.domain.condition_tests import FIELDS, NUMBER_OPERATORS, SKU_OPERATORS, TEXT_OPERATORS
from billing.domain.conditions import GROUPS
from billing.domain.measures import MEASURES
from billing.domain.prices import Flat
from billing.domain.rate_reading import MODELS
from billing.entrypoints.http import answer_schemas as answers
from billing.entrypoints.http import explanation_schemas as explanations
from billing.entrypoints.http.app import create_app
from billing.entrypoints.http.audit import AuditEntrySchema
from billing.settings import Settings
from tests.integration.http.worlds import API, CARD, JANUARY, generate, settle, value

Document = dict[str, Any]

UPS: Document = {"field": "carrier", "op": "in", "value": ["UPS", "USPS"]}
HEAVY: Document = {"field": "weight_lb", "op": "between", "value": [10, "20.5"]}
TIERS: list[Document] = [
    {"up_to": "3", "unit_price": "2.00", "flat_amount": 1},
    {"up_to": None, "unit_price": 1.5},
]
EVERY_RATE: list[Document] = [
    {"service_id": 1, "price": {"model": "flat", "amount": 5}, "minimum": 3, "maximum": "9.50"},
    {
        "service_id": 1,
        "price": {"model": "unit", "measure": "loose_units", "unit_price": "0.35"},
        "when": {"all": [{"not": UPS}, {"one": [HEAVY, {"any": [UPS]}]}, {"none": [HEAVY]}]},
        "skus": ["AB-1"],
        "exclude_skus": ["B-2"],
    },
    {
        "service_id": 2,
        "price": {
            "model": "package",
            "measure": "units",
            "package_size": "10",
            "package_price": "4.00",
        },
        "when": {"field": "sku", "op": "only", "value": "AB-1"},
    },
    *[
        {"service_id": 2, "price": {"model": model, "measure": "cases", "tiers": TIERS}}
        for model in ("graduated", "volume")
    ],
    {
        "service_id": 1,
        "price": {"model": "percentage", "percent": "12.5", "of": [2, 3]},
        "when": {"field": "notes", "op": "missing", "value": True},
    },
    {
        "service_id": 3,
        "price": {"model": "markup", "percent": "10"},
        "when": {"field": "packages", "op": "missing"},
        "minimum": None,
    },
]
ORDER: Document = {
    "carrier": "UPS",
    "weight_lb": 12,
    "items": [{"sku": "AB-1", "quantity": 30}, {"sku": "zz", "quantity": 0}],
    "charges": [{"service_id": 3, "amount": "4.20"}],
}
ONE_DAY = {"start_date": "2023-01-05", "end_date": "2023-01-05"}
TEST = "customers/{customer_id}/rates/test/"
FINALIZE = "reports/{report_id}/finalize/"
ACCEPTED: Document = {"accept_exceptions": True, "reason": "agreed"}
EXPLAIN = "reports/{report_id}/explain/"

CALLS = [
    ("get", "reports/", "reports/", None),
    ("get", "reports/1/", "reports/{report_id}/", None),
    ("get", "reports/2/", "reports/{report_id}/", None),
    ("get", "reports/99/", "reports/{report_id}/", None),
    ("post", "reports/generate/", "reports/generate/", {"customer_id": 1, **JANUARY}),
    ("post", "reports/generate/", "reports/generate/", {"customer_id": 9, **JANUARY}),
    (
        "post",
        "reports/generate/",
        "reports/generate/",
        {"customer_id": 1, **JANUARY, "only_unbilled": True},
    ),
    ("get", "reports/1/download/?format=json", "reports/{report_id}/download/", None),
    ("get", "reports/1/exceptions/", "reports/{report_id}/exceptions/", None),
    ("get", "reports/customer-summary/", "reports/customer-summary/", None),
    ("get", "customers/", "customers/", None),
    ("get", "customers/1/", "customers/{customer_id}/", None),
    ("put", "customers/1/", "customers/{customer_id}/", {"name": "Acme"}),
    ("put", "customers/3/", "customers/{customer_id}/", {"name": "New"}),
    ("put", "customers/1/", "customers/{customer_id}/", {"name": "A", "currency": "EUR"}),
    ("get", "services/", "services/", None),
    ("get", "services/1/", "services/{service_id}/", None),
    ("put", "services/4/", "services/{service_id}/", {"name": "New"}),
    ("get", "orders/", "orders/", None),
    ("get", "orders/?page=1", "orders/", None),
    ("get", "unbilled/", "unbilled/", None),
    ("get", "unbilled/?page=1&customer_id=1", "unbilled/", None),
    ("post", "orders/", "orders/", [{"customer_id": 1, "order_id": 5}]),
    ("post", "orders/", "orders/", [{"customer_id": 9, "order_id": 5}]),
    ("post", "orders/?on_error=skip", "orders/", [{"customer_id": 9, "order_id": 5}]),
    ("get", "customers/1/orders/10001/", "customers/{customer_id}/orders/{order_id}/", None),
    ("get", "customers/1/rates/", "customers/{customer_id}/rates/", None),
    ("get", "customers/1/rates/?on=2023-01-01", "customers/{customer_id}/rates/", None),
    ("put", "customers/1/rates/", "customers/{customer_id}/rates/", CARD),
    ("put", "customers/2/rates/", "customers/{customer_id}/rates/", CARD),
    (
        "put",
        "customers/1/rates/",
        "customers/{customer_id}/rates/",
        {"effective_from": "2024-01-01", "rates": EVERY_RATE},
    ),
    ("post", "customers/1/rates/test/", TEST, {"order": ORDER}),
    ("post", "customers/1/rates/test/", TEST, {"order": ORDER, "rates": EVERY_RATE}),
    ("post", "customers/1/rates/test/", TEST, {"order": {}, "rates": EVERY_RATE}),
    ("post", "customers/1/rates/test/", TEST, {"order": {"order_id": 2**63 - 1}, "rates": None}),
    ("post", "customers/9/rates/test/", TEST, {"order": ORDER}),
    ("get", "products/", "products/", None),
    ("get", "products/?page=1", "products/", None),
    (
        "post",
        "products/",
        "products/",
        [{"customer_id": 1, "sku": "AB-1", "units_per_case": 12}],
    ),
    ("post", "products/", "products/", [{"customer_id": 9, "sku": "A", "units_per_case": 1}]),
    ("post", "reports/preview/", "reports/preview/", {"customer_id": 1, **JANUARY}),
    (
        "post",
        "reports/preview/",
        "reports/preview/",
        {"customer_id": 1, **JANUARY, "rates": EVERY_RATE, "services": [1, 2]},
    ),
    ("post", "reports/preview/", "reports/preview/", {"customer_id": 9, **JANUARY}),
    ("get", "reports/1/explain/?order_id=10001", EXPLAIN, None),
    ("get", "reports/1/explain/?order_id=10002", EXPLAIN, None),
    ("get", "reports/1/explain/?order_id=5", EXPLAIN, None),
    ("get", "reports/1/explain/", EXPLAIN, None),
    ("post", "runs/", "runs/", {"period": "2023-01"}),
    ("post", "runs/", "runs/", {**JANUARY, "customers": [1], "finalize": False}),
    ("post", "runs/", "runs/", {"period": "2022-01"}),
    ("post", "runs/", "runs/", {**ONE_DAY, "customers": [1]}),
    ("get", "runs/", "runs/", None),
    ("get", "runs/?page=1", "runs/", None),
    ("get", "runs/1/", "runs/{run_id}/", None),
    ("get", "runs/9/", "runs/{run_id}/", None),
    ("get", "runs/1/items/", "runs/{run_id}/items/", None),
    ("post", "runs/1/cancel/", "runs/{run_id}/cancel/", None),
    ("post", "runs/1/retry/", "runs/{run_id}/retry/", None),
    ("post", "reports/1/finalize/", FINALIZE, {}),
    ("post", "reports/1/finalize/", FINALIZE, ACCEPTED),
    ("post", "reports/1/finalize/", FINALIZE, {**ACCEPTED, "supersedes": 2}),
    ("post", "reports/1/finalize/", FINALIZE, {**ACCEPTED, "supersedes": 1}),
    ("post", "reports/2/finalize/", FINALIZE, ACCEPTED),
    ("post", "reports/99/finalize/", FINALIZE, None),
    ("post", "reports/1/void/", "reports/{report_id}/void/", {"reason": "wrong"}),
    ("post", "reports/99/void/", "reports/{report_id}/void/", {"reason": "wrong"}),
    ("get", "reports/2/history/", "reports/{report_id}/history/", None),
    ("get", "reports/1/history/?page=1", "reports/{report_id}/history/", None),
    ("get", "reports/99/history/", "reports/{report_id}/history/", None),
    ("get", "audit/", "audit/", None),
    ("get", "audit/?customer_id=1&page=1&created_after=2023-01-01", "audit/", None),
    ("get", "audit/?created_before=never", "audit/", None),
]


@pytest.fixture
def world(client: FlaskClient) -> FlaskClient:
    """Put the small world, file a whole and a partial report, and start a run."""
    settle(client)
    product = {"customer_id": 1, "sku": "AB-1", "units_per_case": 12}
    assert client.post(API + "products/", json=[product]).status_code == 200
    generate(client)
    generate(client, services=[1])
    assert client.post(API + "runs/", json=ONE_DAY).status_code == 202
    assert client.post(API + "reports/2/void/", json={"reason": "wrong"}).status_code == 200
    return client


@pytest.fixture
def document(client: FlaskClient) -> Document:
    """Read the document."""
    found: Document | None = client.get(API + "openapi.json").json
    assert found is not None
    return found


def checked(document: Document, schema: Document, instance: object) -> None:
    """Hold a value to a schema of the document."""
    Draft202012Validator({**schema, "components": document["components"]}).validate(instance)


def described(document: Document, operation: Document, status: int) -> Document:
    """Return what an operation says of a status."""
    response: Document = operation["responses"][str(status)]
    if "$ref" in response:
        response = document["components"]["responses"][response["$ref"].rsplit("/", 1)[1]]
    return response


@pytest.mark.parametrize(("method", "path", "template", "body"), CALLS)
def test_answers_and_bodies_are_as_the_document_says(
    world: FlaskClient, document: Document, method: str, path: str, template: str, body: object
) -> None:
    """Status, media type, headers and every member; so is what these calls send."""
    operation = document["paths"][API + template][method]
    if body is not None:
        checked(document, operation["requestBody"]["content"]["application/json"]["schema"], body)
    response = world.open(API + path, method=method, json=body)
    told = described(document, operation, response.status_code)
    checked(document, told["content"][response.content_type]["schema"], response.json)
    for name in (
        "Location",
        "X-Pagination",
        "Link",
        "Content-Disposition",
        "X-Request-ID",
        "ETag",
        "Idempotency-Replayed",
    ):
        assert name not in response.headers or name in told["headers"], name


@pytest.mark.parametrize(
    "method_and_path",
    ["get reports/1/download/", "post reports/generate/", "post reports/preview/"],
)
@pytest.mark.parametrize("output_format", ["csv", "pdf"])
def test_files_are_documented_under_their_types(
    world: FlaskClient, document: Document, method_and_path: str, output_format: str
) -> None:
    """One status, several media types."""
    method, path = method_and_path.split()
    if method == "get":
        response = world.get(f"{API}{path}?format={output_format}")
        template = "reports/{report_id}/download/"
    else:
        body = {"customer_id": 1, **JANUARY, "output_format": output_format}
        response = world.post(API + path, json=body)
        template = path
    told = document["paths"][API + template][method]["responses"][str(response.status_code)]
    assert response.mimetype in told["content"]
    assert "Content-Disposition" in told["headers"]


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        ("reports/", answers.ReportSummarySchema),
        ("reports/1/", answers.ReportSchema),
        ("reports/2/", answers.ReportSchema),
        ("reports/1/exceptions/", answers.ExceptionSchema),
        ("reports/customer-summary/", answers.CustomerSummarySchema),
        ("customers/", answers.CustomerSchema),
        ("services/1/", answers.ServiceSchema),
        ("orders/", answers.OrderSchema),
        ("unbilled/", answers.OrderSchema),
        ("customers/1/orders/10001/", answers.OrderSchema),
        ("customers/1/rates/", answers.RateCardSchema),
        ("products/", answers.ProductSchema),
        ("reports/1/explain/?order_id=10001", explanations.OrderExplanationSchema),
        ("reports/1/explain/?order_id=10003", explanations.OrderExplanationSchema),
        ("reports/2/history/", answers.ReportMoveSchema),
        ("audit/", AuditEntrySchema),
    ],
)
def test_no_member_of_an_answer_is_undocumented(
    world: FlaskClient, path: str, schema: type[Schema]
) -> None:
    """The stored bytes load with the schema that describes them, and nothing is left over."""
    body = value(world.get(API + path))
    strictest(schema()).load(body, many=isinstance(body, list))


@pytest.mark.parametrize(
    ("path", "body", "schema"),
    [
        ("customers/1/rates/test/", {"order": ORDER}, explanations.RateTrialSchema),
        (
            "customers/1/rates/test/",
            {"order": ORDER, "rates": EVERY_RATE},
            explanations.RateTrialSchema,
        ),
        ("reports/preview/", {"customer_id": 1, **JANUARY}, explanations.PreviewSchema),
        (
            "reports/preview/",
            {"customer_id": 1, **JANUARY, "rates": EVERY_RATE},
            explanations.PreviewSchema,
        ),
    ],
)
def test_no_member_of_a_trial_or_a_preview_is_undocumented(
    world: FlaskClient, path: str, body: object, schema: type[Schema]
) -> None:
    """Whichever models and conditions there are to explain."""
    strictest(schema()).load(value(world.post(API + path, json=body)))


def test_no_member_of_a_card_is_undocumented(world: FlaskClient) -> None:
    """With everything that a rate may say."""
    card = {"effective_from": "2024-01-01", "rates": EVERY_RATE}
    answer = value(world.put(API + "customers/1/rates/", json=card))
    strictest(answers.RateCardSchema()).load(answer)


def strictest(schema: Schema) -> Schema:
    """Return the schema, with everything inside it refusing unknown members."""
    schema.unknown = RAISE
    for field in schema.fields.values():
        for inner in (field, getattr(field, "inner", None), getattr(field, "value_field", None)):
            if isinstance(inner, fields.Nested):
                strictest(inner.schema)
    return schema


def test_every_operation_has_a_name_and_a_sentence(document: Document) -> None:
    """Generated clients and readers both need one, and names are unique."""
    operations = [
        operation
        for path in document["paths"].values()
        for name, operation in path.items()
        if name in {"get", "put", "post"}
    ]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names)) >= 15
    assert all(operation["summary"].endswith((".", ":")) for operation in operations)


def test_answers_may_grow(document: Document) -> None:
    """A client that is made from the document must not break when a member is added."""
    schemas = document["components"]["schemas"]
    for name in ("Report", "ReportSummary", "CustomerSummary", "ServiceCost", "Order", "Rate"):
        assert schemas[name]["additionalProperties"] is True


def test_published_fields_come_first_and_are_required(document: Document) -> None:
    """Part B adds fields after the published ones."""
    report = document["components"]["schemas"]["Report"]
    assert report["properties"]["total_amount"]["type"] == "number"
    assert report["properties"]["created_at"] == {"type": "string", "format": "date-time"}
    published = {
        "id",
        "customer_id",
        "customer_name",
        "start_date",
        "end_date",
        "created_at",
        "total_amount",
        "service_totals",
        "orders",
    }
    assert published <= set(report["required"])


def test_bodies_name_the_models_and_formats_there_are(document: Document) -> None:
    """What the domain knows by name is listed."""
    schemas = document["components"]["schemas"]
    formats = schemas["Generate"]["properties"]["output_format"]["enum"]
    assert formats == ["json", "csv", "pdf", "dict", None]
    bodies = document["paths"][API + "orders/"]["post"]["requestBody"]["content"]
    assert list(bodies) == ["application/json", "application/x-ndjson", "text/csv"]


def test_rates_are_documented_with_all_that_they_may_say(document: Document) -> None:
    """Every model behind its name, every measure, group, field and operator."""
    schemas = document["components"]["schemas"]
    mapping = schemas["Price"]["discriminator"]["mapping"]
    assert list(mapping) == list(MODELS)
    assert [one["$ref"] for one in schemas["Price"]["oneOf"]] == list(mapping.values())
    for name, reference in mapping.items():
        schema = schemas[reference.rsplit("/", 1)[1]]
        assert schema["properties"]["model"]["enum"] == [name]
        assert schema["additionalProperties"] is False
        assert schema["description"].endswith(".")
    assert schemas["Measure"]["enum"] == list(MEASURES)
    assert list(schemas["Group"]["properties"]) == list(GROUPS)
    tests = [schemas[name] for name in ("TextTest", "NumberTest", "SkuTest")]
    assert [f for test in tests for f in test["properties"]["field"]["enum"]] == list(FIELDS)
    assert [test["properties"]["op"]["enum"] for test in tests] == [
        list(operators) for operators in (TEXT_OPERATORS, NUMBER_OPERATORS, SKU_OPERATORS)
    ]
    for path, method in (
        ("customers/{customer_id}/rates/", "put"),
        (TEST, "post"),
        ("reports/preview/", "post"),
    ):
        body = document["paths"][API + path][method]["requestBody"]["content"]["application/json"]
        schema = schemas[body["schema"]["$ref"].rsplit("/", 1)[1]]
        rate = schema["properties"]["rates"]["items"]["$ref"]
        assert rate == "#/components/schemas/RateBody"


@pytest.mark.parametrize(
    "rate",
    [
        {"service_id": 1},
        {"service_id": 1, "price": {"model": "flat"}},
        {"service_id": 1, "price": {"model": "free"}},
        {"service_id": 1, "price": {"model": "flat", "amount": -1}},
        {"service_id": 1, "price": {"model": "flat", "amount": 1, "measure": "units"}},
        {**EVERY_RATE[0], "when": {"all": []}},
        {**EVERY_RATE[0], "when": {"all": [UPS], "any": [UPS]}},
        {**EVERY_RATE[0], "when": {**UPS, "op": "gt"}},
        {**EVERY_RATE[0], "when": {"not": {"none": [{**UPS, "field": "colour"}]}}},
        {**EVERY_RATE[1], "skus": []},
    ],
)
def test_the_document_refuses_what_the_service_refuses(
    world: FlaskClient, document: Document, rate: Document
) -> None:
    """As far as a schema can say it."""
    with pytest.raises(ValidationError):
        checked(document, document["components"]["schemas"]["RateBody"], rate)
    body = {"effective_from": "2024-01-01", "rates": [rate]}
    assert world.put(API + "customers/1/rates/", json=body).status_code == 400


def test_a_model_that_an_embedder_added_is_listed(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, billing: Billing
) -> None:
    """By its name: its parameters are its own."""

    class Free(Flat):
        """Charges nothing."""

    monkeypatch.setitem(MODELS, "free", Free)
    document = create_app(settings, billing).test_client().get(API + "openapi.json").json
    assert document is not None
    schemas = document["components"]["schemas"]
    assert schemas["Price"]["discriminator"]["mapping"]["free"] == "#/components/schemas/FreePrice"
    assert schemas["FreePrice"]["required"] == ["model"]
