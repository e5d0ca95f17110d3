"""Lists: filters, orderings, pages and their headers, and what a list never shows."""

import json
import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from tests.integration.http.conftest import SetClock
from tests.integration.http.worlds import API, Caller, generate, put, settle, value

SUMMARY_FIELDS = [
    "id",
    "customer_id",
    "customer_name",
    "start_date",
    "end_date",
    "created_at",
    "total_amount",
    "order_count",
    "currency",
    "status",
    "exception_count",
    "content_hash",
]
NO_ID = "Not a valid id: give an integer from 1 to 9223372036854775807."
NO_DATE = "Not a valid date: give an existing day as YYYY-MM-DD."
NO_PAGE = "Not a valid page: give an integer from 1."
NO_SIZE = "Not a valid page size: give an integer from 1 to 1000."


@pytest.fixture
def world(caller: Caller, clock: SetClock) -> FlaskClient:
    """File four reports of two customers on three days: 1 to 3 of customer 1, 4 of customer 2."""
    settle(caller())
    generate(caller())
    clock.instant += timedelta(days=1)
    generate(caller(), start_date="2023-01-06")
    clock.instant += timedelta(days=1)
    generate(caller(), start_date="2023-01-05", end_date="2023-01-05")
    generate(caller(), 2)
    return caller()


def ids(client: FlaskClient, query: str = "") -> list[int]:
    """Return the ids of the reports listed."""
    response = client.get(f"{API}reports/?{query}")
    assert response.status_code == 200, response.text
    return [report["id"] for report in value(response)]


def test_a_summary_has_the_published_fields_then_the_additional_ones(world: FlaskClient) -> None:
    """The bytes are compact, amounts have their decimals, and orders are counted."""
    response = world.get(API + "reports/?customer_id=2")
    assert response.text.startswith(
        '[{"id":4,"customer_id":2,"customer_name":"Łódź 東京","start_date":"2023-01-01"'
        ',"end_date":"2023-01-31","created_at":"2023-02-03T12:00:00Z","total_amount":-7'
        ',"order_count":1,"currency":"JPY","status":"draft","exception_count":0,"content_hash":"'
    )
    assert list(value(response)[0]) == SUMMARY_FIELDS


def test_an_empty_list_is_a_bare_array(client: FlaskClient) -> None:
    """Without paging there is no header about pages."""
    response = client.get(API + "reports/")
    assert (response.status_code, response.text) == (200, "[]")
    assert "X-Pagination" not in response.headers
    assert "Link" not in response.headers


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [4, 3, 2, 1]),
        ("customer_id=1", [3, 2, 1]),
        ("customer_id=999", []),
        ("start_date=2023-01-05", [3, 2]),
        ("start_date=2023-01-06", [2]),
        ("end_date=2023-01-05", [3]),
        ("end_date=2023-01-30", [3]),
        ("end_date=2023-01-31", [4, 3, 2, 1]),
        ("created_after=2023-02-02", [4, 3, 2]),
        ("created_before=2023-02-02", [2, 1]),
        ("created_after=2023-02-02&created_before=2023-02-02", [2]),
        ("created_after=2023-02-04", []),
        ("start_date=9999-12-31&end_date=0001-01-01", []),
        ("customer_id=1&start_date=2023-01-02&created_after=2023-02-03", [3]),
        ("order_by=id", [1, 2, 3, 4]),
        ("order_by=-id", [4, 3, 2, 1]),
        ("order_by=customer_id", [1, 2, 3, 4]),
        ("order_by=-customer_id", [4, 3, 2, 1]),
        ("order_by=customer_name", [1, 2, 3, 4]),
        ("order_by=start_date", [1, 4, 3, 2]),
        ("order_by=-start_date", [2, 3, 4, 1]),
        ("order_by=end_date", [3, 1, 2, 4]),
        ("order_by=-end_date", [4, 2, 1, 3]),
        ("order_by=created_at", [1, 2, 3, 4]),
        ("order_by=-created_at", [4, 3, 2, 1]),
        ("order_by=total_amount", [4, 2, 1, 3]),
        ("order_by=-total_amount", [3, 1, 2, 4]),
        ("order_by=order_count", [2, 4, 1, 3]),
        ("order_by=-order_count", [3, 1, 4, 2]),
    ],
)
def test_filters_and_orderings(world: FlaskClient, query: str, expected: list[int]) -> None:
    """Filters hold together; equal keys fall back to the id in the same direction."""
    assert ids(world, query) == expected


def test_text_orders_by_code_point(client: FlaskClient) -> None:
    """Capitals come first, then lower case, then what lies beyond ASCII."""
    settle(client)
    for customer_id, name in enumerate(["b", "É", "a", "Z", "ź"], start=10):
        put(client, f"customers/{customer_id}/", {"name": name})
        generate(client, customer_id)
    listed = value(client.get(API + "reports/?order_by=customer_name"))
    assert [report["customer_name"] for report in listed] == ["Z", "a", "b", "É", "ź"]


