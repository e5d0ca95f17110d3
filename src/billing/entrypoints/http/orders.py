"""Orders: taking in what the warehouse did, in bulk, and showing it."""

import shutil
from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from typing import Any

from flask import Response

from billing.bootstrap import READERS
from billing.domain.bulk_intake import IntakeResult
from billing.domain.order_rows import OrderRows
from billing.domain.orders import order_json
from billing.entrypoints.http.answer_schemas import IntakeResultSchema, OrderSchema
from billing.entrypoints.http.answers import BLOCK, json_answer, new_spool, spooled_answer
from billing.entrypoints.http.blueprint import Blueprint
from billing.entrypoints.http.body import JSON, bulk_body
from billing.entrypoints.http.context import billing, current_access
from billing.entrypoints.http.paging import PAGING_HEADERS, Paging, list_answer
from billing.entrypoints.http.schemas import OrderListSchema, OrderRowSchema, StoreOrdersSchema

blueprint = Blueprint("orders", __name__, description="What was done for customers.")

NDJSON = "application/x-ndjson"
CSV = "text/csv"
_FORMATS = {JSON: "json", NDJSON: "ndjson", CSV: "csv"}

_CONTENT = {
    JSON: {"schema": {"type": "array", "items": OrderRowSchema}},
    NDJSON: {"schema": {"type": "string", "description": "One JSON object a line."}},
    CSV: {"schema": {"type": "string", "description": "A header row of field names, then rows."}},
}
_describing_bodies: Callable[..., Callable[..., Any]] = blueprint.doc(
    requestBody={"content": _CONTENT}
)


@blueprint.route("/orders/", methods=["POST"])
@blueprint.requires("catalog:write")
@blueprint.documented("storeOrders")
@_describing_bodies
@blueprint.takes(*_FORMATS, schema={})
@blueprint.arguments(StoreOrdersSchema, location="query", as_kwargs=True)
@blueprint.response(200, IntakeResultSchema)
def store_orders(on_error: str | None = None) -> Response:
    """Insert or replace orders in bulk: all of them or, if a row is invalid, none.

    A row replaces the whole order. Sending the same rows again changes nothing.
    """
    media_type, stream = bulk_body(_FORMATS)
    with new_spool() as body:
        # All of it first: a slow sender must not hold the write lock while rows trickle in.
        shutil.copyfileobj(stream, body, BLOCK)
        body.seek(0)
        result = billing().intake.store(
            READERS[_FORMATS[media_type]](body),
            OrderRows(),
            access=current_access(),
            skip_invalid=on_error == "skip",
        )
    return json_answer(_result_json(result))


@blueprint.route("/orders/")
@blueprint.requires("reports:read")
@blueprint.documented("listOrders")
@blueprint.arguments(OrderListSchema, location="query", as_kwargs=True)
@blueprint.response(200, OrderSchema(many=True), headers=PAGING_HEADERS)
def list_orders(
    paging: Paging | None,
    customer_id: int | None = None,
    start_date: date | None = None,
    end_date: date | None = None,
) -> Response:
    """List orders by customer and order id; with a date filter only dated ones."""
    with billing().storage.snapshot(current_access()) as view:
        return list_answer(
            paging,
            lambda: view.orders.count(customer_id, start_date, end_date),
            lambda part: map(order_json, view.orders.page(customer_id, start_date, end_date, part)),
        )


@blueprint.route("/customers/<id:customer_id>/orders/<id:order_id>/")
@blueprint.requires("reports:read")
@blueprint.documented("getOrder", 404)
@blueprint.response(200, OrderSchema)
def read_order(customer_id: int, order_id: int) -> Response:
    """Return one order."""
    with billing().storage.snapshot(current_access()) as view:
        text = order_json(view.orders.find(customer_id, order_id))
    return spooled_answer(lambda out: out.write(text.encode()), JSON)


def _result_json(result: IntakeResult) -> dict[str, object]:
    return {**asdict(result), "errors": [error._asdict() for error in result.errors]}
