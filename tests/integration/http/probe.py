"""Probe: a few views with nothing behind them, to watch what happens around every view."""

from typing import Any

from flask import Response
from marshmallow import Schema

from billing.domain.errors import (
    BillingError,
    CurrencyFixedError,
    InvalidValueError,
    StorageUnavailableError,
)
from billing.entrypoints.http.answers import json_answer
from billing.entrypoints.http.blueprint import Blueprint
from billing.entrypoints.http.body import bulk_body, json_object
from billing.entrypoints.http.context import current_caller
from billing.entrypoints.http.fields import Day, Id, QueryId, Text

probe = Blueprint("probe", __name__)

REFUSALS: dict[str, BillingError] = {
    "value": InvalidValueError("Not good.", field="rates[2].price"),
    "conflict": CurrencyFixedError(7, "USD"),
    "away": StorageUnavailableError("The storage is away"),
}


class QuerySchema(Schema):
    """Two parameters."""

    customer_id = QueryId()
    day = Day()


class BodySchema(Schema):
    """Three fields."""

    customer_id = Id(required=True)
    day = Day(required=True)
    name = Text()


@probe.route("/probe/caller/")
@probe.requires("reports:read")
def read_caller() -> Response:
    """Say who calls."""
    caller = current_caller()
    customers = caller.access.customers
    return json_answer(
        {
            "subject": caller.subject,
            "scopes": sorted(caller.scopes),
            "customers": "*" if customers is None else sorted(customers),
        }
    )


@probe.route("/probe/query/")
@probe.requires("reports:read")
@probe.arguments(QuerySchema, location="query")
def read_query(query: dict[str, Any]) -> Response:
    """Say what was asked."""
    return json_answer({name: str(value) for name, value in query.items()})


@probe.route("/probe/schema/", methods=["POST"])
@probe.requires("reports:write")
@probe.arguments(BodySchema)
def take_schema(body: dict[str, Any]) -> Response:
    """Say what was sent, as read."""
    return json_answer({name: str(value) for name, value in body.items()})


@probe.route("/probe/json/", methods=["POST"])
@probe.requires("reports:write")
def take_json() -> Response:
    """Say which members were sent."""
    return json_answer({name: str(value) for name, value in json_object().items()})


@probe.route("/probe/bulk/", methods=["POST"])
@probe.requires("catalog:write")
@probe.takes("application/json", "text/csv", schema={})
def take_bulk() -> Response:
    """Count the bytes sent."""
    media_type, stream = bulk_body(("application/json", "text/csv"))
    return json_answer({"media_type": media_type, "bytes": len(stream.read())})


@probe.route("/probe/refuse/<kind>/")
@probe.requires("reports:read")
def refuse(kind: str) -> Response:
    """Refuse."""
    raise REFUSALS[kind]


@probe.route("/probe/fail/")
@probe.requires("reports:read")
def fail() -> Response:
    """Fail without a sentence of its own."""
    raise RuntimeError("SELECT * FROM secrets in /srv/billing")


@probe.route("/probe/fail-with-sentence/")
@probe.requires("reports:read")
@probe.documented("failWithSentence", failure="An error occurred while probing.")
def fail_with_sentence() -> Response:
    """Fail with one."""
    raise RuntimeError("no")


@probe.route("/probe/id/<id:number>/")
@probe.requires("reports:read")
def read_id(number: int) -> Response:
    """Say which id was asked for."""
    return json_answer({"id": number})


@probe.route("/probe/id/<id:number>/", methods=["PUT"])
@probe.requires("reports:write")
def write_id(number: int) -> Response:
    """Say which id was written."""
    return json_answer({"id": number})
