"""Parameters: the kinds of value that options take, read as strictly as everywhere else."""

from datetime import date

import click

from billing.domain.errors import InvalidValueError
from billing.domain.fields import read_date, read_id_text


class _Id(click.ParamType[int]):
    name = "id"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        try:
            return value if isinstance(value, int) else read_id_text(value)
        except InvalidValueError as error:
            self.fail(error.problem, param, ctx)


class _Day(click.ParamType[date]):
    name = "yyyy-mm-dd"

    def convert(
        self, value: str | date, param: click.Parameter | None, ctx: click.Context | None
    ) -> date:
        try:
            return read_date(value)
        except InvalidValueError as error:
            self.fail(error.problem, param, ctx)


ID = _Id()
DAY = _Day()
