"""ReportLifecycle: makes drafts final and reports void; a final report claims its orders."""

import json
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from billing.domain.access import Access
from billing.domain.audit import AuditAct, AuditEntry, AuditQuery, Author, state_hash
from billing.domain.errors import (
    ExceptionsNotAcceptedError,
    InvalidValueError,
    OrdersClaimedError,
    PartialReportError,
    ReportConflictError,
    ReportMoveError,
    ReportNotFoundError,
)
from billing.domain.orders import CANCELLED
from billing.domain.pages import inflate
from billing.domain.ports import Clock, Repositories, Storage
from billing.domain.report import ReportHeadline, ReportStatus
from billing.domain.report_archive import stored_pages
from billing.domain.report_query import Slice
from billing.domain.retries import retried

FINALIZED = "report.finalized"
VOIDED = "report.voided"
REPORT = "report"
CLAIMS_A_STATEMENT = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On what terms a report becomes final.

    accept_exceptions: orders that are not, or not fully, billed stay so, for the `reason`.
    supersedes: a report of the same customer that becomes void in the same step.
    """

    accept_exceptions: bool = False
    reason: str | None = None
    supersedes: int | None = None


class ReportLifecycle:
    """Moves reports: draft to final, draft or final to void. Who, when and why is recorded.

    All moves of one customer's reports take turns; what decides is the storage's own
    constraint, an order being claimed once.
    """

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock

    def finalize(
        self,
        report_id: int,
        *,
        author: Author,
        terms: Terms | None = None,
        access: Access | None = None,
    ) -> ReportHeadline:
        """Make a draft final and claim all orders of its period that are not cancelled.

        A final report is returned unchanged. Takes 8 bytes of memory an order. Raises
        ReportNotFoundError, InvalidValueError for a report that cannot be superseded by this one,
        and a ReportConflictError: ReportMoveError for a void report, PartialReportError,
        ExceptionsNotAcceptedError, OrdersClaimedError.
        """
        access, terms = access or Access.everything(), terms or Terms()
        with self._storage.snapshot(access) as view:
            report = view.reports.find(report_id)
            if _is_settled(view, report, terms):
                return report
        # Read before the lock is taken: pages never change, and SQLite has one lock for all.
        orders = array("q")
        for page in stored_pages(self._storage, report_id, "evidence", access):
            orders.extend(_claimable(inflate(page.body)))
        return retried(partial(self._finalize, report_id, orders, author, terms, access))

    def void(
        self, report_id: int, *, author: Author, reason: str, access: Access | None = None
    ) -> ReportHeadline:
        """Make a draft or a final report void and free the orders that it holds.

        Raises ReportNotFoundError, and ReportMoveError for a void report.
        """

        def move() -> ReportHeadline:
            with self._storage.transaction(access or Access.everything()) as tx:
                return self._void(tx, _held(tx, report_id), author, {"reason": reason})

        return retried(move)

    def history(self, report_id: int, *, access: Access | None = None) -> list[AuditEntry]:
        """Return what was done to a report since it was filed, oldest first."""
        with self._storage.snapshot(access or Access.everything()) as view:
            view.reports.find(report_id)
            query = AuditQuery(object_kind=REPORT, object_id=str(report_id))
            return list(view.audit.page(query, Slice()))[::-1]

    def _finalize(
        self, report_id: int, orders: "array[int]", author: Author, terms: Terms, access: Access
    ) -> ReportHeadline:
        with self._storage.transaction(access) as tx:
            report = _held(tx, report_id)
            if _is_settled(tx, report, terms):
                return report
            if terms.supersedes is not None:
                superseded = _superseded(tx, report, terms.supersedes)
                why = {"reason": terms.reason, "superseded_by": report.id}
                self._void(tx, superseded, author, why)
            _claim(tx, report, orders)
            final = _moved(tx, report, ReportStatus.FINAL)
            details = {
                "reason": terms.reason,
                "accepted_exceptions": report.exception_count,
                "supersedes": terms.supersedes,
                "claimed": len(orders),
            }
            self._record(tx, FINALIZED, author, report, final, details)
            return final

    def _void(
        self, tx: Repositories, report: ReportHeadline, author: Author, details: Mapping[str, Any]
    ) -> ReportHeadline:
        void = _moved(tx, report, ReportStatus.VOID)
        released = tx.claims.release(report.id)
        details = {**details, "was": report.status.value, "released": released}
        self._record(tx, VOIDED, author, report, void, details)
        return void

    def _record(
        self,
        tx: Repositories,
        action: str,
        author: Author,
        before: ReportHeadline,
        after: ReportHeadline,
        details: Mapping[str, Any],
    ) -> None:
        tx.audit.record(
            AuditAct(
                at=self._clock.now().replace(microsecond=0),
                author=author,
                action=action,
                object_kind=REPORT,
                object_id=str(before.id),
                customer_id=before.customer_id,
                hash_before=_state_hash(before),
                hash_after=_state_hash(after),
                details=details,
            )
        )


def _held(tx: Repositories, report_id: int) -> ReportHeadline:
    """Return the report as it is once all other moves of its customer's reports are done."""
    tx.customers.hold(tx.reports.find(report_id).customer_id)
    return tx.reports.find(report_id)


