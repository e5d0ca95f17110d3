"""OpenAPI: the document of every call, every answer and every refusal, made from the views."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import flask_smorest
from flask import Flask
from werkzeug.routing import BaseConverter

from billing.domain.fields import MAX_ID
from billing.entrypoints.http import rate_schemas
from billing.entrypoints.http.errors import is_error

Headers = Mapping[str, tuple[str, Mapping[str, str]]]
"""Headers by name: what each says, and how its schema differs from text."""

TITLE = "Billing"
_VERSION = "2.0"
_OPENAPI_VERSION = "3.1.0"
_INTRODUCTION = """\
Bills for order fulfilment: exact, complete, explained, permanent.

Paths end with `/`; without it they work too. Dates are `YYYY-MM-DD`, instants RFC 3339 in UTC,
amounts JSON numbers with the currency's decimals. Input is strict: what is unknown, repeated or
doubtful is refused with 400 and the field's name. Every call but the health checks and these
documents takes a bearer token, whose scopes each operation names, and counts against the rate
limit. A customer that the token does not name does not exist for it.
"""
_ON_EVERY_ANSWER: Headers = {
    "X-Request-ID": ("The id under which the request is logged; your own, if you sent one.", {}),
}
_ON_COUNTED_ANSWERS: Headers = {
    "X-RateLimit-Limit": ("How many requests a window allows.", {"type": "integer"}),
    "X-RateLimit-Remaining": ("How many are left now.", {"type": "integer"}),
    "X-RateLimit-Reset": ("When there are more again, in epoch seconds.", {"type": "integer"}),
}
_ON_SOME_REFUSALS = {
    HTTPStatus.UNAUTHORIZED: "WWW-Authenticate",
    HTTPStatus.FORBIDDEN: "WWW-Authenticate",
    HTTPStatus.CONFLICT: "Retry-After",
    HTTPStatus.TOO_MANY_REQUESTS: "Retry-After",
    HTTPStatus.SERVICE_UNAVAILABLE: "Retry-After",
}
_SENTENCE = {"type": "string", "description": "One sentence."}
_DETAILS = {
    "description": "What is wrong: messages by field of one object, or a list by row.",
    "type": ["object", "array"],
}


def _digits_up_to(largest: int) -> str:
    """Return the pattern of the numbers from 1 to `largest`, without sign or leading zero."""
    digits = str(largest)
    forms = [f"[1-9][0-9]{{0,{len(digits) - 2}}}"]
    for place, digit in enumerate(map(int, digits)):
        lowest = 0 if place else 1
        if digit > lowest:
            rest = len(digits) - place - 1
            forms.append(f"{digits[:place]}[{lowest}-{digit - 1}][0-9]{{{rest}}}")
    return "|".join([*forms, digits])


class IdConverter(BaseConverter):
    """An id in a path: plain ASCII digits, 1 to 2^63 - 1; any other text is no such path.

    The pattern alone decides: a refusal in `to_python` would make a path with two methods
    answer 405.
    """

    regex = _digits_up_to(MAX_ID)

    def to_python(self, value: str) -> int:
        """Return the id."""
        return int(value)


class Api(flask_smorest.Api):  # type: ignore[misc]  # It ships no types.
    """flask-smorest's registry with our envelope; `errors` answers the errors themselves."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_error_handlers(self) -> None:
        """Leave the app's own handlers alone."""

    def _register_pagination_header(self) -> None:
        """Leave it out: `paging` describes its own headers."""

    def _register_responses(self) -> None:
        """Describe refusals under the names of their statuses; only those used are listed."""
        self.spec.components.schema("Error", _object({"error": _SENTENCE, "details": _DETAILS}))
        self.spec.components.schema("Detail", _object({"detail": _SENTENCE}))
        for status in HTTPStatus:
            if status >= HTTPStatus.BAD_REQUEST:
                self.spec.components.response(status.name, _refusal(status), lazy=True)


def make_api(app: Flask) -> Api:
    """Return the registry that blueprints are to be registered with."""
    scheme = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    app.url_map.converters["id"] = IdConverter
    api = Api(
        app,
        spec_kwargs={
            "title": TITLE,
            "version": _VERSION,
            "openapi_version": _OPENAPI_VERSION,
            "info": {"description": _INTRODUCTION},
            "servers": [{"url": "/"}],
            "security": [{"bearerAuth": []}],
            "components": {"securitySchemes": {"bearerAuth": scheme}},
        },
    )
    api.register_converter(
        IdConverter, lambda _: {"type": "integer", "minimum": 1, "maximum": MAX_ID}
    )
    for name, schema in rate_schemas.components().items():
        api.spec.components.schema(name, schema)
    return api


def document(api: Api) -> dict[str, Any]:
    """Return the document of all that is registered, with the headers that answers carry."""
    whole: dict[str, Any] = api.spec.to_dict()
    for path in whole["paths"].values():
        for operation in path.values():
            if isinstance(operation, dict):
                _add_headers(operation)
    return whole


def _add_headers(operation: dict[str, Any]) -> None:
    counted: Headers = {} if operation.get("security") == [] else _ON_COUNTED_ANSWERS
    headers = _described({**_ON_EVERY_ANSWER, **counted})
    for response in operation["responses"].values():
        if "$ref" not in response:
            response["headers"] = {**headers, **response.get("headers", {})}


def _refusal(status: HTTPStatus) -> dict[str, Any]:
    schema = "Error" if is_error(status) else "Detail"
    headers = _described(_ON_EVERY_ANSWER)
    if status in _ON_SOME_REFUSALS:
        headers[_ON_SOME_REFUSALS[status]] = {"schema": {"type": "string"}}
    return {
        "description": status.phrase,
        "headers": headers,
        "content": {"application/json": {"schema": schema}},
    }


def _described(headers: Headers) -> dict[str, Any]:
    return {
        name: {"description": description, "schema": {"type": "string", **schema}}
        for name, (description, schema) in headers.items()
    }


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of an object whose first member is always there."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": [next(iter(properties))],
    }
