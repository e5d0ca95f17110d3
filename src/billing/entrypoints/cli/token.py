"""`billing token`: issue the tokens that the HTTP service verifies."""

import os

import click

from billing.bootstrap import SystemClock
from billing.entrypoints.cli.parameters import ID
from billing.entrypoints.tokens import MAX_DAYS, SCOPES, issue
from billing.settings import Settings


@click.group()
def command() -> None:
    """Issue access tokens, signed with BILLING_JWT_SECRET."""


@command.command(name="issue")
@click.option("--subject", required=True, metavar="NAME", help="Whom the token is for.")
@click.option(
    "--scope", "scopes", multiple=True, type=click.Choice(SCOPES), help="Repeatable; default: all."
)
@click.option(
    "--customer", "customers", multiple=True, type=ID, help="Repeatable; default: every customer."
)
@click.option("--days", type=click.IntRange(1, MAX_DAYS), default=30, show_default=True)
def issue_token(
    subject: str, scopes: tuple[str, ...], customers: tuple[int, ...], days: int
) -> None:
    """Print a new token, and nothing else."""
    settings = Settings.from_environ(os.environ)
    now = SystemClock().now()
    click.echo(issue(settings, subject, scopes or SCOPES, customers or None, days, now))
