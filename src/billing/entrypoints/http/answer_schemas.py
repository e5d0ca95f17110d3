"""Schemas of what each call answers, for the OpenAPI document.

Nothing is dumped through these: storage and domain write the very bytes. A test holds the two
together by loading real answers with the schemas that describe them.
"""

from typing import Any, ClassVar

from marshmallow import INCLUDE, Schema, fields

from billing.domain.orders import QUANTITY_FIELDS, TEXT_FIELDS
from billing.entrypoints.http.fields import said


class AnswerSchema(Schema):
    """What the API answers: every member named is there, and others may be added later."""

    class Meta:
        """Unknown members are allowed."""

        unknown = INCLUDE

    optional: ClassVar[frozenset[str]] = frozenset()

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Require what is not said to be optional."""
        field_obj.required = field_name not in self.optional


def money() -> fields.Decimal:
    """Return the field of an amount."""
    return fields.Decimal(metadata={"example": 500.0})


class _ContentFields(AnswerSchema):
    customer_id = fields.Integer()
    customer_name = fields.String()
    start_date = fields.Date()
    end_date = fields.Date()
    total_amount = money()
    currency = fields.String()
    status = fields.String(metadata={"enum": ["draft", "final", "void"]})
    exception_count = fields.Integer(
        metadata=said("Orders of the period not, or not fully, billed; cancelled ones apart.")
    )
    content_hash = fields.String(metadata=said("SHA-256, in hex, over all that the report says."))
    services = fields.List(
        fields.Integer(), metadata=said("The services chosen; only of a partial report.")
    )
    optional = frozenset({"services"})


class _FiledFields(AnswerSchema):
    id = fields.Integer()
    created_at = fields.AwareDateTime()


class ReportSummarySchema(_ContentFields, _FiledFields):
    """A report without its orders."""

    order_count = fields.Integer()


class ServiceTotalSchema(AnswerSchema):
    """One service over a whole report."""

    service_name = fields.String()
    amount = money()


class CostRateSchema(AnswerSchema):
    """The rate that made a cost: its card, and its place in the card from 0."""

    card = fields.Integer()
    index = fields.Integer()


class ServiceCostSchema(AnswerSchema):
    """One service on one order; a recorded charge has neither quantity nor rate."""

    service_id = fields.Integer()
    service_name = fields.String()
    amount = money()
    quantity = fields.Decimal(
        allow_none=True, metadata=said("Null for a percentage and a markup: they measure nothing.")
    )
    rate = fields.Nested(CostRateSchema)
    optional = frozenset({"quantity", "rate"})


class OrderCostSchema(AnswerSchema):
    """One billed order."""

    order_id = fields.Integer()
    reference_number = fields.String(allow_none=True)
    order_date = fields.Date()
    total_amount = money()
    service_costs = fields.List(fields.Nested(ServiceCostSchema))


class ReportContentSchema(_ContentFields):
    """What a report says, filed or not."""

    service_totals = fields.Dict(
        keys=fields.String(),
        values=fields.Nested(ServiceTotalSchema),
        metadata=said("By service id as a string, ascending by number."),
    )
    orders = fields.List(fields.Nested(OrderCostSchema))


class ReportSchema(ReportContentSchema, _FiledFields):
    """One report in full."""


class ExceptionSchema(AnswerSchema):
    """An order of the period that is not, or not fully, billed."""

    order_id = fields.Integer()
    reason = fields.String(metadata={"enum": ["needs_attention", "nothing_applies", "cancelled"]})
    problems = fields.List(fields.String(), metadata={"example": ["weight_lb is missing"]})


class ReportMoveSchema(AnswerSchema):
    """One move of a report: who, when and why. `details` say what it did."""

    at = fields.AwareDateTime()
    actor = fields.String()
    action = fields.String(metadata={"enum": ["report.finalized", "report.voided"]})
    reason = fields.String(allow_none=True)
    details = fields.Dict(
        metadata=said(
            "Of `finalized`: `accepted_exceptions`, `supersedes`, and how many orders were "
            "`claimed`. Of `voided`: what the report `was`, how many orders were `released`, and "
            "`superseded_by` if another report took its place."
        )
    )


class CustomerSummarySchema(AnswerSchema):
    """What all reports of a customer that are not void come to."""

    customer_id = fields.Integer()
    customer_name = fields.String(metadata=said("As on the latest report."))
    report_count = fields.Integer()
    total_amount = money()
    first_report = fields.AwareDateTime(metadata=said("When the earliest report was created."))
    latest_report = fields.AwareDateTime(metadata=said("When the latest report was created."))
    currency = fields.String()
    final_amount = money()


class CustomerSchema(AnswerSchema):
    """Somebody whose orders are billed."""

    id = fields.Integer()
    name = fields.String()
    currency = fields.String()
    time_zone = fields.String()


class ServiceSchema(AnswerSchema):
    """Something done to an order."""

    id = fields.Integer()
    name = fields.String()
    description = fields.String(allow_none=True)


class RateSchema(AnswerSchema):
    """One rate, as it was put; numbers are strings."""

    service_id = fields.Integer()
    price = fields.Dict(
        metadata=said("As `Price` says.", example={"model": "flat", "amount": "5.00"})
    )
    when = fields.Dict(metadata=said("As `Condition` says."))
    skus = fields.List(fields.String())
    exclude_skus = fields.List(fields.String())
    minimum = fields.String()
    maximum = fields.String()
    optional = frozenset({"when", "skus", "exclude_skus", "minimum", "maximum"})


class RateCardSchema(AnswerSchema):
    """A rate card; it never changes."""

    id = fields.Integer()
    customer_id = fields.Integer()
    effective_from = fields.Date()
    created_at = fields.AwareDateTime()
    rates = fields.List(fields.Nested(RateSchema))


class ProductSchema(AnswerSchema):
    """How one of a customer's SKUs is packed."""

    customer_id = fields.Integer()
    sku = fields.String(metadata=said("As the customer writes it."))
    units_per_case = fields.Integer()


class RowErrorSchema(AnswerSchema):
    """One thing wrong with one row."""

    row = fields.Integer(metadata=said("From 1; a CSV's header is not counted."))
    field = fields.String(allow_none=True)
    error = fields.String()


class IntakeResultSchema(AnswerSchema):
    """What one call stored."""

    received = fields.Integer()
    created = fields.Integer()
    updated = fields.Integer()
    unchanged = fields.Integer()
    skipped = fields.Integer()
    errors = fields.List(fields.Nested(RowErrorSchema), metadata=said("The first 100."))
    ignored_columns = fields.List(fields.String())


class ItemSchema(AnswerSchema):
    """One item line."""

    sku = fields.String()
    quantity = fields.Decimal()


class ChargeSchema(AnswerSchema):
    """A cost already known; a credit when negative."""

    service_id = fields.Integer()
    amount = money()


OrderSchema = AnswerSchema.from_dict(
    {
        "customer_id": fields.Integer(),
        "order_id": fields.Integer(),
        "order_date": fields.Date(allow_none=True),
        **{name: fields.String(allow_none=True) for name in TEXT_FIELDS},
        **{name: fields.Decimal(allow_none=True) for name in QUANTITY_FIELDS},
        "items": fields.List(fields.Nested(ItemSchema), allow_none=True),
        "charges": fields.List(fields.Nested(ChargeSchema)),
    },
    name="OrderSchema",
)
