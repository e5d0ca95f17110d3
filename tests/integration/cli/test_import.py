"""`billing import`: files in every format, refusals by row, and nothing half done."""

import gzip
import json
from pathlib import Path

import pytest

from billing.bootstrap import Billing
from billing.domain.access import Access
from billing.domain.report_query import Slice
from tests.integration.cli.conftest import Run

CUSTOMERS = [{"id": 123, "name": "ACME Corp"}, {"id": 789, "name": "Łódź Zabawki"}]
SERVICES = [{"id": 1, "name": "Picking"}]
NDJSON = "\n".join(json.dumps(row) for row in CUSTOMERS)
CSV = "id,name\n123,ACME Corp\n789,Łódź Zabawki\n"
FLAT = {"service_id": 1, "price": {"model": "flat", "amount": "5.00"}}


def write(folder: Path, name: str, text: str) -> str:
    """Write a file, compressed if its name ends in .gz, and return its path."""
    path = folder / name
    data = text.encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return str(path)


def customer_names(billing: Billing) -> dict[int, str]:
    """Return the customers that are stored."""
    with billing.storage.snapshot(Access.everything()) as view:
        return {customer.id: customer.name for customer in view.customers.page(Slice())}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("customers.json", json.dumps(CUSTOMERS)),
        ("customers.ndjson", NDJSON),
        ("customers.jsonl", NDJSON),
        ("customers.csv", CSV),
        ("CUSTOMERS.CSV", CSV),
    ],
)
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_the_extension_says_the_format(
    run: Run, billing: Billing, tmp_path: Path, name: str, text: str, ending: str
) -> None:
    """CSV, JSON and NDJSON load alike, compressed or not."""
    result = run("import", "customers", write(tmp_path, name + ending, text))
    assert result.exit_code == 0
    assert result.stdout == "2 received, 2 created, 0 updated, 0 unchanged, 0 skipped\n"
    assert result.stderr == ""
    assert customer_names(billing) == {123: "ACME Corp", 789: "Łódź Zabawki"}


@pytest.mark.parametrize(
    ("options", "text"), [((), NDJSON), (("--format", "csv"), CSV)], ids=["ndjson", "csv"]
)
def test_standard_input_is_ndjson_unless_told_otherwise(
    run: Run, billing: Billing, options: tuple[str, ...], text: str
) -> None:
    """A dash reads what another command writes."""
    result = run("import", "customers", "-", *options, input=text.encode())
    assert result.exit_code == 0
    assert len(customer_names(billing)) == 2


def test_the_same_file_twice_changes_nothing(run: Run, tmp_path: Path) -> None:
    """The second time every row is unchanged."""
    path = write(tmp_path, "customers.csv", CSV)
    run("import", "customers", path)
    assert "2 unchanged" in run("import", "customers", path).stdout


def test_one_invalid_row_refuses_the_file(run: Run, billing: Billing, tmp_path: Path) -> None:
    """Each wrong row is said on standard error, and nothing is stored."""
    path = write(tmp_path, "customers.csv", "id,name\n123,ACME\nx,Widgets\n9\n1,a,b\n")
    result = run("import", "customers", path)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "row 2, id: Not a valid id: give an integer from 1 to 9223372036854775807.",
        "row 3, name: Missing data for required field.",
        "row 4: More cells than the header has columns.",
        "Error: 3 of 4 rows are invalid; nothing was stored",
    ]
    assert customer_names(billing) == {}


def test_invalid_rows_may_be_skipped(run: Run, billing: Billing, tmp_path: Path) -> None:
    """The good rows are stored, the bad ones listed."""
    path = write(tmp_path, "customers.ndjson", f"{NDJSON}\noops\n")
    result = run("import", "customers", path, "--on-error", "skip")
    assert result.exit_code == 0
    assert result.stdout == "3 received, 2 created, 0 updated, 0 unchanged, 1 skipped\n"
    assert result.stderr == "row 3: Malformed JSON at line 1, column 1.\n"
    assert len(customer_names(billing)) == 2


def test_a_hundred_errors_are_shown_and_the_rest_is_said(run: Run, tmp_path: Path) -> None:
    """A file that is wrong from end to end does not flood the terminal."""
    path = write(tmp_path, "customers.ndjson", "oops\n" * 250)
    lines = run("import", "customers", path).stderr.splitlines()
    assert len(lines) == 102
    assert lines[100] == "More rows are invalid; only the first errors are shown."
    assert lines[101] == "Error: 250 of 250 rows are invalid; nothing was stored"


def test_a_dry_run_keeps_nothing(run: Run, billing: Billing, tmp_path: Path) -> None:
    """It counts what an import would do, and says that it was none."""
    result = run("import", "customers", write(tmp_path, "customers.csv", CSV), "--dry-run")
    assert result.exit_code == 0
    assert result.stdout.startswith("2 received, 2 created")
    assert result.stderr == "Dry run: nothing was stored.\n"
    assert customer_names(billing) == {}


