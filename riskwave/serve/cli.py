"""`riskwave serve`."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Annotated

import typer

from riskwave.errors import RiskwaveError


def serve_command(
    state: Annotated[Path, typer.Option(help="The state file; made when it is not there.")] = Path("riskwave.duckdb"),
    source: Annotated[
        str | None, typer.Option(help="Decide this source too: kafka://host:port/topic, a file, or sim:….")
    ] = None,
    mapping: Annotated[Path | None, typer.Option("--map", help="Mapping of its foreign columns (YAML).")] = None,
    labels: Annotated[str | None, typer.Option(help="Labels beside the source.")] = None,
    profiles: Annotated[str | None, typer.Option(help="Card profiles beside it.")] = None,
    devices: Annotated[str | None, typer.Option(help="Devices beside it.")] = None,
    follow: Annotated[bool, typer.Option(help="Wait for more at the end of a growing file.")] = False,
    history: Annotated[
        str | None,
        typer.Option(
            help="Decide by a RisingWave deployment's history, risingwave://user@host:port/database; the state keeps "
            "what is decided here."
        ),
    ] = None,
    models: Annotated[str | None, typer.Option(envvar="RISKWAVE_REGISTRY", help="The registry of models.")] = None,
    webhook: Annotated[
        str | None, typer.Option(help="Tell this URL what became of events handed in; RISKWAVE_WEBHOOK_SECRET signs.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on; loopback unless told otherwise.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on; 0 for any.")] = 8000,
    deadline_ms: Annotated[int, typer.Option(min=1, help="Deadline of requests that name none.")] = 1_000,
    rate: Annotated[float, typer.Option(min=0.1, help="Requests a second that a key may make.")] = 2_000.0,
    maker_checker: Annotated[
        bool, typer.Option(help="A ruleset needs a second person's approval before it decides.")
    ] = True,
    watch: Annotated[
        float, typer.Option(min=0, help="With --models: hours between looks at the models online; 0 for none.")
    ] = 1.0,
    insight: Annotated[
        float,
        typer.Option(min=0, help="Hours between looks back for what was missed; each 24th is over a day. 0 for none."),
    ] = 1.0,
    memory: Annotated[str, typer.Option(help="Most memory DuckDB may take, such as 1GB.")] = "1GB",
    quiet: Annotated[bool, typer.Option("--quiet", help="Log warnings only, not every request.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print where it listens as JSON.")] = False,
) -> None:
    """Decide payments over HTTP, and a source beside them; SIGTERM finishes what waits and commits.

    Example: riskwave serve --state bank.duckdb

    Example: riskwave serve --state bank.duckdb --source kafka://127.0.0.1:9092/payments --port 8080

    Example: riskwave serve --state desk.duckdb --history risingwave://root@127.0.0.1:4566/dev
    """
    # The other commands have no use for a web server.
    import uvicorn

    from riskwave.control.lifecycle import set_approvals
    from riskwave.control.store import control_path
    from riskwave.listening import bound
    from riskwave.risingwave.governed import adopted
    from riskwave.run.cli import open_inputs
    from riskwave.serve.app import create_app
    from riskwave.serve.logs import log_json
    from riskwave.serve.service import Service
    from riskwave.serve.settings import Settings
    from riskwave.tracing import open_tracing

    if history and source:
        raise RiskwaveError("--history: RisingWave reads the payments itself; leave --source out, or --history")
    if models and "://" not in models:
        # What is promoted is what scores.
        os.environ.setdefault("RISKWAVE_MODELS", str(Path(models).resolve().with_suffix("") / "online"))
    log_json("WARNING" if quiet else "INFO")
    open_tracing("riskwave-serve")
    listening = bound(host, port)
    inputs = open_inputs(source, mapping, labels, profiles, devices, follow=follow) if source else None
    address = adopted(control_path(state), history) if history else None
    service = Service(
        state,
        Settings(deadline_ms=deadline_ms, rate=rate, burst=rate, watch_s=watch * 3_600, insight_s=insight * 3_600),
        inputs=inputs,
        history=address,
        registry=models,
        webhook=(webhook, os.environ.get("RISKWAVE_WEBHOOK_SECRET", "").encode()) if webhook else None,
        memory=memory,
    )
    if not any(key.state(key.created_at) == "valid" for key in service.keys.all()):
        service.close()
        raise RiskwaveError(
            f"{state}: nobody may ask: make a key first: riskwave keys create ann --role admin --state {state}"
        )
    if maker_checker:
        set_approvals(service.control, "required", why="riskwave serve", author="riskwave serve")
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(service),
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=30,
        )
    )

    def stop(number: int = 0, frame: object = None) -> None:
        del number, frame
        server.should_exit = True

    # uvicorn finishes its requests, then raises the signal again: the state is still to be closed.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)

    service.decider.start(stop)
    where = f"http://{host}:{listening.getsockname()[1]}"
    typer.echo(json.dumps({"url": where, "state": str(state)}) if as_json else f"deciding at {where}, state {state}")
    try:
        server.run([listening])
    finally:
        service.close()
    if service.decider.fault is not None:
        raise RiskwaveError(f"{state}: the engine stopped: {service.decider.fault}")
