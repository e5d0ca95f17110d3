"""Bulk: what calls that take many rows share: three formats in, one transaction, counts out."""

import shutil
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TypeVar

from flask import Response
from marshmallow import Schema

from billing.bootstrap import READERS
from billing.domain.bulk_intake import IntakeResult, RowKind
from billing.domain.retries import retried
from billing.entrypoints.http.answer_schemas import IntakeResultSchema
from billing.entrypoints.http.answers import BLOCK, json_answer, new_spool
from billing.entrypoints.http.blueprint import Blueprint
from billing.entrypoints.http.body import JSON, bulk_body
from billing.entrypoints.http.context import billing, current_access, current_author
from billing.entrypoints.http.schemas import StoreRowsSchema

NDJSON = "application/x-ndjson"
CSV = "text/csv"
_FORMATS = {JSON: "json", NDJSON: "ndjson", CSV: "csv"}

T = TypeVar("T")
View = Callable[..., Response]


def taking_rows(blueprint: Blueprint, row: type[Schema]) -> Callable[[View], View]:
    """Say that a view takes rows, with `on_error`, and answers what became of them."""
    content = {
        JSON: {"schema": {"type": "array", "items": row}},
        NDJSON: {"schema": {"type": "string", "description": "One JSON object a line."}},
        CSV: {
            "schema": {"type": "string", "description": "A header row of field names, then rows."}
        },
    }
    decorators: tuple[Callable[[Any], Any], ...] = (
        blueprint.response(200, IntakeResultSchema),
        blueprint.arguments(StoreRowsSchema, location="query", as_kwargs=True),
        blueprint.takes(*_FORMATS, schema={}),
        blueprint.doc(requestBody={"content": content}),
    )

    def decorate(view: Any) -> Any:
        for decorator in decorators:
            view = decorator(view)
        return view

    return decorate


def store_rows(new_kind: Callable[[], RowKind[T]], on_error: str | None) -> Response:
    """Store the rows in the body, and answer what became of them.

    new_kind: makes what reads and saves the rows; each transaction has its own.
    """
    media_type, stream = bulk_body(_FORMATS)
    with new_spool() as body:
        # All of it first: a slow sender must not hold the write lock while rows trickle in.
        shutil.copyfileobj(stream, body, BLOCK)

        def store() -> IntakeResult:
            body.seek(0)
            return billing().intake.store(
                READERS[_FORMATS[media_type]](body),
                new_kind(),
                access=current_access(),
                author=current_author(),
                skip_invalid=on_error == "skip",
            )

        return json_answer(_result_json(retried(store)))


def _result_json(result: IntakeResult) -> dict[str, object]:
    return {**asdict(result), "errors": [error._asdict() for error in result.errors]}
