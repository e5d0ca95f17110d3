"""Blueprint: flask-smorest's, with strict input, declared access, and every answer documented."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, NoReturn, TypeVar

import flask
import flask_smorest
import marshmallow
from flask import Flask, abort, current_app, request
from webargs.flaskparser import FlaskParser

from billing.domain.fields import shown
from billing.entrypoints.http.body import JSON, has_body, json_object, query_values
from billing.entrypoints.http.errors import invalid_fields
from billing.entrypoints.tokens import SCOPES

View = TypeVar("View", bound=Callable[..., Any])

PUBLIC = ""
"""The access of a view that asks for no token and counts against no rate limit."""

_ALWAYS = (400, 401, 403, 413, 429, 500, 503)
_UNKNOWN_FIELD = "Unknown field."


class StrictParser(FlaskParser):
    """Reads queries and JSON bodies strictly; whatever is wrong with them is a 400."""

    DEFAULT_VALIDATION_STATUS = 400
    DEFAULT_UNKNOWN_BY_LOCATION = {  # noqa: RUF012 read by the parent class as it stands
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "query": marshmallow.RAISE,
    }

    def load_json(self, req: flask.Request, schema: marshmallow.Schema) -> Any:
        """Return the body as a JSON object; an empty one where there may be no body."""
        del req, schema
        return {} if lacks_optional_body() else json_object()

    def load_querystring(self, req: flask.Request, schema: marshmallow.Schema) -> Any:
        """Return the query's parameters, each given once."""
        del req, schema
        return query_values()

    def handle_error(
        self,
        error: marshmallow.ValidationError,
        req: flask.Request,
        schema: marshmallow.Schema,
        *,
        error_status_code: int | None,
        error_headers: Mapping[str, str] | None,
    ) -> NoReturn:
        """Answer what is wrong: unknown fields first, then in the schema's order."""
        del req, error_status_code, error_headers
        problems = [
            problem
            for messages in error.messages_dict.values()  # The one key is the location.
            for problem in _problems(messages)
        ]
        # Marshmallow finds unknown fields in no order; the input has one.
        given = error.data if isinstance(error.data, Mapping) else ()
        places = {shown(str(name)): place for place, name in enumerate(given)}
        places |= {name: place for place, name in enumerate(schema.fields)}
        problems.sort(key=lambda problem: _rank(problem, places))
        abort(invalid_fields(problems))


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]  # It ships no types.
    """A group of views; each says who may call it, with `requires` or `public`."""

    ARGUMENTS_PARSER = StrictParser()

    def route(self, rule: str, **options: Any) -> Callable[[View], View]:
        """Serve a view under a path, and document it; an id in the path may be no id."""
        serve = super().route(rule, **options)
        documented = self.doc(responses=_refusals((404,)))

        def decorate(view: Any) -> Any:
            return serve(documented(view) if "<" in rule else view)

        return decorate

    def response(
        self, status_code: int, schema: Any = None, **options: Any
    ) -> Callable[[View], View]:
        """Document the answer."""
        decorator: Callable[[View], View] = super().response(status_code, schema, **options)
        return decorator

    def alt_response(self, status_code: int, **options: Any) -> Callable[[View], View]:
        """Document another answer."""
        decorator: Callable[[View], View] = super().alt_response(status_code, **options)
        return decorator

    def requires(self, scope: str, *, every_customer: bool = False) -> Callable[[View], View]:
        """Let in callers whose token carries the scope; document what is always possible.

        every_customer: and whose token hides no customer from them.
        """
        if scope not in SCOPES:
            raise ValueError(f"Unknown scope {scope!r}")

        documented = self.doc(security=[{"bearerAuth": [scope]}], responses=_refusals(_ALWAYS))

        def decorate(view: Any) -> Any:
            return _marked(documented(view), required_scope=scope, every_customer=every_customer)

        return decorate

    def public(self, view: View) -> View:
        """Let everybody in, uncounted, and say so in the document."""
        documented: View = self.doc(security=[])(view)
        return public(documented)

    def documented(
        self,
        operation_id: str,
        *statuses: int,
        failure: str | None = None,
        headers: Sequence[Mapping[str, object]] = (),
    ) -> Callable[[View], View]:
        """Name the operation and the refusals that are its own.

        failure: the sentence of its 500, when the contract gives it one. headers: the parameters
        that the view reads from the request's headers by itself.
        """
        said = {"parameters": list(headers)} if headers else {}
        documented = self.doc(operationId=operation_id, responses=_refusals(statuses), **said)

        def decorate(view: Any) -> Any:
            return _marked(documented(view), **({"failure_sentence": failure} if failure else {}))

        return decorate

    def arguments(
        self, schema: Any, *, location: str = "json", **options: Any
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Read and check arguments, as flask-smorest does, and document their refusals.

        required=False: there may be no body at all, which is then read as an empty object.
        """
        if isinstance(schema, type):
            schema = schema()  # Once: making one costs more than reading with it.
        read = super().arguments(schema, location=location, **options)

        def decorate(view: Any) -> Any:
            if location == "query":
                return _marked(read(view), takes_query=True)
            if location == "headers":
                return read(view)
            documented = self.doc(responses=_refusals((415,)))
            optional = not options.get("required", True)
            marks = {"media_types": (JSON,), "body_optional": optional}
            return _marked(documented(read(view)), **marks)

        return decorate

    def takes(self, *media_types: str, schema: Mapping[str, Any]) -> Callable[[View], View]:
        """Say which bodies a view reads by itself, through `body`; `schema` is OpenAPI's."""
        content = {media_type: {"schema": dict(schema)} for media_type in media_types}
        documented = self.doc(
            requestBody={"required": True, "content": content}, responses=_refusals((415,))
        )

        def decorate(view: Any) -> Any:
            return _marked(documented(view), media_types=media_types)

        return decorate

    def alias(self, rule: str, view: Callable[..., Any], **options: Any) -> None:
        """Serve a view under a second path, which the document does not list."""
        flask.Blueprint.add_url_rule(self, rule, f"{view.__name__}_alias", view, **options)


def public(view: View) -> View:
    """Let everybody call a view, uncounted."""
    return _marked(view, required_scope=PUBLIC)


def current_view() -> Callable[..., Any] | None:
    """Return the view that the request's route names; None when there is no such route."""
    return current_app.view_functions.get(request.endpoint or "")


def required_scope() -> str | None:
    """Return the scope that the request's view requires; None when there is no such view."""
    return getattr(current_view(), "required_scope", None)


def requires_every_customer() -> bool:
    """Tell whether the request's view takes a token for every customer."""
    return getattr(current_view(), "every_customer", False)


def lacks_optional_body() -> bool:
    """Tell whether the request brings no body and its view takes it without one."""
    return getattr(current_view(), "body_optional", False) and not has_body()


def is_public() -> bool:
    """Tell whether the request asks for a public view."""
    return required_scope() == PUBLIC


def check_every_view(app: Flask) -> None:
    """Refuse to start with a view that does not say who may call it."""
    for endpoint, view in app.view_functions.items():
        if not hasattr(view, "required_scope"):
            raise RuntimeError(f"View {endpoint} declares neither a scope nor that it is public")


def _marked(view: View, **marks: object) -> View:
    """Note on a view what the checks before it need; `functools.wraps` carries it outwards."""
    vars(view).update(marks)
    return view


def _refusals(statuses: Iterable[int]) -> dict[int, str]:
    """Return the documented responses, which the Api holds under the statuses' names."""
    return {status: HTTPStatus(status).name for status in statuses}


def _problems(messages: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Flatten marshmallow's messages to (`rates[2].price`, message)."""
    if isinstance(messages, str):
        yield place, messages
    elif isinstance(messages, Mapping):
        for key, inner in messages.items():
            yield from _problems(inner, _place(place, key))
    else:
        for inner in messages:
            yield from _problems(inner, place)


def _place(outer: str, key: str | int) -> str:
    if key in ("", "_schema"):
        return outer
    if isinstance(key, int):
        return f"{outer}[{key}]"
    if outer and key.startswith("["):  # A place that the domain named: `[2].when.all[0].op`.
        return f"{outer}{key}"
    return f"{outer}.{shown(key)}" if outer else shown(key)


def _rank(problem: tuple[str, str], places: Mapping[str, int]) -> tuple[bool, int]:
    place, message = problem
    field = place.split(".")[0].split("[")[0]
    return message != _UNKNOWN_FIELD, places.get(field, len(places))
