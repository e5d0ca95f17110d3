"""`billing report preview` and `explain`: nothing is stored, and everything has its reason."""

import io
import json
from pathlib import Path

import pytest

from billing.bootstrap import Billing
from billing.domain.report_query import ReportQuery
from billing.domain.strict_json import dumps
from billing.entrypoints.cli.demo_world import CARDS
from tests.integration.cli.conftest import Run

PERIOD = ("--customer-id", "123", "--start-date", "2023-01-01", "--end-date", "2023-01-31")
PREVIEW = ("report", "preview", *PERIOD)
ACME_CARD = {"customer_id": 123, "effective_from": "2023-01-01", "rates": CARDS[0][2]}
DEARER = [{"service_id": 3, "price": {"model": "flat", "amount": "10.00"}}]


def count(billing: Billing) -> int:
    """Return how many reports are filed."""
    return billing.archive.count(ReportQuery())


def write(folder: Path, name: str, data: object) -> str:
    """Write a draft and return its path."""
    path = folder / name
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return str(path)


class TestPreview:
    """What `generate` would bill."""

    @pytest.mark.parametrize("name", ["json", "csv"])
    def test_it_equals_what_is_generated(self, run: Run, world: Billing, name: str) -> None:
        """To the last field, but for id and time of creation."""
        preview = run(*PREVIEW, "--format", name)
        assert preview.stderr == ""
        assert count(world) == 2
        out = io.BytesIO()
        world.archive.export(1, name, out)
        if name == "csv":
            assert preview.stdout_bytes == out.getvalue()
        else:
            detail = json.loads(out.getvalue())
            del detail["id"], detail["created_at"]
            assert json.loads(preview.stdout) == detail

    def test_a_table_shows_it(self, run: Run, world: Billing) -> None:
        """As `show` does, without a number."""
        shown = run("report", "show", "1").stdout.splitlines()
        preview = run(*PREVIEW).stdout.splitlines()
        assert preview == shown[2:]
        assert run(*PREVIEW, "--all").stdout.count("REF-") > 20

    @pytest.mark.usefixtures("world")
    def test_a_pdf_says_that_it_is_a_preview(self, run: Run, tmp_path: Path) -> None:
        """Nobody takes it for a bill."""
        path = tmp_path / "preview.pdf"
        assert run(*PREVIEW, "--format", "pdf", "-o", str(path)).exit_code == 0
        assert path.read_bytes().startswith(b"%PDF")

    @pytest.mark.usefixtures("world")
    def test_it_takes_chosen_services(self, run: Run) -> None:
        """As generate does."""
        assert "Partial    only services 9" in run(*PREVIEW, "--service", "9").stdout

    @pytest.mark.parametrize(
        ("args", "code", "why"),
        [
            ((*PREVIEW, "--customer-id", "999"), 1, "Customer with ID 999 not found"),
            ((*PREVIEW, "--end-date", "2022-12-31"), 1, "Start date must be before end date"),
            ((*PREVIEW, "--service", "99"), 1, "Service with ID 99 not found"),
            ((*PREVIEW, "--rates", "missing.json"), 2, "missing.json"),
            (("report", "preview"), 2, "--customer-id"),
        ],
    )
    @pytest.mark.usefixtures("world")
    def test_what_it_refuses(self, run: Run, args: tuple[str, ...], code: int, why: str) -> None:
        """In one line, and without an answer."""
        result = run(*args)
        assert (result.exit_code, result.stdout) == (code, "")
        assert why in result.stderr


