"""ReportLifecycle: what finalizing and voiding do, and when they refuse."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from billing.adapters.memory import MemoryStorage
from billing.domain.access import Access
from billing.domain.audit import Author, state_hash
from billing.domain.errors import (
    BillingError,
    ExceptionsNotAcceptedError,
    InvalidValueError,
    OrdersClaimedError,
    PartialReportError,
    ReportConflictError,
    ReportMoveError,
    ReportNotFoundError,
)
from billing.domain.period import BillingPeriod
from billing.domain.ports import Repositories, Storage
from billing.domain.report import ReportHeadline, ReportStatus
from billing.domain.report_lifecycle import ReportLifecycle, Terms
from billing.domain.report_query import ReportOrder, ReportQuery, Slice
from billing.testing.world import (
    ACME,
    EVERYTHING,
    JANUARY,
    NOON,
    WIDGETS,
    TickingClock,
    fill,
    generator,
    order,
)

ALICE = Author("alice", "request-7")
ACCEPTED = Terms(accept_exceptions=True, reason="agreed by phone")


@dataclass(frozen=True)
class World:
    """A storage with three orders of ACME in January: two billed, one cancelled."""

    storage: Storage

    @property
    def lifecycle(self) -> ReportLifecycle:
        return ReportLifecycle(self.storage, TickingClock())

    def generate(
        self, customer_id: int = ACME, period: BillingPeriod = JANUARY, **options: Any
    ) -> int:
        """File a draft and return its id."""
        return generator(self.storage).generate(customer_id, period, **options).id

    def finalize(self, report_id: int, **terms: Any) -> ReportHeadline:
        """Make a report final."""
        return self.lifecycle.finalize(report_id, author=ALICE, terms=Terms(**terms))

    def void(self, report_id: int) -> ReportHeadline:
        """Make a report void."""
        return self.lifecycle.void(report_id, author=ALICE, reason="wrong prices")

    def add(self, **changes: Any) -> None:
        """Store one more order of ACME's January."""
        with self.storage.transaction(EVERYTHING) as tx:
            tx.orders.save([order(ACME, 9)._replace(**changes)])

    def claims(self, customer_id: int = ACME) -> dict[int, int]:
        """Return who holds the customer's orders."""
        with self.storage.snapshot(EVERYTHING) as view:
            return view.claims.known(customer_id, range(1, 100_000))

    def statuses(self) -> list[str]:
        """Return the statuses of all reports by id."""
        with self.storage.snapshot(EVERYTHING) as view:
            query = ReportQuery(order_by=ReportOrder("id"))
            return [report.status.value for report in view.reports.page(query, Slice())]


@pytest.fixture
def world() -> World:
    """Return the small world in memory, with a cancelled order."""
    storage = MemoryStorage()
    fill(storage)
    with storage.transaction(EVERYTHING) as tx:
        tx.orders.save([order(ACME, 3)._replace(status="Cancelled")])
    return World(storage)


def test_finalizing_claims_the_orders_that_are_not_cancelled(world: World) -> None:
    """All of the period, and of no other customer; the status is all that differs."""
    draft = world.generate()
    with world.storage.snapshot(EVERYTHING) as view:
        before = view.reports.find(draft)
    final = world.finalize(draft)
    assert final.status is ReportStatus.FINAL
    assert final.content_hash == before.content_hash
    assert world.claims() == {1: draft, 2: draft}
    assert world.claims(WIDGETS) == {}


def test_orders_that_are_not_billed_are_claimed_too(world: World) -> None:
    """An accepted exception is settled: it is in no later bill by itself."""
    world.add(items=None)
    draft = world.generate()
    assert world.lifecycle.finalize(draft, author=ALICE, terms=ACCEPTED).exception_count == 1
    assert world.claims() == {1: draft, 2: draft, 9: draft}


def test_exceptions_block_until_they_are_accepted_with_a_reason(world: World) -> None:
    """Neither the word nor the reason alone will do; nothing is changed by a refusal."""
    world.add(items=None)
    draft = world.generate()
    for terms in (Terms(), Terms(accept_exceptions=True), Terms(reason="agreed")):
        with pytest.raises(ExceptionsNotAcceptedError, match=r"^1 order is not, or not fully"):
            world.lifecycle.finalize(draft, author=ALICE, terms=terms)
    assert world.statuses() == ["draft"]
    assert world.claims() == {}
    assert world.lifecycle.history(draft) == []


