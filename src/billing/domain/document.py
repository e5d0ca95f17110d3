"""The canonical form of a report: the very JSON bytes that its detail shows, and its hash."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from json.encoder import encode_basestring as quote
from typing import Any, Protocol

from billing.domain.costs import ServiceTotal
from billing.domain.customer_summary import CustomerSummary
from billing.domain.pages import Page, Section
from billing.domain.report import (
    BilledOrder,
    BilledService,
    ReportContent,
    ReportException,
    ReportHeadline,
    ReportStatus,
)
from billing.domain.strict_json import dumps

# An order or a cost begins with its id, and no text inside a string looks so: there a quotation
# mark is escaped.
_COSTS = re.compile(
    r"""\{"order_id":([0-9]+)"""
    r"""|\{"service_id":([0-9]+),"service_name":("(?:[^"\\]++|\\.)*+"),"amount":(-?[0-9.]+)"""
)

CostTexts = tuple[str, str, str, str]
"""One cost: order id, service id, service name, amount; the numbers as JSON has them."""


@dataclass(frozen=True, slots=True)
class ReportDocument:
    """A report as exporters read it: small parts at hand, sections page by page.

    content: a ReportHeadline once filed; a preview has neither id nor created_at.
    section: gives the inflated text of a section's pages, in order. comparison: of a preview
    by a draft card with the cards in force.
    """

    content: ReportContent
    service_totals: tuple[ServiceTotal, ...]
    letterhead: str
    section: Callable[[Section], Iterator[bytes]]
    comparison: dict[str, Any] | None = None

    def entries(self, section: Section) -> Iterator[dict[str, Any]]:
        """Return a section's entries as plain JSON objects; amounts keep their text as str."""
        for text in self.section(section):
            yield from json.loads(b"[" + text + b"]", parse_float=str)

    def orders(self) -> Iterator[BilledOrder]:
        """Return the billed orders by order_date, then order_id."""
        return map(_billed_order, self.entries("orders"))

    def costs(self) -> Iterator[CostTexts]:
        """Return every cost of the billed orders, in their order.

        Found in the canonical text instead of parsed out of it: most of a CSV's time was parsing,
        and this takes a fourth of it.
        """
        names: dict[str, str] = {}
        order_id = ""
        for text in self.section("orders"):
            for order, service_id, name, amount in _COSTS.findall(text.decode()):
                if order:
                    order_id = order
                    continue
                if name not in names:
                    names[name] = json.loads(name)
                yield order_id, service_id, names[name], amount

    def exceptions(self) -> Iterator[ReportException]:
        """Return the orders that are not, or not fully, billed."""
        for entry in self.entries("exceptions"):
            yield ReportException(entry["order_id"], entry["reason"], tuple(entry["problems"]))


class FilableReport(Protocol):
    """A prepared report, as storage takes it in."""

    @property
    def content(self) -> ReportContent: ...

    @property
    def service_totals(self) -> tuple[ServiceTotal, ...]: ...

    @property
    def letterhead(self) -> str: ...

    def pages(self, section: Section, /) -> Iterator[Page]:
        """Return a section's pages, in order."""


def detail_chunks(document: ReportDocument) -> Iterator[bytes]:
    """Return the detail as the API answers it, in pieces: published fields first."""
    content = document.content
    fields = _published_fields(content)
    fields.append(f'"service_totals":{service_totals_text(document.service_totals)}')
    yield f'{{{",".join(fields)},"orders":['.encode()
    separator = b""
    for text in document.section("orders"):
        yield separator
        yield text  # By itself: to copy it behind a comma would move every byte once more.
        separator = b","
    additional = _additional_fields(content)
    if document.comparison is not None:
        additional.append(f'"compared_with_current":{dumps(document.comparison)}')
    yield f"],{','.join(additional)}}}".encode()


def summary_text(headline: ReportHeadline) -> str:
    """Return the summary of a report as the API lists it."""
    fields = _published_fields(headline)
    fields.append(f'"order_count":{headline.order_count}')
    return f"{{{','.join(fields + _additional_fields(headline))}}}"


