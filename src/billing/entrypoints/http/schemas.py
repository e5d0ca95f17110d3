"""Schemas of what each call takes, in its query or its body, read strictly."""

from collections.abc import Mapping
from typing import Any

from marshmallow import EXCLUDE, Schema, fields, validate

from billing.domain.fields import MAX_NOTES, MAX_QUANTITY
from billing.domain.measures import MEASURES
from billing.domain.orders import QUANTITY_FIELDS, TEXT_FIELDS
from billing.domain.prices import MODELS
from billing.domain.rates import MAX_RATES
from billing.entrypoints.http.fields import (
    Day,
    FormatName,
    Id,
    OrderBy,
    QueryId,
    RequiredText,
    Text,
    said,
)
from billing.entrypoints.http.paging import PagedSchema

FILE_FORMATS = ("csv", "json", "pdf")
OUTPUT_FORMATS = ("json", "csv", "pdf", "dict")


# ------------------------------------------------------------------------------------- queries


class ReportListSchema(PagedSchema):
    """The filters and the ordering of a list of reports."""

    customer_id = QueryId()
    start_date = Day(metadata=said("Reports whose period starts on or after this day."))
    end_date = Day(metadata=said("Reports whose period ends on or before this day."))
    created_after = Day(metadata=said("Reports created on or after this UTC day."))
    created_before = Day(metadata=said("Reports created on or before this UTC day."))
    order_by = OrderBy(metadata=said("Equal reports are ordered by id, in the same direction."))


class DownloadSchema(Schema):
    """The format of a downloaded file."""

    format = FormatName(load_default="csv", metadata={"enum": FILE_FORMATS})


class CustomerSummaryQuerySchema(PagedSchema):
    """Whose reports are summed up."""

    customer_id = QueryId()


class OrderListSchema(PagedSchema):
    """The filters of a list of orders."""

    customer_id = QueryId()
    start_date = Day(metadata=said("Orders dated on or after this day."))
    end_date = Day(metadata=said("Orders dated on or before this day."))


class StoreOrdersSchema(Schema):
    """What becomes of bad rows."""

    on_error = fields.String(
        validate=validate.OneOf(["skip"], error="Use skip, or leave it out."),
        metadata=said("`skip` stores the good rows and lists the bad ones."),
    )


class RateCardQuerySchema(PagedSchema):
    """Which rate cards are asked for."""

    on = Day(metadata=said("Asks for the one card in force on this day."))


# -------------------------------------------------------------------------------------- bodies


class GenerateSchema(Schema):
    """What to bill, and how to answer it."""

    customer_id = Id(required=True)
    start_date = Day(required=True, metadata=said("The first day billed."))
    end_date = Day(required=True, metadata=said("The last day billed."))
    output_format = FormatName(
        load_default="json",
        allow_none=True,
        metadata=said(
            "`json` and `dict` answer the detail, the others the file.",
            enum=[*OUTPUT_FORMATS, None],
        ),
    )
    services = fields.List(
        Id(),
        allow_none=True,
        error_messages={"invalid": "Not a list of service ids."},
        metadata=said("Bills only these services: a partial report. Empty: all."),
    )


class CustomerBodySchema(Schema):
    """A customer as PUT takes it; what is left out of currency and time_zone keeps its value."""

    id = Id(allow_none=True, metadata=said("If given, that of the path."))
    name = RequiredText(required=True)
    currency = Text(allow_none=True, metadata=said("ISO 4217; at first USD.", example="USD"))
    time_zone = Text(allow_none=True, metadata=said("IANA; at first UTC.", example="UTC"))


class ServiceBodySchema(Schema):
    """A service as PUT takes it."""

    id = Id(allow_none=True, metadata=said("If given, that of the path."))
    name = RequiredText(required=True)
    description = Text(allow_none=True)


class RateBodySchema(Schema):
    """One rate: a service at a price."""

    service_id = Id(required=True)
    price = fields.Dict(
        required=True,
        metadata=said(
            "A price model and its parameters; prices are numbers or strings with up to 6 "
            f"decimals. Measures: {', '.join(MEASURES)}.",
            properties={"model": {"type": "string", "enum": list(MODELS)}},
            example={"model": "unit", "measure": "units", "unit_price": "0.35"},
        ),
    )


class _Rates(fields.List[Any]):
    """Rates that only the OpenAPI document takes apart: the domain reads them."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any
    ) -> Any:
        del attr, data, options
        return value


class RateCardBodySchema(Schema):
    """A customer's whole rate card from a day on."""

    effective_from = Day(required=True)
    rates = _Rates(
        fields.Nested(RateBodySchema),
        required=True,
        error_messages={"null": "Missing data for required field."},
        metadata={"maxItems": MAX_RATES},
    )


# Bulk rows are read by the domain; what follows only describes them.


def _quantity() -> fields.Raw:
    # "A number or a string": OpenAPI must not promise that a number is all there is.
    return fields.Raw(
        allow_none=True,
        metadata={"type": ["number", "string"], "minimum": 0, "maximum": MAX_QUANTITY},
    )


class ItemRowSchema(Schema):
    """One item line of an order."""

    sku = RequiredText(required=True)
    quantity = fields.Raw(
        required=True,
        metadata={"type": ["number", "string"], "minimum": 0, "maximum": MAX_QUANTITY},
    )


class ChargeRowSchema(Schema):
    """A cost already known, with the currency's decimals; a credit when negative."""

    service_id = Id(required=True)
    amount = fields.Raw(required=True, metadata={"type": ["number", "string"], "example": "4.20"})


class _RowSchema(Schema):
    class Meta:
        """Aliases are taken, too, which the document only mentions."""

        unknown = EXCLUDE


OrderRowSchema = _RowSchema.from_dict(
    {
        "customer_id": Id(required=True),
        "order_id": Id(required=True, metadata=said("Also called `transaction_id`.")),
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
        **{name: _quantity() for name in QUANTITY_FIELDS},
        "items": fields.List(
            fields.Nested(ItemRowSchema),
            allow_none=True,
            metadata=said("Also called `sku_quantity`, which may be an object by SKU, too."),
        ),
        "charges": fields.List(fields.Nested(ChargeRowSchema), allow_none=True),
    },
    name="OrderRowSchema",
)