def test_who_when_and_why_are_kept(world: World) -> None:
    """Each move is an entry with the report's state before and after, oldest first."""
    world.add(items=None)
    draft = world.generate()
    lifecycle = world.lifecycle
    lifecycle.finalize(draft, author=ALICE, terms=ACCEPTED)
    report = lifecycle.void(draft, author=Author("bob"), reason="sent twice")
    finalized, voided = lifecycle.history(draft)
    assert (finalized.action, voided.action) == ("report.finalized", "report.voided")
    assert (finalized.author, voided.author) == (ALICE, Author("bob"))
    assert (finalized.at, voided.customer_id) == (NOON, ACME)
    assert finalized.details == {
        "reason": "agreed by phone",
        "accepted_exceptions": 1,
        "supersedes": None,
        "claimed": 3,
    }
    assert voided.details == {"reason": "sent twice", "was": "final", "released": 3}
    assert finalized.hash_after == voided.hash_before
    state = {"id": draft, "content_hash": report.content_hash, "status": "void"}
    assert voided.hash_after == state_hash(state)


def test_finalizing_a_final_report_changes_nothing(world: World) -> None:
    """It answers the report; nobody finalized it a second time."""
    draft = world.generate()
    final = world.finalize(draft)
    assert world.finalize(draft, reason="again") == final
    assert len(world.lifecycle.history(draft)) == 1


def test_no_order_is_in_two_final_reports(world: World) -> None:
    """The refusal names the orders and who holds them; nothing of it stays."""
    first = world.generate()
    world.finalize(first)
    world.add()
    second = world.generate()
    with pytest.raises(OrdersClaimedError) as refused:
        world.finalize(second)
    assert str(refused.value) == (
        f"Final reports already bill orders of report {second}: "
        f"1 (report {first}), 2 (report {first})"
    )
    assert world.claims() == {1: first, 2: first}
    assert world.statuses() == ["final", "draft"]


def test_a_clash_names_ten_orders(world: World) -> None:
    """And says that there are more."""
    with world.storage.transaction(EVERYTHING) as tx:
        tx.orders.save([order(ACME, number) for number in range(100, 12_100)])
    world.finalize(world.generate())
    with pytest.raises(OrdersClaimedError) as refused:
        world.finalize(world.generate())
    assert str(refused.value).count("(report 1)") == 10
    assert str(refused.value).endswith(" and more")


def test_adjacent_periods_can_both_be_final(world: World) -> None:
    """Each claims its own orders."""
    early = BillingPeriod(date(2023, 1, 1), date(2023, 1, 10))
    late = BillingPeriod(date(2023, 1, 11), date(2023, 1, 31))
    first, second = world.generate(period=early), world.generate(period=late)
    world.finalize(first)
    world.finalize(second)
    assert world.claims() == {2: first, 1: second}


def test_voiding_frees_the_orders(world: World) -> None:
    """Another report may bill them then."""
    first = world.generate()
    world.finalize(first)
    assert world.void(first).status is ReportStatus.VOID
    assert world.claims() == {}
    second = world.generate()
    world.finalize(second)
    assert world.claims() == {1: second, 2: second}


def test_a_draft_may_be_voided(world: World) -> None:
    """It held nothing."""
    draft = world.generate()
    assert world.void(draft).status is ReportStatus.VOID
    (entry,) = world.lifecycle.history(draft)
    assert entry.details == {"reason": "wrong prices", "was": "draft", "released": 0}


def test_void_is_the_end(world: World) -> None:
    """A void report neither becomes final nor void again."""
    draft = world.generate()
    world.void(draft)
    with pytest.raises(ReportMoveError, match=r"^Report 1 is void and cannot become final$"):
        world.finalize(draft)
    with pytest.raises(ReportMoveError, match=r"^Report 1 is void already$"):
        world.void(draft)
    assert len(world.lifecycle.history(draft)) == 1


