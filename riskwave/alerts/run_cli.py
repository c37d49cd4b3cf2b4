"""`riskwave alerts run` and `riskwave alerts test`."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from riskwave.alerts import moments
from riskwave.control.options import STATE, Json, echo_json
from riskwave.errors import RiskwaveError

Routes = Annotated[Path, typer.Option("--routes", help="The routes file (YAML): which alerts are told to whom.")]
State = Annotated[Path, typer.Option(help="The state file beside which the alerts are.")]


def run_command(
    routes: Routes,
    state: State = STATE,
    source: Annotated[
        str | None, typer.Option(help="Take decisions in from a topic: kafka://host:port/decisions.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Send what is due now, and end.")] = False,
    as_json: Json = False,
) -> None:
    """Tell of alerts as the routes say, until SIGTERM: grouped, throttled, escalated, and sent until they are taken.

    Secrets are the environment's: ${NAME} in the routes.

    Example: riskwave alerts run --routes routes.yml --state bank.duckdb

    Example: riskwave alerts run --routes routes.yml --source kafka://127.0.0.1:9092/decisions --state alerts.duckdb
    """
    from riskwave.alerts.from_kafka import KafkaFeed
    from riskwave.alerts.from_state import catch_up_with
    from riskwave.alerts.receivers import open_receivers
    from riskwave.alerts.routes import load_routes
    from riskwave.alerts.sender import Sender, alone
    from riskwave.alerts.store import AlertStore, alerts_path
    from riskwave.serve.logs import log_json

    known = load_routes(routes)
    receivers = open_receivers(known, str(routes), os.environ)
    log_json("WARNING")
    path = alerts_path(state)
    store = AlertStore(path)
    stop = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        stop.set()

    with alone(path):
        if source is None:
            catch_up_with(store, state, moments.now())
        feed = KafkaFeed(store, source) if source is not None else None
        sender = Sender(store, known, receivers)
        try:
            if once:
                if feed is not None:
                    feed.catch_up()
                sender.once()
            else:
                for number in (signal.SIGINT, signal.SIGTERM):
                    signal.signal(number, end)
                if feed is not None:
                    feed.start(stop)
                said = {"alerts": str(path), "receivers": list(receivers)}
                if as_json:
                    echo_json(said)
                else:
                    typer.echo(f"telling of {path} to {', '.join(receivers)}")
                sender.run(stop)
        finally:
            if feed is not None:
                feed.close()
            store.close()
    figures = {"notifications": sender.made, "delivered": sender.taken, "failed": sender.failed}
    if as_json:
        echo_json(figures)
    else:
        typer.echo(", ".join(f"{name} {count:,}" for name, count in figures.items()))


def try_command(
    routes: Routes,
    receiver: Annotated[str | None, typer.Option(help="This one only; else all of them.")] = None,
    as_json: Json = False,
) -> None:
    """Check a routes file, and send every receiver a test notification; exit 1 when one is not taken.

    Example: riskwave alerts test --routes routes.yml --receiver desk
    """
    from uuid import uuid4

    from riskwave.alerts.message import Message
    from riskwave.alerts.receivers import UndeliveredError, open_receiver
    from riskwave.alerts.routes import load_routes

    known = load_routes(routes)
    if receiver is not None and receiver not in known.receivers:
        raise RiskwaveError(f"--receiver {receiver}: {routes} has {', '.join(known.receivers)}")
    names = [receiver] if receiver is not None else list(known.receivers)
    message = Message(uuid4().hex, "test", "", "", moments.stamp(moments.now()), [])
    results: dict[str, str] = {}
    for name in names:
        opened = open_receiver(name, known.receivers[name], str(routes), os.environ)
        try:
            opened.send(message)
            results[name] = "taken"
        except UndeliveredError as fault:
            results[name] = str(fault)
    if as_json:
        echo_json(results)
    else:
        for name, said in results.items():
            typer.echo(f"{name}: {said}")
    if set(results.values()) != {"taken"}:
        raise typer.Exit(1)
