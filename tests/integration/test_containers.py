"""The image and compose.yaml: every file, setting and command that they name is real, and runs."""

import os
import re
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from typing import Any
from urllib.parse import urlsplit

import click
import pytest

from billing.entrypoints.cli.main import billing as command_line
from billing.settings import Settings, name_of
from tests import containers
from tests.containers import Stage
from tests.documents import ROOT

SECRETS = {
    "POSTGRES_PASSWORD": "7f2b9c0d1e3a4f5b6c8d9e0f",
    "BILLING_JWT_SECRET": "0123456789abcdef0123456789abcdef",
}
OWN = ("api", "worker", "migrate")
WAIT_SECONDS = 60
START = "from billing.entrypoints.cli.main import main; main()"


@pytest.fixture(scope="module")
def image() -> Stage:
    """Return the last stage: what runs."""
    return containers.stages()[-1]


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """Return the services of compose.yaml, with secrets from outside."""
    found: dict[str, Any] = containers.compose(SECRETS)["services"]
    return found


def test_the_base_is_pinned_once() -> None:
    """All stages are of one release of Python and Debian, so that wheels fit."""
    names = {stage.name for stage in containers.stages()}
    outside = {stage.base for stage in containers.stages()} - names
    assert len(outside) == 1
    assert re.fullmatch(r"python:3\.[0-9]+-slim-[a-z]+", outside.pop())


def test_what_is_copied_is_there_and_nothing_else_is_sent() -> None:
    """The sources that a wheel is made of; no data, secret, test or history."""
    copied = []
    for stage in containers.stages():
        for copy in stage.all("COPY"):
            *sources, target = copy.words
            if origin := copy.flags.get("from"):
                assert origin in {one.name for one in containers.stages()}
                assert sources == [target]
                continue
            copied += sources
            assert all((ROOT / source).exists() for source in sources)
            assert all(containers.is_sent(source) for source in sources)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for needed in (project["readme"], *project["license-files"], "pyproject.toml"):
        assert any(needed == one or needed.startswith(f"{one}/") for one in copied)
    for hidden in ("var/jwt-secret", ".env", ".git/HEAD", "tests/containers.py", "src/a.pyc"):
        assert not containers.is_sent(hidden), hidden
    assert containers.is_sent("src/billing/__init__.py")


def test_the_extras_exist() -> None:
    """And bring what the settings of compose.yaml ask for."""
    build = next(stage for stage in containers.stages() if stage.name == "build")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = set(containers.variables(build)["EXTRAS"].split(","))
    assert extras <= set(project["optional-dependencies"])
    assert {"celery", "metrics", "postgres", "redis", "server"} <= extras


def test_the_image_never_runs_as_root(image: Stage) -> None:
    """By number, which Kubernetes' runAsNonRoot can read; nothing installs packages behind it."""
    assert re.fullmatch(r"[1-9][0-9]{4,}:[1-9][0-9]{4,}", image.last("USER").text)
    names = [one.name for one in image.instructions]
    assert not {"RUN", "COPY", "ADD"} & set(names[names.index("USER") :])
    for stage in containers.stages():
        assert all(one.text.startswith("/") for one in stage.all("WORKDIR"))
        assert not stage.all("ADD")


def test_no_secret_is_in_the_image_or_the_file(services: dict[str, Any]) -> None:
    """They come from outside; without them `docker compose` ends with a sentence that helps."""
    for stage in containers.stages():
        assert not re.search("SECRET|PASSWORD|TOKEN", " ".join(containers.variables(stage)))
    for name in SECRETS:
        with pytest.raises(KeyError, match=f"{name}: .*openssl rand -hex 32"):
            containers.compose({**SECRETS, name: ""})
    holders = {
        name for name in services if str(services[name]).count(SECRETS["BILLING_JWT_SECRET"])
    }
    assert holders == {"api"}


def test_every_setting_is_known(image: Stage, services: dict[str, Any]) -> None:
    """And what it is set to is accepted."""
    known = {name_of(field.name) for field in fields(Settings)}
    for name in OWN:
        environment = {**containers.variables(image), **services[name]["environment"]}
        named = {key for key in environment if key.startswith("BILLING_")}
        assert named <= known
        settings = Settings.from_environ({key: str(environment[key]) for key in named})
        assert urlsplit(settings.database_url).hostname == "postgres"
        assert urlsplit(settings.rate_limit_storage).hostname in {"valkey", None, ""}
        assert urlsplit(settings.queue_url or "").hostname == "valkey"


