"""Catalog: the customers that are billed, and the services they are billed for."""

from collections.abc import Mapping
from dataclasses import asdict

from flask import Response
from werkzeug.exceptions import NotFound

from billing.domain.catalog import Customer, Service
from billing.domain.catalog_changes import Named, catalog_changes
from billing.domain.catalog_rows import read_customer, read_service
from billing.domain.errors import CustomerNotFoundError, InvalidValueError, ServiceNotFoundError
from billing.domain.ports import Repositories
from billing.domain.repositories import Outcome
from billing.domain.retries import retried
from billing.entrypoints.http.answer_schemas import CustomerSchema, ServiceSchema
from billing.entrypoints.http.answers import json_answer, json_text
from billing.entrypoints.http.blueprint import Blueprint
from billing.entrypoints.http.context import billing, current_access, current_signature
from billing.entrypoints.http.paging import PAGING_HEADERS, PagedSchema, Paging, list_answer
from billing.entrypoints.http.schemas import CustomerBodySchema, ServiceBodySchema

blueprint = Blueprint("catalog", __name__, description="Customers and services.")


@blueprint.route("/customers/")
@blueprint.requires("reports:read")
@blueprint.documented("listCustomers")
@blueprint.arguments(PagedSchema, location="query", as_kwargs=True)
@blueprint.response(200, CustomerSchema(many=True), headers=PAGING_HEADERS)
def list_customers(paging: Paging | None) -> Response:
    """List customers by id."""
    with billing().storage.snapshot(current_access()) as view:
        return list_answer(
            paging,
            view.customers.count,
            lambda part: map(_text, view.customers.page(part)),
        )


@blueprint.route("/customers/<id:customer_id>/")
@blueprint.requires("reports:read")
@blueprint.documented("getCustomer", 404)
@blueprint.response(200, CustomerSchema)
def read_one_customer(customer_id: int) -> Response:
    """Return one customer."""
    try:
        with billing().storage.snapshot(current_access()) as view:
            return json_answer(asdict(view.customers.find(customer_id)))
    except CustomerNotFoundError:
        raise NotFound from None


@blueprint.route("/customers/<id:customer_id>/", methods=["PUT"])
@blueprint.requires("catalog:write")
@blueprint.documented("putCustomer", 404, 409)
@blueprint.arguments(CustomerBodySchema, as_kwargs=True)
@blueprint.alt_response(201, schema=CustomerSchema, description="It is new.", success=True)
@blueprint.response(200, CustomerSchema)
def put_customer(customer_id: int, **body: object) -> Response:
    """Make or change a customer; its currency is fixed from its first card or charge on."""
    row = {**body, "id": _id_of(body, customer_id)}

    def put() -> Response:
        with billing().storage.transaction(current_access()) as tx:
            existing = tx.customers.held([customer_id])
            customer = read_customer(row, existing.get(customer_id))
            outcome = tx.customers.save(customer)
            _record(tx, existing, customer, outcome)
        return _put_answer(customer, outcome)

    try:
        return retried(put)
    except CustomerNotFoundError:
        raise NotFound from None


@blueprint.route("/services/")
@blueprint.requires("reports:read")
@blueprint.documented("listServices")
@blueprint.arguments(PagedSchema, location="query", as_kwargs=True)
@blueprint.response(200, ServiceSchema(many=True), headers=PAGING_HEADERS)
def list_services(paging: Paging | None) -> Response:
    """List services by id."""
    with billing().storage.snapshot(current_access()) as view:
        return list_answer(
            paging,
            view.services.count,
            lambda part: map(_text, view.services.page(part)),
        )


@blueprint.route("/services/<id:service_id>/")
@blueprint.requires("reports:read")
@blueprint.documented("getService", 404)
@blueprint.response(200, ServiceSchema)
def read_one_service(service_id: int) -> Response:
    """Return one service."""
    try:
        with billing().storage.snapshot(current_access()) as view:
            return json_answer(asdict(view.services.find(service_id)))
    except ServiceNotFoundError:
        raise NotFound from None


@blueprint.route("/services/<id:service_id>/", methods=["PUT"])
@blueprint.requires("catalog:write", every_customer=True)
@blueprint.documented("putService", 404)
@blueprint.arguments(ServiceBodySchema, as_kwargs=True)
@blueprint.alt_response(201, schema=ServiceSchema, description="It is new.", success=True)
@blueprint.response(200, ServiceSchema)
def put_service(service_id: int, **body: object) -> Response:
    """Make or change a service; it takes a token for every customer."""
    service = read_service({**body, "id": _id_of(body, service_id)})

    def put() -> Response:
        with billing().storage.transaction(current_access()) as tx:
            existing = tx.services.held([service_id])
            outcome = tx.services.save(service)
            _record(tx, existing, service, outcome)
        return _put_answer(service, outcome)

    return retried(put)


def _id_of(body: dict[str, object], path_id: int) -> int:
    if body.get("id") not in (None, path_id):
        raise InvalidValueError("Not the id in the path.", field="id")
    return path_id


def _record(tx: Repositories, before: Mapping[int, Named], value: Named, outcome: Outcome) -> None:
    sign = current_signature().sign
    tx.audit.record_all([sign(c) for c in catalog_changes(before, [(value, outcome)])])


def _put_answer(value: Customer | Service, outcome: Outcome) -> Response:
    return json_answer(asdict(value), 201 if outcome is Outcome.CREATED else 200)


def _text(value: Customer | Service) -> str:
    return json_text(asdict(value))
