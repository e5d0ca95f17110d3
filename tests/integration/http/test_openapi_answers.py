"""OpenAPI: the document tells what calls really take and answer."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # It ships no types.
from marshmallow import RAISE, Schema, fields

from billing.domain.prices import MODELS
from billing.entrypoints.http import answer_schemas as answers
from tests.integration.http.worlds import API, CARD, JANUARY, generate, settle, value

Document = dict[str, Any]

CALLS = [
    ("get", "reports/", "reports/", None),
    ("get", "reports/1/", "reports/{report_id}/", None),
    ("get", "reports/2/", "reports/{report_id}/", None),
    ("get", "reports/99/", "reports/{report_id}/", None),
    ("post", "reports/generate/", "reports/generate/", {"customer_id": 1, **JANUARY}),
    ("post", "reports/generate/", "reports/generate/", {"customer_id": 9, **JANUARY}),
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
    ("post", "orders/", "orders/", [{"customer_id": 1, "order_id": 5}]),
    ("post", "orders/", "orders/", [{"customer_id": 9, "order_id": 5}]),
    ("post", "orders/?on_error=skip", "orders/", [{"customer_id": 9, "order_id": 5}]),
    ("get", "customers/1/orders/10001/", "customers/{customer_id}/orders/{order_id}/", None),
    ("get", "customers/1/rates/", "customers/{customer_id}/rates/", None),
    ("get", "customers/1/rates/?on=2023-01-01", "customers/{customer_id}/rates/", None),
    ("put", "customers/1/rates/", "customers/{customer_id}/rates/", CARD),
    ("put", "customers/2/rates/", "customers/{customer_id}/rates/", CARD),
]


@pytest.fixture
def world(client: FlaskClient) -> FlaskClient:
    """Put the small world, and file a whole and a partial report."""
    settle(client)
    generate(client)
    generate(client, services=[1])
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
    for name in ("Location", "X-Pagination", "Link", "Content-Disposition", "X-Request-ID"):
        assert name not in response.headers or name in told["headers"], name


@pytest.mark.parametrize("method_and_path", ["get reports/1/download/", "post reports/generate/"])
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
        response = generate(world, output_format=output_format)
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
        ("customers/1/orders/10001/", answers.OrderSchema),
        ("customers/1/rates/", answers.RateCardSchema),
    ],
)
def test_no_member_of_an_answer_is_undocumented(
    world: FlaskClient, path: str, schema: type[Schema]
) -> None:
    """The stored bytes load with the schema that describes them, and nothing is left over."""
    body = value(world.get(API + path))
    strictest(schema()).load(body, many=isinstance(body, list))


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
    price = schemas["RateBody"]["properties"]["price"]
    assert price["properties"]["model"]["enum"] == list(MODELS)
    formats = schemas["Generate"]["properties"]["output_format"]["enum"]
    assert formats == ["json", "csv", "pdf", "dict", None]
    bodies = document["paths"][API + "orders/"]["post"]["requestBody"]["content"]
    assert list(bodies) == ["application/json", "application/x-ndjson", "text/csv"]
