"""What holds for every test: no setting of the developer's own shell leaks in."""

import os

import pytest

from tests.reliability.scale import KEPT

pytest.register_assert_rewrite("billing.testing")  # A shipped test explains its failure too.


def pytest_configure() -> None:
    """Forget the service's settings before anything reads them."""
    for name in [name for name in os.environ if name.startswith("BILLING_") and name not in KEPT]:
        del os.environ[name]
