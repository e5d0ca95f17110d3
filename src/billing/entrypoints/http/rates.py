"""Rates: putting a customer's rate cards in force, reading them, and trying rates on an order."""

from datetime import date

from flask import Response
from werkzeug.exceptions import NotFound

from billing.domain.document import instant_text
from billing.domain.errors import CustomerNotFoundError, InvalidValueError
from billing.domain.rates import Rate, RateCard
from billing.entrypoints.http.answer_schemas import RateCardSchema
from billing.entrypoints.http.answers import explanation_answer, json_answer, json_text
from billing.entrypoints.http.blueprint import Blueprint
from billing.entrypoints.http.context import billing, current_access, current_author
from billing.entrypoints.http.explanation_schemas import RateTrialSchema
from billing.entrypoints.http.paging import PAGING_HEADERS, Paging, sequence_answer
from billing.entrypoints.http.schemas import (
    RateCardBodySchema,
    RateCardQuerySchema,
    RateTrialBodySchema,
)

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
def put_rate_card(customer_id: int, effective_from: date, rates: tuple[Rate, ...]) -> Response:
    """Put a customer's whole rate card in force from a day on; earlier cards stay as they are.

    What could not run is refused, and the error names its place: `rates[2].when.all[0].op`.
    """
    try:
        card, is_new = billing().rate_book.put(
            customer_id, effective_from, rates, access=current_access(), author=current_author()
        )
    except CustomerNotFoundError:
        raise NotFound from None
    return json_answer(card_json(card), 201 if is_new else 200)


@blueprint.route("/customers/<id:customer_id>/rates/test/", methods=["POST"])
@blueprint.requires("reports:read")
@blueprint.documented("tryRates", 404)
@blueprint.arguments(RateTrialBodySchema, as_kwargs=True)
@blueprint.response(200, RateTrialSchema)
def try_rates(
    customer_id: int, order: dict[str, object], rates: tuple[Rate, ...] | None = None
) -> Response:
    """Say what an order would cost and why, by the code that bills; nothing is stored.

    The order is one as `POST orders/` takes it; its ids may be left out. Without `rates` the card
    in force on its date is used, for an order without a date today's.
    """
    try:
        trial = billing().rate_trial.run(customer_id, order, rates, access=current_access())
    except CustomerNotFoundError:
        raise NotFound from None
    return explanation_answer(trial, ("total_amount", "service_costs", "problems", "not_charged"))


def card_json(card: RateCard) -> dict[str, object]:
    """Return a rate card as the API shows it."""
    return {
        "id": card.id,
        "customer_id": card.customer_id,
        "effective_from": card.effective_from.isoformat(),
        "created_at": instant_text(card.created_at),
        "rates": [rate.as_json() for rate in card.rates],
    }