def test_ignored_columns_are_named(run: Run, tmp_path: Path) -> None:
    """A column that nothing knows is no error, but is said."""
    path = write(tmp_path, "customers.csv", "id,name,fax\n123,ACME,1\n")
    assert run("import", "customers", path).stderr == "Ignored columns: fax\n"


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("customers.json", '{"id": 1}', "Not a JSON array."),
        ("customers.json", "[1,", "Malformed JSON array at line 1."),
        ("customers.csv", "", "The first line must name the columns."),
        ("customers.csv", "id,id\n", "The header names the column id twice."),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_a_line(
    run: Run, tmp_path: Path, name: str, text: str, why: str
) -> None:
    """The line says why, whatever the format."""
    result = run("import", "customers", write(tmp_path, name, text))
    assert result.exit_code == 1
    assert result.stderr == f"Error: {why}\n"


@pytest.mark.parametrize("cut", [5, 30])
def test_a_cut_gzip_file_stores_nothing(
    run: Run, billing: Billing, tmp_path: Path, cut: int
) -> None:
    """A download that broke off is refused, also with the bad rows skipped."""
    path = Path(write(tmp_path, "customers.csv.gz", CSV))
    path.write_bytes(path.read_bytes()[:cut])
    result = run("import", "customers", str(path), "--on-error", "skip")
    assert result.exit_code == 1
    assert result.stderr == f"Error: {path} is not a whole gzip file\n"
    assert customer_names(billing) == {}


@pytest.mark.parametrize(
    "args",
    [
        ("customers", "missing.csv"),
        ("customers", "."),
        ("nonsense", "x.csv"),
        ("customers",),
        ("customers", __file__),
        ("rates", "-", "--format", "xml"),
        ("legacy",),
    ],
)
def test_wrong_usage_exits_with_2(run: Run, args: tuple[str, ...]) -> None:
    """No such file, a folder, an unknown kind, an extension that says nothing."""
    assert run("import", *args).exit_code == 2


def test_orders_come_with_items_and_charges_from_csv(run: Run, billing: Billing) -> None:
    """A warehouse's own export loads as it is."""
    run("import", "customers", "-", input=NDJSON)
    run("import", "services", "-", input=json.dumps(SERVICES[0]))
    text = (
        "customer_id,transaction_id,close_date,sku_quantity,charges\n"
        '123,1,2023-04-01 23:30:00+00,"{""AB-1"": 2}","[{""service_id"": 1, ""amount"": 4.20}]"\n'
    )
    result = run("import", "orders", "-", "--format", "csv", input=text)
    assert result.stderr == ""
    with billing.storage.snapshot(Access.everything()) as view:
        order = view.orders.find(123, 1)
    assert order.items is not None
    assert (str(order.order_date), order.items.text) == ("2023-04-01", '[["AB-1",2]]')


class TestProducts:
    """`billing import products`: how each SKU is packed."""

    @pytest.fixture(autouse=True)
    def _known(self, run: Run) -> None:
        run("import", "customers", "-", input=NDJSON)

    def test_products_load_from_csv(self, run: Run, billing: Billing, tmp_path: Path) -> None:
        """And the same rows again change nothing."""
        path = write(tmp_path, "p.csv", "customer_id,sku,units_per_case\n123,AB-1,12\n123,C,1\n")
        counts = "2 received, 2 created, 0 updated, 0 unchanged, 0 skipped\n"
        assert run("import", "products", path).stdout == counts
        assert "2 unchanged" in run("import", "products", path).stdout
        with billing.storage.snapshot(Access.everything()) as view:
            assert view.products.units_per_case(123) == {"ab1": 12, "c": 1}

    def test_wrong_products_are_said_by_row_and_column(self, run: Run, tmp_path: Path) -> None:
        """An unknown customer, no whole number, and two spellings of one SKU."""
        rows = "9,A,1\n123,A,1.5\n123,AB-1,2\n123,ab 1,3\n"
        path = write(tmp_path, "p.csv", f"customer_id,sku,units_per_case\n{rows}")
        result = run("import", "products", path)
        assert result.exit_code == 1
        assert [line.split(":")[0] for line in result.stderr.splitlines()] == [
            "row 1, customer_id",
            "row 2, units_per_case",
            "row 4, sku",
            "Error",
        ]


