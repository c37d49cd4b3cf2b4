"""What rules are tried on: stored features of a state or a Parquet folder, within a period, with their labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from riskwave.batch.history import attach_state, columns_of, current, in_folder, whole
from riskwave.errors import RiskwaveError
from riskwave.rules.columns import MODEL_COLUMNS

EXPECTED = "expected a state (.duckdb), or a Parquet folder with decision_input and labels"
CATALOG = "riskwave_history"
#: A fraud is what its last verdict says; one row an event.
_FRAUDS = """
select event_id, arg_max(episode_id, arrived_at) as episode_id, arg_max(scenario, arrived_at) as scenario
from ({labels}) as l {until} group by event_id having arg_max(verdict, arrived_at) = 'fraud'
"""
_MODEL = ("model_score", "model_version")


@dataclass(frozen=True)
class History:
    """Events of a period, a row each: the last revision of what was known when they were decided.

    events: a query for decision_input's columns, with those of the scoring step where decisions recorded scores;
    columns: of it; first: time of the first event of the whole history; start, end: the period, end not included;
    labels: how many frauds are known. The relation `frauds` has event_id, episode_id, scenario.
    """

    name: str
    connection: duckdb.DuckDBPyConnection
    events: str
    columns: frozenset[str]
    first: datetime
    start: datetime
    end: datetime
    labels: int

    @property
    def days(self) -> float:
        """Length of the period."""
        return max((self.end - self.start) / timedelta(days=1), 1 / 86_400)

    def require(self, columns: Sequence[str]) -> None:
        """Raise RiskwaveError for columns that the history lacks."""
        missing = [name for name in columns if name not in self.columns]
        if missing:
            raise RiskwaveError(
                f"{self.name}: decision_input lacks {', '.join(missing[:5])}; it was made by other models: "
                "make it anew with `riskwave batch`"
            )


@contextmanager
def open_history(
    path: Path,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    known_labels: bool = False,
    decided: bool = False,
    memory: str | None = None,
) -> Iterator[History]:
    """Open a history for reading; start, end (UTC, end not included): else from its first event to its last.

    known_labels: only verdicts that had arrived by the end of the period count; decided: with the control_version that
    decisions name; memory: the most that DuckDB may take, such as 512MB. Raises RiskwaveError when there is none, and
    when the period has no events.
    """
    with duckdb.connect(config={"memory_limit": memory} if memory else {}) as connection:
        connection.execute("set TimeZone = 'UTC'")
        events, labels = _of_folder(path) if path.is_dir() else _of_state(connection, path, decided)
        try:
            columns = [str(row[0]) for row in connection.execute(f"describe {events}").fetchall()]
            between = f"select min(event_ts), max(event_ts) from ({events})"
            first, last = connection.execute(between).fetchall()[0]
        except duckdb.Error as fault:
            raise RiskwaveError(f"{path}: cannot be read ({str(fault).splitlines()[0]})") from fault
        if first is None:
            raise RiskwaveError(f"{path}: has no events to try rules on")
        began = max(start, first) if start else first
        ends = min(end, last + timedelta(microseconds=1)) if end else last + timedelta(microseconds=1)
        if began >= ends:
            raise RiskwaveError(
                f"{path}: has no events from {said(start or first)} to {said(end or last)}; it goes from "
                f"{said(first)} to {said(last)}"
            )
        until = f"where arrived_at <= {moment(ends)}" if known_labels else ""
        connection.execute(f"create temp table frauds as {_FRAUDS.format(labels=labels, until=until)}")
        within = f"event_ts >= {moment(began)} and event_ts < {moment(ends)}"
        yield History(
            name=str(path),
            connection=connection,
            events=f"select * from ({last_revisions(connection, events, columns)}) where {within}",
            columns=frozenset(columns),
            first=first,
            start=began,
            end=ends,
            labels=int(connection.execute("select count(*) from frauds").fetchall()[0][0]),
        )


def moment(at: datetime) -> str:
    """A time as SQL writes it."""
    return f"timestamp '{at:%Y-%m-%d %H:%M:%S.%f}'"


def said(at: datetime) -> str:
    """A time in a message."""
    return f"{at:%Y-%m-%d %H:%M}"


def as_moment(text: str | None, option: str) -> datetime | None:
    """A day or time (UTC without a zone, else moved to it) that an option gave. Raises RiskwaveError for another."""
    if text is None:
        return None
    try:
        given = datetime.fromisoformat(text)
    except ValueError as fault:
        raise RiskwaveError(f"{option} {text}: is no time; write 2026-01-31 or 2026-01-31T18:00:00") from fault
    return given.astimezone(UTC).replace(tzinfo=None) if given.tzinfo else given


def _of_folder(folder: Path) -> tuple[str, str]:
    """Queries for events and labels of a Parquet folder."""
    events = in_folder(folder, "decision_input")
    if events is None:
        raise RiskwaveError(f"{folder}: has no decision_input.parquet and no folder decision_input; {EXPECTED}")
    return events, in_folder(folder, "labels") or _NO_LABELS


def _of_state(connection: duckdb.DuckDBPyConnection, path: Path, named: bool) -> tuple[str, str]:
    """Queries for events, with the scores (and, named, the control versions) of decisions, and labels of a state."""
    attach_state(connection, path, CATALOG)
    known = whole(connection, CATALOG, path, "decision_input")
    if known is None:
        raise RiskwaveError(f"{path}: has no table decision_input; {EXPECTED}")
    labels = f"select * from {CATALOG}.main.labels" if columns_of(connection, CATALOG, "labels") else _NO_LABELS
    decided = whole(connection, CATALOG, path, "decisions")
    there = set(columns_of(connection, CATALOG, "decisions"))
    wanted = ["control_version"] if named and "control_version" in there else []
    if decided is not None and set(_MODEL) <= there:
        scored = connection.execute(f"select 1 from ({decided}) where model_score is not null limit 1").fetchall()
        wanted += [column.name for column in MODEL_COLUMNS if scored and column.name in there]
    if not wanted:
        return known, labels
    here = columns_of(connection, CATALOG, "decision_input")
    keys = ", ".join(key for key in ("event_id", "version", "seen_at", "revision") if key in here)
    own = ", ".join(f'"{name}"' for name in here if name not in wanted)
    chosen = ", ".join(f"s.{name}" for name in wanted)
    return (
        f"select k.*, {chosen} from (select {own} from ({known})) as k "
        f"left join (select {keys}, {', '.join(wanted)} from ({decided})) as s using ({keys})",
        labels,
    )


def last_revisions(connection: duckdb.DuckDBPyConnection, events: str, columns: list[str]) -> str:
    """The last revision of each event. Few have more than one, so that a look at those few is enough."""
    if "version" not in columns:
        return current(events, columns)
    later = f"select event_id, max(version) as last_version from ({events}) where version > 1 group by event_id"
    if not connection.execute(f"select 1 from ({later}) limit 1").fetchall():
        return events
    return (
        f"select k.* from ({events}) as k anti join ({later}) as n "
        "on k.event_id = n.event_id and k.version < n.last_version"
    )


_NO_LABELS = (
    "select null::varchar as event_id, null::varchar as verdict, null::timestamp as arrived_at, "
    "null::varchar as episode_id, null::varchar as scenario where false"
)