def _is_settled(view: Repositories, report: ReportHeadline, terms: Terms) -> bool:
    """Tell whether all is as asked already; refuse what cannot become final on these terms."""
    if report.status is ReportStatus.FINAL:
        _check_superseded(view, report, terms)
        return True
    if not report.status.may_become(ReportStatus.FINAL):
        raise ReportMoveError(report.id, report.status, ReportStatus.FINAL)
    if report.services is not None:
        raise PartialReportError(report.id)
    if report.exception_count and not (terms.accept_exceptions and terms.reason):
        raise ExceptionsNotAcceptedError(report.id, report.exception_count)
    _check_superseded(view, report, terms)
    return False


def _check_superseded(view: Repositories, report: ReportHeadline, terms: Terms) -> None:
    """Refuse what this report cannot supersede; a final one only what it superseded, or void."""
    if terms.supersedes is None:
        return
    superseded = _superseded(view, report, terms.supersedes)
    if report.status is ReportStatus.FINAL:
        if superseded.status is not ReportStatus.VOID:
            raise ReportConflictError(
                f"Report {report.id} is final already and did not supersede report "
                f"{superseded.id}: void that one by itself"
            )
    elif not superseded.status.may_become(ReportStatus.VOID):
        raise ReportMoveError(superseded.id, superseded.status, ReportStatus.VOID)


def _superseded(view: Repositories, report: ReportHeadline, number: int) -> ReportHeadline:
    if number == report.id:
        raise InvalidValueError("A report cannot supersede itself.", field="supersedes")
    try:
        found = view.reports.find(number)
    except ReportNotFoundError:
        found = None
    if found is None or found.customer_id != report.customer_id:
        raise InvalidValueError(
            f"Customer {report.customer_id} has no report {number}.", field="supersedes"
        )
    return found


def _claimable(evidence: bytes) -> list[int]:
    """Return the orders of a page that are not cancelled: those that a report is final on."""
    return [
        entry["order_id"]
        for entry in json.loads(b"[" + evidence + b"]")
        if (entry.get("status") or "").casefold() not in CANCELLED
    ]


def _claim(tx: Repositories, report: ReportHeadline, orders: "array[int]") -> None:
    """Claim the orders, or name those that other reports hold."""
    holders: dict[int, int] = {}
    for start in range(0, len(orders), CLAIMS_A_STATEMENT):
        part = orders[start : start + CLAIMS_A_STATEMENT].tolist()
        holders.update(tx.claims.add(report.customer_id, report.id, part))
        if len(holders) > OrdersClaimedError.NAMED:
            break
    if holders:
        raise OrdersClaimedError(report.id, holders)


def _moved(tx: Repositories, report: ReportHeadline, status: ReportStatus) -> ReportHeadline:
    if not tx.reports.move(report.id, report.status, status):
        raise ReportMoveError(report.id, tx.reports.find(report.id).status, status)
    return tx.reports.find(report.id)


def _state_hash(report: ReportHeadline) -> str:
    """Return the hash of all that a report is: its content never changes, its status does."""
    state = {"id": report.id, "content_hash": report.content_hash, "status": report.status.value}
    return state_hash(state)
