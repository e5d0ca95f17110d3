"""Runs: billing many customers at once: starting, watching, cancelling and retrying it."""

from datetime import date

from flask import Response

from billing.domain.billing_run import Run, RunItem
from billing.domain.period import BillingPeriod
from billing.domain.run_request import RunOptions, RunRequest
from billing.domain.strict_json import dumps
from billing.entrypoints.http.blueprint import Blueprint
from billing.entrypoints.http.context import billing, current_access
from billing.entrypoints.http.paging import PAGING_HEADERS, PagedSchema, Paging, list_answer
from billing.entrypoints.http.run_answers import STARTED, run_accepted, run_answer, run_started
from billing.entrypoints.http.run_schemas import (
    NothingSchema,
    RunBodySchema,
    RunItemSchema,
    RunSchema,
)

blueprint = Blueprint("runs", __name__, description="Billing many customers at once.")


@blueprint.route("/runs/")
@blueprint.requires("reports:read")
@blueprint.documented("listRuns")
@blueprint.arguments(PagedSchema, location="query", as_kwargs=True)
@blueprint.response(200, RunSchema(many=True), headers=PAGING_HEADERS)
def list_runs(paging: Paging | None) -> Response:
    """List runs, newest first."""
    with billing().storage.snapshot(current_access()) as view:
        return list_answer(
            paging, view.runs.count, lambda part: map(_run_text, view.runs.page(part))
        )


@blueprint.route("/runs/", methods=["POST"])
@blueprint.requires("reports:write")
@blueprint.documented("startRun", 409)
@blueprint.arguments(RunBodySchema, as_kwargs=True)
@blueprint.response(202, RunSchema, headers=STARTED)
def start_run(
    *,
    period: BillingPeriod | None = None,
    start_date: date = date.min,
    end_date: date = date.max,
    customers: list[int] | None = None,
    only_unbilled: bool,
    finalize: bool,
) -> Response:
    """Bill every customer with orders in the period, or those named: a report each.

    The answer comes at once; the run goes on by itself, also over a restart. One customer that
    cannot be billed does not stop the others. The rate cards of now apply to all of it. The same
    call again, while the run lives, answers the same run; one that overlaps with it is 409. With
    `finalize` each report is final at once, or not filed: its customer fails with the reason.
    """
    within = current_access().customers
    request = RunRequest(
        period=period or BillingPeriod(start_date, end_date),
        customers=None if customers is None else tuple(sorted(set(customers))),
        within=None if within is None else tuple(sorted(within)),
        options=RunOptions(only_unbilled=only_unbilled, finalize=finalize),
    )
    return run_started(request)


@blueprint.route("/runs/<id:run_id>/")
@blueprint.requires("reports:read")
@blueprint.documented("getRun", 404)
@blueprint.response(200, RunSchema)
def read_run(run_id: int) -> Response:
    """Return a run and how far it is."""
    return run_answer(billing().runs.find(run_id, access=current_access()))


@blueprint.route("/runs/<id:run_id>/items/")
@blueprint.requires("reports:read")
@blueprint.documented("listRunItems", 404)
@blueprint.arguments(PagedSchema, location="query", as_kwargs=True)
@blueprint.response(200, RunItemSchema(many=True), headers=PAGING_HEADERS)
def list_items(run_id: int, paging: Paging | None) -> Response:
    """List the customers of a run, by id: what became of each, and why one failed."""
    with billing().storage.snapshot(current_access()) as view:
        run = view.runs.find(run_id)
        return list_answer(
            paging,
            lambda: run.total,
            lambda part: map(_item_text, view.runs.items(run_id, part)),
        )


@blueprint.route("/runs/<id:run_id>/cancel/", methods=["POST"])
@blueprint.requires("reports:write")
@blueprint.documented("cancelRun", 404, 409)
@blueprint.arguments(NothingSchema, as_kwargs=True, required=False)
@blueprint.response(200, RunSchema)
def cancel_run(run_id: int) -> Response:
    """Cancel a run: reports that are filed stay, no other is filed."""
    return run_answer(billing().runs.cancel(run_id, access=current_access()))


@blueprint.route("/runs/<id:run_id>/retry/", methods=["POST"])
@blueprint.requires("reports:write")
@blueprint.documented("retryRun", 404, 409)
@blueprint.arguments(NothingSchema, as_kwargs=True, required=False)
@blueprint.response(202, RunSchema, headers=STARTED)
def retry_run(run_id: int) -> Response:
    """Bill those customers of a run again that failed, by the rate cards of now."""
    return run_accepted(billing().runs.retry(run_id, access=current_access()))


def _run_text(run: Run) -> str:
    return dumps(run.as_json())


def _item_text(item: RunItem) -> str:
    return dumps(item.as_json())
