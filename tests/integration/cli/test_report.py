"""`billing report`: the calls of the HTTP API for people and pipes."""

import csv
import io
import json
import re
import stat
from pathlib import Path

import pytest

from billing.bootstrap import Billing
from billing.domain.catalog_rows import CustomerRows
from billing.domain.period import BillingPeriod
from billing.domain.report_query import ReportQuery
from billing.entrypoints.cli.demo_world import JANUARY
from tests.integration.cli.conftest import Run

GENERATE = ("report", "generate", "--customer-id", "123", "--start-date", "2023-01-01")
JANUARY_OPTIONS = (*GENERATE, "--end-date", "2023-01-31")


def exported(billing: Billing, report_id: int, name: str) -> bytes:
    """Return a report's file as the application writes it."""
    out = io.BytesIO()
    billing.archive.export(report_id, name, out)
    return out.getvalue()


def count(billing: Billing) -> int:
    """Return how many reports are filed."""
    return billing.archive.count(ReportQuery())


def test_generate_files_a_report_and_shows_it(run: Run, world: Billing) -> None:
    """The result is on standard output, the message on standard error."""
    result = run(*JANUARY_OPTIONS)
    assert result.exit_code == 0
    assert result.stderr == "Report 3 is filed.\n"
    assert "Report     3 (draft)" in result.stdout
    assert count(world) == 3


@pytest.mark.parametrize("name", ["json", "csv", "pdf"])
def test_generate_writes_any_format(run: Run, world: Billing, name: str, tmp_path: Path) -> None:
    """The file is the one that a download gives."""
    path = tmp_path / "report"
    result = run(*JANUARY_OPTIONS, "--format", name, "-o", str(path))
    assert result.exit_code == 0
    assert result.stdout == ""
    assert path.read_bytes() == exported(world, 3, name)


@pytest.mark.usefixtures("world")
def test_generate_takes_chosen_services(run: Run) -> None:
    """Such a report says that it is partial."""
    result = run(*JANUARY_OPTIONS, "--service", "1", "--service", "3")
    assert "Partial    only services 1, 3" in result.stdout
    assert "Storage" not in result.stdout


@pytest.mark.parametrize(
    ("args", "code", "why"),
    [
        ((*GENERATE, "--end-date", "2022-12-31"), 1, "Start date must be before end date"),
        ((*JANUARY_OPTIONS, "--customer-id", "999"), 1, "Customer with ID 999 not found"),
        ((*JANUARY_OPTIONS, "--service", "99"), 1, "Service with ID 99 not found"),
        ((*GENERATE, "--end-date", "2023-02-30"), 2, "Not a valid date"),
        ((*GENERATE, "--end-date", "31.1.2023"), 2, "Not a valid date"),
        ((*JANUARY_OPTIONS, "--format", "xyz"), 2, "xyz"),
        (GENERATE, 2, "--end-date"),
    ],
)
def test_what_generate_refuses(
    run: Run, world: Billing, args: tuple[str, ...], code: int, why: str
) -> None:
    """A refusal says why and files nothing."""
    result = run(*args)
    assert result.exit_code == code
    assert why in result.stderr
    assert result.stdout == ""
    assert count(world) == 2


def test_nothing_is_filed_when_there_is_no_place_to_write_it(run: Run, world: Billing) -> None:
    """The file is opened first."""
    result = run(*JANUARY_OPTIONS, "-o", "/nowhere/report.csv", "--format", "csv")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: /nowhere/")
    assert count(world) == 2


def test_list_shows_a_table(run: Run, world: Billing) -> None:
    """Columns are aligned, also behind names of wide characters."""
    world.generator.generate(1011, JANUARY)
    lines = run("report", "list", "--order-by", "id").stdout.splitlines()
    assert lines[0].split() == "ID CUSTOMER NAME FROM TO CREATED STATUS ORDERS TOTAL".split()
    assert [line.split()[0] for line in lines[1:]] == ["1", "2", "3"]
    assert lines[3].index("2023-01-01") == lines[1].index("2023-01-01") - len(
        "東京ガジェット株式会社"
    )
    assert lines[1].endswith(" USD")
    assert lines[3].endswith(" JPY")


@pytest.mark.usefixtures("world")
def test_list_as_json_is_what_the_api_answers(run: Run) -> None:
    """A bare array of summaries."""
    summaries = json.loads(run("report", "list", "--format", "json").stdout)
    assert [summary["id"] for summary in summaries] == [2, 1]
    assert summaries[0]["customer_name"] == "Widgets Inc"


def test_an_empty_list_is_a_list(run: Run) -> None:
    """Nothing filed is no failure."""
    assert run("report", "list", "--format", "json").stdout == "[]\n"
    assert run("report", "list", "--format", "csv").stdout.count("\n") == 1
    assert run("report", "list").exit_code == 0


