"""Reports: listing, reading, generating, previewing, downloading and explaining them."""

from collections.abc import Iterator
from datetime import date
from functools import partial
from itertools import islice
from typing import Any

from flask import Response, url_for

from billing.domain.document import customer_summary_text, summary_text
from billing.domain.period import BillingPeriod
from billing.domain.rates import Rate
from billing.domain.report_query import ReportQuery, Slice
from billing.domain.run_request import RunOptions, RunRequest
from billing.entrypoints.http.answer_headers import ETAGGED, LOCATED, REPLAYED, attached
from billing.entrypoints.http.answer_schemas import (
    CustomerSummarySchema,
    ExceptionSchema,
    ReportSchema,
    ReportSummarySchema,
)
from billing.entrypoints.http.answers import (
    explanation_answer,
    json_text,
    spooled_answer,
    write_array,
)
from billing.entrypoints.http.blueprint import Blueprint
from billing.entrypoints.http.context import billing, current_access
from billing.entrypoints.http.etags import IfNoneMatchSchema
from billing.entrypoints.http.explanation_schemas import OrderExplanationSchema, PreviewSchema
from billing.entrypoints.http.idempotency_header import IdempotencySchema, keyed_request
from billing.entrypoints.http.paging import (
    PAGING_HEADERS,
    PagedSchema,
    Paging,
    list_answer,
    sequence_answer,
)
from billing.entrypoints.http.report_files import (
    CSV_FILE,
    PDF_FILE,
    attachment,
    filed_answer,
    output_exporter,
    report_answer,
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
    CustomerSummaryQuerySchema,
    DownloadSchema,
    ExplainSchema,
    GenerateSchema,
    PreviewBodySchema,
    ReportListSchema,
)

blueprint = Blueprint("reports", __name__, description="What customers are billed with.")

_FILE = attached("report_1.csv")


@blueprint.route("/reports/")
@blueprint.requires("reports:read")
@blueprint.documented("listReports", failure="An error occurred while fetching reports.")
@blueprint.arguments(ReportListSchema, location="query", as_kwargs=True)
@blueprint.response(200, ReportSummarySchema(many=True), headers=PAGING_HEADERS)
def list_reports(paging: Paging | None, **asked: Any) -> Response:
    """List reports, newest first: all of them, or one page if `page` or `page_size` is given."""
    query = ReportQuery(**asked)
    with billing().storage.snapshot(current_access()) as view:
        return list_answer(
            paging,
            lambda: view.reports.count(query),
            lambda part: map(summary_text, view.reports.page(query, part)),
        )


@blueprint.route("/reports/<id:report_id>/")
@blueprint.requires("reports:read")
@blueprint.documented("getReport", 404)
@blueprint.arguments(IfNoneMatchSchema, location="headers", as_kwargs=True)
@blueprint.alt_response(304, headers=ETAGGED)
@blueprint.response(200, ReportSchema, headers=ETAGGED)
def read_report(report_id: int, if_none_match: str = "") -> Response:
    """Return one report in full."""
    return report_answer(report_id, "json", if_none_match)


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
    period, access = BillingPeriod(start_date, end_date), current_access()
    replayed = False
    wanted: dict[str, Any] = {
        "services": services,
        "only_unbilled": bool(only_unbilled),
        "access": access,
    }
    if idempotency_key is not None:
        headline, replayed = billing().keyed_generation.generate(
            keyed_request(idempotency_key),
            customer_id,
            partial(billing().generator.prepare, customer_id, period, **wanted),
            access=access,
            exporter=exporter,
        )
    elif prefers_async():
        options = RunOptions(
            services=tuple(sorted(set(services))) if services else None,
            only_unbilled=bool(only_unbilled),
        )
        request = RunRequest(period=period, customers=(customer_id,), options=options)
        return run_started(request, headers=ASYNC_APPLIED)
    else:
        headline = billing().generator.generate(customer_id, period, exporter=exporter, **wanted)
    headers = {"Location": url_for(".read_report", report_id=headline.id)}
    if name != "json":
        headers |= attachment(f"report_{headline.id}", name)
    if replayed:
        headers["Idempotency-Replayed"] = "true"
    return filed_answer(headline.id, name, headers, owed=not replayed)


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


@blueprint.route("/reports/<id:report_id>/download/")
@blueprint.requires("reports:read")
@blueprint.documented("downloadReport", 404)
@blueprint.arguments(DownloadSchema, location="query", as_kwargs=True)
@blueprint.arguments(IfNoneMatchSchema, location="headers", as_kwargs=True)
@blueprint.alt_response(304, headers=ETAGGED)
@blueprint.alt_response(200, schema=ReportSchema, success=True)
@blueprint.alt_response(200, schema=PDF_FILE, content_type="application/pdf", success=True)
@blueprint.response(200, CSV_FILE, content_type="text/csv", headers=_FILE | ETAGGED)
def download_report(report_id: int, if_none_match: str = "", **query: str) -> Response:
    """Return one report as a file."""
    name = query["format"]
    return report_answer(report_id, name, if_none_match, attachment(f"report_{report_id}", name))


@blueprint.route("/reports/customer-summary/")
@blueprint.requires("reports:read")
@blueprint.documented("listCustomerSummaries", failure="An error occurred getting customer summary")
@blueprint.arguments(CustomerSummaryQuerySchema, location="query", as_kwargs=True)
@blueprint.response(200, CustomerSummarySchema(many=True), headers=PAGING_HEADERS)
def list_customer_summaries(paging: Paging | None, customer_id: int | None = None) -> Response:
    """Sum up the reports of each customer, the latest report first; void ones do not count.

    `customer_summary` in the path does the same.
    """
    summaries = billing().archive.summaries(customer_id, access=current_access())
    return sequence_answer(paging, summaries, customer_summary_text)


blueprint.alias("/reports/customer_summary/", list_customer_summaries)


@blueprint.route("/reports/<id:report_id>/exceptions/")
@blueprint.requires("reports:read")
@blueprint.documented("listReportExceptions", 404)
@blueprint.arguments(PagedSchema, location="query", as_kwargs=True)
@blueprint.response(200, ExceptionSchema(many=True), headers=PAGING_HEADERS)
def list_exceptions(report_id: int, paging: Paging | None) -> Response:
    """List the orders of the period that are not, or not fully, billed, with the reasons."""
    document = billing().archive.open(report_id, access=current_access())
    if paging is None:  # The stored pages are the array already.
        return spooled_answer(
            lambda out: write_array(document.section("exceptions"), out), "application/json"
        )

    def part_of(part: Slice) -> Iterator[str]:
        entries = document.entries("exceptions")
        return map(json_text, islice(entries, part.offset, part.offset + (part.limit or 0)))

    return list_answer(paging, lambda: sum(1 for _ in document.entries("exceptions")), part_of)


@blueprint.route("/reports/<id:report_id>/explain/")
@blueprint.requires("reports:read")
@blueprint.documented("explainOrder", 404)
@blueprint.arguments(ExplainSchema, location="query", as_kwargs=True)
@blueprint.response(200, OrderExplanationSchema)
def explain_order(report_id: int, order_id: int) -> Response:
    """Say why an order of the report's period costs what it does, or nothing.

    It is worked out again from what the report's pricing read and from the rate card of then, by
    the code that bills. 404 for an order that the period did not hold.
    """
    explanation = billing().archive.explain(report_id, order_id, access=current_access())
    return explanation_answer(
        explanation, ("order_id", "service_costs", "problems", "total_amount", "not_charged")
    )
