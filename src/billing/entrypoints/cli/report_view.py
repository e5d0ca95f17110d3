"""Report view: a report and lists of reports as a person reads them; amounts are exact."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, BinaryIO

from billing.bootstrap import Billing
from billing.domain.audit import AuditEntry
from billing.domain.document import ReportDocument, instant_text
from billing.domain.report import BilledOrder, ReportContent, ReportException, ReportHeadline
from billing.entrypoints.cli.output import table, write_lines

ORDERS_SHOWN = 20
_AMOUNTS = ("current_amount", "draft_amount", "difference")
_COMPARED = ("IN FORCE", "DRAFT", "DIFFERENCE")


def list_lines(headlines: Iterable[ReportHeadline]) -> Iterator[str]:
    """Return the table of a list of reports."""
    return table(
        ("ID", "CUSTOMER", "NAME", "FROM", "TO", "CREATED", "STATUS", "ORDERS", "TOTAL", ""),
        map(_row, headlines),
        right=("ID", "CUSTOMER", "ORDERS", "TOTAL"),
    )


def report_lines(document: ReportDocument, *, most_orders: int | None) -> Iterator[str]:
    """Return a report: its head, its totals, its first orders and its exceptions."""
    content = document.content
    yield from _head(content)
    yield ""
    totals = ((str(t.service_id), t.service_name, f"{t.amount:f}") for t in document.service_totals)
    yield from table(("SERVICE", "NAME", "AMOUNT"), totals, right=("SERVICE", "AMOUNT"))
    yield ""
    orders = islice(document.orders(), most_orders)
    yield from table(
        ("ORDER", "REFERENCE", "DATE", "AMOUNT", "SERVICES"),
        map(_order_row, orders),
        right=("ORDER", "AMOUNT"),
    )
    if most_orders is not None and content.order_count > most_orders:
        yield f"… and {content.order_count - most_orders} more orders (--all shows them)"
    yield from _exception_lines(document.exceptions(), most_orders)


def write_report(
    billing: Billing,
    report_id: int,
    name: str,
    out: BinaryIO,
    *,
    most_orders: int | None = ORDERS_SHOWN,
) -> None:
    """Write a report in a format, or as a table with what became of it."""
    if name == "table":
        write_lines(out, report_lines(billing.archive.open(report_id), most_orders=most_orders))
        write_lines(out, _move_lines(billing.lifecycle.history(report_id)))
    else:
        billing.archive.export(report_id, name, out)


def comparison_lines(comparison: Mapping[str, Any], currency: str) -> Iterator[str]:
    """Return what a draft card changes: in all, by service, and where it changes most."""
    current, draft, difference = (comparison[name] for name in _AMOUNTS)
    yield ""
    yield f"In force   {current:f} {currency}"
    yield f"Draft      {draft:f} {currency} ({difference:+f})"
    yield ""
    yield from table(
        ("SERVICE", "NAME", *_COMPARED),
        (
            (str(row["service_id"]), row["service_name"], *_compared(row))
            for row in comparison["services"]
        ),
        right=("SERVICE", *_COMPARED),
    )
    if comparison["orders"]:
        yield ""
        yield from table(
            ("CHANGED MOST", *_COMPARED),
            ((str(row["order_id"]), *_compared(row)) for row in comparison["orders"]),
            right=("CHANGED MOST", *_COMPARED),
        )


def _move_lines(moves: Sequence[AuditEntry]) -> Iterator[str]:
    """Return who made a report final or void, when and why."""
    if not moves:
        return
    yield ""
    yield from table(("WHAT", "WHEN", "WHO", "WHY", ""), map(_move_row, moves))


def _move_row(move: AuditEntry) -> tuple[str, ...]:
    said = [
        f"{name.replace('_', ' ')} {move.details[name]}"
        for name in ("accepted_exceptions", "supersedes", "superseded_by")
        if move.details.get(name)
    ]
    return (
        move.action.removeprefix("report."),
        instant_text(move.at),
        move.author.name,
        move.details["reason"] or "",
        ", ".join(said),
    )


def _compared(row: Mapping[str, Any]) -> tuple[str, str, str]:
    current, draft, difference = (row[name] for name in _AMOUNTS)
    return f"{current:f}", f"{draft:f}", f"{difference:+f}" if difference else f"{difference:f}"


def _exception_lines(exceptions: Iterator[ReportException], most: int | None) -> Iterator[str]:
    first = next(exceptions, None)
    if first is None:
        return
    shown = islice(chain([first], exceptions), most)
    yield ""
    yield from table(
        ("NOT OR PARTLY BILLED", "WHY", "PROBLEMS"),
        map(_exception_row, shown),
        right=("NOT OR PARTLY BILLED",),
    )
    if next(exceptions, None) is not None:
        yield "… and more (--all shows them)"


def _head(content: ReportContent) -> Iterator[str]:
    if isinstance(content, ReportHeadline):
        yield f"Report     {content.id} ({content.status})"
        yield f"Created    {instant_text(content.created_at)}"
    yield f"Customer   {content.customer_id} {content.customer_name}"
    yield f"Period     {content.period.start} to {content.period.end}"
    if content.services is not None:
        yield f"Partial    only services {', '.join(map(str, content.services))}"
    yield f"Orders     {content.order_count}"
    yield f"Exceptions {content.exception_count}"
    yield f"Total      {content.total_amount:f} {content.currency}"


def _row(headline: ReportHeadline) -> tuple[str, ...]:
    return (
        str(headline.id),
        str(headline.customer_id),
        headline.customer_name,
        str(headline.period.start),
        str(headline.period.end),
        instant_text(headline.created_at),
        headline.status,
        str(headline.order_count),
        f"{headline.total_amount:f}",
        headline.currency,
    )


def _order_row(order: BilledOrder) -> tuple[str, ...]:
    return (
        str(order.order_id),
        order.reference_number or "",
        str(order.order_date),
        f"{order.total_amount:f}",
        ", ".join(f"{cost.service_name} {cost.amount:f}" for cost in order.service_costs),
    )


def _exception_row(exception: ReportException) -> tuple[str, str, str]:
    return (
        str(exception.order_id),
        exception.reason.replace("_", " "),
        "; ".join(exception.problems),
    )
