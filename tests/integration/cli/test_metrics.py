"""Metrics: what real processes count together, on a port of its own."""

import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from tests.integration.cli.conftest import START, Run, start

ON = {"BILLING_METRICS_PORT": "0"}
WAIT_SECONDS = 60


@contextmanager
def running(environment: dict[str, str], *args: str) -> Iterator[tuple[str, str]]:
    """Run a command that serves metrics; yield the API's URL, if any and theirs."""
    with start({**environment, **ON}, *args, stderr=subprocess.PIPE) as process:
        try:
            assert process.stderr is not None
            lines = ""
            while "/metrics" not in lines:
                line = process.stderr.readline().decode()
                assert line, lines
                lines += line
            urls = re.findall(r"http://[0-9.:]+", lines)
            yield urls[0], f"{urls[-1]}/metrics"
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=WAIT_SECONDS) == 0
        finally:
            process.kill()


@pytest.fixture
def session() -> Iterator[requests.Session]:
    """Return a client that waits for a server that is still starting; each call connects anew."""
    retries = Retry(connect=12, backoff_factor=0.05, respect_retry_after_header=False)
    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=retries))
        session.headers["Connection"] = "close"
        yield session


def scraped(session: requests.Session, url: str) -> dict[str, float]:
    """Return the samples of one scrape by name and labels."""
    answer = session.get(url, timeout=10)
    assert answer.status_code == 200
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def until(found: Callable[[], bool]) -> None:
    """Wait for other processes."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not found():
        assert time.monotonic() < deadline
        subprocess.run([sys.executable, "-c", ""], check=True)


def test_the_processes_of_a_service_count_together(
    environment: dict[str, str], command: Run, session: requests.Session, valkey_url: str
) -> None:
    """Two workers add up; routes are rules, methods are known ones."""
    environment["BILLING_RATE_LIMIT_STORAGE"] = valkey_url
    environment["BILLING_RATE_LIMIT"] = "20 per day"
    environment["BILLING_RUN_WORKERS"] = "0"
    token = command("token", "issue", "--subject", "alice").stdout.strip()
    mine = {"Authorization": f"Bearer {token}"}
    with running(environment, "serve", "--port", "0", "--workers", "2") as (url, metrics):
        for _ in range(24):
            session.get(f"{url}/api/v2/reports/", headers=mine, timeout=10)
        session.get(f"{url}/api/v2/reports/77/", headers=mine, timeout=10)
        session.request("BREW", f"{url}/secret-path", timeout=10)
        found = scraped(session, metrics)
        requests_of = "billing_http_requests_total"
        listed = f'{requests_of}{{method="GET",route="/api/v2/reports/",status="%d"}}'
        assert (found[listed % 200], found[listed % 429]) == (20, 4)
        assert found["billing_rate_limit_hits_total"] == 5
        assert any(f'{requests_of}{{method="other",route="none"' in name for name in found)
        assert not any("secret-path" in name or "/77/" in name for name in found)
        seconds = 'billing_http_request_duration_seconds_count{method="GET",route="%s"}'
        assert found[seconds % "/api/v2/reports/"] == 24
        assert found["billing_database_up"] == 1
        assert found['billing_database_connections_in_use{work="requests"}'] == 0
        assert found['billing_database_connections_max{work="requests"}'] > 0
        # Not only from the first one on: nothing would be seen to rise.
        assert found['billing_run_duration_seconds_count{state="failed"}'] == 0
        assert found['billing_run_item_duration_seconds_count{outcome="failed"}'] == 0


GATHERED = """
import os, subprocess, sys
from pathlib import Path
from billing.entrypoints.metrics_folder import counted, counting_folder
count = "from billing.entrypoints.metrics import Metrics; counters = Metrics(); "
count += "counters.run_ended('done', 3_000); counters.items_given_up(2); "
count += "counters.request_ended('/r/', 'GET', '200', 0.5); os.kill(os.getpid(), 9)"
with counting_folder() as folder:
    for _ in range(2):
        for _ in range(2):
            subprocess.run([sys.executable, "-c", "import os; " + count])
        (folder / "histogram_1.db").touch()
        samples = {s.name: s.value for m in counted(folder) for s in m.samples
                   if s.labels in ({}, {"state": "done"}, {"route": "/r/", "method": "GET"},
                                   {"route": "/r/", "method": "GET", "status": "200"})}
        print(samples["billing_run_duration_seconds_count"],
              samples["billing_run_duration_seconds_sum"],
              samples["billing_run_items_given_up_total"],
              samples["billing_http_requests_total"],
              samples["billing_http_request_duration_seconds_sum"])
    print(*sorted(path.name for path in folder.iterdir()))
