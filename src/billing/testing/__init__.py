"""Contract suites: subclass one in your tests to hold your own adapter to the domain's ports.

class TestMyStorage(StorageContract):
    @pytest.fixture
    def storage(self):
        return MyStorage()
"""

from billing.testing.audit import AuditContract
from billing.testing.claims import ClaimsContract
from billing.testing.completeness import CompletenessContract
from billing.testing.exporters import ExporterContract
from billing.testing.idempotency import IdempotencyContract
from billing.testing.moves import MovesContract
from billing.testing.objects import ObjectsContract
from billing.testing.products import ProductsContract
from billing.testing.purge import PurgeContract
from billing.testing.reports import ReportsContract
from billing.testing.run_work import RunWorkContract
from billing.testing.runs import RunsContract
from billing.testing.tokens import TokensContract

__all__ = ["ExporterContract", "StorageContract"]


class StorageContract(
    ObjectsContract,
    ProductsContract,
    ReportsContract,
    PurgeContract,
    IdempotencyContract,
    TokensContract,
    MovesContract,
    ClaimsContract,
    AuditContract,
    RunsContract,
    RunWorkContract,
    CompletenessContract,
):
    """What every Storage must do; provide a `storage` fixture that gives an empty one."""
