"""Schemas of billing runs: what the calls take and answer."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from marshmallow import Schema, ValidationError, fields, validates_schema

from billing.domain.period import read_month
from billing.entrypoints.http.answer_schemas import AnswerSchema, money
from billing.entrypoints.http.fields import Day, Flag, Id, StrictField, said

Month = partial(
    StrictField, read_month, {"type": "string", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])$"}
)
_STATES = ["queued", "running", "done", "failed", "cancelled"]


class NothingSchema(Schema):
    """A body with nothing in it; there may be none at all."""


class RunBodySchema(Schema):
    """What to bill: a month, or a first and a last day; all customers, or those named."""

    period = Month(metadata=said("A month; instead of both dates.", example="2023-01"))
    start_date = Day(metadata=said("The first day billed; with end_date."))
    end_date = Day(metadata=said("The last day billed; with start_date."))
    customers = fields.List(
        Id(),
        allow_none=True,
        error_messages={"invalid": "Not a list of customer ids."},
        metadata=said("Bills only these. Left out: all that have orders in the period."),
    )
    only_unbilled = Flag(
        load_default=False, metadata=said("Bill the orders that no final report claims.")
    )
    finalize = Flag(
        load_default=False,
        metadata=said("Makes each report final at once; one that cannot be is not filed."),
    )

    @validates_schema
    def check_forms(self, data: Mapping[str, Any], **options: Any) -> None:
        """Take exactly one form of the period, and no empty list of customers."""
        del options
        given = {name for name in ("period", "start_date", "end_date") if name in data}
        if "period" in given and len(given) > 1:
            raise ValidationError("Give either a period or both dates.", "period")
        if not given:
            raise ValidationError("Missing: give a month, or start_date and end_date.", "period")
        for name in ("start_date", "end_date"):
            if "period" not in given and name not in given:
                raise ValidationError("Missing data for required field.", name)
        if data.get("customers") == []:
            raise ValidationError("Empty: name a customer, or leave it out.", "customers")


class RunSchema(AnswerSchema):
    """A run and how far it is."""

    id = fields.Integer()
    state = fields.String(metadata={"enum": _STATES})
    total = fields.Integer(metadata=said("Customers."))
    done = fields.Integer()
    failed = fields.Integer()
    started_at = fields.AwareDateTime(allow_none=True)
    finished_at = fields.AwareDateTime(allow_none=True)
    eta_seconds = fields.Integer(
        allow_none=True, metadata=said("How long it will take from now on; null while unknown.")
    )
    totals = fields.Dict(
        keys=fields.String(),
        values=money(),
        metadata=said("What its reports come to, by currency.", example={"USD": 500.0}),
    )
    created_at = fields.AwareDateTime()
    start_date = fields.Date()
    end_date = fields.Date()
    only_unbilled = fields.Boolean()
    finalize = fields.Boolean()
    services = fields.List(
        fields.Integer(), metadata=said("The services chosen; only of partial reports.")
    )
    optional = frozenset({"services"})


class RunItemSchema(AnswerSchema):
    """One customer of a run."""

    customer_id = fields.Integer()
    state = fields.String(metadata={"enum": _STATES})
    report_id = fields.Integer(allow_none=True, metadata=said("Once it is done."))
    error = fields.String(allow_none=True, metadata=said("Why it failed, in words."))