print(folder.exists())
"""


def test_what_ended_processes_counted_is_kept_in_one_file(environment: dict[str, str]) -> None:
    """Workers on runs come and go, killed or not; their counts stay, their files do not pile up.

    A file that a process has only just made holds nothing yet.
    """
    done = subprocess.run(
        [sys.executable, "-c", GATHERED],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    files = "counter_0.db histogram_0.db histogram_1.db"
    expected = ["2.0 6.0 4.0 2.0 1.0", "4.0 12.0 8.0 4.0 2.0", files, "False"]
    assert done.stdout.splitlines() == expected


@pytest.mark.parametrize("in_memory", [True, False])
def test_a_killed_service_leaves_its_folder_to_the_next_one(
    environment: dict[str, str], tmp_path: Path, in_memory: bool
) -> None:
    """Which removes it, and none that is in use; it is on a disk where no memory is to be had."""
    place = tmp_path / "memory"
    if in_memory:
        place.mkdir()
    environment["TMPDIR"] = str(tmp_path)
    code = "from pathlib import Path; from billing.entrypoints import metrics_folder as m\n"
    code += f"m._IN_MEMORY = Path({str(place)!r})\n"
    code += "import sys\nwith m.counting_folder() as folder:\n"
    code += "    print(folder, flush=True); sys.stdin.read()"

    def counting() -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", code]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True)

    def folder_of(process: "subprocess.Popen[str]") -> Path:
        assert process.stdout is not None
        return Path(process.stdout.readline().strip())

    with counting() as killed, counting() as living:
        folders = folder_of(killed), folder_of(living)
        killed.kill()
        killed.wait()
        assert [folder.exists() for folder in folders] == [True, True]
        with counting() as third:
            assert folder_of(third).parent == (place if in_memory else tmp_path)
            assert [folder.exists() for folder in folders] == [False, True]
            third.communicate()
        living.communicate()
    assert list(tmp_path.rglob("billing-metrics-*")) == []


def test_a_worker_tells_of_runs(
    environment: dict[str, str], command: Run, session: requests.Session
) -> None:
    """What waits while nobody works, then how attempts and the run ended, in which time."""
    command("demo")
    idle = {**environment, "BILLING_RUN_WORKERS": "0"}
    with running(idle, "serve", "--port", "0") as (url, metrics):
        session.get(f"{url}/healthz", timeout=10)
        assert command("run", "start", "--period", "2023-01").exit_code == 0
        waiting = scraped(session, metrics)['billing_run_items{state="waiting"}']
        assert waiting >= 1
    with running(environment, "worker", "--concurrency", "1") as (_, metrics):
        run = 'billing_run_duration_seconds_count{state="done"}'
        until(lambda: scraped(session, metrics)[run] == 1)
        found = scraped(session, metrics)
        done = found['billing_run_item_duration_seconds_count{outcome="done"}']
        assert done == waiting
        assert found['billing_run_items{state="waiting"}'] == 0


def test_a_database_that_answers_nonsense_takes_no_counts_away(
    environment: dict[str, str], command: Run, session: requests.Session
) -> None:
    """As when a newer version has migrated it."""
    environment["BILLING_RUN_WORKERS"] = "0"
    command("db", "upgrade")
    with running(environment, "serve", "--port", "0") as (url, metrics):
        session.get(f"{url}/healthz", timeout=10)
        file = environment["BILLING_DATABASE_URL"].removeprefix("sqlite:///")
        with closing(sqlite3.connect(file)) as database:
            database.execute("ALTER TABLE run_items RENAME TO others")
        found = scraped(session, metrics)
    assert found["billing_database_up"] == 0
    assert not any(name.startswith("billing_run_items{") for name in found)
    assert found["billing_rate_limit_hits_total"] == 0


def test_without_the_extra_it_is_one_sentence(environment: dict[str, str]) -> None:
    """It names the extra, before anything is served."""
    code = f"import sys; sys.modules['prometheus_client'] = None; {START}"
    done = subprocess.run(
        [sys.executable, "-c", code, "serve", "--port", "0"],
        env={**environment, **ON},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.endswith("pip install 'billing[metrics]'\n")
    assert done.stderr.count("\n") == 1
