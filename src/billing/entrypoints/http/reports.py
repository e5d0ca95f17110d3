"""Reports: listing, reading, downloading and explaining them, and sums by customer."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from flask import Response

from billing.domain.document import customer_summary_text, summary_text
from billing.domain.report_query import ReportQuery, Slice
from billing.entrypoints.http.answer_headers import ETAGGED, attached
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
from billing.entrypoints.http.explanation_schemas import OrderExplanationSchema
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
    report_answer,
)
from billing.entrypoints.http.schemas import (
    CustomerSummaryQuerySchema,
    DownloadSchema,
    ExplainSchema,
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