def test_every_command_is_understood(image: Stage, services: dict[str, Any]) -> None:
    """With all its options, as a list of words: signals then reach the program itself."""
    assert image.last("ENTRYPOINT").command == ["billing"]
    commands = [image.last("CMD").command, *(services[name]["command"] for name in OWN)]
    for command in commands:
        found: click.Command | None = command_line
        words = list(command)
        while isinstance(found, click.Group):
            found = found.get_command(click.Context(found), words.pop(0))
        assert found is not None, command
        found.make_context(found.name, words)


def test_services_wait_for_what_they_need(services: dict[str, Any], image: Stage) -> None:
    """For a database that answers, then its migration; nothing waits for what never says so."""
    for service in services.values():
        for name, how in service.get("depends_on", {}).items():
            other = services[name]
            if how["condition"] == "service_healthy":
                assert "test" in other["healthcheck"]
            else:
                assert how["condition"] == "service_completed_successfully"
                assert other["restart"] == "no"
    assert image.last("HEALTHCHECK").command
    assert services["migrate"]["healthcheck"] == {"disable": True}


def test_services_have_what_they_need_and_no_more(services: dict[str, Any]) -> None:
    """Ours write nowhere and may do nothing special; only the API is published, to this machine."""
    for name in OWN:
        service = services[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["init"] is True
        assert not service.get("volumes")
    published = {name: one["ports"] for name, one in services.items() if "ports" in one}
    assert published == {"api": ["127.0.0.1:8000:8000"]}
    assert containers.compose(SECRETS)["volumes"].keys() == {"postgres"}
    assert services["postgres"]["volumes"] == ["postgres:/var/lib/postgresql/data"]


@contextmanager
def running(
    environment: dict[str, str], command: Sequence[str], until: str
) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    """Run `billing`; yield it and the address that the line with these words names."""
    arguments = [sys.executable, "-c", START, *command]
    with subprocess.Popen(arguments, env=environment, stderr=subprocess.PIPE) as process:
        try:
            assert process.stderr is not None
            line = ""
            while until not in line:
                line = process.stderr.readline().decode()
                assert line, until
            address = re.search(r"http://([0-9.]+:[0-9]+)", line)
            assert address
            yield process, address[1]
        finally:
            process.kill()


def check(command: Sequence[str], there: str, here: str) -> int:
    """Run a health check of a container on what runs here; return its exit code."""
    assert command[0] == "python"
    words = [word.replace(there, here) for word in command[1:]]
    assert words != command[1:]
    done = subprocess.run([sys.executable, *words], check=False, capture_output=True)
    return done.returncode


def ended(process: "subprocess.Popen[bytes]") -> int:
    """Send what a container's stop sends; return the exit code."""
    process.send_signal(signal.SIGTERM)
    return process.wait(timeout=WAIT_SECONDS)


def test_the_commands_run(
    image: Stage, services: dict[str, Any], postgres_url: Callable[[], str], valkey_url: str
) -> None:
    """One after the other, as compose starts them: migrated, served, checked, worked, drained."""
    here = {
        "BILLING_DATABASE_URL": postgres_url(),
        "BILLING_METRICS_HOST": "127.0.0.1",
        "BILLING_QUEUE_URL": valkey_url,
    }
    here["BILLING_METRICS_PORT"] = "0"

    def environment(name: str, **more: str) -> dict[str, str]:
        return {**os.environ, **services[name]["environment"], **here, **more}

    def bound(command: Sequence[str]) -> list[str]:
        return ["127.0.0.1" if word == "0.0.0.0" else word for word in command]  # noqa: S104

    api = environment("api", BILLING_RATE_LIMIT_STORAGE=valkey_url)
    migrate = [sys.executable, "-c", START, *services["migrate"]["command"]]
    health = image.last("HEALTHCHECK").command
    serve = [*bound(services["api"]["command"]), "--port", "0"]
    assert subprocess.run([*migrate[:3], *serve], env=api, check=False).returncode == 1
    for _ in range(2):  # The second time there is nothing to do.
        subprocess.run(migrate, env=environment("migrate"), check=True)
    with running(api, serve, "Serving") as (process, address):
        while check(health, "127.0.0.1:8000", address) and process.poll() is None:
            pass
        assert check(health, "127.0.0.1:8000", address) == 0
        assert ended(process) == 0
    assert check(health, "127.0.0.1:8000", address) == 1
    worker = services["worker"]
    with running(environment("worker"), worker["command"], "Metrics") as (process, address):
        test = worker["healthcheck"]["test"]
        assert test[0] == "CMD"
        assert check(test[1:], "127.0.0.1:9464", address) == 0
        assert ended(process) == 0
    assert check(test[1:], "127.0.0.1:9464", address) == 1
