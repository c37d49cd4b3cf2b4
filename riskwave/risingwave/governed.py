"""A control store that governs a deployment: what is changed in it is in force there when the change is done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from riskwave.control.store import Control
from riskwave.errors import RiskwaveError
from riskwave.risingwave.dsn import Address, deployment_address
from riskwave.risingwave.server import Server, connected
from riskwave.risingwave.sync import adopt, known_events, steps_left, sync
from riskwave.risingwave.takeover import Step


@contextmanager
def governed(path: Path, target: str, *, read_only: bool = False, decides: bool = False) -> Iterator[Control]:
    """The store, which is made of what the deployment decides by where there is none.

    target: risingwave, or a DSN; decides: rules may be decided by from now on, so it matters since when events are
    known. The server must answer before anything is changed. Raises RiskwaveError where it does not, and where a change
    is kept in the store and could not be put in force.
    """
    with connected(deployment_address(None if target == "risingwave" else target)) as server:
        _made(path, server)
        with Control.open(path, read_only=read_only) as control:
            if decides:
                known_events(control, server)
            yield control
            if read_only:
                _say_left(control, server)
            else:
                put_in_force(control, server)


def adopted(path: Path, dsn: str) -> Address:
    """A deployment, whose thresholds and lists a store that is not there yet is made of.

    Raises RiskwaveError where the server does not answer, and where another pack decides there.
    """
    address = deployment_address(dsn)
    with connected(address) as server:
        _made(path, server)
        with Control.open(path, read_only=True) as control:
            _say_left(control, server)
    return address


def _made(path: Path, server: Server) -> None:
    if not path.is_file():
        for line in adopt(path, server):
            typer.echo(f"note: not taken over: {line}", err=True)
        typer.echo(f"note: {path} is made, of what RisingWave decides by", err=True)


def _say_left(control: Control, server: Server) -> None:
    left = steps_left(control, server)
    if left:
        typer.echo(f"note: not yet in force on RisingWave: {left[0]}; riskwave control sync", err=True)


def put_in_force(control: Control, server: Server) -> None:
    """Sync, and say so. Raises RiskwaveError with what is kept and what is left to do."""

    def say(step: Step) -> None:
        typer.echo(f"  {step}", err=True)

    try:
        done = sync(control, server, say=say)
    except RiskwaveError as fault:
        raise RiskwaveError(
            f"kept as control_version {control.version}, and not in force on RisingWave: {fault}; "
            "riskwave control sync does what is left"
        ) from fault
    typer.echo(f"RisingWave: control_version {done.control_version} in force", err=True)
