"""Finalizing and voiding over HTTP."""

from io import BytesIO
from typing import Any

import pypdf
import pytest
from flask.testing import FlaskClient

from billing.bootstrap import Billing
from tests.integration.http.worlds import API, FORBIDDEN, NOT_FOUND, Caller, generate, settle, value

ACCEPT = {"accept_exceptions": True, "reason": "agreed by phone"}
CLASH = "Final reports already bill orders of report 2: 10001 (report 1), 10002 (report 1)"


@pytest.fixture
def draft(client: FlaskClient) -> FlaskClient:
    """Put the small world and file a draft of customer 1, with an exception."""
    settle(client)
    assert generate(client).status_code == 201
    return client


def finalize(client: FlaskClient, report_id: int = 1, **terms: object) -> Any:
    """Finalize a report with its exceptions accepted; `terms` win."""
    return client.post(f"{API}reports/{report_id}/finalize/", json={**ACCEPT, **terms})


def void(client: FlaskClient, report_id: int = 1, reason: object = "wrong prices") -> Any:
    """Void a report."""
    return client.post(f"{API}reports/{report_id}/void/", json={"reason": reason})


def test_finalizing_answers_the_detail(draft: FlaskClient) -> None:
    """It is what the detail answers from then on; only the status differs from before."""
    before = draft.get(f"{API}reports/1/").text
    response = finalize(draft)
    assert response.status_code == 200
    assert response.text == before.replace('"status":"draft"', '"status":"final"')
    assert draft.get(f"{API}reports/1/").data == response.data
    assert draft.get(f"{API}reports/1/download/?format=json").data == response.data
    assert value(draft.get(f"{API}reports/"))[0]["status"] == "final"
    assert finalize(draft).data == response.data


def test_voiding_answers_the_detail(draft: FlaskClient) -> None:
    """A void report leaves the customer summary; a second voiding is refused."""
    finalize(draft)
    (summary,) = value(draft.get(f"{API}reports/customer-summary/"))
    assert summary["final_amount"] == summary["total_amount"]
    response = void(draft)
    assert (response.status_code, value(response)["status"]) == (200, "void")
    assert value(draft.get(f"{API}reports/customer-summary/")) == []
    again = void(draft)
    assert (again.status_code, value(again)) == (409, {"error": "Report 1 is void already"})
    late = finalize(draft)
    assert value(late) == {"error": "Report 1 is void and cannot become final"}


def test_exceptions_are_in_the_way(draft: FlaskClient) -> None:
    """Until they are accepted with a reason, empty text being none."""
    for terms in ({}, {"accept_exceptions": True}, {**ACCEPT, "reason": " "}, {"reason": "x"}):
        response = draft.post(f"{API}reports/1/finalize/", json=terms)
        assert response.status_code == 409, terms
        assert value(response)["error"].startswith("1 order is not, or not fully, billed")
    assert value(draft.get(f"{API}reports/1/history/")) == []


def test_the_body_of_finalize_may_be_missing(draft: FlaskClient) -> None:
    """No body, an empty one and `{}` all take the defaults; a body of another kind is 415."""
    path = f"{API}reports/2/finalize/"
    early = {"start_date": "2023-01-05", "end_date": "2023-01-05"}
    draft.post(API + "orders/", json=[{"customer_id": 1, "order_id": 10002}])
    generate(draft, **early)
    assert draft.post(path, data="{}", content_type="text/plain").status_code == 415
    assert draft.post(path, data="", content_type="application/json").status_code == 200
    assert draft.post(path).status_code == 200
    assert draft.post(path, json={}).status_code == 200
    assert draft.post(path, json={"supersedes": None, "reason": None}).status_code == 200
    assert draft.post(f"{API}reports/2/void/").status_code == 415


def test_a_clash_names_the_orders(draft: FlaskClient) -> None:
    """And the reports that hold them."""
    finalize(draft)
    generate(draft)
    response = finalize(draft, 2)
    assert (response.status_code, value(response)) == (409, {"error": CLASH})
    response = finalize(draft, 2, supersedes=1)
    assert response.status_code == 200
    statuses = [report["status"] for report in value(draft.get(f"{API}reports/?order_by=id"))]
    assert statuses == ["void", "final"]


def test_a_partial_report_is_never_final(draft: FlaskClient) -> None:
    """Whatever is accepted."""
    generate(draft, services=[1])
    response = finalize(draft, 2)
    assert response.status_code == 409
    assert "a partial report cannot become final" in response.text


