"""`riskwave demo-app`."""

from __future__ import annotations

import importlib.util
import json
import shutil
import signal
import sys
import threading
import webbrowser
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from riskwave.batch.progress import saying
from riskwave.errors import RiskwaveError

PEOPLE = {"ann": "analyst", "ben": "approver", "ivy": "investigator"}
FOR = timedelta(days=1)
MARK = ".demo-app"  # in a folder that was made here, and may be made anew


def demo_app_command(
    events: Annotated[int, typer.Option(min=1_000, help="Payments of a month, four days of them live.")] = 40_000,
    speed: Annotated[float, typer.Option(min=1, help="How much faster than the clock the bank's time runs.")] = 60.0,
    folder: Annotated[Path, typer.Option(help="Where everything is kept; made anew.")] = Path("demo/app"),
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port of the app; 0 for any.")] = 8501,
    api_port: Annotated[int, typer.Option(min=0, max=65_535, help="Port of the API; 0 for any.")] = 8000,
    seed: Annotated[int, typer.Option(help="Another one is another bank.")] = 7,
    models: Annotated[
        bool, typer.Option(help="Train a model and let it score, where the extra `models` is installed.")
    ] = True,
    browser: Annotated[bool, typer.Option(help="Open the app in the browser.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print where it is and the keys as JSON.")] = False,
) -> None:
    """Set up a simulated bank with a past, decide its payments live, and open the app on it; Ctrl-C ends it all.

    Example: riskwave demo-app

    Example: riskwave demo-app --port 0 --api-port 0 --no-browser
    """
    missing = [name for name in ("streamlit", "httpx2") if importlib.util.find_spec(name) is None]
    if missing:
        raise RiskwaveError(
            f"the app needs {', '.join(missing)}: make demo-app, or pip install -c constraints.txt -e '.[app]'"
        )
    from riskwave.demo_app.bank import make_bank
    from riskwave.demo_app.history import prepare
    from riskwave.demo_app.house import free, running
    from riskwave.demo_app.traffic import Told, Traffic
    from riskwave.serve.keys import Keys, keys_path

    console = Console(stderr=True)
    ports = free(api_port, "--api-port"), free(port, "--port")
    api, app = (f"http://127.0.0.1:{number}" for number in ports)
    _clear(folder)
    state, registry = folder / "bank.duckdb", folder / "models.db"
    stop = _stopped()
    with saying(console) as say:
        say("simulating a bank")
        bank = make_bank(events, seed, speed=speed)
        unscored = prepare(state, registry if models else None, bank, say)
        keys = Keys(keys_path(state))
        made = {name: keys.create(name, owner=name, role=role, valid_for=FOR)[1] for name, role in PEOPLE.items()}
        gateway = keys.create("gateway", owner="gateway", role=None, scopes=("decide",), valid_for=FOR)[1]
        labeller = keys.create("chargebacks", owner="chargebacks", role=None, scopes=("label",), valid_for=FOR)[1]
        keys.close()
    serve = ["serve", "--quiet", "--state", str(state), "--port", str(ports[0]), "--deadline-ms", "10000"]
    serve += ["--models", str(registry), "--watch", "0.1", "--insight", "0.1"] if unscored is None else []
    with (
        running(serve, f"{api}/readyz", folder / "serve.log"),
        running(["app", "--api", api, "--port", str(ports[1])], f"{app}/_stcore/health", folder / "app.log"),
    ):
        _say(app, api, made, unscored=unscored, as_json=as_json)
        if browser and sys.stdout.isatty():
            webbrowser.open(app)
        traffic = Traffic(api, gateway, labeller, bank, speed)
        with console.status("payments begin") as status:

            def tell(told: Told) -> None:
                actions = ", ".join(f"{action} {count:,}" for action, count in sorted(told.actions.items()))
                status.update(f"{told.decided:,} payments decided ({actions}), {told.labels:,} labels; Ctrl-C ends it")

            traffic.run(stop, tell)
        if not stop.is_set():
            console.print("that was the last payment; the app stays open until Ctrl-C")
            stop.wait()
    console.print(f"ended; {folder} keeps the state: riskwave serve --state {state}")


def _stopped() -> threading.Event:
    """Set by Ctrl-C or SIGTERM."""
    stop = threading.Event()

    def end(number: int, frame: object) -> None:
        del number, frame
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    return stop


def _clear(folder: Path) -> None:
    """Make the folder anew. Raises RiskwaveError for one that no demonstration made."""
    mark = folder / MARK
    if folder.exists() and any(folder.iterdir()) and not mark.exists():
        raise RiskwaveError(f"{folder}: is there, and not of this demonstration; name another --folder")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    mark.touch()


def _say(app: str, api: str, keys: dict[str, str], *, unscored: str | None, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"url": app, "api": api, "keys": keys, "model": unscored is None, "why": unscored}))
    else:
        typer.echo(f"\nthe app is at {app}, the API at {api}\n\nsign in with one of these keys, good for a day:")
        for name, key in keys.items():
            typer.echo(f"  {name}, {PEOPLE[name]:<14}{key}")
        if unscored is not None:
            typer.echo(f"\nrules decide alone: {unscored}")
        typer.echo("")
    sys.stdout.flush()
