"""Every recorded decision made again from its stored features and the control version that it names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from riskwave.backtest.backtest import Say
from riskwave.backtest.history import moment
from riskwave.batch.history import attach_state, columns_of, whole
from riskwave.control import Control, control_path
from riskwave.control.asof import Span, spans, threshold_rows
from riskwave.errors import RiskwaveError
from riskwave.rules.columns import MODEL_COLUMNS
from riskwave.rules.compiled import Compiled

#: What of a decision follows from rules, features and what was in force.
COMPARED = (
    *("action", "severity", "is_anomaly", "rule_ids", "reasons", "ruleset_revision", "ruleset_channel"),
    *("shadow_rule_ids", "rule_vector", "shadow_rulesets"),
)
CATALOG = "riskwave_replayed"
_THRESHOLDS = "cross join rule_thresholds as t"
_BY_VERSION = "join rule_thresholds as t on t.control_version = d.control_version"


@dataclass(frozen=True)
class Differing:
    """A column of a decision that came out differently."""

    event_id: str
    version: int
    control_version: int
    column: str
    recorded: Any
    replayed: Any


@dataclass(frozen=True)
class Replay:
    """decisions: replayed; control_versions: that they name; unnamed: decisions that name none, left out; differing:
    decisions that came out differently; columns: how often each did; examples: some of them.
    """

    state: str
    decisions: int
    control_versions: int
    unnamed: int
    differing: int
    columns: dict[str, int]
    examples: tuple[Differing, ...]


def replay(
    state: Path,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    most: int = 10,
    say: Say = lambda words: None,
) -> Replay:
    """Replay the decisions of events in a period, superseded ones included, and compare them bit for bit.

    most: examples. Raises RiskwaveError when the state has no decisions that name a control version, lacks its
    control store, or names a version that the store has not.
    """
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        compared, unnamed = _recorded(connection, state, start, end)
        found: list[Differing] = []
        total = differing = 0
        columns = dict.fromkeys(compared, 0)
        versions = _versions(connection)
        for rows in _replayed(connection, state, versions, say):
            total += rows
            differing += _compare(connection, compared, columns, found, most)
    return Replay(
        str(state), total, len(versions), unnamed, differing, {k: n for k, n in columns.items() if n}, tuple(found)
    )


def decide_again(
    connection: duckdb.DuckDBPyConnection,
    state: Path,
    score: Callable[[pa.Table], pa.Table],
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    say: Say = lambda words: None,
) -> Iterator[int]:
    """Decide a state's events of a period again by other scores, and by the rules that were in force.

    score: from rows of decision_input to MODEL_COLUMNS of them, in their order. Gives how many events there are, part
    after part; for each the relations `decision_input` (with recorded_action and so on, and was_score) and `replayed`
    hold one row an event. Raises RiskwaveError as replay does.
    """
    _recorded(connection, state, start, end)
    rows = connection.sql("select *, row_number() over () as replay_row from recorded").to_arrow_table()
    names = [column.name for column in MODEL_COLUMNS]
    scored = score(rows).append_column("replay_row", rows.column("replay_row"))
    connection.register("given_rows", rows)
    connection.register("given_scores", scored)
    connection.execute(
        f"create or replace temp table recorded as select g.* exclude (replay_row, {', '.join(names)}), "
        f"g.model_score as was_score, {', '.join(f's.{name}' for name in names)} "
        "from given_rows as g join given_scores as s using (replay_row)"
    )
    connection.unregister("given_rows")
    connection.unregister("given_scores")
    yield from _replayed(connection, state, _versions(connection), say)


def _versions(connection: duckdb.DuckDBPyConnection) -> list[int]:
    """The control versions that recorded decisions name, in order."""
    return [
        int(row[0]) for row in connection.execute("select distinct control_version from recorded order by 1").fetchall()
    ]


def _replayed(connection: duckdb.DuckDBPyConnection, state: Path, versions: list[int], say: Say) -> Iterator[int]:
    """Decides `recorded` again, part after part, into the table `replayed`; gives how many rows a part has."""
    total = 0
    with Control.open(control_path(state), read_only=True) as control:
        for first, until, version, compiled in _groups(connection, control, versions):
            say(f"control versions {first} to {until - 1}: {total:,} decisions so far")
            rows = _rule(connection, control, compiled, first, until, version)
            total += rows
            yield rows


def _recorded(
    connection: duckdb.DuckDBPyConnection, state: Path, start: datetime | None, end: datetime | None
) -> tuple[list[str], int]:
    """The table `recorded`: features, what was decided, and the control version; what is compared, and the unnamed."""
    attach_state(connection, state, CATALOG)
    known, decided = (whole(connection, CATALOG, state, name) for name in ("decision_input", "decisions"))
    if known is None or decided is None:
        raise RiskwaveError(f"{state}: has no decisions to replay; expected a state made by `riskwave run`")
    here, inputs = columns_of(connection, CATALOG, "decisions"), columns_of(connection, CATALOG, "decision_input")
    if "control_version" not in here:
        raise RiskwaveError(
            f"{state}: its decisions name no control_version; only those of `riskwave run` can be replayed"
        )
    if not control_path(state).is_file():
        raise RiskwaveError(f"{control_path(state)}: is not there; a replay needs the control store beside its state")
    compared = [name for name in COMPARED if name in here]
    keys = ["event_id", *(name for name in ("version",) if name in here and name in inputs)]
    version = "k.version" if "version" in keys else "1"
    scores = ", ".join(f"d.{c.name}" if c.name in here else f"null::{c.type} as {c.name}" for c in MODEL_COLUMNS)
    features = ", ".join(f'k."{name}"' for name in inputs if name not in ("version", "control_version"))
    period = [f"k.event_ts {mark} {moment(at)}" for mark, at in ((">=", start), ("<", end)) if at]
    connection.execute(
        f"create temp view every as select {features}, {scores}, {version} as replay_version, d.control_version, "
        f"{', '.join(f'd.{name} as recorded_{name}' for name in compared)} from ({known}) as k "
        f"join ({decided}) as d using ({', '.join(keys)}){' where ' if period else ''}{' and '.join(period)}"
    )
    connection.execute("create temp table recorded as select * from every where control_version is not null")
    unnamed = connection.execute("select count(*) from every where control_version is null").fetchall()[0][0]
    if not connection.execute("select 1 from recorded limit 1").fetchall():
        raise RiskwaveError(f"{state}: no decision of the period names a control_version; there is nothing to replay")
    return compared, int(unnamed)


def _groups(
    connection: duckdb.DuckDBPyConnection, control: Control, versions: list[int]
) -> Iterator[tuple[int, int, int, Compiled]]:
    """(first control version, the one after the last, version of events, statement): the same rulesets and lists.

    The relation `list_entries` holds the lists of each.
    """
    told = spans(control)
    if not told or versions[-1] > control.version or versions[0] < told[0].control_version:
        raise RiskwaveError(
            f"{control.path}: has versions {told[0].control_version if told else 0} to {control.version}, and "
            f"decisions name {versions[0]} to {versions[-1]}; the store and the state do not belong together"
        )
    for span in told:
        compiled: Compiled | None = None
        for first, until in _same_lists(control, span, versions):
            compiled = compiled or span.snapshot.compiled("duckdb", scored=True)
            connection.register("list_entries", control.snapshot(first).list_table())
            rows = connection.execute(
                f"select distinct replay_version from recorded where control_version between {first} and {until - 1}"
            ).fetchall()
            for (version,) in sorted(rows):
                yield first, until, version, compiled


def _same_lists(control: Control, span: Span, versions: list[int]) -> Iterator[tuple[int, int]]:
    """Runs of a span's versions in which the lists were the same."""
    runs: list[tuple[int, int, int]] = []
    for version in versions:
        if span.control_version <= version < span.until_version:
            lists = control.snapshot(version).lists_version
            if runs and runs[-1][2] == lists:
                runs[-1] = (runs[-1][0], version + 1, lists)
            else:
                runs.append((version, version + 1, lists))
    for first, until, _ in runs:
        yield first, until


