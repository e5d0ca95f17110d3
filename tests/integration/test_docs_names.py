"""What the documentation names exists: files, headings, tasks, commands and settings."""

import json
import re
import shlex
from dataclasses import fields
from pathlib import Path

import click
import pytest

from billing.entrypoints.cli.main import billing as command_line
from billing.settings import Settings, name_of
from tests import documents

every_document = pytest.mark.parametrize(
    "document", documents.EVERY, ids=lambda path: str(path.relative_to(documents.ROOT))
)


@every_document
def test_every_link_resolves(document: Path) -> None:
    """Relative links name files that are there, and headings that those have."""
    for link in re.findall(r"\]\(([^)\s]+)\)", documents.prose(document)):
        path, _, anchor = link.partition("#")
        if "://" in path:
            continue
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), link
        assert not anchor or anchor in documents.anchors(target), link


@every_document
def test_every_json_block_is_json(document: Path) -> None:
    """What is shown as JSON parses."""
    for block in documents.blocks(document, "json"):
        json.loads(block.text)


@every_document
def test_every_make_target_exists(document: Path) -> None:
    """Tasks that are named are in the Makefile."""
    makefile = (documents.ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = re.findall(r"`make ([a-z-]+)", documents.prose(document))
    named += [
        line.split()[1] for line in documents.typed_lines(document) if line.startswith("make ")
    ]
    assert set(named) <= targets


@every_document
def test_every_command_is_understood(
    document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command lines shown parse, with all their options; commands in sentences exist."""
    monkeypatch.chdir(tmp_path)
    for line in documents.typed_lines(document):
        if line.startswith("billing "):
            command, words = found_command(shlex.split(line, comments=True)[1:])
            for name in ("orders.csv", "rates.json"):
                Path(name).touch()
            command.make_context(command.name, words)
    for mention in re.findall(r"`billing ([a-z][^`]*)`", documents.prose(document)):
        found_command(mention.split())


def found_command(words: list[str]) -> tuple[click.Command, list[str]]:
    """Return the command that words call, and the words behind it."""
    command: click.Command = command_line
    while isinstance(command, click.Group) and words:
        found = command.get_command(click.Context(command), words[0])
        assert found is not None, words
        command, words = found, words[1:]
    return command, words


def test_the_settings_table_is_complete() -> None:
    """The README lists every setting with its default."""
    rows = re.findall(
        r"^\| `(BILLING_\w+)` \| (.+?) \|", documents.README.read_text(), re.MULTILINE
    )
    defaults = {
        name_of(field.name): "none" if field.default is None else f"`{field.default}`"
        for field in fields(Settings)
    }
    assert dict(rows) == defaults


def test_the_table_of_metrics_is_complete() -> None:
    """Every metric is in it, and alerts ask for none that is not there."""
    code = "".join(
        path.read_text()
        for path in (documents.ROOT / "src/billing/entrypoints").glob("metrics*.py")
    )
    made = set(re.findall(r'"(billing_[a-z_]+)"', code))
    text = documents.OPERATIONS.read_text()
    rows = re.findall(r"^\| `(billing_[a-z_]+)` \| ([a-z]+) \|", text, re.MULTILINE)
    assert {name.removesuffix("_total") for name, _ in rows} == made
    suffixes = {"counter": [""], "gauge": [""], "histogram": ["_bucket", "_count", "_sum"]}
    samples = {name + suffix for name, kind in rows for suffix in suffixes[kind]}
    alerts = text[text.index("## Alerts") :].partition("\n## ")[0]
    assert set(re.findall(r"\bbilling_[a-z_]+", alerts)) <= samples
