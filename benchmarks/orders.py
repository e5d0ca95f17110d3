"""Order files: what the benchmarks feed in, real orders where there are some, else their like."""

import csv
import gzip
import json
import os
from bisect import bisect_right
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import accumulate, chain, count, islice
from pathlib import Path
from random import Random
from typing import Any

CUSTOMER = 1
COLUMNS = ("customer_id", "order_id", "reference_number", "order_date", "items")
VARIABLE = "BENCH_ORDERS"
"""Names an NDJSON file of orders, also gzipped."""
_YEAR = "2017-"
_BESIDE = Path(__file__).parents[2] / "shared" / "data" / "orders-2017.ndjson.gz"
"""Where real orders lie when the variable names none: in a folder beside the checkout."""

Row = dict[str, Any]


def real_orders() -> Path | None:
    """Return the file of real orders, or None when there is none to be had."""
    path = Path(os.environ.get(VARIABLE) or _BESIDE)
    return path if path.is_file() else None


def write_orders(folder: Path, number: int, *, real: Path | None) -> Path:
    """Write so many orders of one customer as NDJSON; a size that is there already is kept."""
    path = folder / f"orders-{number}.ndjson"
    if not path.exists():
        rows = _endless(real) if real else made_orders()
        with path.open("w", encoding="utf-8") as file:
            for row in islice(rows, number):
                file.write(json.dumps(row, separators=(",", ":")) + "\n")
    return path


def write_csv(ndjson: Path) -> Path:
    """Write the same orders as CSV, their items as JSON in a cell."""
    path = ndjson.with_suffix(".csv")
    if not path.exists():
        with (
            ndjson.open(encoding="utf-8") as lines,
            path.open("w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for row in map(json.loads, lines):
                row["items"] = json.dumps(row["items"], separators=(",", ":"))
                writer.writerow([row[name] for name in COLUMNS])
    return path


def _endless(path: Path) -> Iterator[Row]:
    """Return the year's orders of a file, again and again under new ids, as one customer's."""
    for turn in count():
        with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
            for row in map(json.loads, lines):
                if not row["order_date"].startswith(_YEAR):
                    continue
                row["order_id"] += turn * 10**12
                row["customer_id"] = CUSTOMER
                yield row


# The shape of the real orders: 9.4 lines in the mean but 5 in the middle, 161 at most; nearly all
# quantities small, 6 in 1,000 lines of 0, 9 in 1,000 huge (fuel by volume); ids above 2^31; a few
# SKUs on many orders.
_FIRST_ID = 31_198_437_603
_LINES_MIDDLE, _LINES_SPREAD, _MOST_LINES = 1.609, 1.13, 161
_QUANTITIES = {1: 788, 2: 144, 3: 26, 4: 15, 0: 6, 5: 4, 6: 4, 8: 2, 10: 1, 12: 1}
_HUGE, _HUGE_IN_1000 = (1_000, 25_000), 9
_SKUS = 68_509
_HOUSEHOLDS = 2_500
_A_DAY = 430
_FIRST_DAY = date(2017, 1, 1)


def made_orders() -> Iterator[Row]:
    """Return orders of the real ones' shape, the same each time."""
    random = Random(2017)  # noqa: S311 a world that is the same each time
    quantities = tuple(chain.from_iterable([q] * times for q, times in _QUANTITIES.items()))
    # Zipf's law, flattened: the n-th SKU is bought in proportion to 1 / (n + 100).
    popularity = list(accumulate(1 / (rank + 100) for rank in range(_SKUS)))
    order_id = _FIRST_ID
    for number in count():
        order_id += random.randrange(1, 100_000)
        lines = round(random.lognormvariate(_LINES_MIDDLE, _LINES_SPREAD))
        items = [
            {"sku": _sku(random, popularity), "quantity": _quantity(random, quantities)}
            for _ in range(min(max(lines, 1), _MOST_LINES))
        ]
        yield {
            "order_id": order_id,
            "customer_id": CUSTOMER,
            "reference_number": f"HH-{random.randrange(1, _HOUSEHOLDS)}",
            "order_date": str(_FIRST_DAY + timedelta(days=number // _A_DAY % 365)),
            "items": items,
        }


def _sku(random: Random, popularity: list[float]) -> str:
    rank = bisect_right(popularity, random.random() * popularity[-1])
    return str(819_978 + rank * 173)


def _quantity(random: Random, quantities: tuple[int, ...]) -> int:
    if random.randrange(1_000) < _HUGE_IN_1000:
        return random.randrange(*_HUGE)
    return random.choice(quantities)