class TestFlatRates:
    """`billing import rates` from CSV: a rate a row, cards whole or not at all."""

    HEADER = "customer_id,effective_from,service_id,model,measure,price,colour\n"

    @pytest.fixture(autouse=True)
    def _known(self, run: Run) -> None:
        run("import", "customers", "-", input=NDJSON)
        run("import", "services", "-", input=json.dumps(SERVICES[0]))

    def test_rows_make_cards(self, run: Run, billing: Billing, tmp_path: Path) -> None:
        """Counted by rates; unknown columns are named."""
        rows = "123,2023-01-01,1,unit,units,0.35,red\n123,2023-01-01,1,flat,,2\n"
        rows += "789,2023-01-01,1,flat,,5\n"
        result = run("import", "rates", write(tmp_path, "r.csv.gz", self.HEADER + rows))
        assert result.stdout == "3 received, 3 created, 0 updated, 0 unchanged, 0 skipped\n"
        assert result.stderr == "Ignored columns: colour\n"
        assert [len(billing.rate_book.cards(c)[0].rates) for c in (123, 789)] == [2, 1]

    def test_a_wrong_row_is_said_and_refuses_the_file(
        self, run: Run, billing: Billing, tmp_path: Path
    ) -> None:
        """With row and column; with the bad rows skipped its card stays out, others do not."""
        rows = "123,2023-01-01,1,flat,,5\n123,2023-01-01,1,flat,,x\n789,2023-01-01,1,flat,,5\n"
        path = write(tmp_path, "r.csv", self.HEADER + rows)
        messages = [
            "row 1: Refused together with row 2.",
            "row 2, price: Not a valid number: give a plain decimal such as 12.50.",
        ]
        result = run("import", "rates", path)
        assert result.exit_code == 1
        refusal = "Error: 2 of 3 rows are invalid; nothing was stored"
        assert result.stderr.splitlines() == [*messages, refusal]
        assert billing.rate_book.cards(789) == []
        result = run("import", "rates", path, "--on-error", "skip")
        assert result.exit_code == 0
        assert result.stderr.splitlines()[:2] == messages
        assert [len(billing.rate_book.cards(c)) for c in (123, 789)] == [0, 1]

    def test_a_row_with_too_many_cells_refuses_every_card(self, run: Run, tmp_path: Path) -> None:
        """Nobody can tell which card it is a part of."""
        rows = "123,2023-01-01,1,flat,,5\n789,2023-01-01,1,flat,,5,,,9\n"
        path = write(tmp_path, "r.csv", self.HEADER + rows)
        result = run("import", "rates", path, "--on-error", "skip")
        assert result.stderr.splitlines()[:2] == [
            "row 1: Refused together with row 2.",
            "row 2: More cells than the header has columns.",
        ]


class TestRates:
    """`billing import rates`: whole cards, a file in one transaction."""

    @pytest.fixture(autouse=True)
    def _known(self, run: Run) -> None:
        run("import", "customers", "-", input=NDJSON)
        run("import", "services", "-", input=json.dumps(SERVICES[0]))

    def cards(self, *rows: object) -> str:
        """Return a file of cards."""
        return json.dumps(rows)

    def test_cards_are_put_in_force(self, run: Run, billing: Billing) -> None:
        """Each element is a customer's card from a day on; again they add nothing."""
        text = self.cards(
            {"customer_id": 123, "effective_from": "2023-01-01", "rates": [FLAT]},
            {"customer_id": 123, "effective_from": "2023-03-01", "rates": []},
        )
        result = run("import", "rates", "-", "--format", "json", input=text)
        assert result.stdout == "2 received, 2 created, 0 updated, 0 unchanged, 0 skipped\n"
        again = run("import", "rates", "-", "--format", "json", input=text)
        assert again.stdout == "2 received, 0 created, 0 updated, 2 unchanged, 0 skipped\n"
        assert [str(c.effective_from) for c in billing.rate_book.cards(123)] == [
            "2023-03-01",
            "2023-01-01",
        ]

    def test_wrong_cards_are_said_by_row_and_place(self, run: Run, billing: Billing) -> None:
        """One wrong card refuses the file, and the good one in front of it is not stored."""
        wrong = {"service_id": 1, "price": {"model": "flat", "amount": "-1"}}
        text = self.cards(
            {"customer_id": 123, "effective_from": "2023-01-01", "rates": [FLAT]},
            {"customer_id": 9, "effective_from": "2023-01-01", "rates": [FLAT]},
            {"customer_id": 123, "effective_from": "2023-02-30", "rates": []},
            {"customer_id": 123, "effective_from": "2023-02-01", "rates": [FLAT, wrong]},
            {"customer_id": 123, "effective_from": "2023-02-01"},
            {"customer_id": 123, "effective_from": "2023-02-01", "rates": [], "x": 1},
            {
                "customer_id": 123,
                "effective_from": "2023-02-01",
                "rates": [{**FLAT, "service_id": 7}],
            },
            {"customer_id": 123, "effective_from": "2023-01-01", "rates": []},
            5,
        )
        result = run("import", "rates", "-", "--format", "json", input=text)
        assert result.exit_code == 1
        places = [line.split(":")[0] for line in result.stderr.splitlines()]
        assert places == [
            "row 2, customer_id",
            "row 3, effective_from",
            "row 4, rates[1].price.amount",
            "row 5, rates",
            "row 6, x",
            "row 7, rates[0].service_id",
            "row 8, effective_from",
            "row 9",
            "Error",
        ]
        assert billing.rate_book.cards(123) == []
