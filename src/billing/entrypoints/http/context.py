"""Context: what a view may ask about the application and the request it serves."""

from dataclasses import dataclass
from decimal import Decimal
from typing import cast

from flask import Flask, current_app, g, request

from billing.bootstrap import Billing
from billing.domain.access import Access
from billing.domain.audit import Author, Signature
from billing.settings import Settings

REQUEST_ID = "billing.request_id"
RULE = "billing.rule"
SUBJECT = "billing.subject"
THROTTLED = "billing.throttled"
"""Keys of the WSGI environment: the request's id, and what the log and the metrics tell."""

_EXTENSION = "billing"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request, as a verified token says.

    subject: the user. scopes: what the user may do. access: the customers that exist for them.
    jti, issued_at: which token says so, and when it was issued in epoch seconds, if it says that.
    """

    subject: str
    scopes: frozenset[str]
    access: Access
    jti: str | None = None
    issued_at: int | Decimal | None = None


def install(app: Flask, settings: Settings, application: Billing) -> None:
    """Make the settings and the use cases known to every request of the app."""
    app.extensions[_EXTENSION] = (settings, application)


def billing() -> Billing:
    """Return the use cases and the storage under them."""
    return _installed()[1]


def current_settings() -> Settings:
    """Return the settings that the app was made with."""
    return _installed()[0]


def current_caller() -> Caller:
    """Return who calls; only views that require a scope may ask."""
    return cast(Caller, g.caller)


def current_access() -> Access:
    """Return the customers that exist for the caller."""
    return current_caller().access


def current_author() -> Author:
    """Return the caller as the audit trail names them."""
    return Author(current_caller().subject, request_id())


def current_signature() -> Signature:
    """Return what signs the changes that a view makes by itself."""
    return Signature.of(current_author(), billing().clock.now())


def request_id() -> str:
    """Return the id under which this request is logged and answered."""
    return str(request.environ.get(REQUEST_ID, ""))


def _installed() -> tuple[Settings, Billing]:
    return cast(tuple[Settings, Billing], current_app.extensions[_EXTENSION])