def customer_summary_text(summary: CustomerSummary) -> str:
    """Return one object of the customer summary."""
    return (
        f'{{"customer_id":{summary.customer_id},"customer_name":{quote(summary.customer_name)}'
        f',"report_count":{summary.report_count},"total_amount":{summary.total_amount:f}'
        f',"first_report":"{instant_text(summary.first_report)}"'
        f',"latest_report":"{instant_text(summary.latest_report)}"'
        f',"currency":"{summary.currency}","final_amount":{summary.final_amount:f}}}'
    )


def service_totals_text(totals: tuple[ServiceTotal, ...]) -> str:
    """Return the totals as an object keyed by service id, ascending by number."""
    return (
        "{"
        + ",".join(
            f'"{total.service_id}":{{"service_name":{quote(total.service_name)}'
            f',"amount":{total.amount:f}}}'
            for total in totals
        )
        + "}"
    )


def read_service_totals(text: str) -> tuple[ServiceTotal, ...]:
    """Read what service_totals_text wrote."""
    totals = json.loads(text, parse_float=Decimal)
    return tuple(
        ServiceTotal(int(key), total["service_name"], Decimal(total["amount"]))
        for key, total in totals.items()
    )


def content_hash(
    content: ReportContent,
    service_totals: tuple[ServiceTotal, ...],
    letterhead: str,
    *,
    orders: str,
    exceptions: str,
) -> str:
    """Return the SHA-256, in hex, over all a report says, without id, time and status.

    It is taken over the JSON text of the header and totals, with the SHA-256 of the `orders`
    and of the `exceptions` array as its last two members: whoever holds the detail and the
    exceptions can compute it again.
    """
    fields = [
        *_identifying_fields(content),
        f'"total_amount":{content.total_amount:f}',
        f'"service_totals":{service_totals_text(service_totals)}',
        f'"currency":"{content.currency}"',
        f'"order_count":{content.order_count}',
        f'"exception_count":{content.exception_count}',
        f'"services":{_services_text(content.services)}',
        f'"letterhead":{quote(letterhead)}',
        f'"orders":"{orders}"',
        f'"exceptions":"{exceptions}"',
    ]
    return hashlib.sha256(f"{{{','.join(fields)}}}".encode()).hexdigest()


SECONDS = len("YYYY-MM-DDTHH:MM:SS")


def instant_text(instant: datetime) -> str:
    """Write an aware instant as RFC 3339 in UTC with whole seconds."""
    return f"{instant.astimezone(UTC).isoformat()[:SECONDS]}Z"


def _published_fields(content: ReportContent) -> list[str]:
    fields = _identifying_fields(content)
    if isinstance(content, ReportHeadline):
        fields.insert(0, f'"id":{content.id}')
        fields.append(f'"created_at":"{instant_text(content.created_at)}"')
    fields.append(f'"total_amount":{content.total_amount:f}')
    return fields


def _identifying_fields(content: ReportContent) -> list[str]:
    return [
        f'"customer_id":{content.customer_id}',
        f'"customer_name":{quote(content.customer_name)}',
        f'"start_date":"{content.period.start.isoformat()}"',
        f'"end_date":"{content.period.end.isoformat()}"',
    ]


def _additional_fields(content: ReportContent) -> list[str]:
    # A preview is what a draft would be.
    status = content.status if isinstance(content, ReportHeadline) else ReportStatus.DRAFT
    fields = [
        f'"currency":"{content.currency}"',
        f'"status":"{status}"',
        f'"exception_count":{content.exception_count}',
        f'"content_hash":"{content.content_hash}"',
    ]
    if content.services is not None:
        fields.append(f'"services":{_services_text(content.services)}')
    return fields


def _services_text(services: tuple[int, ...] | None) -> str:
    return "null" if services is None else f"[{','.join(map(str, services))}]"


def _billed_order(entry: dict[str, Any]) -> BilledOrder:
    costs = tuple(
        BilledService(
            cost["service_id"],
            cost["service_name"],
            Decimal(cost["amount"]),
            Decimal(cost["quantity"]) if cost.get("quantity") is not None else None,
            cost["rate"]["card"] if "rate" in cost else None,
            cost["rate"]["index"] if "rate" in cost else None,
        )
        for cost in entry["service_costs"]
    )
    return BilledOrder(
        entry["order_id"],
        entry["reference_number"],
        date.fromisoformat(entry["order_date"]),
        Decimal(entry["total_amount"]),
        costs,
    )