def test_list_as_csv_disarms_formulas(run: Run, billing: Billing) -> None:
    """A name that a spreadsheet would run is text; numbers are as they are."""
    billing.intake.store([{"id": 1, "name": '=1+1,"x"'}], CustomerRows())
    billing.generator.generate(1, JANUARY)
    row = next(csv.DictReader(io.StringIO(run("report", "list", "--format", "csv").stdout)))
    assert (row["customer_name"], row["total_amount"]) == ('\'=1+1,"x"', "0.00")


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        (("--customer-id", "123"), [1]),
        (("--customer-id", "999"), []),
        (("--start-date", "2023-01-02"), []),
        (("--end-date", "2023-01-31"), [2, 1]),
        (("--created-after", "2023-05-02"), []),
        (("--created-before", "2023-05-01"), [2, 1]),
        (("--order-by", "-total_amount"), [1, 2]),
        (("--order-by", "customer_name"), [1, 2]),
        (("--page", "2", "--page-size", "1"), [1]),
        (("--page-size", "1"), [2]),
        (("--page", "3"), []),
    ],
)
@pytest.mark.usefixtures("world")
def test_lists_filter_order_and_page(run: Run, options: tuple[str, ...], ids: list[int]) -> None:
    """The options are those of the HTTP call."""
    result = run("report", "list", "--format", "json", *options)
    assert [summary["id"] for summary in json.loads(result.stdout)] == ids


@pytest.mark.parametrize(
    "options", [("--order-by", "x"), ("--page", "0"), ("--page-size", "1001"), ("--format", "pdf")]
)
def test_lists_refuse_wrong_options(run: Run, options: tuple[str, ...]) -> None:
    """They are usage errors."""
    result = run("report", "list", *options)
    assert result.exit_code == 2


def test_show_says_totals_orders_and_exceptions(run: Run, world: Billing) -> None:
    """The first orders are shown, and how many more there are."""
    report = world.archive.read(1)
    text = run("report", "show", "1").stdout
    assert f"Total      {report.headline.total_amount:f} USD" in text
    for total in report.service_totals:
        assert re.search(rf"{total.service_id}  {total.service_name} +{total.amount:f}\n", text)
    assert "REF-10002" in text
    assert f"… and {report.headline.order_count - 20} more orders" in text
    assert "10901  needs attention  weight_lb is missing; carrier is missing" in text


@pytest.mark.usefixtures("world")
def test_show_all_shows_every_order(run: Run) -> None:
    """Order 10001 of the 15th is past the first twenty."""
    assert "REF-10001 " not in run("report", "show", "1").stdout
    text = run("report", "show", "1", "--all").stdout
    assert "REF-10001 " in text
    assert "more" not in text


def test_show_of_an_empty_report(run: Run, world: Billing) -> None:
    """A period without orders has a total of zero and no exceptions."""
    day = JANUARY.start.replace(year=1999)
    world.generator.generate(123, BillingPeriod(day, day))
    result = run("report", "show", "3")
    assert result.exit_code == 0
    assert "Total      0.00 USD" in result.stdout
    assert "NOT OR PARTLY BILLED" not in result.stdout


@pytest.mark.parametrize("command", ["show", "download"])
@pytest.mark.parametrize("name", ["json", "csv"])
def test_files_go_to_standard_output_byte_for_byte(
    run: Run, world: Billing, command: str, name: str
) -> None:
    """What a pipe reads is what the API sends."""
    result = run("report", command, "2", "--format", name)
    assert result.stdout_bytes == exported(world, 2, name)
    assert result.stderr == ""


def test_a_download_is_csv_unless_told_otherwise(run: Run, world: Billing) -> None:
    """As over HTTP."""
    assert run("report", "download", "1").stdout_bytes == exported(world, 1, "csv")


@pytest.mark.parametrize("command", ["show", "download"])
def test_an_unknown_report_is_refused(run: Run, command: str, tmp_path: Path) -> None:
    """Exit 1, one line, and no file left behind."""
    path = tmp_path / "report.csv"
    result = run("report", command, "7", "--format", "csv", "-o", str(path))
    assert result.exit_code == 1
    assert result.stderr == "Error: Report 7 not found\n"
    assert list(tmp_path.iterdir()) == []


def test_a_failed_download_leaves_the_old_file(run: Run, tmp_path: Path) -> None:
    """A file is replaced by a whole one or not at all."""
    path = tmp_path / "report.csv"
    path.write_text("old")
    run("report", "download", "7", "-o", str(path))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_replaced_through_a_link(run: Run, world: Billing, tmp_path: Path) -> None:
    """A link stays a link; the file that it names is written, with usual permissions."""
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)
    run("report", "download", "1", "-o", str(link))
    assert link.is_symlink()
    assert target.read_bytes() == exported(world, 1, "csv")
    assert stat.S_IMODE(target.stat().st_mode) & stat.S_IRUSR


@pytest.mark.usefixtures("world")
def test_a_device_is_written_to_and_stays_one(run: Run) -> None:
    """`-o /dev/null` replaces nothing."""
    assert run("report", "download", "1", "-o", "/dev/null").exit_code == 0
    assert Path("/dev/null").is_char_device()
