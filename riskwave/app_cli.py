"""`riskwave app`."""

from __future__ import annotations

import importlib.util
import ipaddress
import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from riskwave.errors import RiskwaveError
from riskwave.listening import free
from riskwave.project import project_dir


def app_command(
    api: Annotated[str, typer.Option(envvar="RISKWAVE_API", help="Where `riskwave serve` listens.")] = (
        "http://127.0.0.1:8000"
    ),
    host: Annotated[str, typer.Option(help="Address to listen on; loopback unless told otherwise.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on; 0 for any.")] = 8501,
    as_json: Annotated[bool, typer.Option("--json", help="Print where it listens as JSON.")] = False,
) -> None:
    """Open the app in which alerts are investigated and rules are kept, in the browser.

    Everybody signs in with a key of their own; RISKWAVE_APP_KEY signs in whoever opens it, on loopback only.

    Example: riskwave app

    Example: riskwave app --api http://127.0.0.1:8080 --port 8601
    """
    if importlib.util.find_spec("streamlit") is None:
        raise RiskwaveError("the app needs Streamlit: pip install -c constraints.txt -e '.[app]'")
    folder = app_folder()
    if os.environ.get("RISKWAVE_APP_KEY") and not _loopback(host):
        raise RiskwaveError(
            f"--host {host}: with RISKWAVE_APP_KEY everybody who reaches it acts by that key; unset it, or listen on "
            "127.0.0.1"
        )
    # Streamlit takes the next port where one is taken; what is said below would not hold.
    port = free(host, port)
    where = f"http://{host}:{port}"
    typer.echo(json.dumps({"url": where, "api": api}) if as_json else f"the app is at {where}, the API at {api}")
    sys.stdout.flush()
    # Streamlit reads its settings from the working folder.
    os.chdir(folder)
    environment = {
        **os.environ,
        "RISKWAVE_API": api,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(folder.parent), os.environ.get("PYTHONPATH")])),
    }
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.address", host, "--server.port", str(port)]
    os.execve(sys.executable, command, environment)  # noqa: S606 - signals reach the app itself


def app_folder() -> Path:
    """Where the app's pages are. Raises RiskwaveError where they are not."""
    for folder in (project_dir(), Path(__file__).parent.parent):
        if (folder / "dashboards" / "app.py").is_file():
            return folder / "dashboards"
    raise RiskwaveError("no dashboards/app.py here: run in a Riskwave checkout or set RISKWAVE_PROJECT")


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
