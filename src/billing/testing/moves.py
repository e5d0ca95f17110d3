"""StorageContract, part of the moves: a report's status is all of it that ever changes."""

from dataclasses import replace

import pytest

from billing.domain.access import Access
from billing.domain.customer_summary import summarise
from billing.domain.errors import ReportMoveError, ReportNotFoundError
from billing.domain.pages import SECTIONS
from billing.domain.ports import Storage
from billing.domain.report import ReportHeadline, ReportStatus
from billing.domain.report_query import ReportQuery, Slice
from billing.testing.world import ACME, EVERYTHING, JANUARY, WIDGETS, fill, generator

DRAFT, FINAL, VOID = ReportStatus.DRAFT, ReportStatus.FINAL, ReportStatus.VOID


class MovesContract:
    """What every Storage does when a report moves."""

    @pytest.fixture
    def filed(self, storage: Storage) -> list[ReportHeadline]:
        """Return three drafts: two of one customer, one of another."""
        fill(storage)
        maker = generator(storage)
        return [maker.generate(customer_id, JANUARY) for customer_id in (ACME, ACME, WIDGETS)]

    def test_a_move_changes_the_status_alone(
        self, storage: Storage, filed: list[ReportHeadline]
    ) -> None:
        """Headline, totals, letterhead and every page stay; no other report moves."""
        first, *others = filed
        with storage.snapshot(EVERYTHING) as view:
            kept = view.reports.totals(first.id)
            pages = [view.reports.pages(first.id, section, 0, 10) for section in SECTIONS]
        for before, after in ((DRAFT, FINAL), (FINAL, VOID)):
            with storage.transaction(EVERYTHING) as tx:
                assert tx.reports.move(first.id, before, after)
                assert tx.reports.find(first.id).status is after
            with storage.snapshot(EVERYTHING) as view:
                assert view.reports.find(first.id) == replace(first, status=after)
                assert view.reports.totals(first.id) == kept
                for section, page in zip(SECTIONS, pages, strict=True):
                    assert view.reports.pages(first.id, section, 0, 10) == page
                assert [view.reports.find(report.id) for report in others] == others

    def test_a_move_is_from_the_status_that_the_report_has(
        self, storage: Storage, filed: list[ReportHeadline]
    ) -> None:
        """Whoever comes second is told so, and changes nothing."""
        report_id = filed[0].id
        with storage.transaction(EVERYTHING) as tx:
            assert not tx.reports.move(report_id, FINAL, VOID)
            assert tx.reports.move(report_id, DRAFT, VOID)
            assert not tx.reports.move(report_id, DRAFT, FINAL)
            assert not tx.reports.move(report_id, DRAFT, VOID)
        with storage.snapshot(EVERYTHING) as view:
            assert view.reports.find(report_id).status is VOID

    @pytest.mark.parametrize(
        ("before", "after"),
        [(FINAL, DRAFT), (VOID, DRAFT), (VOID, FINAL), (DRAFT, DRAFT), (FINAL, FINAL)],
    )
    def test_no_other_move_is_possible(
        self,
        storage: Storage,
        filed: list[ReportHeadline],
        before: ReportStatus,
        after: ReportStatus,
    ) -> None:
        """It is refused by the storage itself, whatever the status."""
        with storage.transaction(EVERYTHING) as tx:
            for report, status in zip(filed, (DRAFT, FINAL, VOID), strict=True):
                if status is not DRAFT:
                    tx.reports.move(report.id, DRAFT, status)
                with pytest.raises(ReportMoveError):
                    tx.reports.move(report.id, before, after)
                assert tx.reports.find(report.id).status is status

    def test_nobody_moves_a_report_of_another_customer(
        self, storage: Storage, filed: list[ReportHeadline]
    ) -> None:
        """It does not exist for them."""
        with storage.transaction(Access.only([WIDGETS])) as tx:
            for report_id in (filed[0].id, 2**63 - 1):
                with pytest.raises(ReportNotFoundError):
                    tx.reports.move(report_id, DRAFT, VOID)
        with storage.snapshot(EVERYTHING) as view:
            assert view.reports.find(filed[0].id) == filed[0]

    def test_moves_are_rolled_back(self, storage: Storage, filed: list[ReportHeadline]) -> None:
        """A failed transaction leaves the report as it was."""
        with pytest.raises(RuntimeError), storage.transaction(EVERYTHING) as tx:  # noqa: PT012
            tx.reports.move(filed[0].id, DRAFT, FINAL)
            raise RuntimeError
        with storage.snapshot(EVERYTHING) as view:
            assert view.reports.find(filed[0].id) == filed[0]

    def test_lists_and_sums_follow(self, storage: Storage, filed: list[ReportHeadline]) -> None:
        """Void reports leave the sums, final ones are told apart; lists show the status."""
        statuses = {filed[0].id: FINAL, filed[1].id: VOID, filed[2].id: VOID}
        with storage.transaction(EVERYTHING) as tx:
            for report_id, status in statuses.items():
                tx.reports.move(report_id, DRAFT, status)
        with storage.snapshot(EVERYTHING) as view:
            listed = list(view.reports.page(ReportQuery(), Slice()))
            summaries = view.reports.summaries(None)
        assert {report.id: report.status for report in listed} == statuses
        assert summaries == summarise(listed)
        assert [(s.customer_id, s.report_count) for s in summaries] == [(ACME, 1)]
        assert summaries[0].final_amount == filed[0].total_amount == summaries[0].total_amount
