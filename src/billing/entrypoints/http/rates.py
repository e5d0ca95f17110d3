"""Rates: putting a customer's rate cards in force, and reading them."""

from datetime import date

from flask import Response
from werkzeug.exceptions import NotFound

from billing.domain.document import instant_text
from billing.domain.errors import CustomerNotFoundError, InvalidValueError
from billing.domain.rates import RateCard, read_rates
from billing.entrypoints.http.answer_schemas import RateCardSchema
from billing.entrypoints.http.answers import json_answer, json_text
from billing.entrypoints.http.blueprint import Blueprint
from billing.entrypoints.http.context import billing, current_access
from billing.entrypoints.http.paging import PAGING_HEADERS, Paging, sequence_answer
from billing.entrypoints.http.schemas import RateCardBodySchema, RateCardQuerySchema

blueprint = Blueprint("rates", __name__, description="What customers pay for services.")


@blueprint.route("/customers/<id:customer_id>/rates/")
@blueprint.requires("reports:read")
@blueprint.documented("listRateCards", 404)
@blueprint.arguments(RateCardQuerySchema, location="query", as_kwargs=True)
@blueprint.response(
    200,
    {"oneOf": [{"type": "array", "items": RateCardSchema}, RateCardSchema]},
    headers=PAGING_HEADERS,
)
def list_rate_cards(customer_id: int, paging: Paging | None, on: date | None = None) -> Response:
    """List a customer's rate cards, newest first; with `on` return the one in force that day."""
    if on is not None and paging is not None:
        raise InvalidValueError("One card has no pages: leave out page and page_size.", field="on")
    rate_book, access = billing().rate_book, current_access()
    try:
        if on is not None:
            return json_answer(card_json(rate_book.in_force(customer_id, on, access=access)))
        cards = rate_book.cards(customer_id, access=access)
    except CustomerNotFoundError:
        raise NotFound from None
    return sequence_answer(paging, cards, lambda card: json_text(card_json(card)))


@blueprint.route("/customers/<id:customer_id>/rates/", methods=["PUT"])
@blueprint.requires("catalog:write")
@blueprint.documented("putRateCard", 404)
@blueprint.arguments(RateCardBodySchema, as_kwargs=True)
@blueprint.alt_response(201, schema=RateCardSchema, description="The card is new.", success=True)
@blueprint.response(200, RateCardSchema, description="This card was in force already.")
def put_rate_card(customer_id: int, effective_from: date, rates: object) -> Response:
    """Put a customer's whole rate card in force from a day on; earlier cards stay as they are."""
    card_rates = read_rates(rates)
    try:
        card, is_new = billing().rate_book.put(
            customer_id, effective_from, card_rates, access=current_access()
        )
    except CustomerNotFoundError:
        raise NotFound from None
    return json_answer(card_json(card), 201 if is_new else 200)


def card_json(card: RateCard) -> dict[str, object]:
    """Return a rate card as the API shows it."""
    return {
        "id": card.id,
        "customer_id": card.customer_id,
        "effective_from": card.effective_from.isoformat(),
        "created_at": instant_text(card.created_at),
        "rates": [rate.as_json() for rate in card.rates],
    }
