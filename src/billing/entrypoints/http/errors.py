"""Errors: every refusal and failure as the one envelope that clients know.

400, 409, 422 and 5xx answer `{"error": …}`, all other refusals `{"detail": …}`; `details` names
what is wrong field by field or row by row. Nothing else is ever said.
"""

import errno
import json
import logging
from collections.abc import Iterable, Mapping
from http import HTTPStatus

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException

from billing.domain.billing_run import RunClashError, RunNotFoundError, RunStateError
from billing.domain.bulk_intake import InvalidRowError, RowsRefusedError
from billing.domain.errors import (
    BillingError,
    CurrencyFixedError,
    OrderNotFoundError,
    RateCardNotFoundError,
    ReportConflictError,
    ReportNotFoundError,
    StorageUnavailableError,
)
from billing.domain.fields import shown
from billing.domain.idempotency import KeyReusedError, RequestInFlightError
from billing.entrypoints.http.context import request_id

NOT_FOUND = "Not found."
INTERNAL_ERROR = "An internal error occurred."

STATUS: dict[type[BillingError], HTTPStatus] = {
    ReportNotFoundError: HTTPStatus.NOT_FOUND,
    OrderNotFoundError: HTTPStatus.NOT_FOUND,
    RateCardNotFoundError: HTTPStatus.NOT_FOUND,
    RunNotFoundError: HTTPStatus.NOT_FOUND,
    CurrencyFixedError: HTTPStatus.CONFLICT,
    RequestInFlightError: HTTPStatus.CONFLICT,
    KeyReusedError: HTTPStatus.UNPROCESSABLE_ENTITY,
    RunClashError: HTTPStatus.CONFLICT,
    RunStateError: HTTPStatus.CONFLICT,
    ReportConflictError: HTTPStatus.CONFLICT,
    StorageUnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""What a refusal of the domain answers when it is not 400."""

RETRY_AFTER: dict[type[BillingError], int] = {
    StorageUnavailableError: 5,
    RequestInFlightError: 1,
    RunClashError: 30,  # It passes when the other run ends.
}
"""Seconds after which what was refused may succeed."""

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
_SAID_AS_ERROR = frozenset({400, 409, 422})
_KEPT_HEADERS = frozenset({"allow", "retry-after", "www-authenticate"})
_LOG = logging.getLogger(__name__)


def is_error(status: int) -> bool:
    """Tell whether a status answers `error`; the others answer `detail`."""
    return status in _SAID_AS_ERROR or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def envelope(status: int, sentence: str, details: object = None) -> bytes:
    """Return the body of a refusal: JSON in ASCII, so that no text in it can fail to encode."""
    body: dict[str, object] = {"error" if is_error(status) else "detail": sentence}
    if details:
        body["details"] = details
    return json.dumps(body).encode()


def answer(
    status: int,
    sentence: str,
    *,
    details: object = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a refusal; `abort(answer(…))` ends a request with it."""
    body = envelope(status, sentence, details)
    return Response(body, status, headers, content_type="application/json")


def invalid_fields(problems: Iterable[tuple[str, str]]) -> Response:
    """Answer 400 for what is wrong: (field, message) in the order to be told."""
    details: dict[str, list[str]] = {}
    for field, message in problems:
        details.setdefault(field, []).append(message)
    field, messages = next(iter(details.items()))
    sentence = f"{field}: {messages[0]}" if field else messages[0]
    return answer(400, sentence, details=details if len(details) > 1 else None)


def install(app: Flask) -> None:
    """Answer whatever a request ends in."""
    app.register_error_handler(BillingError, _refused)
    app.register_error_handler(HTTPException, _ended)
    app.register_error_handler(Exception, _failed)


def _refused(error: BillingError) -> Response:
    if isinstance(error, RowsRefusedError):
        return answer(400, str(error), details=[row._asdict() for row in error.result.errors])
    if isinstance(error, InvalidRowError):
        return invalid_fields((problem.field or "", problem.problem) for problem in error.problems)
    status = next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 400)
    if status == HTTPStatus.NOT_FOUND:
        return answer(status, NOT_FOUND)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        _LOG.warning("Storage unavailable", exc_info=error)
    passes = next((RETRY_AFTER[kind] for kind in type(error).__mro__ if kind in RETRY_AFTER), None)
    return answer(status, str(error), headers={"Retry-After": str(passes)} if passes else None)


def _ended(error: HTTPException) -> Response:
    """Answer what Flask, Werkzeug or a view ended the request with."""
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    headers = {name: value for name, value in error.get_headers() if name.lower() in _KEPT_HEADERS}
    return answer(status, _sentence(error, status), headers=headers)


def _sentence(error: HTTPException, status: int) -> str:
    # Werkzeug's own descriptions speak of browsers; one given where it is raised stands.
    if error.description and error.description != type(error).description:
        return error.description
    if status == HTTPStatus.NOT_FOUND:
        return NOT_FOUND
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return f'Method "{shown(request.method)}" not allowed.'
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return _failure_sentence()
    return f"{HTTPStatus(status).phrase}."


def _failed(error: Exception) -> Response:
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        _LOG.error("Request %s found no room for its temporary files", request_id(), exc_info=error)
        headers = {"Retry-After": str(RETRY_AFTER[StorageUnavailableError])}
        return answer(503, "There is no room for temporary files now", headers=headers)
    _LOG.error("Request %s failed", request_id(), exc_info=error)
    return answer(500, _failure_sentence())


def _failure_sentence() -> str:
    """Return what the view that failed says of it."""
    view = current_app.view_functions.get(request.endpoint or "")
    return str(getattr(view, "failure_sentence", INTERNAL_ERROR))
