"""Schemas of the answers that say why, or what would be: explanations, trials, previews."""

from typing import Any

from marshmallow import fields

from billing.entrypoints.http.answer_schemas import (
    AnswerSchema,
    CostRateSchema,
    OrderCostSchema,
    ReportContentSchema,
    ServiceCostSchema,
    money,
)
from billing.entrypoints.http.fields import said

# ------------------------------------------------------------------------------- explanations


class RatePlaceSchema(AnswerSchema):
    """A rate: its card (null: a draft), its place in it from 0, and the card's first day."""

    card = fields.Integer(allow_none=True)
    index = fields.Integer()
    effective_from = fields.Date()
    optional = frozenset({"effective_from"})


class StepSchema(AnswerSchema):
    """One step of a price, such as a tier; the steps add up, before they are rounded."""

    text = fields.String(metadata={"example": "tier 1: 5 loose_units at 0.40"})
    amount = money()


class BaseCostSchema(AnswerSchema):
    """A cost that a percentage is a part of."""

    service_id = fields.Integer()
    amount = money()


def _condition() -> fields.Field[Any]:
    return fields.Dict(
        allow_none=True,
        metadata=said(
            "The rate's condition, null if it has none: each group and test with its `verdict` "
            "(true, false, or null for unknown), a test also with what it `saw`."
        ),
    )


class CostExplanationSchema(AnswerSchema):
    """Why a cost is what it is; a recorded charge that is billed as it is has `text` alone.

    `measure`, `quantity` and `measured_on` are there for what is measured; `percent` and `of`
    for a percentage, `percent` and `charge` for a markup.
    """

    text = fields.String(metadata=said("All of it in words."))
    rate = fields.Nested(RatePlaceSchema)
    model = fields.String()
    measure = fields.String()
    quantity = fields.Decimal()
    measured_on = fields.List(
        fields.String(), metadata={"example": ["30 units of AB-1 at 12 a case: 2 cases, 6 loose"]}
    )
    percent = fields.Decimal()
    of = fields.List(fields.Nested(BaseCostSchema))
    charge = money()
    steps = fields.List(fields.Nested(StepSchema))
    condition = _condition()
    minimum_applied = fields.Decimal(
        allow_none=True, metadata=said("The rate's minimum, if it raised the cost.")
    )
    maximum_applied = fields.Decimal(
        allow_none=True, metadata=said("The rate's maximum, if it lowered the cost.")
    )
    before_rounding = money()
    amount = money()
    optional = frozenset(
        {
            "rate",
            "model",
            "measure",
            "quantity",
            "measured_on",
            "percent",
            "of",
            "charge",
            "steps",
            "condition",
            "minimum_applied",
            "maximum_applied",
            "before_rounding",
            "amount",
        }
    )


class ExplainedCostSchema(AnswerSchema):
    """One line of the bill with its reason."""

    service_id = fields.Integer()
    service_name = fields.String()
    amount = money()
    explanation = fields.Nested(CostExplanationSchema)


class NotChargedSchema(AnswerSchema):
    """A rate that made no line, with the reason."""

    service_id = fields.Integer()
    rate = fields.Nested(RatePlaceSchema)
    text = fields.String(metadata={"example": "the condition does not hold"})
    condition = _condition()


class _Explained(AnswerSchema):
    total_amount = money()
    service_costs = fields.List(fields.Nested(ExplainedCostSchema))
    problems = fields.List(
        fields.String(),
        metadata=said("Why costs are withheld.", example=["weight_lb is missing"]),
    )
    not_charged = fields.List(fields.Nested(NotChargedSchema))


class RateTrialSchema(_Explained):
    """What an order would cost, and why."""


class OrderExplanationSchema(_Explained):
    """Why an order costs what it costs on a report."""

    order_id = fields.Integer()


# ----------------------------------------------------------------------------------- previews


class DifferenceSchema(AnswerSchema):
    """An amount by the cards in force and by the draft; `difference` is the draft's change."""

    current_amount = money()
    draft_amount = money()
    difference = money()


class ServiceDifferenceSchema(DifferenceSchema):
    """One service over the whole period."""

    service_id = fields.Integer()
    service_name = fields.String()


class OrderDifferenceSchema(DifferenceSchema):
    """One order."""

    order_id = fields.Integer()


class ComparisonSchema(DifferenceSchema):
    """The whole period, every service of either bill, and the ten orders changed most."""

    services = fields.List(fields.Nested(ServiceDifferenceSchema))
    orders = fields.List(fields.Nested(OrderDifferenceSchema))


class PreviewCostRateSchema(CostRateSchema):
    """The rate that made a cost; of a draft card `card` is null."""

    card = fields.Integer(allow_none=True)


class PreviewCostSchema(ServiceCostSchema):
    """One service on one order."""

    rate = fields.Nested(PreviewCostRateSchema)


class PreviewOrderSchema(OrderCostSchema):
    """One order that would be billed."""

    service_costs = fields.List(fields.Nested(PreviewCostSchema))


class PreviewSchema(ReportContentSchema):
    """A report as it would be: without `id` and `created_at`."""

    orders = fields.List(fields.Nested(PreviewOrderSchema))
    compared_with_current = fields.Nested(
        ComparisonSchema, metadata=said("If rates were given: what they change.")
    )
    optional = ReportContentSchema.optional | {"compared_with_current"}
