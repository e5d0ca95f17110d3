"""Documents: the blocks, calls and commands in the project's Markdown, for tests to run."""

import re
import runpy
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
API = ROOT / "docs/api.md"
ARCHITECTURE = ROOT / "docs/architecture.md"
OPERATIONS = ROOT / "docs/operations.md"
EXTENDING = ROOT / "docs/extending.md"
EVERY = [
    path
    for pattern in ("*.md", "docs/**/*.md", "benchmarks/**/*.md", "src/**/*.md")
    for path in sorted(ROOT.glob(pattern))
]

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Stands for curl in the examples: prints its words, each and then the whole call ended by NUL.
_CURL = r"""
curl() {
    printf '%s\0' "$BLOCK"
    for word in "$@"; do
        if [ "$word" = @- ]; then printf '%s\0' "$(</dev/stdin)"; else printf '%s\0' "$word"; fi
    done
    printf '\0'
}
"""


class Block(NamedTuple):
    """A fenced block of a document."""

    language: str
    text: str


class Call(NamedTuple):
    """A call of curl in an example. answer: the `http` block behind it, if there is one."""

    method: str
    url: str
    headers: dict[str, str]
    body: str | None = None
    answer: str | None = None


def blocks(document: Path, language: str | None = None) -> list[Block]:
    """Return the fenced blocks of a document, in order; with a language only those."""
    found = [Block(*groups) for groups in FENCE.findall(document.read_text())]
    return [block for block in found if language in (None, block.language)]


def prose(document: Path) -> str:
    """Return a document without its fenced blocks."""
    return FENCE.sub("", document.read_text())


def typed_lines(document: Path) -> Iterator[str]:
    """Return the command lines of a document's `sh` blocks."""
    for block in blocks(document, "sh"):
        yield from block.text.replace("\\\n", " ").splitlines()


def calls(document: Path) -> list[Call]:
    """Return every call of curl in a document's `bash` blocks, as a shell reads them.

    No other program can be called there: the shell finds none.
    """
    found = blocks(document)
    examples = [
        f"BLOCK={number}\n{block.text}"
        for number, block in enumerate(found)
        if block.language == "bash"
    ]
    done = subprocess.run(
        [shutil.which("bash") or "bash", "-euc", "\n".join([_CURL, *examples])],
        env={"PATH": ""},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    records = [record.split("\0") for record in done.stdout.split("\0\0")[:-1]]
    answers: dict[int, str] = {}
    for number, (block, *_) in enumerate(records):
        following = found[int(block) + 1 : int(block) + 2]
        is_last = number + 1 == len(records) or records[number + 1][0] != block
        if is_last and following and following[0].language == "http":
            answers[number] = following[0].text
    return [_call(words, answers.get(number)) for number, (_, *words) in enumerate(records)]


def run_python(document: Path, folder: Path, *, having: str = "") -> dict[str, Any]:
    """Run a document's Python blocks that have some text, as one file; return its names."""
    texts = [block.text for block in blocks(document, "python") if having in block.text]
    path = folder / f"{document.stem}.py"
    path.write_text("\n".join(texts))
    return runpy.run_path(str(path))


def anchors(document: Path) -> set[str]:
    """Return the anchors that a document's headings get."""
    headings = re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


def _call(words: list[str], answer: str | None) -> Call:
    rest = iter(words)
    said: dict[str, str] = {}
    headers: dict[str, str] = {}
    for word in rest:
        if word == "-H":
            name, _, value = next(rest).partition(": ")
            headers[name] = value
        elif word in {"-X", "-d", "--data-binary", "--output"}:
            said[word] = next(rest)
        else:
            assert "url" not in said, f"{word} is an option that these tests do not know"
            said["url"] = word
    body = said.get("-d", said.get("--data-binary"))
    return Call(said.get("-X", "GET"), said["url"], headers, body, answer)