@pytest.mark.parametrize(
    "order_by",
    ["", "-", "--id", "name", "ID", "__class__", "id;DROP TABLE reports", "id,total", " id", "+id"],
)
def test_only_known_orderings_are_taken(world: FlaskClient, order_by: str) -> None:
    """Everything else is a 400 that lists them, and harms nothing."""
    response = world.get(API + "reports/", query_string={"order_by": order_by})
    assert response.status_code == 400
    assert response.json == {
        "error": "order_by: Invalid order_by: use one of id, customer_id, customer_name, "
        "start_date, end_date, created_at, total_amount, order_count, with - for descending."
    }
    assert ids(world) == [4, 3, 2, 1]


def test_an_endless_ordering_is_refused_shortly(client: FlaskClient) -> None:
    """Ten kilobytes of it do not come back."""
    response = client.get(API + "reports/?order_by=" + "x" * 10_000)
    assert response.status_code == 400
    assert len(response.data) < 300


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("customer_id=x", f"customer_id: {NO_ID}"),
        ("customer_id=", f"customer_id: {NO_ID}"),
        ("customer_id=1.0", f"customer_id: {NO_ID}"),
        ("customer_id=01", f"customer_id: {NO_ID}"),
        ("customer_id=%2B1", f"customer_id: {NO_ID}"),
        ("customer_id=-1", f"customer_id: {NO_ID}"),
        ("customer_id=0", f"customer_id: {NO_ID}"),
        ("customer_id=true", f"customer_id: {NO_ID}"),
        ("customer_id=1_0", f"customer_id: {NO_ID}"),
        ("customer_id=%D9%A1", f"customer_id: {NO_ID}"),
        ("customer_id=1%00", f"customer_id: {NO_ID}"),
        ("customer_id=%ff", f"customer_id: {NO_ID}"),
        ("customer_id=9223372036854775808", f"customer_id: {NO_ID}"),
        ("start_date=2023-02-30", f"start_date: {NO_DATE}"),
        ("end_date=20230101", f"end_date: {NO_DATE}"),
        ("created_after=2023-W01-1", f"created_after: {NO_DATE}"),
        ("created_before=2023-01-01T00:00:00Z", f"created_before: {NO_DATE}"),
        ("start_date=", f"start_date: {NO_DATE}"),
        ("start_date=10000-01-01", f"start_date: {NO_DATE}"),
        ("start_date=0000-01-01", f"start_date: {NO_DATE}"),
        ("start_date=%EF%BC%92023-01-01", f"start_date: {NO_DATE}"),
        ("customer_id=1&customer_id=2", "customer_id: Given more than once."),
        ("custmer_id=1", "custmer_id: Unknown field."),
        ("status=draft", "status: Unknown field."),
        ("page=0", f"page: {NO_PAGE}"),
        ("page=-1", f"page: {NO_PAGE}"),
        ("page=x", f"page: {NO_PAGE}"),
        ("page=", f"page: {NO_PAGE}"),
        ("page=1.5", f"page: {NO_PAGE}"),
        ("page_size=0", f"page_size: {NO_SIZE}"),
        ("page_size=1001", f"page_size: {NO_SIZE}"),
        ("page_size=all", f"page_size: {NO_SIZE}"),
    ],
)
def test_a_doubtful_query_is_refused(world: FlaskClient, query: str, error: str) -> None:
    """A mistyped filter must not list everything."""
    response = world.get(f"{API}reports/?{query}")
    assert (response.status_code, response.json) == (400, {"error": error})


def test_unknown_parameters_are_told_first_and_all_are_named(world: FlaskClient) -> None:
    """The error names the first, details name them all."""
    response = world.get(API + "reports/?page=0&customer_id=x&nonsense=1")
    assert response.json == {
        "error": "nonsense: Unknown field.",
        "details": {
            "nonsense": ["Unknown field."],
            "page": [NO_PAGE],
            "customer_id": [NO_ID],
        },
    }


# -------------------------------------------------------------------------------------- access


@pytest.mark.usefixtures("world")
def test_a_list_shows_only_the_caller_s_customers(caller: Caller) -> None:
    """Entries, counts and headers speak of nothing else, with or without a filter."""
    bolt = caller(customers=[2])
    assert ids(bolt) == [4]
    assert ids(bolt, "customer_id=1") == []
    paged = bolt.get(API + "reports/?page=1")
    assert json.loads(paged.headers["X-Pagination"])["total"] == 1
    hidden = bolt.get(API + "reports/?page=1&customer_id=1")
    assert json.loads(hidden.headers["X-Pagination"]) == {"total": 0, "total_pages": 0}
    assert [customer["id"] for customer in value(bolt.get(API + "customers/"))] == [2]
    assert [order["customer_id"] for order in value(bolt.get(API + "orders/"))] == [2]
    assert bolt.get(API + "orders/?customer_id=1").text == "[]"


@pytest.mark.usefixtures("world")
def test_a_token_for_no_customer_sees_none(caller: Caller) -> None:
    """An empty list of customers is not all of them."""
    nobody = caller(customers=[])
    for path in ("reports/", "customers/", "orders/", "reports/customer-summary/"):
        assert nobody.get(API + path).text == "[]"


