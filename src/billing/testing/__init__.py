"""Contract suites: subclass one in your tests to hold your own adapter to the domain's ports.

class TestMyStorage(StorageContract):
    @pytest.fixture
    def storage(self):
        return MyStorage()
"""

from billing.testing.exporters import ExporterContract
from billing.testing.objects import ObjectsContract
from billing.testing.products import ProductsContract
from billing.testing.reports import ReportsContract
from billing.testing.run_work import RunWorkContract
from billing.testing.runs import RunsContract

__all__ = ["ExporterContract", "StorageContract"]


class StorageContract(
    ObjectsContract, ProductsContract, ReportsContract, RunsContract, RunWorkContract
):
    """What every Storage must do; provide a `storage` fixture that gives an empty one."""
