"""Order billing: exact, complete, explained, permanent reports.

Everything an embedder needs is here, loaded when first used, so that `import billing` costs
next to nothing and needs no package outside the standard library.
"""

import importlib
from typing import Any

_HOMES = {
    "Access": "billing.domain.access",
    "Author": "billing.domain.audit",
    "BillingError": "billing.domain.errors",
    "BillingPeriod": "billing.domain.period",
    "BillingReport": "billing.domain.report",
    "BulkIntake": "billing.domain.bulk_intake",
    "Customer": "billing.domain.catalog",
    "MemoryStorage": "billing.adapters.memory",
    "OrderRows": "billing.domain.order_rows",
    "RateBook": "billing.domain.rate_book",
    "ReportArchive": "billing.domain.report_archive",
    "ReportGenerator": "billing.domain.report_generator",
    "ReportLifecycle": "billing.domain.report_lifecycle",
    "ReportQuery": "billing.domain.report_query",
    "ReportVerification": "billing.domain.report_verification",
    "Service": "billing.domain.catalog",
    "ServiceTotal": "billing.domain.costs",
    "Terms": "billing.domain.report_lifecycle",
    "compose": "billing.bootstrap",
    "open_storage": "billing.bootstrap",
    "read_rates": "billing.domain.rate_reading",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605 a list of names, computed so that none is said twice


def __getattr__(name: str) -> Any:
    """Load a public name when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'billing' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(_HOMES)
