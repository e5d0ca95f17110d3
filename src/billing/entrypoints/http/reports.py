"""Reports: listing, reading, generating and downloading them, and what they leave out."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any, BinaryIO

from flask import Response, url_for

from billing.domain.document import ReportDocument, customer_summary_text, summary_text
from billing.domain.errors import UnknownFormatError
from billing.domain.period import BillingPeriod
from billing.domain.ports import ReportExporter
from billing.domain.report import ReportContent
from billing.domain.report_query import ReportQuery, Slice
from billing.entrypoints.http.answer_schemas import (
    CustomerSummarySchema,
    ExceptionSchema,
    ReportSchema,
    ReportSummarySchema,
)
from billing.entrypoints.http.answers import (
    json_text,
    large_answers,
    spooled_answer,
    write_array,
)
from billing.entrypoints.http.blueprint import Blueprint
from billing.entrypoints.http.context import billing, current_access
from billing.entrypoints.http.paging import (
    PAGING_HEADERS,
    PagedSchema,
    Paging,
    list_answer,
    sequence_answer,
)
from billing.entrypoints.http.schemas import (
    CustomerSummaryQuerySchema,
    DownloadSchema,
    GenerateSchema,
    ReportListSchema,
)

blueprint = Blueprint("reports", __name__, description="What customers are billed with.")

MANY_ORDERS = 2_000
"""Orders from which on a report's answer is expected to be a large one."""

_FILES = {
    "text/csv": {"type": "string"},
    "application/pdf": {"type": "string", "format": "binary"},
}
_ATTACHED = {
    "Content-Disposition": {
        "description": 'For files: `attachment; filename="billing_report_1.csv"`.',
        "schema": {"type": "string"},
    }
}
_LOCATED = {
    "Location": {
        "description": "The path of the new report.",
        "schema": {"type": "string", "format": "uri-reference"},
    }
}


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
@blueprint.response(200, ReportSchema)
def read_report(report_id: int) -> Response:
    """Return one report in full."""
    return _report_answer(report_id, "json")


@blueprint.route("/reports/generate/", methods=["POST"])
@blueprint.requires("reports:write")
@blueprint.documented("generateReport", failure="An error occurred generating the report")
@blueprint.arguments(GenerateSchema, as_kwargs=True)
@blueprint.alt_response(201, schema=_FILES["text/csv"], content_type="text/csv", success=True)
@blueprint.alt_response(
    201, schema=_FILES["application/pdf"], content_type="application/pdf", success=True
)
@blueprint.response(201, ReportSchema, headers=_LOCATED | _ATTACHED)
def generate_report(
    customer_id: int,
    start_date: date,
    end_date: date,
    output_format: str | None,
    services: list[int] | None = None,
) -> Response:
    """Bill a customer's period. Each call makes another report: reports are snapshots.

    What is wrong is told in this order: unknown fields, types, format, dates, customer, services.
    A refused call stores nothing.
    """
    name = "json" if output_format in (None, "dict") else str(output_format)
    exporter = _output_exporter(name)
    headline = billing().generator.generate(
        customer_id,
        BillingPeriod(start_date, end_date),
        services=services,
        access=current_access(),
        exporter=_Answerable(exporter),
    )
    location = {"Location": url_for(".read_report", report_id=headline.id)}
    if name != "json":
        location |= _attachment(headline.id, name)
    return _report_answer(headline.id, name, status=201, headers=location, owed=True)


@blueprint.route("/reports/<id:report_id>/download/")
@blueprint.requires("reports:read")
@blueprint.documented("downloadReport", 404)
@blueprint.arguments(DownloadSchema, location="query", as_kwargs=True)
@blueprint.alt_response(200, schema=ReportSchema, success=True)
@blueprint.alt_response(
    200, schema=_FILES["application/pdf"], content_type="application/pdf", success=True
)
@blueprint.response(200, _FILES["text/csv"], content_type="text/csv", headers=_ATTACHED)
def download_report(report_id: int, **query: str) -> Response:
    """Return one report as a file."""
    name = query["format"]
    return _report_answer(report_id, name, headers=_attachment(report_id, name))


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


@dataclass(frozen=True, slots=True)
class _Answerable:
    """An exporter that is also asked, before anything is stored, whether there is room to answer.

    Without it a report could be filed and its answer refused: the caller would bill twice.
    """

    exporter: ReportExporter

    @property
    def media_type(self) -> str:
        return self.exporter.media_type

    def check(self, content: ReportContent, /) -> None:
        self.exporter.check(content)
        if content.order_count >= MANY_ORDERS:
            large_answers().check()

    def render(self, document: ReportDocument, out: BinaryIO, /) -> None:
        self.exporter.render(document, out)


def _output_exporter(name: str) -> ReportExporter:
    try:
        return billing().archive.exporter(name)
    except UnknownFormatError:
        raise UnknownFormatError(name, of="output format") from None


def _attachment(report_id: int, extension: str) -> dict[str, str]:
    """Name the file by the report's id alone: nothing that users typed gets into a header."""
    filename = f"billing_report_{report_id}.{extension}"
    return {"Content-Disposition": f'attachment; filename="{filename}"'}


def _report_answer(
    report_id: int,
    name: str,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
    owed: bool = False,
) -> Response:
    """Answer a filed report in a format."""
    archive, access = billing().archive, current_access()
    return spooled_answer(
        lambda out: archive.export(report_id, name, out, access=access),
        archive.exporter(name).media_type,
        status=status,
        headers=headers,
        owed=owed,
    )
