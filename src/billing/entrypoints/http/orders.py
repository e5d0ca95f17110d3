"""Orders: taking in what the warehouse did, in bulk, and showing it."""

from datetime import date

from flask import Response

from billing.domain.order_rows import OrderRows
from billing.domain.orders import order_json
from billing.entrypoints.http.answer_schemas import OrderSchema
from billing.entrypoints.http.answers import spooled_answer
from billing.entrypoints.http.blueprint import Blueprint
from billing.entrypoints.http.body import JSON
from billing.entrypoints.http.bulk import store_rows, taking_rows
from billing.entrypoints.http.context import billing, current_access
from billing.entrypoints.http.paging import PAGING_HEADERS, Paging, list_answer
from billing.entrypoints.http.row_schemas import OrderRowSchema
from billing.entrypoints.http.schemas import OrderListSchema

blueprint = Blueprint("orders", __name__, description="What was done for customers.")


@blueprint.route("/orders/", methods=["POST"])
@blueprint.requires("catalog:write")
@blueprint.documented("storeOrders")
@taking_rows(blueprint, OrderRowSchema)
def store_orders(on_error: str | None = None) -> Response:
    """Insert or replace orders in bulk: all of them or, if a row is invalid, none.

    A row replaces the whole order. Sending the same rows again changes nothing.
    """
    return store_rows(OrderRows, on_error)


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


@blueprint.route("/unbilled/")
@blueprint.requires("reports:read")
@blueprint.documented("listUnbilledOrders")
@blueprint.arguments(OrderListSchema, location="query", as_kwargs=True)
@blueprint.response(200, OrderSchema(many=True), headers=PAGING_HEADERS)
def list_unbilled(
    paging: Paging | None,
    customer_id: int | None = None,
    start_date: date | None = None,
    end_date: date | None = None,
) -> Response:
    """List the orders that no final report claims, by customer and order id.

    Without cancelled ones, which are never billed. Without a date filter the undated ones are
    listed, too. Generate with `only_unbilled` bills those of a period.
    """
    asked = (customer_id, start_date, end_date)
    with billing().storage.snapshot(current_access()) as view:
        return list_answer(
            paging,
            lambda: view.orders.count(*asked, unbilled=True),
            lambda part: map(order_json, view.orders.page(*asked, part, unbilled=True)),
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
