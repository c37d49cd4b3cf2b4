"""A place to listen at: taken, or one line why not."""

from __future__ import annotations

import socket

import pytest

from riskwave.errors import RiskwaveError
from riskwave.listening import bound


def test_a_port_is_taken_once() -> None:
    with bound("127.0.0.1", 0) as first:
        first.listen()
        port = first.getsockname()[1]
        with pytest.raises(RiskwaveError, match=rf"127\.0\.0\.1:{port}: cannot listen there"):
            bound("127.0.0.1", port)
    with pytest.raises(RiskwaveError, match="choose another --host"):
        bound("no-such-host.invalid", 80)


def test_nobody_is_answered_before_somebody_listens() -> None:
    with bound("127.0.0.1", 0) as taken, pytest.raises(ConnectionRefusedError):
        socket.create_connection(taken.getsockname(), timeout=5)
