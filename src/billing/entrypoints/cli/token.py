"""`billing token`: issue the tokens that the HTTP service verifies, list them, revoke them."""

import getpass
import os
from dataclasses import replace
from datetime import datetime, timedelta
from typing import BinaryIO

import click

from billing.bootstrap import SystemClock
from billing.domain.access import Access
from billing.domain.audit import Signature
from billing.domain.errors import InvalidValueError, MissingExtraError, StorageUnavailableError
from billing.domain.fields import require_text
from billing.domain.ports import Repositories
from billing.domain.tokens import (
    LISTED_AFTER_END,
    Revocation,
    Revoked,
    TokenRepository,
    issued_change,
    revoked_change,
    token_lines,
)
from billing.entrypoints.cli.application import application, operator
from billing.entrypoints.cli.output import destination, write_lines
from billing.entrypoints.cli.parameters import ID
from billing.entrypoints.cli.token_view import json_lines, table_lines
from billing.entrypoints.tokens import (
    MAX_DAYS,
    MAX_TOKEN_BYTES,
    SCOPES,
    NewToken,
    new_token,
    read_token,
)
from billing.settings import Settings

EVERYTHING = Access.everything()


@click.group()
def command() -> None:
    """Issue access tokens, signed with BILLING_JWT_SECRET; list and revoke them."""


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
    """Print a new token, and nothing else.

    What it grants is kept in the database, for `billing token list`. Where no database can be
    reached the token is as good, and only said not to be listed.
    """
    settings = Settings.from_environ(os.environ)

    def made(now: datetime) -> NewToken:
        return new_token(settings, subject, scopes or SCOPES, customers or None, days, now)

    token = made(SystemClock().now())  # Before the database is asked: what is wrong is told first.
    try:
        with application() as billing, billing.storage.transaction(EVERYTHING) as tx:
            # A token of the second in which its subject's tokens were revoked would be revoked.
            until = tx.tokens.revocation_of(token.issued.subject)
            if until is not None and token.issued.issued_at <= until.revoked_at:
                token = made(until.revoked_at + timedelta(seconds=1))
            tx.tokens.record(token.issued)
            signature = Signature.of(operator(), token.issued.issued_at)
            tx.audit.record(signature.sign(issued_change(token.issued)))
            _forget(tx.tokens, token.issued.issued_at)
    except (StorageUnavailableError, MissingExtraError, OSError):
        click.echo(
            "The database cannot be reached: the token is good, but billing token list will not "
            f"show it. Its jti, to revoke it by: {token.issued.jti}",
            err=True,
        )
    click.echo(token.text)


@command.command(name="list")
@click.option("--format", "name", type=click.Choice(["table", "json"]), default="table")
@click.option("-o", "--output", metavar="FILE", help="Write to FILE, not to standard output.")
def list_tokens(name: str, output: str | None) -> None:
    """List the tokens issued here, until a day after their end, and what was revoked.

    The tokens themselves are kept nowhere.
    """
    with application() as billing, destination(output) as out:
        with billing.storage.snapshot(EVERYTHING) as view:
            lines = list(token_lines(view.tokens.issued(), view.tokens.revocations()))
        write_lines(out, table_lines(lines) if name == "table" else json_lines(lines))


@command.command(name="revoke")
@click.argument("jti", required=False)
@click.option(
    "--token", "file", type=click.File("rb"), metavar="FILE", help="The token itself; - is stdin."
)
@click.option("--subject", metavar="NAME", help="All tokens of NAME that were issued until now.")
@click.option("--reason", metavar="TEXT", help="Why; kept with the revocation.")
@click.option("--by", metavar="NAME", help="Who does it; default: the user of this machine.")
def revoke_token(
    jti: str | None,
    file: BinaryIO | None,
    subject: str | None,
    reason: str | None,
    by: str | None,
) -> None:
    """Revoke the token with this JTI, a token that you have, or all of a subject's.

    Every process of the service refuses it within half a minute. A token without a jti, which
    another issuer may have made, is revoked by its subject.
    """
    if sum(given is not None for given in (jti, file, subject)) != 1:
        raise click.UsageError("Give one of JTI, --token and --subject.")
    now = SystemClock().now()
    expires_at = None
    if file is not None:
        jti, expires_at = read_token(file.read(MAX_TOKEN_BYTES + 1))
    revocation = Revocation(
        kind=Revoked.SUBJECT if jti is None else Revoked.TOKEN,
        name=_text("subject" if jti is None else "jti", subject if jti is None else jti),
        revoked_at=now,
        revoked_by=_text("by", by or _user()),
        reason=None if reason is None else _text("reason", reason),
        expires_at=expires_at,
    )
    with application() as billing, billing.storage.transaction(EVERYTHING) as tx:
        said = _revoke(tx, revocation)
        _forget(tx.tokens, now)
    click.echo(said, err=True)


def _revoke(tx: Repositories, revocation: Revocation) -> str:
    """Keep and record the revocation, and return what is to be said of it."""
    of_subject = revocation.kind is Revoked.SUBJECT
    issued = None if of_subject else tx.tokens.find(revocation.name)
    if issued is not None:  # Rather than what a copy of the token says.
        revocation = replace(revocation, expires_at=issued.expires_at)
    if tx.tokens.revoke(revocation):
        signature = Signature.of(operator(), revocation.revoked_at)
        tx.audit.record(signature.sign(revoked_change(revocation, issued)))
    elif not of_subject:
        return "The token was revoked already."
    if of_subject:
        return f"Every token of {revocation.name} that was issued until now is revoked."
    if issued is None:
        return "The token is revoked. It is not among those that were issued here."
    return f"The token of {issued.subject} is revoked."


def _forget(tokens: TokenRepository, now: datetime) -> None:
    tokens.forget_ended(now - LISTED_AFTER_END)


def _text(name: str, value: str | None) -> str:
    try:
        return require_text(value)
    except InvalidValueError as error:
        raise error.at(name) from None


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # A process of a user without a name.
        return str(os.getuid())
