"""App: the service put together, and the order in which every request is checked."""

import re
from collections.abc import Iterable
from functools import partial
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, request
from werkzeug.middleware.proxy_fix import ProxyFix

from billing.bootstrap import Billing, compose, open_storage
from billing.entrypoints.http import (
    audit,
    catalog,
    context,
    documents,
    errors,
    generation,
    health,
    lifecycle,
    orders,
    products,
    rates,
    reports,
    runs,
)
from billing.entrypoints.http.auth import Authenticator
from billing.entrypoints.http.blueprint import (
    check_every_view,
    current_view,
    is_public,
    lacks_optional_body,
    required_scope,
    requires_every_customer,
)
from billing.entrypoints.http.body import (
    JSON,
    MAX_JSON_BYTES,
    check_media_type,
    refuse_query,
    too_large,
)
from billing.entrypoints.http.edge import Edge
from billing.entrypoints.http.limits import RateLimits
from billing.entrypoints.http.openapi import make_api
from billing.entrypoints.metrics import Metrics
from billing.settings import Settings

API = "/api/v2"

_DOCUMENT = re.compile(rf"{API}/(openapi\.json$|docs(/|$))")

THREADS_KEPT = 2
"""Threads that no large answer may hold, so that the others are still answered."""

_RESOURCES = (
    reports.blueprint,
    generation.blueprint,
    lifecycle.blueprint,
    catalog.blueprint,
    products.blueprint,
    orders.blueprint,
    rates.blueprint,
    runs.blueprint,
    audit.blueprint,
)


def create_app(
    settings: Settings, billing: Billing | None = None, metrics: Metrics | None = None
) -> Flask:
    """Return the service over `billing`, by default over the storage that the settings name.

    Raises InvalidSettingError for settings that no server can run with.
    """
    billing = billing or compose(
        open_storage(settings.database_url),
        letterhead=settings.letterhead,
        queue=settings.queue_url,
    )
    app = Flask(__name__, static_folder=None)
    _configure(app, settings)
    context.install(app, settings, billing)
    errors.install(app)
    _install_checks(app, settings, billing)
    _register(app)
    check_every_view(app)
    served = Edge(_with_slash(_behind_proxies(app, settings)), metrics)
    app.wsgi_app = served  # type: ignore[method-assign]
    return app


def _configure(app: Flask, settings: Settings) -> None:
    app.config["LARGE_ANSWERS_AT_ONCE"] = max(1, settings.threads - THREADS_KEPT)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.merge_slashes = False


def _install_checks(app: Flask, settings: Settings, billing: Billing) -> None:
    """Check every request: Flask keeps the order of registration, which the contract promises."""
    authenticator = Authenticator(settings, billing.clock, billing.storage)
    app.before_request(_check_size)
    app.before_request(_check_route)
    RateLimits(settings, authenticator, billing.clock).install(app)
    app.before_request(partial(_check_caller, authenticator))
    app.before_request(_check_input)


def _check_size() -> None:
    """Refuse a body that is declared too large; one of unknown length is cut when it is read."""
    limit = context.current_settings().max_body_bytes
    if getattr(current_view(), "media_types", None) == (JSON,):
        limit = min(limit, MAX_JSON_BYTES)
    if (request.content_length or 0) > limit:
        raise too_large(limit)


def _check_route() -> None:
    if request.routing_exception is not None:
        raise request.routing_exception
    if request.url_rule is not None:
        request.environ[context.RULE] = request.url_rule.rule


def _check_caller(authenticator: Authenticator) -> None:
    authenticator.authorise(required_scope(), every_customer=requires_every_customer())


def _check_input() -> None:
    """Refuse what the view cannot mean, before it runs: a media type, a query parameter."""
    view = current_view()
    media_types = getattr(view, "media_types", None)
    if media_types and not lacks_optional_body():
        check_media_type(media_types)
    if not getattr(view, "takes_query", False) and not is_public():
        refuse_query()


def _register(app: Flask) -> None:
    api = make_api(app)
    for blueprint in _RESOURCES:
        api.register_blueprint(blueprint, url_prefix=API)
    api.register_blueprint(health.blueprint)
    documents.install(app, api, url_prefix=API)


def _with_slash(application: WSGIApplication) -> WSGIApplication:
    """Read a path without its last slash as the path with it, whatever the method.

    A redirect would be HTML, and lose a POST's body; werkzeug's own lenience answers 404 where a
    method is not allowed.
    """

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path.startswith(f"{API}/") and not path.endswith("/") and not _DOCUMENT.match(path):
            environ["PATH_INFO"] = f"{path}/"
        return application(environ, start_response)

    return answer


def _behind_proxies(app: Flask, settings: Settings) -> WSGIApplication:
    """Believe as many proxies as the settings say, about the client's address and scheme."""
    proxies = settings.trusted_proxies
    if not proxies:
        return app.wsgi_app
    return ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=0)