def _rule(
    connection: duckdb.DuckDBPyConnection, control: Control, compiled: Compiled, first: int, until: int, version: int
) -> int:
    """Decide again the events of one version of theirs, into the table `replayed`; gives how many there are.

    Each event meets the thresholds of the control version that it names.
    """
    connection.register("rule_thresholds", threshold_rows(control, compiled, first, until))
    of = f"replay_version = {version} and control_version between {first} and {until - 1}"
    connection.execute(f"create or replace temp table decision_input as select * from recorded where {of}")
    if compiled.sql.count(_THRESHOLDS) != 1:
        raise AssertionError("the compiled statement reads rule_thresholds in another way than a replay knows")
    connection.execute(f"create or replace temp table replayed as {compiled.sql.replace(_THRESHOLDS, _BY_VERSION)}")
    return int(connection.execute("select count(*) from decision_input").fetchall()[0][0])


def _compare(
    connection: duckdb.DuckDBPyConnection,
    compared: list[str],
    columns: dict[str, int],
    found: list[Differing],
    most: int,
) -> int:
    """Count what differs, by column, and keep examples; gives the number of decisions that do."""
    differs = {name: f"(d.recorded_{name} is distinct from r.{name} or r.event_id is null)" for name in compared}
    joined = "from decision_input as d left join replayed as r on r.event_id = d.event_id"
    counts = connection.execute(
        f"select {', '.join(f'count_if({said})' for said in differs.values())}, "
        f"count_if({' or '.join(differs.values())}) {joined}"
    ).fetchall()[0]
    for name, count in zip(compared, counts, strict=False):
        columns[name] += count
        if count and len(found) < most:
            rows = connection.execute(
                f"select d.event_id, d.replay_version, d.control_version, d.recorded_{name}, r.{name} {joined} "
                f"where {differs[name]} order by d.event_ts, d.event_id limit {most - len(found)}"
            ).fetchall()
            found += [Differing(row[0], row[1], row[2], name, row[3], row[4]) for row in rows]
    return int(counts[-1])
