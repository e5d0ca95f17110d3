"""Scale: how much the reliability tests do, from which seed, and where they write what they saw.

`make test` runs the small sizes, `make nightly` the large ones.
"""

import json
import os
from pathlib import Path

KEPT = frozenset({"BILLING_NIGHTLY", "BILLING_SEED", "BILLING_RESULTS"})
"""Variables of the tests themselves: whether this is the nightly run, where its chance starts, and
a file that gets one JSON object a line for each harness."""

NIGHTLY = os.environ.get("BILLING_NIGHTLY") == "1"
SEED = int(os.environ.get("BILLING_SEED") or "20230201")


def size(every_time: int, nightly: int) -> int:
    """Return how much to do in this run."""
    return nightly if NIGHTLY else every_time


def tell(harness: str, **facts: object) -> None:
    """Write down what a harness did and saw."""
    line = json.dumps({"harness": harness, "seed": SEED, "nightly": NIGHTLY, **facts})
    print(line)
    if path := os.environ.get("BILLING_RESULTS"):
        with Path(path).open("a") as out:
            out.write(line + "\n")
