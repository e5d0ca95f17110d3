"""CsvExporter: one row a cost, in the published form."""

from typing import BinaryIO

from billing.domain.document import ReportDocument
from billing.domain.report import ReportContent

HEADER = b"order_id,service_id,service_name,amount\n"
ROWS_A_WRITE = 2_000
_RUN_BY_SPREADSHEETS = ("=", "+", "-", "@", "\t", "\r")


class CsvExporter:
    """Writes the published rows: names always quoted, numbers never, lines end in a line feed.

    The csv module cannot quote text and leave exact number text bare without turning the
    amounts into Decimal and back, so the four columns are joined here.
    """

    media_type = "text/csv; charset=utf-8"

    def check(self, content: ReportContent, /) -> None:
        """Take every report: CSV has no limit."""

    def render(self, document: ReportDocument, out: BinaryIO, /) -> None:
        """Write the header and one row a cost."""
        out.write(HEADER)
        cells: dict[str, str] = {}
        rows: list[str] = []
        for order_id, service_id, name, amount in document.costs():
            if name not in cells:
                cells[name] = text_cell(name)
            rows.append(f"{order_id},{service_id},{cells[name]},{amount}\n")
            if len(rows) == ROWS_A_WRITE:
                out.write("".join(rows).encode())
                rows.clear()
        out.write("".join(rows).encode())


def text_cell(text: str) -> str:
    """Quote a text cell; one that a spreadsheet would run is made plain text by a `'`."""
    guarded = f"'{text}" if text.startswith(_RUN_BY_SPREADSHEETS) else text
    return '"' + guarded.replace('"', '""') + '"'
