"""A place to listen at, taken before anything says that somebody listens there."""

from __future__ import annotations

import socket

from riskwave.errors import RiskwaveError


def bound(host: str, port: int) -> socket.socket:
    """A TCP socket bound to an address, which does not listen yet; port 0 takes any that is free.

    Raises RiskwaveError when the address is taken, not this machine's or not to be had.
    """
    taken: socket.socket | None = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        taken = socket.socket(family, kind, protocol)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(address)
    except OSError as fault:
        if taken is not None:
            taken.close()
        raise RiskwaveError(
            f"{host}:{port}: cannot listen there: {fault.strerror or fault}; choose another --host or --port"
        ) from fault
    return taken


def free(host: str, port: int) -> int:
    """A port that nobody listens at, for another process to take; port 0 is any. Raises RiskwaveError as `bound`."""
    with bound(host, port) as taken:
        return int(taken.getsockname()[1])
