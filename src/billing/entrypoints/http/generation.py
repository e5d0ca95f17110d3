"""Generation: making a report, and showing what would be made."""

from datetime import date
from functools import partial
from typing import Any

from flask import Response, url_for

from billing.domain.period import BillingPeriod
from billing.domain.ports import ReportExporter
from billing.domain.rates import Rate
from billing.domain.report import ReportHeadline
from billing.domain.run_request import RunOptions, RunRequest
from billing.entrypoints.http.answer_headers import ETAGGED, LOCATED, REPLAYED, attached
from billing.entrypoints.http.answer_schemas import (
    ReportSchema,
)
from billing.entrypoints.http.answers import (
    spooled_answer,
)
from billing.entrypoints.http.blueprint import Blueprint
from billing.entrypoints.http.context import billing, current_access
from billing.entrypoints.http.explanation_schemas import PreviewSchema
from billing.entrypoints.http.idempotency_header import IdempotencySchema, keyed_request
from billing.entrypoints.http.report_files import (
    CSV_FILE,
    PDF_FILE,
    attachment,
    filed_answer,
    output_exporter,
)
from billing.entrypoints.http.run_answers import (
    APPLIED,
    ASYNC_APPLIED,
    PREFER,
    STARTED,
    prefers_async,
    run_started,
)
from billing.entrypoints.http.run_schemas import RunSchema
from billing.entrypoints.http.schemas import (
    GenerateSchema,
    PreviewBodySchema,
)

blueprint = Blueprint("generation", __name__, description="Making reports, or trying to.")

_FILE = attached("report_1.csv")


@blueprint.route("/reports/generate/", methods=["POST"])
@blueprint.requires("reports:write")
@blueprint.documented(
    "generateReport",
    409,
    422,
    failure="An error occurred generating the report",
    headers=[PREFER],
)
@blueprint.arguments(GenerateSchema, as_kwargs=True)
@blueprint.arguments(IdempotencySchema, location="headers", as_kwargs=True)
@blueprint.alt_response(201, schema=CSV_FILE, content_type="text/csv", success=True)
@blueprint.alt_response(201, schema=PDF_FILE, content_type="application/pdf", success=True)
@blueprint.alt_response(202, schema=RunSchema, headers=STARTED | APPLIED, success=True)
@blueprint.response(201, ReportSchema, headers=LOCATED | _FILE | REPLAYED | ETAGGED)
def generate_report(
    customer_id: int,
    start_date: date,
    end_date: date,
    output_format: str | None,
    services: list[int] | None = None,
    idempotency_key: str | None = None,
    *,
    only_unbilled: bool | None = None,
) -> Response:
    """Bill a customer's period. Each call makes another report: reports are snapshots.

    A call that is sent again with its `Idempotency-Key` is the same call: it answers the report
    that the first one made; with another body it is refused with 422, and with 409 while the
    first one is under way. What is wrong is told in this order: unknown fields, types, the key,
    format, dates, the key's use, customer, services. A refused call stores nothing.
    `Prefer: respond-async` without a key answers 202 with a run of this customer.

    With `only_unbilled` the report is about the orders of the period that no final report claims,
    as if there were no others: late ones, above all. It can become final as any report can.
    """
    name, exporter = output_exporter(output_format)
    period = BillingPeriod(start_date, end_date)
    if idempotency_key is None and prefers_async():
        options = RunOptions(
            services=tuple(sorted(set(services))) if services else None,
            only_unbilled=bool(only_unbilled),
        )
        request = RunRequest(period=period, customers=(customer_id,), options=options)
        return run_started(request, headers=ASYNC_APPLIED)
    headline, replayed = _generated(
        idempotency_key,
        exporter,
        customer_id,
        period,
        services=services,
        only_unbilled=bool(only_unbilled),
    )
    return _filed(headline.id, name, replayed=replayed)


@blueprint.route("/reports/preview/", methods=["POST"])
@blueprint.requires("reports:read")
@blueprint.documented("previewReport")
@blueprint.arguments(PreviewBodySchema, as_kwargs=True)
@blueprint.alt_response(200, schema=CSV_FILE, content_type="text/csv", success=True)
@blueprint.alt_response(200, schema=PDF_FILE, content_type="application/pdf", success=True)
@blueprint.response(200, PreviewSchema, headers=attached("preview.csv"))
def preview_report(
    customer_id: int,
    start_date: date,
    end_date: date,
    output_format: str | None,
    services: list[int] | None = None,
    rates: tuple[Rate, ...] | None = None,
    *,
    only_unbilled: bool | None = None,
) -> Response:
    """Bill a customer's period without a trace: what generate would file now, but id and time.

    With `rates` the whole period is priced by that draft card, and the detail compares it with
    the cards in force; a file shows the draft's bill alone. Refusals come as generate's do.
    """
    name, exporter = output_exporter(output_format)
    period = BillingPeriod(start_date, end_date)
    with billing().generator.prepare(
        customer_id,
        period,
        services=services,
        rates=rates,
        only_unbilled=bool(only_unbilled),
        access=current_access(),
    ) as prepared:
        exporter.check(prepared.content)
        document = prepared.document()
        return spooled_answer(
            lambda out: exporter.render(document, out),
            exporter.media_type,
            headers=None if name == "json" else attachment("preview", name),
        )


def _generated(
    key: str | None,
    exporter: ReportExporter,
    customer_id: int,
    period: BillingPeriod,
    **wanted: Any,
) -> tuple[ReportHeadline, bool]:
    """File the report, and tell whether an earlier call with the key did."""
    generator, access = billing().generator, current_access()
    if key is None:
        headline = generator.generate(
            customer_id, period, exporter=exporter, access=access, **wanted
        )
        return headline, False
    return billing().keyed_generation.generate(
        keyed_request(key),
        customer_id,
        partial(generator.prepare, customer_id, period, access=access, **wanted),
        access=access,
        exporter=exporter,
    )


def _filed(report_id: int, name: str, *, replayed: bool) -> Response:
    headers = {"Location": url_for("reports.read_report", report_id=report_id)}
    if name != "json":
        headers |= attachment(f"report_{report_id}", name)
    if replayed:
        headers["Idempotency-Replayed"] = "true"
    return filed_answer(report_id, name, headers, owed=not replayed)
