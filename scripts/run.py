"""Starts the service on this machine with all it needs: `make run`.

A secret of its own under var/, the tables, sample data when there is none, a token to try it with.
"""

import contextlib
import io
import os
import secrets
import socket
import sys
from pathlib import Path

from billing.entrypoints.cli.main import main

SECRET = Path("var/jwt-secret")
KEYS = ("BILLING_JWT_SECRET", "BILLING_JWT_PUBLIC_KEY", "BILLING_JWKS_URL")
"""Whoever sets one of these has a key already."""


def run(port: str) -> None:
    """Prepare what is not there yet, say how to try it, and serve until Ctrl-C."""
    check_port(port)
    SECRET.parent.mkdir(mode=0o700, exist_ok=True)
    if not any(os.environ.get(name) for name in KEYS):
        os.environ["BILLING_JWT_SECRET"] = own_secret()
    billing("db", "upgrade")
    billing("demo", "--if-empty")
    address = f"http://127.0.0.1:{port}/api/v2"
    print(f"\nThe documentation: {address}/docs")
    if os.environ.get("BILLING_JWT_SECRET"):
        token = io.StringIO()
        with contextlib.redirect_stdout(token):
            billing("token", "issue", "--subject", "make-run")
        print(f"\nA token for 30 days: {token.getvalue().strip()}")
        header = f"Authorization: Bearer {token.getvalue().strip()}"
        print(f"\nTry it: curl -H '{header}' {address}/reports/\n", flush=True)
    billing("serve", "--port", port)


def check_port(port: str) -> None:
    """Exit with one line when the port cannot be had."""
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", int(port)))
    except (OSError, OverflowError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        sys.exit(f"Port {port} cannot be used: {reason}. Take another one: make run PORT=9000")


def own_secret() -> str:
    """Return the secret of this folder, made the first time; only its owner can read it."""
    with contextlib.suppress(FileExistsError):
        made = os.open(SECRET, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(made, "w", encoding="ascii") as file:
            file.write(f"{secrets.token_hex(32)}\n")
    return SECRET.read_text(encoding="ascii").strip()


def billing(*arguments: str) -> None:
    """Run one command of the command line, in this process: starting another takes longer."""
    sys.argv = ["billing", *arguments]
    try:
        main()
    except SystemExit as end:
        if end.code:
            raise


if __name__ == "__main__":
    run(sys.argv[1] or "8000")
