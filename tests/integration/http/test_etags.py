"""ETags: whoever has a report already is told so, without making it again."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from billing.adapters.exporters import EXPORTERS
from billing.adapters.exporters.csv_exporter import CsvExporter
from billing.adapters.memory import MemoryStorage
from billing.bootstrap import Billing, compose
from billing.domain.report import ReportHeadline, ReportStatus
from billing.domain.report_query import ReportQuery
from billing.entrypoints.http import etags
from billing.entrypoints.http.app import create_app
from billing.entrypoints.http.etags import report_etag
from billing.settings import Settings
from tests.integration.http.conftest import NOW, SetClock
from tests.integration.http.worlds import API, NOT_FOUND, Caller, generate, settle

PATHS = [
    "reports/1/",
    "reports/1/download/",
    "reports/1/download/?format=json",
    "reports/1/download/?format=pdf",
]


@pytest.fixture
def world(client: FlaskClient) -> FlaskClient:
    """Put the small world with one report."""
    settle(client)
    generate(client)
    return client


@pytest.fixture
def headline(billing: Billing, world: FlaskClient) -> ReportHeadline:
    """Return the report's headline."""
    assert world.get(API + "reports/1/").status_code == 200
    (found,) = billing.archive.find(ReportQuery())
    return found


def tag_of(client: FlaskClient, path: str) -> str:
    """Return the ETag of a path, as sent."""
    return client.get(API + path).headers["ETag"]


@pytest.mark.parametrize("path", PATHS)
def test_a_report_that_is_there_already_is_not_sent_again(world: FlaskClient, path: str) -> None:
    """304 says the same of itself as the 200, and has no body."""
    first = world.get(API + path)
    again = world.get(API + path, headers={"If-None-Match": first.headers["ETag"]})
    assert first.status_code == 200
    assert (again.status_code, again.data) == (304, b"")
    for name in ("ETag", "Cache-Control", "Vary"):
        assert again.headers[name] == first.headers[name]
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert first.headers["Vary"] == "Authorization, Accept-Encoding"
    assert "X-Request-ID" in again.headers
    assert "X-RateLimit-Limit" in again.headers
    for name in ("Content-Type", "Content-Length", "Content-Disposition"):
        assert name not in again.headers
    head = world.head(API + path, headers={"If-None-Match": first.headers["ETag"]})
    assert head.status_code == 304
    assert world.head(API + path).headers["ETag"] == first.headers["ETag"]


