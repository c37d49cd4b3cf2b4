"""`riskwave archive`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from riskwave.archive.archiver import Progress, archive
from riskwave.archive.feed import Feed
from riskwave.archive.folder import Archive
from riskwave.archive.server import ServerFeed
from riskwave.archive.topic import TopicFeed
from riskwave.errors import RiskwaveError
from riskwave.parity.server import SCHEMES
from riskwave.run.loop import stop_asked


def archive_command(
    source: Annotated[
        str,
        typer.Option(
            envvar="RISKWAVE_ARCHIVE_SOURCE",
            help="risingwave://user@host:port/database, or kafka://host:port/decisions.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the archive; made when it is not there.")],
    every: Annotated[float, typer.Option(min=0, help="Seconds between files: each is a file a table and day.")] = 600,
    retention: Annotated[str, typer.Option(help="How long RisingWave keeps changes that were not read.")] = "7 days",
    until_idle: Annotated[bool, typer.Option(help="Stop when nothing more is waiting.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was archived as JSON.")] = False,
) -> None:
    """Take decisions, and what was known for them, out of a stream into Parquet by day, each row once.

    Stopped or killed and started again, it goes on where it was. The folder is read by backtest, parity and models.

    Example: riskwave archive --source risingwave://root@127.0.0.1:4566/dev --out history

    Example: riskwave archive --source kafka://127.0.0.1:9092/decisions?until=end --out history
    """
    feed = open_feed(source, retention)
    console = Console(stderr=True)

    def tell(progress: Progress) -> None:
        if not as_json:
            console.print(f"{progress.rows.total():,} rows archived", highlight=False)

    try:
        with Archive(out, feed.name) as folder, stop_asked() as stop:
            done = archive(feed, folder, every_s=every, until_idle=until_idle, stop=stop, tell=tell)
    finally:
        feed.close()
    if as_json:
        typer.echo(json.dumps({"out": str(out), "rows": dict(done.rows), "commits": done.commits}))
    else:
        rows = ", ".join(f"{name} {count:,}" for name, count in sorted(done.rows.items()))
        typer.echo(f"{out}: {rows or 'nothing new'}")


def open_feed(source: str, retention: str) -> Feed:
    """The feed at a URI. Raises RiskwaveError when there is none, or for another form."""
    if source.startswith(SCHEMES):
        return ServerFeed(source, retention=retention)
    if source.startswith("kafka://"):
        return TopicFeed(source)
    raise RiskwaveError(f"--source {source}: expected risingwave://user@host:port/database or kafka://host:port/topic")
