"""Schemas of what each call takes, in its query or its body, read strictly."""

from marshmallow import Schema, fields, validate

from billing.entrypoints.http.fields import (
    Day,
    Flag,
    FormatName,
    Id,
    OrderBy,
    QueryId,
    Rates,
    RequiredText,
    Text,
    said,
)
from billing.entrypoints.http.paging import PagedSchema
from billing.entrypoints.http.row_schemas import TrialOrderSchema, UnreadOrder

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


class ExplainSchema(Schema):
    """Which order is explained."""

    order_id = QueryId(required=True)


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


class ProductListSchema(PagedSchema):
    """Whose products are listed."""

    customer_id = QueryId()


class StoreRowsSchema(Schema):
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
    only_unbilled = Flag(
        load_default=False,
        allow_none=True,
        metadata=said("Bills only the orders that no final report claims.", default=False),
    )


class PreviewBodySchema(GenerateSchema):
    """What to bill, as generate takes it, and by which rates."""

    rates = Rates(
        allow_none=True,
        metadata=said(
            "A draft card that prices the whole period; the answer compares it with the cards in "
            "force."
        ),
    )


class FinalizeSchema(Schema):
    """On what terms a report becomes final; no body at all takes the defaults."""

    accept_exceptions = Flag(
        load_default=False,
        allow_none=True,
        metadata=said(
            "Leaves the orders that are not, or not fully, billed as they are; takes a `reason`.",
            default=False,
        ),
    )
    reason = Text(
        load_default=None, allow_none=True, metadata=said("Why; kept in the report's history.")
    )
    supersedes = Id(
        load_default=None,
        allow_none=True,
        metadata=said("A report of the same customer that becomes void in the same step."),
    )


class VoidSchema(Schema):
    """Why a report becomes void."""

    reason = RequiredText(required=True, metadata=said("Why; kept in the report's history."))


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


class RateCardBodySchema(Schema):
    """A customer's whole rate card from a day on."""

    effective_from = Day(required=True)
    rates = Rates(required=True)


class RateTrialBodySchema(Schema):
    """Rates to try, and the order to try them on."""

    rates = Rates(
        allow_none=True,
        metadata=said("A draft card. Left out: the card in force on the order's date."),
    )
    order = UnreadOrder(
        TrialOrderSchema,
        required=True,
        error_messages={"null": "Missing data for required field."},
    )
