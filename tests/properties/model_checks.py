"""What holds after each step: an application says what the model says, and nothing filed moved."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from billing.domain.order_states import ReconciledOrder
from billing.domain.ports import Repositories
from billing.domain.report import ReportHeadline, ReportStatus
from billing.domain.report_query import ReportOrder, ReportQuery, Slice
from billing.testing.world import EVERYTHING
from tests.properties.model import Model
from tests.properties.model_commands import seen
from tests.properties.model_runs import Runs
from tests.properties.model_subjects import Subject, digest
from tests.properties.model_values import CURRENCY, is_cancelled

ORDER_IDS = range(1, 10)


class Filed:
    """Reports as they were first seen, on whichever storage: none may ever be different."""

    def __init__(self) -> None:
        self._headlines: dict[int, ReportHeadline] = {}
        self._digests: dict[int, str] = {}

    def hold(self, reports: list[ReportHeadline]) -> None:
        """Hold headlines to what they were, status apart."""
        for report in reports:
            draft = replace(report, status=ReportStatus.DRAFT)
            assert self._headlines.setdefault(report.id, draft) == draft

    def hold_bytes(self, subject: Subject, report_id: int) -> None:
        """Hold a report's bytes to what they were, and its sums to each other."""
        document = subject.app.archive.open(report_id)
        said = digest(document)
        assert self._digests.setdefault(report_id, said) == said
        total = document.content.total_amount
        assert sum((o.total_amount for o in document.orders()), Decimal(0)) == total
        assert sum((t.amount for t in document.service_totals), Decimal(0)) == total


def check_state(subject: Subject, model: Model, runs: Runs, filed: Filed) -> None:
    """Compare all that a caller can read with the model."""
    with subject.app.storage.snapshot(EVERYTHING) as view:
        reports = list(view.reports.page(ReportQuery(order_by=ReportOrder("id")), Slice()))
        assert list(map(seen, reports)) == [report.seen for report in model.reports]
        filed.hold(reports)
        _check_claims(view, model)
        _check_runs(view, runs)
    _check_summaries(subject, model)
    _check_states(subject, model)


def check_for_good(subject: Subject, model: Model, filed: Filed) -> None:
    """Verify every report, and hold every byte to what it was."""
    verdicts = list(subject.app.verification.verify_all())
    assert [(v.report_id, v.difference) for v in verdicts] == [
        (report.id, None) for report in model.reports
    ]
    for report in model.reports:
        filed.hold_bytes(subject, report.id)


def _check_claims(view: Repositories, model: Model) -> None:
    for customer_id in CURRENCY:
        mine = {key[1]: held for key, held in model.claims.items() if key[0] == customer_id}
        assert view.claims.known(customer_id, ORDER_IDS) == mine
    unbilled = {
        key
        for key, row in model.orders.items()
        if key not in model.claims and not is_cancelled(row)
    }
    found = list(view.orders.page(None, None, None, Slice(), unbilled=True))
    assert [(o.customer_id, o.order_id) for o in found] == sorted(unbilled)


def _check_runs(view: Repositories, runs: Runs) -> None:
    assert view.runs.count() == len(runs.all)
    for number, run in enumerate(runs.all, start=1):
        assert view.runs.find(number).state.value == run.state
        items = {item.customer_id: item.state.value for item in view.runs.items(number, Slice())}
        assert items == run.states


def _check_summaries(subject: Subject, model: Model) -> None:
    expected: dict[int, Fraction] = {}
    for report in model.reports:
        if report.status != "void":
            before = expected.get(report.customer_id, Fraction(0))
            expected[report.customer_id] = before + report.seen.total
    summaries = subject.app.archive.summaries()
    assert {s.customer_id: Fraction(s.total_amount) for s in summaries} == expected


def _check_states(subject: Subject, model: Model) -> None:
    taken: list[ReconciledOrder] = []
    sums = subject.app.reconciliation.run(taken.append)
    by_key = {(order.customer_id, order.order_id): order for order in taken}
    assert len(taken) == len(by_key)
    assert by_key.keys() == model.orders.keys()
    for key, order in by_key.items():
        assert order.state.value in model.state(key), key
        holder = model.claims.get(key)
        if holder is not None:
            assert order.reports == (holder,)
            billed = model.reports[holder - 1].amounts.get(key[1], Fraction(0))
            assert Fraction(order.amount or 0) == billed
    for of_customer in sums:
        mine = [order for order in taken if order.customer_id == of_customer.customer.id]
        assert of_customer.orders.total() == len(mine)
        claimed = [o for o in mine if (o.customer_id, o.order_id) in model.claims]
        billed_amounts = (Fraction(order.amount or 0) for order in claimed)
        assert Fraction(of_customer.billed_amount) == sum(billed_amounts, Fraction(0))
