"""Mutation score: reads what mutmut found, tells it by module, and ends with 1 below the goals."""

import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

GOALS = {"billing.domain": 95, "billing.entrypoints.http": 90}
"""Percent of the mutants that tests must kill: where amounts are made, and permissions."""

KILLED = frozenset({"killed", "timeout", "segfault"})


def main() -> None:
    """Print a line for each module, then the mutants that no test noticed."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    survivors = []
    mutmut = Path(sys.executable).with_name("mutmut")
    told = subprocess.run(
        [mutmut, "results", "--all", "true"], capture_output=True, text=True, check=True
    )
    for line in told.stdout.splitlines():
        name, _, outcome = line.strip().rpartition(": ")
        module = name.partition(".x")[0]
        found[module]["killed" if outcome in KILLED else "alive"] += 1
        if outcome not in KILLED:
            survivors.append(f"{name}: {outcome}")
    missed = False
    for module, counts in sorted(found.items()):
        score = 100 * counts["killed"] / counts.total()
        goal = next(goal for start, goal in GOALS.items() if module.startswith(start))
        missed = missed or score < goal
        print(
            f"{module}: {counts['killed']} of {counts.total()} killed, {score:.1f} %, goal {goal}"
        )
    print("\n".join(survivors))
    sys.exit(missed)


if __name__ == "__main__":
    main()