class TestDraft:
    """`--rates` tries a card on the orders of the period."""

    @pytest.mark.usefixtures("world")
    def test_the_card_in_force_changes_nothing(self, run: Run, tmp_path: Path) -> None:
        """Every difference is zero, and no order is named."""
        path = write(tmp_path, "draft.json", [ACME_CARD])
        compared = json.loads(run(*PREVIEW, "--rates", path, "--format", "json").stdout)
        difference = compared["compared_with_current"]
        assert difference["difference"] == 0
        assert {service["difference"] for service in difference["services"]} == {0}
        assert difference["orders"] == []
        assert "CHANGED MOST" not in run(*PREVIEW, "--rates", path).stdout

    def test_the_table_says_what_changes(self, run: Run, world: Billing, tmp_path: Path) -> None:
        """In all, by service, and for the orders that it changes most."""
        lines = run(*PREVIEW, "--rates", write(tmp_path, "d.json", DEARER)).stdout.splitlines()
        total = world.archive.read(1).headline.total_amount
        # Storage stays; 43 orders cost 10 each, also the one without a weight.
        draft = 310 + 10 * 43
        at = lines.index(f"In force   {total:f} USD")
        assert lines[at + 1] == f"Draft      {draft}.00 USD ({draft - total:+f})"
        assert "      4  Storage           310.00  310.00        0.00" in lines
        orders = lines[lines.index("CHANGED MOST  IN FORCE  DRAFT  DIFFERENCE") + 1 :]
        assert len(orders) == 10
        assert orders[0].split() == ["10015", "47.42", "10.00", "-37.42"]
        assert count(world) == 2

    @pytest.mark.parametrize(
        ("name", "data"),
        [
            ("d.json", DEARER),
            ("d.json", {"rates": DEARER}),
            ("d.json", {"effective_from": "2023-01-01", "rates": DEARER}),
            ("d.json", [{"customer_id": 123, "rates": DEARER}, {"customer_id": 9, "rates": []}]),
            ("d.ndjson", json.dumps({"rates": DEARER})),
            ("d.csv", "service_id,model,price\n3,flat,10.00\n"),
            ("d.csv", "customer_id,service_id,model,price\n9,3,flat,x\n123,3,flat,10.00\n"),
            (
                "d.csv",
                "customer_id,effective_from,service_id,model,price\n123,2024-01-01,3,flat,10.00\n",
            ),
        ],
    )
    @pytest.mark.usefixtures("world")
    def test_a_draft_has_many_forms(
        self, run: Run, tmp_path: Path, name: str, data: object
    ) -> None:
        """A file for `import rates`, the body of the HTTP call, or the rates alone."""
        result = run(*PREVIEW, "--rates", write(tmp_path, name, data))
        assert result.exit_code == 0, result.stderr
        assert "Draft      740.00 USD" in result.stdout

    @pytest.mark.parametrize(
        ("name", "data", "why"),
        [
            ("d.json", [], "holds 0 rate cards of customer 123: one can be tried"),
            ("d.json", [ACME_CARD, ACME_CARD], "holds 2 rate cards of customer 123"),
            ("d.json", [{"customer_id": 9, "rates": []}], "holds 0 rate cards of customer 123"),
            ("d.json", [{"customer_id": [123], "rates": []}], "holds 0 rate cards"),
            ("d.json", "[", "Malformed JSON"),
            ("d.json", 5, "Not a rate card"),
            ("d.json", {"rates": [{"service_id": 1}]}, "rates[0].price: Missing data"),
            ("d.json", [{"service_id": 77, **DEARER[0], "service_id ": 1}], "Unknown field"),
            ("d.ndjson", "{", "row 1: Malformed JSON"),
            ("d.csv", "service_id,model,price\n3,flat,x\n", "row 1, price: Not a valid number"),
            ("d.csv", "service_id,model,price\n3,flat,1,,9\n", "row 1: More cells"),
            (
                "d.csv",
                "effective_from,service_id,model,price\n2023-01-01,3,flat,1\n2023-02-01,3,flat,1\n",
                "holds 2 rate cards",
            ),
            ("d.csv", "service_id,model\n", "holds 0 rate cards"),
            ("d.csv", "service_id,model,price\n77,flat,1\n", "Service with ID 77 not found"),
        ],
    )
    @pytest.mark.usefixtures("world")
    def test_a_wrong_draft_is_refused_in_a_line(
        self, run: Run, tmp_path: Path, name: str, data: object, why: str
    ) -> None:
        """The line names the place."""
        result = run(*PREVIEW, "--rates", write(tmp_path, name, data))
        assert (result.exit_code, result.stdout) == (1, "")
        assert why in result.stderr
        assert result.stderr.count("\n") == 1


class TestExplain:
    """Why an order costs what it costs."""

    @pytest.mark.usefixtures("world")
    def test_a_cost_is_explained_in_words(self, run: Run) -> None:
        """What was counted, each step, the condition with what it saw, and the card."""
        result = run("report", "explain", "1", "10001")
        assert (result.exit_code, result.stderr) == (0, "")
        text = result.stdout
        assert text.startswith("Order 10001: 44.34 USD\n\nPicking (service 1): 2.25\n")
        for line in (
            "  4 units of ROPE-10M at 6 a case: 0 cases, 4 loose",
            "  tier 1: 5 loose_units at 0.45",
            "  8.64 % of 30.00",
            "  rates[5] of card 1, in force from 2023-01-01",
            "  all: true",
            "    weight_lb gt 30: true, saw 62.5",
            '    carrier eq "UPS": true, saw "UPS"',
            "  service 8: 0 cases (rates[3] of card 1, in force from 2023-01-01)",
        ):
            assert f"{line}\n" in text

    @pytest.mark.usefixtures("world")
    def test_an_order_that_needs_attention_says_all_that_is_missing(self, run: Run) -> None:
        """By service, with the condition that could not be decided."""
        text = run("report", "explain", "1", "10901").stdout
        assert "Needs attention\n  service 2: weight_lb is missing\n" in text
        assert "  service 10: the condition is unknown (rates[5]" in text
        assert '      carrier eq "UPS": unknown, it is missing\n' in text

    def test_an_order_that_is_not_billed_is_explained_too(self, run: Run, world: Billing) -> None:
        """A cancelled one, and one that bills a recorded charge as it is."""
        assert "the order is cancelled" in run("report", "explain", "1", "10902").stdout
        by_usps = next(
            order.order_id
            for order in world.archive.read(2).orders
            for cost in order.service_costs
            if cost.service_id == 2 and cost.rate_index is None
        )
        text = run("report", "explain", "2", str(by_usps)).stdout
        assert "a recorded charge of" in text
        assert "  service 2: the condition does not hold (rates[1]" in text

    def test_groups_within_groups_are_shown_as_they_are(self, run: Run, world: Billing) -> None:
        """`not` holds one condition, the others a list."""
        world.generator.generate(1213, world.archive.read(1).headline.period)
        order = world.archive.read(3).orders[0]
        assert "not: " in run("report", "explain", "3", str(order.order_id)).stdout

    def test_json_is_what_the_api_answers(self, run: Run, world: Billing) -> None:
        """Exact amounts, every member."""
        expected = dumps(world.archive.explain(1, 10_001).as_json())
        assert run("report", "explain", "1", "10001", "--format", "json").stdout == f"{expected}\n"

    @pytest.mark.parametrize(
        ("args", "code", "why"),
        [
            (("1", "5"), 1, "Error: Order 5 of customer 123 not found\n"),
            (("9", "10001"), 1, "Error: Report 9 not found\n"),
            (("1", "x"), 2, "Not a valid id"),
            (("1",), 2, "ORDER_ID"),
        ],
    )
    @pytest.mark.usefixtures("world")
    def test_what_is_not_there_is_refused(
        self, run: Run, args: tuple[str, ...], code: int, why: str
    ) -> None:
        """In one line."""
        result = run("report", "explain", *args)
        assert (result.exit_code, result.stdout) == (code, "")
        assert why in result.stderr