@pytest.mark.parametrize("path", PATHS)
def test_a_304_renders_nothing(
    world: FlaskClient, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is answered from the headline, of which no document is opened."""
    tag = tag_of(world, path)

    def fail(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr("billing.domain.report_archive.ReportArchive.open", fail)
    assert world.get(API + path, headers={"If-None-Match": tag}).status_code == 304


def test_each_format_has_its_own(world: FlaskClient) -> None:
    """A client that has the CSV does not have the PDF; the JSON file is the detail."""
    detail, csv, json_file, pdf = (tag_of(world, path) for path in PATHS)
    assert detail == json_file
    assert len({detail, csv, pdf}) == 3
    answer = world.get(API + PATHS[3], headers={"If-None-Match": f"{detail}, {csv}"})
    assert answer.status_code == 200
    assert all(tag.startswith('"') and tag.endswith('"') for tag in (detail, csv, pdf))


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ("{tag}", 304),
        ("W/{tag}", 304),
        ("*", 304),
        ('"other", {tag}', 304),
        ('"other",W/{tag} , "third"', 304),
        ('"other"', 200),
        ('W/"other"', 200),
        ("", 200),
        ("nonsense {{", 200),
    ],
)
def test_if_none_match_is_read_as_rfc_9110_says(world: FlaskClient, form: str, status: int) -> None:
    """Lists, the star, and weak comparison."""
    header = form.replace("{tag}", tag_of(world, "reports/1/"))
    answer = world.get(API + "reports/1/", headers={"If-None-Match": header})
    assert answer.status_code == status


@pytest.mark.parametrize("output_format", ["json", "csv"])
def test_a_new_report_tells_the_etag_of_its_place(world: FlaskClient, output_format: str) -> None:
    """RFC 9110: a 201's validators are those of what it made, which is at its Location."""
    made = generate(world, output_format=output_format)
    assert made.headers["ETag"] == world.get(made.headers["Location"]).headers["ETag"]
    assert made.headers["Cache-Control"] == "no-store"


def test_only_those_who_may_see_a_report_learn_anything(
    world: FlaskClient, caller: Caller, anonymous: FlaskClient
) -> None:
    """The ETag of a report is no way around its access."""
    for headers in ({"If-None-Match": tag_of(world, "reports/1/")}, {"If-None-Match": "*"}):
        hidden = caller(customers=[2]).get(API + "reports/1/", headers=headers)
        assert (hidden.status_code, hidden.text) == (404, NOT_FOUND)
        assert hidden.headers["Cache-Control"] == "no-store"
        assert anonymous.get(API + "reports/1/", headers=headers).status_code == 401
        assert caller(scopes=()).get(API + "reports/1/", headers=headers).status_code == 403
        assert world.get(API + "reports/9/", headers=headers).status_code == 404
        bad = world.get(API + "reports/1/download/?format=xyz", headers=headers)
        assert bad.status_code == 400


def test_what_cannot_be_rendered_is_not_unchanged(
    world: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A condition counts only where the answer would be 200."""
    monkeypatch.setattr("billing.adapters.exporters.pdf_exporter.MOST_ORDERS", 1)
    answer = world.get(API + PATHS[3], headers={"If-None-Match": "*"})
    assert answer.status_code == 400


def test_equal_reports_are_told_apart(world: FlaskClient, clock: SetClock) -> None:
    """Their hashes are equal, but not their ids and times."""
    generate(world)
    clock.instant = NOW + timedelta(seconds=1)
    generate(world)
    assert len({tag_of(world, f"reports/{number}/") for number in (1, 2, 3)}) == 3


@pytest.mark.parametrize("status", [ReportStatus.FINAL, ReportStatus.VOID])
def test_the_status_is_part_of_it(headline: ReportHeadline, status: ReportStatus) -> None:
    """It is in the detail, and across the pages of the PDF."""
    draft = report_etag(headline, "json", EXPORTERS["json"])
    moved = {name: getattr(headline, name) for name in ReportHeadline.__dataclass_fields__}
    assert report_etag(ReportHeadline(**moved | {"status": status}), "json", EXPORTERS["json"]) != (
        draft
    )


def test_the_letterhead_is_part_of_it(settings: Settings, caller: Caller, clock: SetClock) -> None:
    """It is in the content hash, and at the head of the PDF."""
    tags = set()
    for letterhead in ("Billing", "Northgate"):
        application = compose(MemoryStorage(), clock=clock, letterhead=letterhead)
        client = create_app(settings, application).test_client()
        client.environ_base.update(caller().environ_base)
        settle(client)
        generate(client)
        tags.add(tag_of(client, "reports/1/download/?format=pdf"))
    assert len(tags) == 2


def test_a_new_version_may_write_other_bytes(
    headline: ReportHeadline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of this program, or of what an exporter renders with."""

    class Newer(CsvExporter):
        edition = "2"

    tags = {report_etag(headline, "csv", exporter) for exporter in (CsvExporter(), Newer())}
    later: Callable[[], str] = lambda: "99.0"  # noqa: E731
    monkeypatch.setattr(etags, "_program_version", later)
    tags.add(report_etag(headline, "csv", CsvExporter()))
    assert len(tags) == 3


def test_a_compressed_answer_has_another(headline: ReportHeadline) -> None:
    """Other bytes, another strong ETag."""
    plain = report_etag(headline, "csv", EXPORTERS["csv"])
    assert plain == report_etag(headline, "csv", EXPORTERS["csv"], coding="identity")
    assert plain != report_etag(headline, "csv", EXPORTERS["csv"], coding="gzip")
