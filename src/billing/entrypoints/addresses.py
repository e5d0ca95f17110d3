"""Addresses: where a server may listen."""

import socket

import click


def free_address(host: str, port: int) -> tuple[socket.AddressFamily, str, int]:
    """Return where to listen, or say why not.

    Granian lets two servers of one user share a port, silently: it is asked for alone first.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, _, _, _, wanted = min(found, key=lambda one: one[0] != socket.AF_INET)
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(wanted)
            address, port = probe.getsockname()[:2]
    except OSError as error:
        reason = error.strerror or str(error)
        raise click.ClickException(f"Cannot listen on {host}, port {port}: {reason}") from error
    return family, address, port


def shown_address(family: socket.AddressFamily, address: str) -> str:
    """Return an address as a URL has it."""
    return f"[{address}]" if family is socket.AF_INET6 else address