def test_the_history_says_who_when_and_why(draft: FlaskClient, caller: Caller) -> None:
    """Oldest first; and it is recorded with the request's id."""
    path = f"{API}reports/1/finalize/"
    bob = caller(subject="bob")
    assert bob.post(path, json=ACCEPT, headers={"X-Request-ID": "r-1"}).status_code == 200
    void(draft)
    finalized, voided = value(draft.get(f"{API}reports/1/history/"))
    assert finalized == {
        "at": "2023-02-01T12:00:00Z",
        "actor": "bob",
        "action": "report.finalized",
        "reason": "agreed by phone",
        "details": {"accepted_exceptions": 1, "supersedes": None, "claimed": 2},
    }
    assert (voided["actor"], voided["details"]) == ("alice", {"was": "final", "released": 2})
    paged = draft.get(f"{API}reports/1/history/?page=2&page_size=1")
    assert value(paged) == [voided]


def test_the_request_id_is_recorded(draft: FlaskClient, billing: Billing) -> None:
    """The log names it too."""
    draft.post(f"{API}reports/1/finalize/", json=ACCEPT, headers={"X-Request-ID": "r-1"})
    (entry,) = billing.lifecycle.history(1)
    assert entry.author.request_id == "r-1"


@pytest.mark.parametrize(
    ("call", "body", "field"),
    [
        ("finalize", {"accept_exceptions": "true"}, "accept_exceptions"),
        ("finalize", {"accept_exceptions": 1}, "accept_exceptions"),
        ("finalize", {"reason": 1}, "reason"),
        ("finalize", {"reason": "x" * 256}, "reason"),
        ("finalize", {"reason": "a\u0000"}, "reason"),
        ("finalize", {"supersedes": "1"}, "supersedes"),
        ("finalize", {"supersedes": 0}, "supersedes"),
        ("finalize", {"supersedes": 1}, "supersedes"),
        ("finalize", {"supersedes": 99}, "supersedes"),
        ("finalize", {"force": True}, "force"),
        ("void", {}, "reason"),
        ("void", {"reason": None}, "reason"),
        ("void", {"reason": " "}, "reason"),
        ("void", {"reason": "x" * 256}, "reason"),
        ("void", {"reason": "x", "supersedes": 1}, "supersedes"),
    ],
)
def test_doubtful_input_is_refused(
    draft: FlaskClient, call: str, body: dict[str, object], field: str
) -> None:
    """With 400, the field's name, and nothing changed."""
    if body.get("supersedes"):
        body = {**ACCEPT, **body} if call == "finalize" else body
    response = draft.post(f"{API}reports/1/{call}/", json=body)
    assert response.status_code == 400, response.text
    assert value(response)["error"].startswith(f"{field}: ")
    assert value(draft.get(f"{API}reports/1/"))["status"] == "draft"


@pytest.mark.parametrize("call", ["finalize", "void"])
def test_who_may_not(draft: FlaskClient, caller: Caller, call: str) -> None:
    """A missing scope is 403; another customer's report does not exist, like a missing one."""
    body = {"reason": "mine"}
    reader = caller(scopes=["reports:read"])
    response = reader.post(f"{API}reports/1/{call}/", json=body)
    assert (response.status_code, response.text) == (403, FORBIDDEN)
    other = caller(customers=[2])
    for path in (f"reports/1/{call}/", f"reports/99/{call}/", f"reports/x/{call}/"):
        response = other.post(API + path, json=body)
        assert (response.status_code, response.text) == (404, NOT_FOUND)
    assert other.get(f"{API}reports/1/history/").status_code == 404
    assert value(draft.get(f"{API}reports/1/"))["status"] == "draft"


def test_nobody_supersedes_a_report_of_another_customer(draft: FlaskClient, caller: Caller) -> None:
    """Visible or not, it is refused in the same words as a missing one."""
    generate(draft, 2)
    for client in (draft, caller(customers=[1])):
        response = finalize(client, 1, supersedes=2)
        assert value(response) == {"error": "supersedes: Customer 1 has no report 2."}
        assert response.status_code == 400
    assert value(draft.get(f"{API}reports/2/"))["status"] == "draft"


def test_the_pdf_follows_the_status(draft: FlaskClient) -> None:
    """A draft and a void report say so across each page; a final one has neither mark nor
    exceptions; all print the content hash.
    """
    digest = value(draft.get(f"{API}reports/1/"))["content_hash"]

    def texts() -> list[str]:
        file = draft.get(f"{API}reports/1/download/?format=pdf").data
        return [page.extract_text() for page in pypdf.PdfReader(BytesIO(file)).pages]

    drafted = texts()
    assert all("DRAFT" in text for text in drafted)
    finalize(draft)
    final = texts()
    assert len(final) <= len(drafted)
    assert not any("DRAFT" in text or "VOID" in text for text in final)
    assert not any("not billed" in text.lower() for text in final)
    void(draft)
    voided = texts()
    assert all("VOID" in text for text in voided)
    for pages in (drafted, final, voided):
        assert digest in "".join(pages[-1].split())
