"""Health: whether the process runs, and whether it can do its work."""

from flask import Response

from billing.entrypoints.http.answers import json_answer
from billing.entrypoints.http.blueprint import Blueprint
from billing.entrypoints.http.context import billing

blueprint = Blueprint("health", __name__, description="For load balancers; not counted.")

_STATUS = {
    "type": "object",
    "properties": {"status": {"type": "string", "enum": ["ok"]}},
    "required": ["status"],
}


@blueprint.route("/healthz")
@blueprint.public
@blueprint.documented("getHealth")
@blueprint.response(200, _STATUS)
def read_health() -> Response:
    """Tell that the process is up."""
    return json_answer({"status": "ok"})


@blueprint.route("/readyz")
@blueprint.public
@blueprint.documented("getReadiness", 503)
@blueprint.response(200, _STATUS)
def read_readiness() -> Response:
    """Tell whether the storage is reachable and migrated; 503 says what is missing."""
    check = getattr(billing().storage, "check", None)
    if check is not None:  # An embedder's storage may have nothing to check.
        check()
    return json_answer({"status": "ok"})
