"""Progress: a bar on standard error while a file is read."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def shown_while_read(stream: BinaryIO, size: int, text: str) -> Iterator[BinaryIO]:
    """Give a stream that moves a bar as it is read; the bar vanishes in the end."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    # Rich itself obeys NO_COLOR.
    with (
        Progress(*columns, console=Console(stderr=True), transient=True) as progress,
        progress.wrap_file(stream, total=size, description=text) as watched,
    ):
        yield watched
