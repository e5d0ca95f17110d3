"""The audit trail: who did what to which object, and when."""

from typing import Any

from flask import Response
from marshmallow import fields

from billing.domain.audit import AuditEntry, AuditQuery
from billing.entrypoints.http.answer_schemas import AnswerSchema
from billing.entrypoints.http.answers import json_text
from billing.entrypoints.http.blueprint import Blueprint
from billing.entrypoints.http.context import billing, current_access
from billing.entrypoints.http.fields import Day, QueryId, RequiredText, said
from billing.entrypoints.http.paging import PAGING_HEADERS, PagedSchema, Paging, list_answer

blueprint = Blueprint("audit", __name__, description="Who did what.")


class AuditListSchema(PagedSchema):
    """The filters of the audit trail; all of them together."""

    customer_id = QueryId()
    actor = RequiredText(metadata=said("The whole name.", example="alice"))
    action = RequiredText(metadata=said("The whole action.", example="report.finalized"))
    object_kind = RequiredText(metadata=said("The whole kind.", example="report"))
    object_id = RequiredText(metadata=said("With `object_kind`: one object.", example="7"))
    created_after = Day(attribute="since", metadata=said("Done on or after this UTC day."))
    created_before = Day(attribute="until", metadata=said("Done on or before this UTC day."))


class AuditEntrySchema(AnswerSchema):
    """One act; it never changes."""

    id = fields.Integer()
    at = fields.AwareDateTime()
    actor = fields.String(metadata=said("A token's subject, or `os-user:…` on the command line."))
    request_id = fields.String(
        allow_none=True, metadata=said("The `X-Request-ID`; null on the command line.")
    )
    action = fields.String(metadata={"example": "report.finalized"})
    object_kind = fields.String(metadata={"example": "report"})
    object_id = fields.String()
    customer_id = fields.Integer(
        allow_none=True, metadata=said("Whose object it is; null if it is no customer's.")
    )
    hash_before = fields.String(
        allow_none=True, metadata=said("SHA-256, in hex, of its state before; null if it was new.")
    )
    hash_after = fields.String(allow_none=True, metadata=said("SHA-256, in hex, of its new state."))
    details = fields.Dict(metadata=said("The reason and what else tells of the act."))


@blueprint.route("/audit/")
@blueprint.requires("audit:read")
@blueprint.documented("listAuditEntries")
@blueprint.arguments(AuditListSchema, location="query", as_kwargs=True)
@blueprint.response(200, AuditEntrySchema(many=True), headers=PAGING_HEADERS)
def list_entries(paging: Paging | None, **asked: Any) -> Response:
    """List who did what to which object and when, newest first.

    Entries of a customer are for tokens that name the customer; those of none, such as of services
    and tokens, for tokens of every customer.
    """
    query = AuditQuery(**asked)
    with billing().storage.snapshot(current_access()) as view:
        return list_answer(
            paging,
            lambda: view.audit.count(query),
            lambda part: map(_text, view.audit.page(query, part)),
        )


def _text(entry: AuditEntry) -> str:
    return json_text(entry.as_json())
