"""Kill -9 of writers of a storage: what was acknowledged is there, what is there is whole."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.reliability import storage_kills
from tests.reliability.scale import SEED, size, tell

A_DATABASE = 50
"""Kills of the writers of one database; then another one, for looking through it takes time."""


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_killed_writers_lose_and_tear_nothing(
    kind: str, tmp_path: Path, postgres_url: Callable[[], str]
) -> None:
    """At any moment: while a batch is written, a report is filed, or a commit is under way."""
    kills = size(50, 1_500 if kind == "sqlite" else 500)
    seen: Counter[str] = Counter()
    for number in range(kills // A_DATABASE):
        url = f"sqlite:///{tmp_path}/{number}.db" if kind == "sqlite" else postgres_url()
        done = subprocess.run(
            [sys.executable, storage_kills.__file__, url, str(A_DATABASE), str(SEED + number)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"seed {SEED + number}: {done.stderr}"
        seen.update(json.loads(done.stdout.splitlines()[-1]))
    assert seen["kills"] == kills
    assert seen["calls of orders"] > 0
    tell(f"kill -9 of writers, {kind}", **seen)
