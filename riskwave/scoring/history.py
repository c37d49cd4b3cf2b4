"""Events to learn from: what was known of each when it was decided, and what its labels said, and when."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from riskwave.batch.batch import batch_of_inputs
from riskwave.batch.history import REVISIONS, attach_state, columns_of, in_folder, whole
from riskwave.catalogue import Feature, load_catalogue
from riskwave.contracts import Label
from riskwave.engine.state import is_database
from riskwave.errors import RiskwaveError
from riskwave.run.cli import open_inputs
from riskwave.scoring.values import Flags, Say
from riskwave.sources import read_table

Times = NDArray[np.datetime64]
EXPECTED = (
    "expected a state, a batch's file (.duckdb), a folder of days (Parquet, with decision_input and labels) or "
    "sim:?events=…&seed=…"
)
#: What to do with payments as they came, of which nothing is known yet.
DECIDE = "payments are first decided: riskwave batch --source {} --out bank.duckdb"


@dataclass(frozen=True)
class History:
    """Events by event time, then event_id, with their labels.

    events: the features of the catalogue, one row an event, as they were when it was first decided; at: event time;
    fraud_at, cleared_at: when the first such verdict arrived, NaT when none did; episode: number of the attack an
    event is part of, -1 for none.
    """

    name: str
    events: pa.Table
    at: Times
    fraud_at: Times
    cleared_at: Times
    episode: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.at)

    @property
    def end(self) -> np.datetime64:
        """The time of the last event: what arrived later was not known in this history."""
        return self.at[-1]

    @property
    def labelled(self) -> bool:
        """Whether any label is there."""
        return not bool(np.isnat(self.fraud_at).all() and np.isnat(self.cleared_at).all())

    def known_frauds(self, as_of: np.datetime64) -> Flags:
        """Whether an event was known to be a fraud at a time: its label had arrived."""
        return ~np.isnat(self.fraud_at) & (self.fraud_at <= as_of)

    def frauds(self) -> Flags:
        """Whether an event is a fraud by any label, whenever it arrived: to measure by, never to learn from."""
        return ~np.isnat(self.fraud_at)

    def known_at(self, as_of: np.datetime64) -> History:
        """The same events with those labels only that had arrived at a time."""
        never = np.datetime64("NaT", "us")
        fraud, cleared = (np.where(~np.isnat(at) & (at <= as_of), at, never) for at in (self.fraud_at, self.cleared_at))
        return replace(self, fraud_at=fraud, cleared_at=cleared, episode=np.where(np.isnat(fraud), -1, self.episode))

    def between(self, since: np.datetime64 | None, until: np.datetime64 | None) -> History:
        """The events from `since` on, before `until`. Raises RiskwaveError when there are none."""
        first = 0 if since is None else int(np.searchsorted(self.at, since))
        last = len(self) if until is None else int(np.searchsorted(self.at, until))
        if last <= first:
            raise RiskwaveError(
                f"{self.name}: no events from {since or 'its beginning'} to {until or 'its end'}; it has those from "
                f"{self.at[0]} to {self.at[-1]}"
            )
        return self.part(slice(first, last))

    def part(self, rows: slice) -> History:
        """Consecutive events."""
        return History(
            self.name,
            self.events.slice(rows.start, rows.stop - rows.start),
            self.at[rows],
            self.fraud_at[rows],
            self.cleared_at[rows],
            self.episode[rows],
        )


def read_history(
    names: Sequence[str], *, mapping: Path | None = None, labels: str | None = None, say: Say = lambda words: None
) -> History:
    """Read one history or several as one. Each is a state, a Parquet folder, `sim:…`, or with a mapping a foreign file.

    labels: a file, folder or table of labels, where the history has none of its own. Simulated and foreign events are
    first decided as a batch. Raises RiskwaveError when there is nothing to read or it is no history.
    """
    parts = [_read(name, mapping, labels, say) for name in names]
    if not parts:
        raise RiskwaveError(f"no history given; {EXPECTED}")
    if len(parts) == 1:
        return parts[0]
    offsets = np.cumsum([0, *(int(part.episode.max(initial=-1)) + 1 for part in parts)])
    at = np.concatenate([part.at for part in parts])
    order = np.argsort(at, kind="stable")
    episode = np.concatenate(
        [np.where(part.episode >= 0, part.episode + start, -1) for part, start in zip(parts, offsets, strict=False)]
    )
    return History(
        ", ".join(part.name for part in parts),
        pa.concat_tables([part.events for part in parts]).take(pa.array(order)).combine_chunks(),
        at[order],
        np.concatenate([part.fraud_at for part in parts])[order],
        np.concatenate([part.cleared_at for part in parts])[order],
        episode[order],
    )


def _read(name: str, mapping: Path | None, labels: str | None, say: Say) -> History:
    given = read_table(labels, Label) if labels else None
    if name.startswith("sim:") or mapping is not None:
        with tempfile.TemporaryDirectory() as scratch:
            out = Path(scratch) / "batch.duckdb"
            inputs = open_inputs(name, mapping, labels, None, None, follow=False)
            try:
                batch_of_inputs(
                    inputs.source,
                    out,
                    labels=inputs.labels[1] if inputs.labels else None,
                    profiles=inputs.profiles,
                    devices=inputs.devices,
                    say=say,
                )
            finally:
                inputs.source.close()
            return _of_state(out, name, None)
    path = Path(name)
    if path.is_dir():
        return _of_folder(path, given)
    if path.is_file():
        # DuckDB opens other files, too: it would load an extension for them.
        if not _is_database(path):
            raise RiskwaveError(f"{name}: is no history; {EXPECTED}; {DECIDE.format(name)}")
        return _of_state(path, name, given)
    raise RiskwaveError(f"{name}: no such file or folder; {EXPECTED}")


def _is_database(path: Path) -> bool:
    try:
        return is_database(path)
    except OSError as error:
        raise RiskwaveError(f"{path}: cannot be read ({error.strerror}); {EXPECTED}") from error


def _of_state(path: Path, name: str, given: pa.Table | None) -> History:
    with duckdb.connect() as connection:
        attach_state(connection, path.resolve(), "history")
        known = whole(connection, "history", path, "decision_input")
        if known is None:
            raise RiskwaveError(f"{name}: has no table decision_input; {EXPECTED}")
        if given is None and columns_of(connection, "history", "labels"):
            given = connection.sql("select * from history.main.labels").to_arrow_table()
        return _history(connection, known, given, name)


def _of_folder(folder: Path, given: pa.Table | None) -> History:
    known = in_folder(folder, "decision_input")
    if known is None:
        raise RiskwaveError(
            f"{folder}: has no decision_input.parquet and no folder decision_input; {EXPECTED}; {DECIDE.format(folder)}"
        )
    labels = in_folder(folder, "labels")
    with duckdb.connect() as connection:
        if given is None and labels is not None:
            given = connection.sql(labels).to_arrow_table()
        return _history(connection, known, given, str(folder))


def _history(connection: duckdb.DuckDBPyConnection, known: str, labels: pa.Table | None, name: str) -> History:
    connection.execute("set TimeZone = 'UTC'")
    features = load_catalogue()
    try:
        there = {str(row[0]) for row in connection.execute(f"describe {known}").fetchall()}
    except duckdb.Error as error:
        raise RiskwaveError(f"{name}: cannot be read ({str(error).splitlines()[0]})") from error
    _require(name, features, there)
    for order in REVISIONS:
        if set(order) <= there:
            # The first revision acted, with what was known then; a later one knows more than a score could have.
            first = ", ".join(order)
            known = f"select * from ({known}) qualify row_number() over (partition by event_id order by {first}) = 1"
            break
    columns = ", ".join(f'k."{feature.name}"' for feature in features)
    if labels is None:
        said = "(select null::varchar as event_id, null::timestamp as fraud_at, null::timestamp as cleared_at, "
        said += "null::varchar as episode_id where false)"
    else:
        connection.register("given_labels", labels)
        said = """(
            select event_id,
                min(arrived_at) filter (where verdict = 'fraud') as fraud_at,
                min(arrived_at) filter (where verdict = 'legitimate') as cleared_at,
                min(episode_id) filter (where verdict = 'fraud') as episode_id
            from given_labels group by event_id)"""
    table = connection.sql(
        f"select {columns}, l.fraud_at, l.cleared_at, "
        "dense_rank() over (order by l.episode_id nulls last) - 1 as place, "
        f"l.episode_id is not null as in_episode from ({known}) as k left join {said} as l on k.event_id = l.event_id "
        "order by k.event_ts, k.event_id"
    ).to_arrow_table()
    if table.num_rows == 0:
        raise RiskwaveError(f"{name}: has no events to learn from")
    episode = np.where(table["in_episode"].to_numpy(), table["place"].to_numpy(), -1).astype(np.int64)
    return History(
        name,
        table.select([feature.name for feature in features]).combine_chunks(),
        _times(table["event_ts"]),
        _times(table["fraud_at"]),
        _times(table["cleared_at"]),
        episode,
    )


def _require(name: str, features: list[Feature], there: set[str]) -> None:
    missing = [feature.name for feature in features if feature.name not in there]
    if missing:
        raise RiskwaveError(
            f"{name}: decision_input lacks {', '.join(missing[:5])}{' …' if len(missing) > 5 else ''}; "
            "it was made by other models: make it anew with `riskwave batch`"
        )


def _times(column: pa.ChunkedArray) -> Times:
    return np.asarray(column.cast(pa.timestamp("us")).to_numpy(), "datetime64[us]")