def test_a_partial_report_is_never_final(world: World) -> None:
    """Its orders would be claimed with costs that nobody ever bills."""
    draft = world.generate(services=[1])
    with pytest.raises(PartialReportError):
        world.lifecycle.finalize(draft, author=ALICE, terms=ACCEPTED)
    assert world.claims() == {}


@pytest.mark.parametrize("was_final", [True, False])
def test_superseding_voids_and_claims_in_one_step(world: World, was_final: bool) -> None:
    """The old report's orders pass to the new one; both moves are recorded."""
    old = world.generate()
    if was_final:
        world.finalize(old)
    world.add()
    new = world.generate()
    world.finalize(new, supersedes=old, reason="an order was missing")
    assert world.statuses() == ["void", "final"]
    assert world.claims() == {1: new, 2: new, 9: new}
    voided = world.lifecycle.history(old)[-1]
    assert voided.details == {
        "reason": "an order was missing",
        "superseded_by": new,
        "was": "final" if was_final else "draft",
        "released": 2 if was_final else 0,
    }
    assert world.lifecycle.history(new)[0].details["supersedes"] == old
    assert world.finalize(new, supersedes=old).status is ReportStatus.FINAL


@pytest.mark.parametrize(
    ("which", "refusal"),
    [
        ("missing", InvalidValueError),
        ("itself", InvalidValueError),
        ("foreign", InvalidValueError),
        ("void", ReportMoveError),
    ],
)
def test_what_cannot_be_superseded(world: World, which: str, refusal: type[BillingError]) -> None:
    """Nothing is changed then."""
    draft, foreign, void = world.generate(), world.generate(WIDGETS), world.generate()
    world.void(void)
    others = {"missing": 99, "itself": draft, "foreign": foreign, "void": void}
    with pytest.raises(refusal):
        world.finalize(draft, supersedes=others[which])
    assert world.statuses() == ["draft", "draft", "void"]
    assert world.claims() == {}


def test_a_final_report_supersedes_nothing_later(world: World) -> None:
    """Answering it unchanged would leave the caller to think that the other one is void."""
    early = BillingPeriod(date(2023, 1, 1), date(2023, 1, 10))
    old, new = world.generate(period=early), world.generate()
    world.finalize(new)
    with pytest.raises(ReportConflictError, match="void that one by itself"):
        world.finalize(new, supersedes=old)
    assert world.statuses() == ["draft", "final"]


def test_reports_of_other_customers_do_not_exist(world: World) -> None:
    """Not to finalize, not to void, not to look back on."""
    draft = world.generate()
    mine = Access.only([WIDGETS])
    with pytest.raises(ReportNotFoundError):
        world.lifecycle.finalize(draft, author=ALICE, access=mine)
    with pytest.raises(ReportNotFoundError):
        world.lifecycle.void(draft, author=ALICE, reason="mine", access=mine)
    with pytest.raises(ReportNotFoundError):
        world.lifecycle.history(draft, access=mine)
    assert world.statuses() == ["draft"]


class BrokenStorage:
    """A storage whose transactions fail when the act is recorded: after all else is done."""

    def __init__(self, inner: Storage) -> None:
        self._inner = inner
        self.snapshot = inner.snapshot

    @contextmanager
    def transaction(self, access: Access, /) -> Iterator[Repositories]:
        """Hand out the repositories, the audit trail apart."""
        with self._inner.transaction(access) as tx:
            broken: Any = tx
            broken.audit = self
            yield broken

    def record(self, act: object, /) -> None:
        """Fail at the second act: the first is the voiding of what is superseded."""
        if getattr(act, "action", None) == "report.finalized":
            raise OSError


def test_a_failure_in_the_middle_leaves_all_as_it_was(world: World) -> None:
    """Superseding is atomic: no report is void, no order free, nothing is recorded."""
    old = world.generate()
    world.finalize(old)
    new = world.generate()
    broken = ReportLifecycle(BrokenStorage(world.storage), TickingClock())
    with pytest.raises(OSError):  # noqa: PT011 - it is all that it says
        broken.finalize(new, author=ALICE, terms=Terms(supersedes=old))
    assert world.statuses() == ["final", "draft"]
    assert world.claims() == {1: old, 2: old}
    assert world.lifecycle.history(new) == []
    assert len(world.lifecycle.history(old)) == 1
