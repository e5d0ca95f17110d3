"""The lifecycle of reports: making one final, voiding one, and who did so."""

from flask import Response

from billing.domain.audit import AuditEntry
from billing.domain.document import instant_text
from billing.domain.report_lifecycle import Terms
from billing.entrypoints.http.answer_schemas import ReportMoveSchema, ReportSchema
from billing.entrypoints.http.answers import json_text
from billing.entrypoints.http.blueprint import Blueprint
from billing.entrypoints.http.context import billing, current_access, current_author
from billing.entrypoints.http.paging import PAGING_HEADERS, PagedSchema, Paging, sequence_answer
from billing.entrypoints.http.report_files import report_answer
from billing.entrypoints.http.schemas import FinalizeSchema, VoidSchema

blueprint = Blueprint("lifecycle", __name__, description="Making reports final, and void.")


@blueprint.route("/reports/<id:report_id>/finalize/", methods=["POST"])
@blueprint.requires("reports:write")
@blueprint.documented("finalizeReport", 404, 409)
@blueprint.arguments(FinalizeSchema, as_kwargs=True, required=False)
@blueprint.response(200, ReportSchema)
def finalize_report(
    report_id: int,
    *,
    accept_exceptions: bool | None,
    reason: str | None,
    supersedes: int | None,
) -> Response:
    """Make a draft final: it claims its orders, and no other report can bill them any more.

    All orders of its period that are not cancelled are claimed; 409 names those that other final
    reports hold. Orders that are not, or not fully, billed are 409 until they are accepted with a
    reason. A partial report never becomes final. Of a final report nothing changes.
    """
    billing().lifecycle.finalize(
        report_id,
        author=current_author(),
        terms=Terms(
            accept_exceptions=bool(accept_exceptions), reason=reason, supersedes=supersedes
        ),
        access=current_access(),
    )
    return report_answer(report_id, "json", owed=True)


@blueprint.route("/reports/<id:report_id>/void/", methods=["POST"])
@blueprint.requires("reports:write")
@blueprint.documented("voidReport", 404, 409)
@blueprint.arguments(VoidSchema, as_kwargs=True)
@blueprint.response(200, ReportSchema)
def void_report(report_id: int, reason: str) -> Response:
    """Make a draft or a final report void, for good: its orders are free to be billed again."""
    billing().lifecycle.void(
        report_id, author=current_author(), reason=reason, access=current_access()
    )
    return report_answer(report_id, "json", owed=True)


@blueprint.route("/reports/<id:report_id>/history/")
@blueprint.requires("reports:read")
@blueprint.documented("listReportMoves", 404)
@blueprint.arguments(PagedSchema, location="query", as_kwargs=True)
@blueprint.response(200, ReportMoveSchema(many=True), headers=PAGING_HEADERS)
def list_moves(report_id: int, paging: Paging | None) -> Response:
    """Say who made the report final or void, when and why, oldest first; of a draft nothing."""
    moves = billing().lifecycle.history(report_id, access=current_access())
    return sequence_answer(paging, moves, _move_text)


def _move_text(entry: AuditEntry) -> str:
    details = dict(entry.details)
    return json_text(
        {
            "at": instant_text(entry.at),
            "actor": entry.author.name,
            "action": entry.action,
            "reason": details.pop("reason", None),
            "details": details,
        }
    )
