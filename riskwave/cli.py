"""The `riskwave` command."""

from __future__ import annotations

import errno
import os
import re
import sys
import traceback
from typing import Annotated

import duckdb
import typer

from riskwave import __version__
from riskwave.alerts.cli import alerts_app
from riskwave.app_cli import app_command
from riskwave.archive.cli import archive_command
from riskwave.backtest.cli import backtest_command, compare_command, explain_command, sweep_command
from riskwave.batch.cli import batch_command
from riskwave.bench.cli import bench_command
from riskwave.catalogue_cli import features_command
from riskwave.control.audit_cli import audit_app
from riskwave.control.lists_cli import lists_app
from riskwave.control.rules_cli import rules_app
from riskwave.control.thresholds_cli import thresholds_app
from riskwave.decisions_cli import decisions_command
from riskwave.demo_app.cli import demo_app_command
from riskwave.doctor.cli import doctor_command
from riskwave.errors import RiskwaveError, printable
from riskwave.insight.cli import insight_command
from riskwave.parity.cli import parity_command
from riskwave.query import query_command
from riskwave.risingwave.control_cli import control_app
from riskwave.risingwave.deploy_cli import deploy_command
from riskwave.run.cli import demo_command, run_command
from riskwave.scoring.cli import models_app
from riskwave.scoring.update_cli import update_command
from riskwave.serve.cli import serve_command
from riskwave.serve.keys_cli import keys_app
from riskwave.simulator.cli import simulate_command
from riskwave.tracing import close_tracing
from riskwave.watch.cli import watch_command

#: What DuckDB says of a disk that is full, or of a file that may not grow.
_FULL = re.compile("no space left|file too large|could not write|disk quota", re.IGNORECASE)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Real-time risk decisions in SQL: the same models on a stream, over history and in a request.",
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"riskwave {__version__}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool, typer.Option("--version", help="Say which version this is.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Real-time risk decisions in SQL: the same models on a stream, over history and in a request."""
    del version


app.command("demo")(demo_command)
app.command("demo-app")(demo_app_command)
app.command("simulate")(simulate_command)
app.command("run")(run_command)
app.command("serve")(serve_command)
app.command("app")(app_command)
app.command("decisions")(decisions_command)
app.command("query")(query_command)
app.command("batch")(batch_command)
app.command("deploy")(deploy_command)
app.command("parity")(parity_command)
app.command("archive")(archive_command)
app.command("backtest")(backtest_command)
app.command("sweep")(sweep_command)
app.command("explain")(explain_command)
app.command("insight")(insight_command)
app.command("features")(features_command)
app.command("bench")(bench_command)
app.command("doctor")(doctor_command)
rules_app.command("compare")(compare_command)
models_app.command("watch")(watch_command)
models_app.command("update")(update_command)
app.add_typer(alerts_app, name="alerts")
app.add_typer(rules_app, name="rules")
app.add_typer(thresholds_app, name="thresholds")
app.add_typer(lists_app, name="lists")
app.add_typer(models_app, name="models")
app.add_typer(keys_app, name="keys")
app.add_typer(audit_app, name="audit")
app.add_typer(control_app, name="control")


def main() -> None:
    """Run the command; a fault the user can mend is one line on stderr and exit code 1."""
    try:
        app()
    except SystemExit as end:
        _leave(end.code if isinstance(end.code, int) else 1 if end.code else 0)
    except KeyboardInterrupt:
        sys.stderr.write("riskwave: interrupted; what was committed stays\n")
        _leave(130)
    except Exception as error:
        fault = error if isinstance(error, RiskwaveError) else told(error)
        if fault is None:
            traceback.print_exc()
        else:
            sys.stderr.write(f"riskwave: {printable(' '.join(str(fault).split()))}\n")
        _leave(1)


def told(error: Exception) -> RiskwaveError | None:
    """What a machine without room says to the user; None for what is no such fault."""
    said = str(error).splitlines()[0] if str(error) else type(error).__name__
    if isinstance(error, duckdb.OutOfMemoryException):
        return RiskwaveError(f"DuckDB has too little memory ({said}); give more by --memory, such as 2GB")
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
    if full or (isinstance(error, duckdb.Error) and _FULL.search(str(error))):
        return RiskwaveError(
            f"a file cannot be written ({said}); free some room and start again: what was committed stays"
        )
    return None


def _leave(code: int) -> None:
    """End the process at once: DuckDB 2.0's Python binding prints lines about leaks when it is taken down in order."""
    close_tracing()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
