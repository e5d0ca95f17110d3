"""Run answers: how runs are started and shown, for every call that does so."""

import re
from collections.abc import Mapping
from dataclasses import replace

from flask import Response, request, url_for

from billing.domain.billing_run import Run
from billing.domain.run_request import RunRequest
from billing.domain.strict_json import dumps
from billing.entrypoints.http.answers import spooled_answer
from billing.entrypoints.http.context import billing, current_access, current_author

ASYNC = "respond-async"
ASYNC_APPLIED = {"Preference-Applied": ASYNC}
_TEXT = {"type": "string"}

PREFER = {
    "in": "header",
    "name": "Prefer",
    "description": f"`{ASYNC}` asks for a run instead of waiting (RFC 7240).",
    "schema": _TEXT,
}
STARTED = {
    "Location": {
        "description": "The path of the run.",
        "schema": {"type": "string", "format": "uri-reference"},
    }
}
APPLIED = {"Preference-Applied": {"description": f"`{ASYNC}`", "schema": _TEXT}}
"""What OpenAPI says of a run's headers."""


def prefers_async() -> bool:
    """Tell whether the caller would rather not wait."""
    preferences = re.split(r"[,;]", ",".join(request.headers.getlist("Prefer")))
    return ASYNC in {preference.strip().lower() for preference in preferences}


def run_started(wanted: RunRequest, *, headers: Mapping[str, str] | None = None) -> Response:
    """Start a run in the caller's name and access, or find the one that lives; answer 202."""
    named = replace(wanted, author=current_author())
    return run_accepted(billing().runs.start(named, access=current_access()), headers=headers)


def run_accepted(run: Run, *, headers: Mapping[str, str] | None = None) -> Response:
    """Answer 202 with a run that goes on by itself."""
    location = {"Location": url_for("runs.read_run", run_id=run.id)}
    return run_answer(run, status=202, headers=location | dict(headers or {}))


def run_answer(
    run: Run, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Answer a run, its totals exact."""
    text = dumps(run.as_json()).encode()
    return spooled_answer(
        lambda out: out.write(text), "application/json", status=status, headers=headers
    )
