"""The domain is pure Python and touches no float."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOMAIN = sorted((ROOT / "src/billing/domain").glob("*.py"))


def test_the_example_runs_without_any_site_package() -> None:
    """Embedding needs nothing but the standard library."""
    done = subprocess.run(
        [sys.executable, "-S", str(ROOT / "examples/embed.py")],
        env={"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stderr, done.stdout) == ("", "Picking 10.50 USD\n")


@pytest.mark.parametrize("module", DOMAIN, ids=lambda path: path.stem)
def test_no_float_touches_the_domain(module: Path) -> None:
    """No float literal, no float() and no true division of numbers."""
    for node in ast.walk(ast.parse(module.read_text())):
        assert not (isinstance(node, ast.Constant) and isinstance(node.value, float))
        assert not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "float")
        assert not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div))


def test_importing_billing_loads_nothing_until_asked() -> None:
    """`import billing` is a name and a table of homes."""
    code = "import sys, billing; print([m for m in sys.modules if m.startswith('billing.')])"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"
