"""Schemas of bulk rows, which only describe them: the domain reads rows, in all their spellings."""

from collections.abc import Mapping
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields

from billing.domain.catalog import MAX_UNITS_PER_CASE
from billing.domain.fields import MAX_NOTES, MAX_QUANTITY
from billing.domain.orders import QUANTITY_FIELDS, TEXT_FIELDS
from billing.entrypoints.http.fields import Id, RequiredText, Text, said

# "A number or a string": OpenAPI must not promise that a number is all there is.
_QUANTITY = {"type": ["number", "string"], "minimum": 0, "maximum": MAX_QUANTITY}


class ProductRowSchema(Schema):
    """How one of a customer's SKUs is packed."""

    customer_id = Id(required=True)
    sku = RequiredText(required=True)
    units_per_case = fields.Integer(
        required=True,
        metadata=said("1: it has no cases.", minimum=1, maximum=MAX_UNITS_PER_CASE),
    )


class ItemRowSchema(Schema):
    """One item line of an order."""

    sku = RequiredText(required=True)
    quantity = fields.Raw(required=True, metadata=_QUANTITY)


class ChargeRowSchema(Schema):
    """A cost already known, with the currency's decimals; a credit when negative."""

    service_id = Id(required=True)
    amount = fields.Raw(required=True, metadata={"type": ["number", "string"], "example": "4.20"})


class _RowSchema(Schema):
    class Meta:
        """Aliases are taken, too, which the document only mentions."""

        unknown = EXCLUDE


def _order_id(*, required: bool) -> fields.Field[Any]:
    return Id(required=required, metadata=said("Also called `transaction_id`."))


_REST = {
    "order_date": fields.String(
        allow_none=True,
        metadata=said(
            "A day, or an instant with its offset: then its day in the customer's time zone. "
            "Null: not billable yet. Also called `close_date`.",
            example="2023-04-01T23:30:00Z",
        ),
    ),
    **{name: Text(allow_none=True) for name in TEXT_FIELDS},
    "notes": Text(allow_none=True, metadata={"maxLength": MAX_NOTES}),
    **{name: fields.Raw(allow_none=True, metadata=_QUANTITY) for name in QUANTITY_FIELDS},
    "items": fields.List(
        fields.Nested(ItemRowSchema),
        allow_none=True,
        metadata=said("Also called `sku_quantity`, which may be an object by SKU, too."),
    ),
    "charges": fields.List(fields.Nested(ChargeRowSchema), allow_none=True),
}

OrderRowSchema = _RowSchema.from_dict(
    {"customer_id": Id(required=True), "order_id": _order_id(required=True), **_REST},
    name="OrderRowSchema",
)

TrialOrderSchema = _RowSchema.from_dict(
    {
        "customer_id": Id(metadata=said("If given, that of the path.")),
        "order_id": _order_id(required=False),
        **_REST,
    },
    name="TrialOrderSchema",
)


class UnreadOrder(fields.Nested):
    """An order that only the OpenAPI document takes apart: the domain reads it."""

    def _deserialize(
        self,
        value: Any,
        attr: str | None,
        data: Mapping[str, Any] | None,
        partial: object = None,
        **options: Any,
    ) -> Any:
        del attr, data, partial, options
        if not isinstance(value, dict):
            raise ValidationError("Not a JSON object.")
        return value
