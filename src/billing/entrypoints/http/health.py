"""Health: whether the process runs, and whether it can do its work."""

from flask import Response

from billing.entrypoints.http.answers import json_answer
from billing.entrypoints.http.blueprint import Blueprint
from billing.entrypoints.http.context import billing
from billing.entrypoints.http.limits import current_limits

blueprint = Blueprint("health", __name__, description="For load balancers; not counted.")

_STATUS = {
    "type": "object",
    "properties": {"status": {"type": "string", "enum": ["ok"]}},
    "required": ["status"],
}
_READINESS = {
    **_STATUS,
    "properties": {
        "status": {"type": "string", "enum": ["ok"]},
        "warnings": {"type": "array", "items": {"type": "string"}},
    },
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
@blueprint.response(200, _READINESS)
def read_readiness() -> Response:
    """Tell whether the storage is reachable and migrated; 503 says what is missing.

    `warnings` is there when the service can work but should not stay as it is: each process counts
    the rate limit for itself, or the database may lose what it acknowledged.
    """
    storage = billing().storage
    check = getattr(storage, "check", None)
    if check is not None:  # An embedder's storage may have nothing to check.
        check()
    warnings: list[str] = getattr(storage, "warnings", list)()
    limited = current_limits().warning()
    if limited is not None:
        warnings.append(limited)
    return json_answer({"status": "ok"} | ({"warnings": warnings} if warnings else {}))
