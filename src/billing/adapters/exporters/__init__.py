"""Exporters by format name; each is loaded when it is first asked for."""

import importlib
from collections.abc import Iterator, Mapping

from billing.domain.errors import MissingExtraError
from billing.domain.ports import ReportExporter

_HOMES = {
    "csv": ("billing.adapters.exporters.csv_exporter", "CsvExporter"),
    "json": ("billing.adapters.exporters.json_exporter", "JsonExporter"),
    "pdf": ("billing.adapters.exporters.pdf_exporter", "PdfExporter"),
}


class _Exporters(Mapping[str, ReportExporter]):
    """Format name to exporter; a format whose packages are missing says which extra has them."""

    def __init__(self) -> None:
        self._made: dict[str, ReportExporter] = {}

    def __getitem__(self, name: str) -> ReportExporter:
        if name not in self._made:
            module, class_name = _HOMES[name]
            try:
                self._made[name] = getattr(importlib.import_module(module), class_name)()
            except ImportError as error:
                raise MissingExtraError(f"The {name} format", name) from error
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_HOMES)

    def __len__(self) -> int:
        return len(_HOMES)


EXPORTERS: Mapping[str, ReportExporter] = _Exporters()