@pytest.mark.parametrize(
    "path",
    [
        "reports/",
        "reports/1/",
        "reports/1/download/",
        "reports/1/exceptions/",
        "reports/customer-summary/",
        "reports/customer_summary/",
        "customers/",
        "customers/1/",
        "services/",
        "services/1/",
        "orders/",
        "customers/1/orders/10001/",
        "customers/1/rates/",
    ],
)
def test_reading_takes_its_scope(world: FlaskClient, caller: Caller, path: str) -> None:
    """A token that may only write reads nothing, whatever exists."""
    writer = caller(scopes=["reports:write", "catalog:write"])
    assert writer.get(API + path).status_code == 403
    assert world.get(API + path).status_code == 200
    assert caller(scopes=["reports:read"]).get(API + path).status_code == 200


# --------------------------------------------------------------------------------------- pages


@pytest.mark.parametrize(
    ("query", "expected", "pagination"),
    [
        (
            "page=1",
            [4, 3, 2, 1],
            {"total": 4, "total_pages": 1, "first_page": 1, "last_page": 1, "page": 1},
        ),
        (
            "page_size=3",
            [4, 3, 2],
            {
                "total": 4,
                "total_pages": 2,
                "first_page": 1,
                "last_page": 2,
                "page": 1,
                "next_page": 2,
            },
        ),
        (
            "page=2&page_size=3",
            [1],
            {
                "total": 4,
                "total_pages": 2,
                "first_page": 1,
                "last_page": 2,
                "page": 2,
                "previous_page": 1,
            },
        ),
        (
            "page=2&page_size=1&order_by=id",
            [2],
            {
                "total": 4,
                "total_pages": 4,
                "first_page": 1,
                "last_page": 4,
                "page": 2,
                "previous_page": 1,
                "next_page": 3,
            },
        ),
        (
            "page=3&page_size=3",
            [],
            {"total": 4, "total_pages": 2, "first_page": 1, "last_page": 2},
        ),
        (
            "page=9223372036854775807&page_size=1000",
            [],
            {"total": 4, "total_pages": 1, "first_page": 1, "last_page": 1},
        ),
        ("page=1&customer_id=999", [], {"total": 0, "total_pages": 0}),
    ],
)
def test_a_page_says_where_it_lies(
    world: FlaskClient, query: str, expected: list[int], pagination: dict[str, int]
) -> None:
    """X-Pagination has flask-smorest's members, in its order; a page past the end is empty."""
    response = world.get(f"{API}reports/?{query}")
    assert [report["id"] for report in value(response)] == expected
    assert response.headers["X-Pagination"] == json.dumps(pagination)


def test_links_lead_to_the_other_pages_and_keep_the_filters(world: FlaskClient) -> None:
    """They are relative, so nothing that a client says of the host is in them."""
    query = "order_by=-total_amount&page_size=1&page=2&created_after=2023-02-01"
    response = world.get(f"{API}reports/?{query}", headers={"Host": "evil.example"})
    path = "/api/v2/reports/?order_by=-total_amount&page_size=1&created_after=2023-02-01&page="
    assert response.headers["Link"] == (
        f'<{path}1>; rel="first", <{path}1>; rel="prev", '
        f'<{path}3>; rel="next", <{path}4>; rel="last"'
    )


def test_following_next_visits_everything_once(world: FlaskClient) -> None:
    """The links of one page after the other lead through the whole list."""
    seen: list[int] = []
    path: str | None = API + "reports/?page_size=1&order_by=total_amount"
    while path:
        response = world.get(path)
        seen += [report["id"] for report in value(response)]
        following = re.search('<([^>]*)>; rel="next"', response.headers["Link"])
        path = following[1] if following else None
    assert seen == [4, 2, 1, 3]


def test_a_list_of_none_has_no_links(client: FlaskClient) -> None:
    """There is no first page to go to."""
    response = client.get(API + "reports/?page=1")
    assert response.text == "[]"
    assert "Link" not in response.headers


@pytest.mark.parametrize(
    ("path", "total"),
    [
        ("customers/", 2),
        ("services/", 3),
        ("orders/", 5),
        ("customers/1/rates/", 1),
        ("reports/customer-summary/", 2),
        ("reports/1/exceptions/", 2),
    ],
)
def test_every_list_is_paged_alike(world: FlaskClient, path: str, total: int) -> None:
    """Whole without being asked, in pages when asked, with the same headers everywhere."""
    whole = value(world.get(API + path))
    assert len(whole) == total
    pages = []
    for number in range(1, total + 2):
        response = world.get(f"{API}{path}?page={number}&page_size=1")
        assert json.loads(response.headers["X-Pagination"])["total"] == total
        pages += value(response)
    assert pages == whole
    assert world.get(API + path + "?page_size=1001").status_code == 400
    assert world.get(API + path + "?nonsense=1").status_code == 400
