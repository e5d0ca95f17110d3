"""The `billing` command: its commands by name, and how any of them ends."""

import gc
import sys
from importlib import import_module

from billing.domain.errors import BillingError, MissingExtraError

try:
    import click
except ModuleNotFoundError:
    sys.exit(f"Error: {MissingExtraError('The command line', 'server')}")

# Name: its module and what it does, said here so that `billing --help` loads none of them.
_COMMANDS = {
    "serve": ("serve", "Serve the HTTP API."),
    "db": ("db", "Upgrade, check or back up the database."),
    "token": ("token", "Issue, list and revoke access tokens."),
    "demo": ("demo", "Load the sample world."),
    "import": ("import_", "Import customers, services, products, orders or rates."),
    "purge": ("purge", "Forget names, addresses and notes of old orders."),
    "worker": ("worker", "Work on billing runs."),
    "run": ("run", "Bill many customers at once."),
    "audit": ("audit", "List who did what, and when."),
    "unbilled": ("unbilled", "List the orders that no final report claims."),
    "reconcile": ("reconcile", "Say what became of every order."),
    "report": ("report", "Preview, generate, show, explain, finalize and void reports."),
}


class _Commands(click.Group):
    """Commands that are loaded when they are called, and whose refusals are one line each."""

    def list_commands(self, _: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        try:
            module = import_module(f"billing.entrypoints.cli.{_COMMANDS[name][0]}")
        except ModuleNotFoundError as error:
            if (error.name or "").startswith("billing"):
                raise
            ctx.fail(str(MissingExtraError(f"billing {name}", "server")))
        command: click.Command = module.command
        return command

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BillingError as error:
            raise click.ClickException(str(error)) from error
        except BrokenPipeError:
            raise  # Whoever read the output has enough; click ends without a word.
        except OSError as error:
            raise click.ClickException(_said(error)) from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="billing", message="billing %(version)s")
def billing() -> None:
    """Exact, complete, explained and permanent bills for order fulfilment.

    Settings come from environment variables such as BILLING_DATABASE_URL. Results go to the
    standard output, messages to standard error. Exit codes: 0 done, 1 refused or failed,
    2 wrong usage.
    """


def main() -> None:
    """Run the command line and exit with its code."""
    gc.set_threshold(50_000, 20, 100)  # Rows come by the hundred thousand, without any cycles.
    try:
        code = billing.main(prog_name="billing", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except click.Abort:
        click.echo("Interrupted.", err=True)
        code = 130
    sys.exit(code)


def _said(error: OSError) -> str:
    what = error.strerror or str(error)
    return f"{error.filename}: {what}" if error.filename else what
