"""Parameters: the kinds of value that options take, read as strictly as everywhere else."""

from calendar import monthrange
from datetime import date

import click

from billing.domain.errors import InvalidValueError
from billing.domain.fields import read_date, read_id_text
from billing.domain.period import BillingPeriod


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


class _Month(click.ParamType[BillingPeriod]):
    name = "yyyy-mm"

    def convert(
        self,
        value: str | BillingPeriod,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> BillingPeriod:
        if isinstance(value, BillingPeriod):
            return value
        try:
            start = read_date(f"{value}-01")
        except InvalidValueError:
            self.fail("Not a valid month: give YYYY-MM.", param, ctx)
        return BillingPeriod(start, start.replace(day=monthrange(start.year, start.month)[1]))


ID = _Id()
DAY = _Day()
MONTH = _Month()
