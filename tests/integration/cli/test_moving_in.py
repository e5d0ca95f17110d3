"""docs/moving-in.md: its files and commands do what it shows below them."""

import json
import re
import shlex
from pathlib import Path

import pytest

from billing.bootstrap import Billing
from billing.domain.rate_reading import read_rates
from tests.integration.cli.conftest import Run

TEXT = (Path(__file__).parents[3] / "docs/moving-in.md").read_text()
FILES = re.findall(r"^`([\w.]+)`:\n\n```csv\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
CONSOLE = "".join(re.findall(r"^```console\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working folder, with the document's files in it."""
    monkeypatch.chdir(tmp_path)
    for name, text in FILES:
        Path(name).write_text(text)
    return tmp_path


def follow(run: Run) -> int:
    """Run every command, hold its answer to what the document shows; return how many."""
    _, *sessions = re.split(r"^\$ ", CONSOLE, flags=re.MULTILINE)
    for session in sessions:
        command, _, shown = re.sub(r"\\\n", "", session).partition("\n")
        result = run(*shlex.split(command)[1:])
        assert result.stderr + result.stdout == shown, command
    return len(sessions)


@pytest.mark.usefixtures("folder")
def test_the_recipe_can_be_followed(run: Run) -> None:
    """Every command answers with the lines that the document shows, in its order."""
    assert follow(run) == 10


def test_the_added_rate_completes_the_card(run: Run, billing: Billing, folder: Path) -> None:
    """What the document adds by hand goes into the file that the command wrote."""
    follow(run)
    (added,) = re.findall(r"^```json\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    path = folder / "cards.json"
    cards = json.loads(path.read_text())
    cards[0]["rates"].append(json.loads(added))
    path.write_text(json.dumps(cards))
    assert run("import", "rates", str(path)).exit_code == 0
    assert billing.rate_book.cards(7)[0].rates == read_rates(cards[0]["rates"])
