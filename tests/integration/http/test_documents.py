"""Documents: the OpenAPI description is valid and complete, and its page asks nobody else."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import validate

from billing.entrypoints.http.blueprint import PUBLIC
from billing.entrypoints.tokens import SCOPES

OPENAPI = "/api/v2/openapi.json"
PAGE = "/api/v2/docs"


@pytest.fixture
def document(anonymous: FlaskClient) -> dict[str, Any]:
    """Fetch the description, without a token."""
    response = anonymous.get(OPENAPI)
    assert response.content_type == "application/json"
    found = response.json
    assert isinstance(found, dict)
    return found


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Return every operation with its path and method."""
    methods = {"get", "put", "post", "delete", "patch"}
    return [
        (path, method, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in methods
    ]


def test_the_description_is_valid_openapi(document: dict[str, Any]) -> None:
    """Version 3.1, as a validator reads it."""
    validate(document)
    assert document["openapi"].startswith("3.1")


def test_every_operation_has_a_name_of_its_own(document: dict[str, Any]) -> None:
    """Generated clients call them by it."""
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z]+([A-Z][a-z]+)*", name) for name in names)


def test_every_operation_says_what_it_does_and_needs(document: dict[str, Any]) -> None:
    """A summary, and the scope of the token, or that none is needed."""
    for path, _, operation in operations(document):
        assert operation["summary"], path
        if path in {"/healthz", "/readyz"}:
            assert operation["security"] == []
        else:
            ((scope,),) = [list(item["bearerAuth"]) for item in operation["security"]]
            assert scope in SCOPES


def test_every_counted_operation_documents_the_refusals_of_all(document: dict[str, Any]) -> None:
    """What may come back anywhere is said everywhere, under the envelope's schema."""
    for path, method, operation in operations(document):
        if operation["security"] == []:
            continue
        assert {"400", "401", "403", "413", "429", "500", "503"} <= operation["responses"].keys()
        assert ("415" in operation["responses"]) == ("requestBody" in operation), (path, method)
        for response in operation["responses"].values():
            if "$ref" not in response:
                assert "X-RateLimit-Remaining" in response["headers"]
    refusals = document["components"]["responses"]
    for name, member in (("UNAUTHORIZED", "Detail"), ("BAD_REQUEST", "Error")):
        schema = refusals[name]["content"]["application/json"]["schema"]
        assert schema == {"$ref": f"#/components/schemas/{member}"}
    assert "Retry-After" in refusals["TOO_MANY_REQUESTS"]["headers"]


def test_every_path_of_the_service_is_described(app: Flask, document: dict[str, Any]) -> None:
    """But the documents themselves, and second spellings of a path."""
    described = {re.sub(r"\{[^}]*\}", "<>", path) for path in document["paths"]}
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("documents.") or rule.endpoint.endswith("_alias"):
            continue
        assert re.sub(r"<[^>]*>", "<>", rule.rule) in described


def test_ids_in_paths_are_described(document: dict[str, Any]) -> None:
    """Generated tests stay within the range."""
    (parameter,) = document["paths"]["/api/v2/reports/{report_id}/"]["parameters"]
    assert parameter["schema"] == {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}


def test_only_health_and_documents_are_public(app: Flask) -> None:
    """Everything else asks for a token."""
    public = {
        endpoint
        for endpoint, view in app.view_functions.items()
        if getattr(view, "required_scope", None) == PUBLIC
    }
    assert public == {
        "health.read_health",
        "health.read_readiness",
        "documents.read_openapi",
        "documents.read_page",
        "documents.read_asset",
    }


class Page(HTMLParser):
    """What a page loads, and what a reader needs of it."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.attributes: dict[str, dict[str, str | None]] = {}
        self.inline = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        attributes = dict(attrs)
        self.attributes[f"{tag} {attributes.get('name', '')}".strip()] = attributes
        self.loaded += [attributes[name] or "" for name in ("src", "href") if name in attributes]
        assert not any(name.startswith("on") or name == "style" for name in attributes)


def test_the_page_loads_local_files_only(anonymous: FlaskClient) -> None:
    """Every file is there, of its type, and under this host."""
    response = anonymous.get(PAGE)
    assert response.content_type == "text/html; charset=utf-8"
    page = Page()
    page.feed(response.text)
    types = set()
    for path in page.loaded:
        assert path.startswith("/api/v2/")
        file = anonymous.get(path)
        assert file.status_code == 200
        types.add(file.mimetype)
    assert types == {"text/javascript", "text/css", "image/png", "application/json"}


def test_the_page_is_fit_for_every_reader(anonymous: FlaskClient) -> None:
    """It names its language and fits small screens."""
    page = Page()
    page.feed(anonymous.get(PAGE).text)
    assert page.attributes["html"]["lang"] == "en"
    assert "width=device-width" in (page.attributes["meta viewport"]["content"] or "")


def test_the_page_may_run_its_own_files_only(anonymous: FlaskClient) -> None:
    """The policy leaves no room for inline scripts, other hosts or frames."""
    response = anonymous.get(PAGE)
    policy = dict(
        part.strip().split(" ", 1)
        for part in response.headers["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert not re.search(r"<script[^>]*>[^<]", response.text)
    script = anonymous.get("/api/v2/docs/assets/docs.js").text
    assert "http" not in script
    assert "persistAuthorization: false" in script


@pytest.mark.parametrize(
    "name", ["index.html", "..%2fblueprint.py", "../blueprint.py", "swagger-ui.js.map", "%00"]
)
def test_other_files_are_not_served(anonymous: FlaskClient, name: str) -> None:
    """Only the files that the page needs have a path."""
    response = anonymous.get(f"/api/v2/docs/assets/{name}")
    assert (response.status_code, response.json) == (404, {"detail": "Not found."})


def test_clients_may_keep_the_documents_and_ask_again(anonymous: FlaskClient) -> None:
    """An unchanged document is not sent twice."""
    for path in (OPENAPI, PAGE, "/api/v2/docs/assets/swagger-ui-bundle.js"):
        first = anonymous.get(path)
        again = anonymous.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
