"""Lists of reports: the whole list and the customer summary, beside plain selections."""

from contextlib import ExitStack
from functools import partial
from typing import Any

from benchmarks import names, raw
from benchmarks.databases import Database
from benchmarks.measuring import Result, added_memory, in_turns
from benchmarks.names import PRODUCT
from benchmarks.product import answering
from benchmarks.works import ready

PATHS = {names.LIST: "/reports/", names.SUMMARY: "/reports/customer-summary/"}
_INSTANT = {
    "sqlite": "replace(substr(created_at, 1, 19), ' ', 'T') || 'Z'",
    "postgresql": """to_char(created_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"')""",
}
_DATES = {"sqlite": "start_date, end_date", "postgresql": "start_date::text, end_date::text"}
_SUMMARY = (
    "SELECT customer_id, count(*), sum(total_units), sum(total_fraction), min(created_at), "
    "max(created_at) FROM reports WHERE status <> 'void' GROUP BY customer_id"
)


def measure(work: str, database: Database, size: int, repetitions: int) -> Result:
    """Measure a list over so many reports beside its floor."""
    with ExitStack() as stack:
        connection = stack.enter_context(database.raw())
        run = stack.enter_context(answering(database, PATHS[work]))
        floor = partial(_FLOORS[work], database, connection)
        run()  # Statements are compiled once in a server's life.
        samples = in_turns(repetitions, {PRODUCT: ready(run), "selection": ready(floor)})
    return Result(work, database.kind, size, samples)


def measure_memory(work: str, small: Database, database: Database, size: int) -> Result:
    """Measure the memory that a list adds to its process."""
    added = added_memory(
        partial(answering, small, PATHS[work]), partial(answering, database, PATHS[work])
    )
    return Result(work, database.kind, size, extra={names.ADDED_MB: added})


def list_floor(database: Database, connection: Any) -> bytes:
    """Read every report's header, newest first, and write the list that the product answers."""
    statement = (
        f"SELECT id, customer_id, customer_name, {_DATES[database.kind]}, "  # noqa: S608
        f"{_INSTANT[database.kind]}, total_units, total_fraction, order_count, currency, status, "
        "exception_count, content_hash FROM reports ORDER BY created_at DESC, id DESC"
    )
    texts = [
        f'{{"id":{id_},"customer_id":{customer_id},"customer_name":"{name}"'
        f',"start_date":"{start}","end_date":"{end}","created_at":"{instant}"'
        f',"total_amount":{units}.{fraction // 100:02d},"order_count":{orders}'
        f',"currency":"{currency}","status":"{status}","exception_count":{exceptions}'
        f',"content_hash":"{content_hash}"}}'
        for (
            id_,
            customer_id,
            name,
            start,
            end,
            instant,
            units,
            fraction,
            orders,
            currency,
            status,
            exceptions,
            content_hash,
        ) in raw.stream(database, connection, statement)
    ]
    return f"[{','.join(texts)}]".encode()


def summary_floor(_database: Database, connection: Any) -> int:
    """Add up every customer's reports in one statement."""
    return len(connection.execute(_SUMMARY).fetchall())


_FLOORS = {names.LIST: list_floor, names.SUMMARY: summary_floor}
