"""WSGI: the factory that a server calls to make the service.

`granian --interface wsgi --factory billing.entrypoints.http.wsgi:create`
"""

import gc
import os
import sys

from flask import Flask

from billing.domain.errors import BillingError
from billing.entrypoints.http import logs
from billing.entrypoints.http.app import create_app
from billing.settings import Settings


def create() -> Flask:
    """Return the service that the environment describes; exit with one line when it cannot run."""
    logs.configure()
    try:
        app = create_app(Settings.from_environ(os.environ))
    except BillingError as error:
        sys.exit(f"billing: {error}")
    _calm_collector()
    return app


def _calm_collector() -> None:
    """Leave what was loaded to start with out of every later collection, and collect less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
