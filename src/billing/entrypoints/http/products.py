"""Products: how many units of a customer's SKUs make a case, taken in in bulk, and listed."""

from dataclasses import asdict

from flask import Response

from billing.domain.catalog import Product
from billing.domain.product_rows import ProductRows
from billing.entrypoints.http.answer_schemas import ProductSchema
from billing.entrypoints.http.answers import json_text
from billing.entrypoints.http.blueprint import Blueprint
from billing.entrypoints.http.bulk import store_rows, taking_rows
from billing.entrypoints.http.context import billing, current_access
from billing.entrypoints.http.paging import PAGING_HEADERS, Paging, list_answer
from billing.entrypoints.http.row_schemas import ProductRowSchema
from billing.entrypoints.http.schemas import ProductListSchema

blueprint = Blueprint("products", __name__, description="How customers' SKUs are packed.")


@blueprint.route("/products/", methods=["POST"])
@blueprint.requires("catalog:write")
@blueprint.documented("storeProducts")
@taking_rows(blueprint, ProductRowSchema)
def store_products(on_error: str | None = None) -> Response:
    """Insert or replace products in bulk: all of them or, if a row is invalid, none.

    A product is known by its customer and its SKU, whose case, spaces and hyphens do not matter:
    a second spelling of an SKU is an invalid row. Sending the same rows again changes nothing.
    """
    return store_rows(ProductRows, on_error)


@blueprint.route("/products/")
@blueprint.requires("reports:read")
@blueprint.documented("listProducts")
@blueprint.arguments(ProductListSchema, location="query", as_kwargs=True)
@blueprint.response(200, ProductSchema(many=True), headers=PAGING_HEADERS)
def list_products(paging: Paging | None, customer_id: int | None = None) -> Response:
    """List products by customer and SKU."""
    with billing().storage.snapshot(current_access()) as view:
        return list_answer(
            paging,
            lambda: view.products.count(customer_id),
            lambda part: map(_text, view.products.page(customer_id, part)),
        )


def _text(product: Product) -> str:
    return json_text(asdict(product))
