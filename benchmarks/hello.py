"""Hello: services that do next to nothing, on the product's server with the product's settings.

`python -m benchmarks.hello bare 8001` runs one, until it is stopped. What a service does not need
it does not load.
"""

import sys
from typing import Any

from flask import Flask, Response
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server import Server

from benchmarks.measuring import calm_collector

THREADS = 8


def bare() -> Flask:
    """Return a bare Flask application without any hook."""
    app = Flask("hello")
    app.add_url_rule("/", view_func=hello)
    calm_collector()
    return app


def hooked() -> Flask:
    """Return a bare Flask application with the product's own hooks, which let hello through."""
    from billing.entrypoints.http import context
    from billing.entrypoints.http.app import _install_checks
    from billing.entrypoints.http.blueprint import public

    settings, billing = _product()
    app = Flask("hello")
    context.install(app, settings, billing)
    _install_checks(app, settings, billing)
    app.add_url_rule("/", view_func=public(hello))
    calm_collector()
    return app


def guarded() -> Flask:
    """Return the product, logging as ever, with a view that takes a token and says hello."""
    from billing.entrypoints.http import logs
    from billing.entrypoints.http.app import create_app
    from billing.entrypoints.tokens import SCOPES

    logs.configure()
    app = create_app(*_product())
    vars(hello)["required_scope"] = SCOPES[0]
    app.add_url_rule("/", view_func=hello)
    calm_collector()
    return app


def hello() -> Response:
    """Say hello."""
    return Response('{"hello":"world"}', content_type="application/json")


def serve(name: str, port: int) -> None:
    """Serve one of the applications as `billing serve` serves the product."""
    Server(
        f"benchmarks.hello:{name}",
        factory=True,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        address="127.0.0.1",
        port=port,
        workers=1,
        blocking_threads=THREADS,
        log_level=LogLevels.error,
    ).serve()


def _product() -> tuple[Any, Any]:
    from benchmarks.product import SETTINGS
    from billing import compose, open_storage

    return SETTINGS, compose(open_storage("memory://"))


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
