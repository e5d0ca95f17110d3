"""The product at work: what is measured, as its users set it going."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from flask import Flask

from benchmarks import names
from benchmarks.card import YEAR
from benchmarks.databases import Database
from benchmarks.measuring import Run
from benchmarks.orders import CUSTOMER
from benchmarks.worlds import REPORT, World
from billing import OrderRows
from billing.bootstrap import READERS, Billing
from billing.entrypoints.http.app import API, create_app
from billing.entrypoints.tokens import issue
from billing.settings import Settings

SETTINGS = Settings(jwt_secret="a secret of the benchmarks alone", rate_limit="999999999/minute")


@contextmanager
def importing(empty: Database, path: Path) -> Iterator[Run]:
    """Lend the import of a file of orders into a database of its own."""
    with empty.clone().lent() as database, database.product() as app:
        yield partial(store, app, path)


def store(app: Billing, path: Path) -> None:
    """Import a file of orders, read as its extension says."""
    with path.open("rb") as stream:
        app.intake.store(READERS[path.suffix.removeprefix(".")](stream), OrderRows())


@contextmanager
def generating(world: World) -> Iterator[Run]:
    """Lend the billing of all orders of a world."""
    with world.loaded.product() as app:
        yield lambda: app.generator.generate(CUSTOMER, YEAR)


@contextmanager
def answering(database: Database, path: str) -> Iterator[Run]:
    """Lend a GET of the service, called as a server calls it; its body is read to the end."""
    with database.product() as app:
        service = create_app(SETTINGS, app)
        now = app.clock.now()
        token = issue(SETTINGS, "benchmark", ["reports:read"], None, 1, now)
        yield lambda: get(service, path, token)


def get(service: Flask, path: str, token: str) -> int:
    """Answer a GET within this process: its length; less than stated, or no 200, is an error."""
    path, _, query = path.partition("?")
    stated: list[int] = []

    def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
        assert status.startswith("200"), status
        stated.append(int(dict(headers)["Content-Length"]))

    environ = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": API + path,
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_AUTHORIZATION": f"Bearer {token}",
        "wsgi.url_scheme": "http",
    }
    body: Any = service.wsgi_app(environ, start_response)  # type: ignore[arg-type]  # No write().
    length = sum(map(len, body))
    if hasattr(body, "close"):
        body.close()
    assert stated == [length], (stated, length)
    return length


def reading(world: World, path: str) -> AbstractContextManager[Run]:
    """Lend the answer of the report that is read, in one of its forms."""
    return answering(world.loaded, path)


WORKS: dict[str, Callable[[World], AbstractContextManager[Run]]] = {
    names.IMPORT_NDJSON: lambda world: importing(world.empty, world.ndjson),
    names.IMPORT_CSV: lambda world: importing(world.empty, world.csv),
    names.GENERATE: generating,
    names.GENERATE_SKUS: generating,
    names.DETAIL: partial(reading, path=f"/reports/{REPORT}/"),
    names.CSV_DOWNLOAD: partial(reading, path=f"/reports/{REPORT}/download/?format=csv"),
    names.PDF_PAGE: partial(reading, path=f"/reports/{REPORT}/download/?format=pdf"),
}
"""The works over the orders of a world, by name."""
