"""The model in lockstep with memory, SQLite and PostgreSQL: commands, crashes and retries."""

import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.properties.lockstep import Lockstep, Makers
from tests.properties.model_subjects import memory_subjects, postgres_subjects, sqlite_subjects
from tests.reliability.scale import SEED, size, tell
from tests.servers import NoServerError, postgres

STEPS = 50
IN_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 a folder of its own


@pytest.fixture
def makers() -> Iterator[Makers]:
    """Memory, SQLite, and PostgreSQL where there is one."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=IN_MEMORY)))
        found = [
            stack.enter_context(memory_subjects()),
            stack.enter_context(sqlite_subjects(folder)),
        ]
        try:
            server = stack.enter_context(postgres())
        except NoServerError:
            if os.environ.get("CI") == "true":  # There it must not be left out.
                raise
        else:
            url = f"postgresql+psycopg://postgres@/postgres?host={server}"
            found.append(stack.enter_context(postgres_subjects(url)))
        yield found


def test_every_storage_does_what_the_model_says(makers: Makers) -> None:
    """Answers, refusals, reports, claims, states and sums, step by step, whatever crashed."""
    _run(makers, size(8, 1_000))


def test_memory_does_what_the_model_says() -> None:
    """The same commands and more of them, without waiting for a database."""
    with memory_subjects() as maker:
        _run([maker], size(160, 9_000))


def _run(makers: Makers, examples: int) -> None:
    told: Counter[str] = Counter()

    @seed(SEED)
    class Here(Lockstep):
        def __init__(self) -> None:
            super().__init__(makers, told)

    scale = settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    run_state_machine_as_test(Here, settings=scale)
    assert told["crashes after a commit"]
    tell("model in lockstep", storages=len(makers), **told)
