"""Documents: the OpenAPI description of the API, and the page to browse it, from local files."""

import json
from importlib.resources import files
from pathlib import Path

import flask
from flask import Flask, Response, current_app, render_template, request, send_from_directory
from werkzeug.exceptions import NotFound

from billing.entrypoints.http.blueprint import public
from billing.entrypoints.http.openapi import TITLE, Api, document

_EXTENSION = "billing_openapi"
_CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE_FILES = frozenset({"docs.js"})
_LIBRARY_FILES = frozenset({"favicon-32x32.png", "swagger-ui-bundle.js", "swagger-ui.css"})

blueprint = flask.Blueprint("documents", __name__)


def install(app: Flask, api: Api, *, url_prefix: str) -> None:
    """Serve the document of all that is registered by now, and the page."""
    app.extensions[_EXTENSION] = json.dumps(document(api)).encode()
    app.register_blueprint(blueprint, url_prefix=url_prefix)


@blueprint.route("/openapi.json")
@public
def read_openapi() -> Response:
    """Return the OpenAPI document."""
    body = current_app.extensions[_EXTENSION]
    return _revalidated(Response(body, content_type="application/json"))


@blueprint.route("/docs")
@public
def read_page() -> Response:
    """Return the page; it loads nothing from anywhere else."""
    body = render_template("docs.html", title=TITLE)
    page = Response(body, content_type="text/html; charset=utf-8")
    page.headers["Content-Security-Policy"] = _CONTENT_POLICY
    return _revalidated(page)


@blueprint.route("/docs/assets/<name>")
@public
def read_asset(name: str) -> Response:
    """Return one of the page's files."""
    if name in _PAGE_FILES:
        return send_from_directory(Path(__file__).with_name("static"), name)
    if name in _LIBRARY_FILES:
        return send_from_directory(str(files("flask_swagger_ui") / "dist"), name)
    raise NotFound


def _revalidated(response: Response) -> Response:
    """Let clients keep the answer and ask whether it is still good."""
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response
