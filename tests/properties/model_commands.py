"""The model's commands as the application is given them, and its answers as the model has them."""

from collections.abc import Callable
from datetime import date
from fractions import Fraction
from typing import Any

from billing.domain.access import Access
from billing.domain.audit import Author
from billing.domain.billing_run import ItemKey, Run
from billing.domain.bulk_intake import IntakeResult
from billing.domain.catalog import Customer
from billing.domain.idempotency import KeyedRequest, body_sha256
from billing.domain.keyed_generation import Filed
from billing.domain.order_rows import OrderRows
from billing.domain.period import BillingPeriod
from billing.domain.purge import Purged
from billing.domain.rate_reading import read_rates
from billing.domain.report import ReportHeadline
from billing.domain.report_lifecycle import Terms as ReportTerms
from billing.domain.run_request import RunOptions, RunRequest
from billing.testing.world import EVERYTHING
from tests.properties.model_runs import RunAsk
from tests.properties.model_subjects import Refusal, Subject
from tests.properties.model_values import CURRENCY, Ask, Days, Row, Seen, Terms

Command = Callable[[Subject], Any]
AUTHOR = Author("anyone")


def name(customer_id: int, text: str) -> Command:
    """Save a customer."""

    def save(subject: Subject) -> Any:
        with subject.storage.transaction(EVERYTHING) as tx:
            return tx.customers.save(Customer(customer_id, text, CURRENCY[customer_id]))

    return save


def ingest(rows: list[Row]) -> Command:
    """Store orders."""
    return lambda subject: subject.app.intake.store(rows, OrderRows())


def put_card(customer_id: int, start: str, rates: list[Row]) -> Command:
    """Put a rate card."""
    day, read = date.fromisoformat(start), read_rates(rates)
    return lambda subject: subject.app.rate_book.put(customer_id, day, read)


def generate(ask: Ask) -> Command:
    """File a report."""
    return lambda subject: subject.app.generator.generate(
        ask.customer_id,
        period_of(ask.days),
        services=ask.services,
        only_unbilled=ask.only_unbilled,
    )


def generate_once(key: str, ask: Ask) -> Command:
    """File a report under a key."""
    body = {"ask": str(ask)}
    request = KeyedRequest("anyone", "POST /reports/", key, body_sha256(body))

    def file(subject: Subject) -> Any:
        return subject.app.keyed_generation.generate(
            request,
            ask.customer_id,
            lambda: subject.app.generator.prepare(
                ask.customer_id,
                period_of(ask.days),
                services=ask.services,
                only_unbilled=ask.only_unbilled,
            ),
            access=Access.everything(),
        )

    return file


def finalize(number: int, terms: Terms) -> Command:
    """Make a report final."""
    told = ReportTerms(
        accept_exceptions=terms.accept, reason=terms.reason, supersedes=terms.supersedes
    )
    return lambda subject: subject.app.lifecycle.finalize(number, author=AUTHOR, terms=told)


def void(number: int) -> Command:
    """Make a report void."""
    return lambda subject: subject.app.lifecycle.void(number, author=AUTHOR, reason="wrong")


def purge(customer_id: int, before: str) -> Command:
    """Purge a customer's old orders."""
    day = date.fromisoformat(before)
    return lambda subject: subject.app.purge.run(day, customer_id=customer_id)


def start(ask: RunAsk) -> Command:
    """Queue a run."""
    options = RunOptions(only_unbilled=ask.only_unbilled, finalize=ask.finalize)
    request = RunRequest(period=period_of(ask.days), customers=ask.customers, options=options)
    return lambda subject: subject.app.runs.start(request)


def work(subject: Subject) -> Any:
    """Mend what a crash left, then bill the next item that waits."""
    subject.app.runs.sweep()
    return subject.worker.work()


def period_of(days: Days) -> BillingPeriod:
    """Return a period of the domain."""
    return BillingPeriod(*map(date.fromisoformat, days))


def seen(report: ReportHeadline) -> Seen:
    """Return what is compared of a report."""
    return Seen(
        report.id,
        report.customer_id,
        report.customer_name,
        report.status.value,
        Fraction(report.total_amount),
        report.order_count,
        report.exception_count,
    )


def answer(value: Any) -> Any:
    """Return what the model would say where the application says this."""
    for kind, said in _ANSWERS:
        if isinstance(value, kind):
            return said(value)
    return value


def comparable(value: Any) -> Any:
    """Return what is the same on every storage: all but how long work took."""
    if isinstance(value, Run):
        return value.id, value.state, value.created_at, value.totals
    return value


_ANSWERS: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (Refusal, lambda refusal: refusal.name),
    (ReportHeadline, seen),
    (Filed, lambda filed: (seen(filed.headline), filed.replayed)),
    (IntakeResult, lambda result: (result.created, result.updated, result.unchanged)),
    (Purged, lambda purged: purged.orders),
    (Run, lambda run: run.id),
    (ItemKey, tuple),
    (tuple, lambda card: card[1]),  # A rate card, and whether it is new.
)
