"""Worked examples: those in the price models' docstrings, and one contract from end to end."""

import doctest
import io
import json
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest

from billing.bootstrap import Billing
from billing.domain import derived_prices, prices, tiers
from billing.domain.document import ReportDocument, detail_chunks
from billing.domain.explanation import Explanation
from billing.domain.rate_reading import MODELS, read_rates
from billing.testing.world import JANUARY
from tests.unit.worked_example import ORDER, RATES, application

COSTS = [(1, "3.50"), (2, "2.75"), (3, "2.50"), (4, "1.38"), (5, "0.34")]
PACKED = (
    "30 units of AB-1 at 12 a case: 2 cases, 6 loose; 7 units of CD-2 at 5 a case: 1 case, 2 loose"
)
TIERS = "tier 1: 5 loose_units at 0.40; tier 2: 3 loose_units at 0.25"
TEXTS = [
    f"{PACKED}; 3 cases at 1.10; minimum 3.50; rounded half up to 3.50",
    f"{PACKED}; {TIERS}; rounded half up to 2.75",
    "2.50 an order; rounded half up to 2.50",
    "12.5 weight_lb at 0.11; rounded half up to 1.38",
    "8.64 % of 3.88; rounded half up to 0.34",
]


@pytest.mark.parametrize("module", [prices, tiers, derived_prices], ids=lambda m: m.__name__)
def test_the_worked_examples_run(module: ModuleType) -> None:
    """What a docstring says a quantity costs is what it costs."""
    results = doctest.testmod(module)
    assert results.attempted > 0
    assert results.failed == 0


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_every_model_has_a_worked_example(model: type) -> None:
    """A model without one cannot be told from another by its reader."""
    (found,) = doctest.DocTestFinder(recurse=False).find(model)
    assert found.examples


@pytest.fixture
def app() -> Billing:
    """Return the application with the contract, its products and its order."""
    return application()


def detail(document: ReportDocument) -> dict[str, Any]:
    """Return a report's detail, amounts as their text."""
    parsed: dict[str, Any] = json.loads(b"".join(detail_chunks(document)), parse_float=str)
    return parsed


def check_detail(report: dict[str, Any]) -> None:
    """Hold a detail to the worked example."""
    (billed,) = report["orders"]
    costs = [(cost["service_id"], cost["amount"]) for cost in billed["service_costs"]]
    quantities = [cost["quantity"] for cost in billed["service_costs"]]
    assert costs == COSTS
    assert quantities == [3, 8, 1, "12.5", None]
    assert report["total_amount"] == billed["total_amount"] == "10.47"
    assert report["exception_count"] == 0


def check_explanation(explanation: Explanation) -> None:
    """Hold an explanation to the worked example."""
    assert explanation.total_amount == Decimal("10.47")
    assert [(c.service_id, f"{c.amount}") for c in explanation.service_costs] == COSTS
    assert [c.explanation["text"] for c in explanation.service_costs] == TEXTS
    assert (explanation.problems, explanation.not_charged) == ((), ())


def test_the_contract_bills_10_47(app: Billing) -> None:
    """3.50 + 2.75 + 2.50 + 1.38 + 0.34, from the intake of rows to the detail."""
    report = app.generator.generate(1, JANUARY)
    out = io.BytesIO()
    check_detail(detail(app.archive.export(report.id, "csv", out)))
    assert out.getvalue().decode().splitlines()[1:] == [
        '10001,1,"Case pick",3.50',
        '10001,2,"Loose pick",2.75',
        '10001,3,"Handling",2.50',
        '10001,4,"Weight",1.38',
        '10001,5,"Fuel",0.34',
    ]


def test_the_contract_is_explained_line_by_line(app: Billing) -> None:
    """By the report that bills it, in words that say how each amount came about."""
    report = app.generator.generate(1, JANUARY)
    check_explanation(app.archive.explain(report.id, 10001))


def test_the_contract_previews_as_it_bills(app: Billing) -> None:
    """By the card in force and by the same rates as a draft, which then changes nothing."""
    with app.generator.prepare(1, JANUARY) as prepared:
        check_detail(detail(prepared.document()))
    with app.generator.prepare(1, JANUARY, rates=read_rates(RATES)) as prepared:
        draft = detail(prepared.document())
    check_detail(draft)
    assert draft["compared_with_current"]["difference"] == "0.00"
    assert draft["compared_with_current"]["orders"] == []


def test_the_contract_can_be_tried(app: Billing) -> None:
    """With the card in force and with the same rates as a draft."""
    check_explanation(app.rate_trial.run(1, ORDER))
    check_explanation(app.rate_trial.run(1, ORDER, read_rates(RATES)))
