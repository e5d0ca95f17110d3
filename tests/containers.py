"""What the Dockerfile and compose.yaml say, as plain values: no container engine is needed."""

import fnmatch
import json
import re
import shlex
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import yaml

from tests.documents import ROOT

DOCKERFILE = ROOT / "Dockerfile"
COMPOSE = ROOT / "compose.yaml"

_VARIABLE = re.compile(r"\$\{(?P<name>[A-Z_]+)(?P<how>:[-?])(?P<more>[^}]*)\}")


class Instruction(NamedTuple):
    """One instruction of a Dockerfile; its lines joined."""

    name: str
    text: str

    @property
    def words(self) -> list[str]:
        """The arguments of a form that takes words, without flags such as --from."""
        return [word for word in shlex.split(self.text) if not word.startswith("--")]

    @property
    def flags(self) -> dict[str, str]:
        """The flags in front of the arguments."""
        flags = (word for word in shlex.split(self.text) if word.startswith("--"))
        return {name: value for name, _, value in (flag[2:].partition("=") for flag in flags)}

    @property
    def command(self) -> list[str]:
        """The words of an exec form; another form is an error."""
        words = json.loads(self.text[self.text.index("[") :])
        assert all(isinstance(word, str) for word in words)
        return list(words)


class Stage(NamedTuple):
    """A stage: what it is made from, its name, and its instructions."""

    base: str
    name: str
    instructions: list[Instruction]

    def all(self, name: str) -> list[Instruction]:
        """Return the instructions of a kind, in their order."""
        return [one for one in self.instructions if one.name == name]

    def last(self, name: str) -> Instruction:
        """Return the one that counts."""
        return self.all(name)[-1]


def stages() -> list[Stage]:
    """Read the Dockerfile."""
    found: list[Stage] = []
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.startswith("#")]
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        if not line.strip():
            continue
        name, _, text = line.partition(" ")
        if name == "FROM":
            base, _, called = text.partition(" AS ")
            found.append(Stage(base, called, []))
        else:
            found[-1].instructions.append(Instruction(name, text.strip()))
    return found


def variables(stage: Stage) -> dict[str, str]:
    """Return what the ENV and ARG instructions of a stage set."""
    pairs = (word for kind in ("ENV", "ARG") for one in stage.all(kind) for word in one.words)
    return dict(pair.split("=", 1) for pair in pairs)


def is_sent(path: str) -> bool:
    """Tell whether .dockerignore lets a file of the checkout into the build."""
    sent = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.strip()
        if pattern and not pattern.startswith("#"):
            rule = pattern.removeprefix("!").removeprefix("**/")
            parts = PurePosixPath(path)
            own = [str(parts), *(str(parent) for parent in parts.parents)]
            names = parts.parts if pattern.startswith("**/") else own
            if any(fnmatch.fnmatchcase(name, rule) for name in names):
                sent = pattern.startswith("!")
    return sent


def compose(environ: Mapping[str, str]) -> dict[str, Any]:
    """Read compose.yaml, its variables replaced as `docker compose` does with these."""

    def value(found: re.Match[str]) -> str:
        name, how, more = found["name"], found["how"], found["more"]
        if environ.get(name):
            return environ[name]
        if how == ":?":
            raise KeyError(f"{name}: {more}")
        return more

    text = COMPOSE.read_text()
    assert "$" not in _VARIABLE.sub("", re.sub(r"(?m)^ *#.*$", "", text))
    parsed = yaml.safe_load(text)
    replaced = _replaced(parsed, lambda one: _VARIABLE.sub(value, one))
    assert isinstance(replaced, dict)
    return replaced


def _replaced(node: Any, replace: Any) -> Any:
    if isinstance(node, dict):
        return {key: _replaced(one, replace) for key, one in node.items()}
    if isinstance(node, list):
        return [_replaced(one, replace) for one in node]
    return replace(node) if isinstance(node, str) else node
