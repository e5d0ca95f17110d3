"""Threats B: every operation, made for one's own, another's and nobody's, with every token."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from billing.entrypoints.tokens import SCOPES
from tests.integration.http.conftest import Caller
from tests.integration.http.operations import (
    MARK,
    MISSING,
    OPERATIONS,
    OTHER,
    OWN,
    PUBLIC,
    READ,
    Operation,
    everything_of,
    settle_two,
)
from tests.integration.http.worlds import API, FORBIDDEN

EVERY_OPERATION = pytest.mark.parametrize("name", OPERATIONS)
NO_CREDENTIALS = '{"detail": "Authentication credentials were not provided."}'


@pytest.fixture
def world(client: FlaskClient) -> FlaskClient:
    """Put the world of two customers; call as somebody who may do everything."""
    settle_two(client)
    return client


@pytest.fixture
def mine(caller: Caller) -> FlaskClient:
    """Call with every scope, for one customer."""
    return caller(customers=[OWN])


def documented(client: FlaskClient) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Return method, path and description of every operation in the document."""
    document = client.get(API + "openapi.json").json
    assert document is not None
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method != "parameters":
                yield method.upper(), path, operation


def test_every_operation_has_its_row(client: FlaskClient) -> None:
    """With the method, path and scope that the document says; a new operation needs one."""
    found = {operation["operationId"] for _, _, operation in documented(client)}
    assert found == OPERATIONS.keys() | PUBLIC.keys()
    for method, path, operation in documented(client):
        name = operation["operationId"]
        if name in PUBLIC:
            assert operation["security"] == []
            continue
        row = OPERATIONS[name]
        pattern = re.sub(r"\{\w+\}", "[^/]+", path)
        assert (row.method, operation["security"]) == (method, [{"bearerAuth": [row.scope]}])
        assert re.fullmatch(pattern, row.path_for().partition("?")[0]), name
        assert (row.body is not None) == ("requestBody" in operation)
        told = operation["responses"].keys()
        assert {str(row.own), "401", "403", "429", "500", "503"} <= told
        assert not isinstance(row.hidden, int) or str(row.hidden) in told


@EVERY_OPERATION
def test_one_s_own_is_answered(mine: FlaskClient, world: FlaskClient, name: str) -> None:
    """And nothing of another customer's is in the answer, neither body nor headers."""
    operation = OPERATIONS[name]
    response = operation.call(world if operation.everyone else mine)
    assert response.status_code == operation.own, response.text
    assert MARK not in response.text
    assert MARK not in str(response.headers)


@EVERY_OPERATION
def test_another_s_is_as_if_it_were_not_there(
    mine: FlaskClient, world: FlaskClient, name: str
) -> None:
    """Status, body and headers are those of what nobody has; nothing of it is changed."""
    operation = OPERATIONS[name]
    if operation.hidden is None:
        assert MARK not in operation.call(world if operation.everyone else mine).text
        return
    assert MARK in world.get(f"{API}customers/{OTHER}/").text
    before = everything_of(world, OTHER)
    hidden, missing = operation.call(mine, OTHER), operation.call(mine, MISSING)
    assert shown(hidden, OTHER) == shown(missing, MISSING)
    if isinstance(operation.hidden, list):
        assert (hidden.status_code, hidden.json) == (200, operation.hidden)
    else:
        assert hidden.status_code == operation.hidden
    assert everything_of(world, OTHER) == before


def shown(response: TestResponse, customer: int) -> tuple[int, str, list[tuple[str, str]]]:
    """Return all that a client sees, but the request's own id and count, and the number asked."""
    changing = {"X-Request-ID", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Content-Length"}
    headers = [(name, value) for name, value in response.headers if name not in changing]
    text = re.sub(rf"\b{customer}\b", "N", response.text)
    return response.status_code, text, headers


@EVERY_OPERATION
def test_without_a_token_nothing_is_answered(
    world: FlaskClient, anonymous: FlaskClient, name: str
) -> None:
    """One's own, another's and nobody's alike."""
    before = everything_of(world, OWN)
    for customer in (OWN, OTHER, MISSING):
        response = OPERATIONS[name].call(anonymous, customer)
        assert (response.status_code, response.text) == (401, NO_CREDENTIALS)
        assert response.headers["WWW-Authenticate"] == "Bearer"
    assert everything_of(world, OWN) == before


def assert_scope_missing(response: TestResponse, operation: Operation) -> None:
    """Expect 403, and the scope that is missing."""
    assert (response.status_code, response.text) == (403, FORBIDDEN)
    challenge = response.headers["WWW-Authenticate"]
    assert challenge == f'Bearer error="insufficient_scope", scope="{operation.scope}"'


@EVERY_OPERATION
def test_every_other_scope_together_is_not_enough(
    world: FlaskClient, caller: Caller, name: str
) -> None:
    """One's own, another's and nobody's alike; nothing is changed."""
    operation = OPERATIONS[name]
    before = everything_of(world, OWN)
    others = caller(scopes=[scope for scope in SCOPES if scope != operation.scope])
    for customer in (OWN, OTHER, MISSING):
        assert_scope_missing(operation.call(others, customer), operation)
    assert everything_of(world, OWN) == before


@EVERY_OPERATION
def test_a_read_only_token_reads(world: FlaskClient, caller: Caller, name: str) -> None:
    """And changes nothing, not even its own."""
    operation = OPERATIONS[name]
    reader = caller(scopes=[READ], customers=None if operation.everyone else [OWN])
    before = everything_of(world, OWN)
    response = operation.call(reader)
    if operation.scope == READ:
        assert response.status_code == operation.own
    else:
        assert_scope_missing(response, operation)
    assert everything_of(world, OWN) == before


@EVERY_OPERATION
def test_a_token_for_nobody_reaches_nobody(world: FlaskClient, caller: Caller, name: str) -> None:
    """Every customer is like one that does not exist; what is everyone's takes everyone."""
    operation = OPERATIONS[name]
    before = everything_of(world, OWN)
    response = operation.call(caller(customers=[]))
    if operation.everyone:
        assert (response.status_code, response.text) == (403, FORBIDDEN)
    elif isinstance(operation.hidden, int):
        assert response.status_code == operation.hidden
    else:
        assert response.status_code == 200
        assert "Acme" not in response.text
    assert everything_of(world, OWN) == before


@EVERY_OPERATION
def test_only_lists_are_answered_without_naming_a_customer(
    mine: FlaskClient, world: FlaskClient, name: str
) -> None:
    """A list without its filter is that of the caller's customers, counts and links included."""
    operation = OPERATIONS[name]
    if not isinstance(operation.hidden, list):
        return
    path = operation.path_for().partition("?")[0]
    for query in ("", "?page=1&page_size=1"):
        answer = mine.get(path + query)
        assert answer.status_code == 200
        assert MARK not in answer.text
        assert MARK in world.get(path).text
    counted = mine.get(path + "?page=1&page_size=1").headers["X-Pagination"]
    assert f'"total": {len(mine.get(path).json or [])},' in counted
