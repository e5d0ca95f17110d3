"""JSON and CSV exporters are held to the shipped contract, and write in bounded memory."""

import io
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.adapters.exporters.csv_exporter import CsvExporter
from billing.adapters.exporters.json_exporter import JsonExporter
from billing.adapters.memory import MemoryStorage
from billing.domain.catalog import Service
from billing.domain.ports import ReportExporter
from billing.domain.report_archive import ReportArchive
from billing.testing import ExporterContract
from billing.testing.world import ACME, EVERYTHING, JANUARY, fill, generator, order


@pytest.fixture(params=[CsvExporter, JsonExporter])
def exporter(request: pytest.FixtureRequest) -> ReportExporter:
    """Return each exporter that needs no optional package."""
    made: ReportExporter = request.param()
    return made


class TestExporters(ExporterContract):
    """The PDF exporter is held to it in tests/integration."""


class Pieces(io.BytesIO):
    """A file that remembers its largest piece, and refuses to be given all at once."""

    largest = 0

    def write(self, data: Any, /) -> int:
        """Take one piece."""
        self.largest = max(self.largest, len(data))
        return super().write(data)

    def writelines(self, lines: Iterable[Any], /) -> None:
        """Refuse: a spooled file would take all of it into memory."""
        raise AssertionError("writelines")


def test_a_large_report_is_written_page_by_page(exporter: ReportExporter) -> None:
    """No piece is larger than a few pages, however many orders there are."""
    storage = MemoryStorage()
    fill(storage)
    with storage.transaction(EVERYTHING) as tx:
        tx.orders.save([order(ACME, number) for number in range(1, 5_000)])
    report = generator(storage).generate(ACME, JANUARY)
    out = Pieces()
    exporter.render(ReportArchive(storage, {}).open(report.id), out)
    assert out.largest * 3 < len(out.getvalue())


LIKE_COSTS = st.sampled_from(
    ['{"service_id":7,"service_name":"x","amount":9', '"', "\\", '{"order_id":5', 'x","amount":9']
)
TEXTS = st.text('"\\{},:aé\u2028', min_size=1, max_size=8) | LIKE_COSTS


@given(TEXTS, TEXTS)
def test_costs_are_found_as_they_are_parsed(name: str, reference: str) -> None:
    """No name and no reference of an order can pass for a cost, or for another order."""
    storage = MemoryStorage()
    fill(storage)
    with storage.transaction(EVERYTHING) as tx:
        tx.services.save(Service(1, name))
        tx.orders.save([order(ACME, 9)._replace(reference_number=reference)])
    report = generator(storage).generate(ACME, JANUARY)
    document = ReportArchive(storage, {}).open(report.id)
    assert list(document.costs()) == [
        (str(billed.order_id), str(cost.service_id), cost.service_name, f"{cost.amount:f}")
        for billed in document.orders()
        for cost in billed.service_costs
    ]
