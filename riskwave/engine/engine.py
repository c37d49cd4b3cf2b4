"""One loop: a batch and the history of its keys through the models' SQL, committed in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from riskwave.control import Control
from riskwave.control.warming import WarmingRule, warming_rules
from riskwave.engine.adding import add_tiles, take_back
from riskwave.engine.archive import LATENESS, SHARE, archived_until, horizon, move, relation
from riskwave.engine.backfill import renew
from riskwave.engine.confirmed import Confirmed
from riskwave.engine.index import Positions
from riskwave.engine.load import load
from riskwave.engine.memory import micros, since_1970
from riskwave.engine.notes import Notes
from riskwave.engine.outcome import Outcome
from riskwave.engine.plan import Plan, make_plan
from riskwave.engine.recall import Own, Recalled, remember
from riskwave.engine.room import history_room
from riskwave.engine.ruling import Ruling, open_control
from riskwave.engine.scope import Newest, touched
from riskwave.engine.scoping import Scoping
from riskwave.engine.stager import Staged, Stager
from riskwave.engine.state import LANDING, connect, prepare_state
from riskwave.engine.store import Store, Write
from riskwave.engine.workbench import Workbench
from riskwave.errors import RiskwaveError
from riskwave.project import compiled_project
from riskwave.scoring.function import Scoring, open_scorer
from riskwave.sources.batch import utc_now
from riskwave.tracing import carried, ending

AGAIN_ROWS = 20_000


class Engine:
    """The embedded engine over one state file. Not for use from several threads at once."""

    def __init__(
        self,
        path: Path | str,
        *,
        plan: Plan | None = None,
        control: Control | None = None,
        scoring: Scoring | None = None,
        memory: str = "1GB",
        room: int | None = None,
        form: str = "auto",
        recalls: bool = False,
        say: Callable[[str], None] = lambda words: None,
    ) -> None:
        """Open or create a state and rebuild what is kept in memory of it.

        control: by default the store beside the state (`<path>.control`), made with the shipped card pack where there
        is none; scoring: by default the models online; memory: what DuckDB may take; room: bytes the keys' history may
        take, by default a share of this process's memory; RiskwaveError when it does not fit. form: "join" or "over"
        forces that of the window models; "auto" joins unless pairing the rows would cost more than the whole scope.
        recalls: the history is elsewhere: each batch is given what there is of its keys by `recall`; the state keeps
        what was decided, and nothing of it is decided again. say: told what is done where opening takes long: the
        models have features that the history lacks.
        """
        self.plan = plan or make_plan(compiled_project())
        self.connection = connect(path, memory=memory)
        prepare_state(self.connection)
        self.stager = Stager(self.plan)
        self.bench = Workbench(self.plan, self.stager, over=form != "join", memory=memory)
        self._scoping = Scoping(self.plan, self.bench, form)
        self.control = control or open_control(path)
        self._closes_control = control is None
        self.ruling = Ruling(self.plan, self.bench.known, self.control, scoring or open_scorer())
        # Scores and rules of a batch run beside the features of the next one.
        self._rules = ThreadPoolExecutor(1, "riskwave-rules")
        self._recalls = recalls
        if not recalls:
            renew(self.connection, Path(path), self.bench, say)
        self.store = Store(self.connection, self.bench.tables | {"decisions": self.ruling.schema}, path)
        self.path = path
        self._room = history_room() if room is None else room
        self._lateness = LATENESS
        self._decided = datetime.min  # when the last batch was
        self._load()
        self.connection.execute("set threads = 1")  # writing small batches gains nothing by more

    def process(
        self,
        raw: pa.Table,
        *,
        labels: pa.Table | None = None,
        offsets: Mapping[str, Mapping[int, int]] | None = None,
    ) -> Outcome:
        """Decide a batch of raw rows (RAW_SCHEMA) and take labels in; committed, all or nothing, when it returns.

        offsets: per source, the next offset to read per partition, committed with the decisions.
        """
        outcome = self.decide(self.stager.stage(raw), labels=labels, offsets=offsets)
        self.drain()
        return outcome

    def decide(
        self,
        staged: Staged,
        *,
        labels: pa.Table | None = None,
        offsets: Mapping[str, Mapping[int, int]] | None = None,
        done: Callable[[Outcome], None] = lambda outcome: None,
    ) -> Outcome:
        """`process` from the staged rows on, and without waiting for rules and commit, which `done` is told of.

        Batches are committed in order. `stager` makes staged rows, on another thread if need be; `done` is called on a
        thread of the engine's.
        """
        if len(self.history) > self._roomy:
            self._check_room()
        outcome = Outcome(received=staged.raw.num_rows)
        with self._fatal():
            newest = Newest(self.history.newest, self.history.newest_counted)
            staged = self._not_archived(staged, newest.made)
            accepted = self._accept(staged, outcome)
            self._notes.take(accepted)
            fresh = self.history.add(accepted, accepted.column("_hash").to_numpy())
            frauds, replaced = self._confirmed.first_of(self._take_labels(labels, fresh))
            add_tiles(self.bench, staged, accepted, fresh, frauds)
            accepted = accepted.select(self.bench.accepted.names)
            take_back(self.bench, replaced)
            moved = pa.concat_tables([frauds, replaced])
            again = np.empty(0, np.int32)
            if self._own is None:
                again = touched(self.plan, self.history, self.tiles, fresh, newest, moved)
            rows, batch = accepted, fresh
            if len(again):
                older, positions = self._staged_again(again)
                rows, batch = pa.concat_tables([accepted, older]), np.concatenate((fresh, positions))
            written = {"stg_payments": accepted, "rejected_events": staged.rejected, "int_confirmed_frauds": frauds}
            if labels is not None:
                written["labels"] = labels
            known = self._know(rows, batch) if len(batch) else None
            if self._own is not None:
                self._own.add(self.history, fresh, accepted.column("_hash").to_numpy())
            decided = None if known is None else self._rules.submit(carried(self._rule), known, self._notes.first)

            def committed(rows: Mapping[str, pa.Table]) -> None:
                outcome.take(rows)
                done(outcome)

            self.store.write(Write(written, offsets or {}, ending("riskwave.commit", committed), decided))
        return outcome

    def recall(self, accepted: pa.Table, past: Recalled) -> None:
        """Know of the past what was recalled of accepted rows' keys, and nothing else: before they are decided."""
        if self._own is None:
            raise RiskwaveError(f"{self.path}: this engine keeps its history itself")
        with self._fatal():
            self._forget()
            hashes = self._hashes(past.payments)
            remember(self.bench, past, hashes)
            rows, own = self._own.lately(accepted, hashes)
            self.history.version[self.history.add(rows, own)] = 1
            if past.first is not None:
                self._notes.begun(past.first)

    def drain(self) -> None:
        """Wait until every batch is committed; `connection` is then free for reading."""
        with self._fatal():
            self.store.drain()

    def add_facts(self, landing: str, rows: pa.Table) -> int:
        """Take in versions of profiles or devices (the landing table's columns); gives how many were new.

        Events already decided to which a new version applies are decided again.
        """
        dimension = next(item for item in self.plan.dimensions if item.landing == landing)
        key = dimension.entity
        self.drain()
        with self._fatal():
            self.connection.register("facts_given", rows)
            fresh = self.connection.sql(
                f"select g.* from facts_given as g anti join {landing} as k "
                f"on g.{key} = k.{key} and g.valid_from = k.valid_from"
            ).to_arrow_table()
            self.connection.register("facts_fresh", fresh)
            sql = f"with {landing} as (select * from facts_fresh) select * from ({dimension.sql})"
            self.facts[dimension.name].add(self.connection.sql(sql).to_arrow_table())
            written: list[dict[str, pa.Table]] = []
            if len(self.history) and fresh.num_rows:
                again = self.history.since(key, fresh.column(key), micros(fresh.column("valid_from")))
                for start in range(0, len(again), AGAIN_ROWS):
                    known = self._know(*self._staged_again(again[start : start + AGAIN_ROWS]))
                    if known is not None:
                        written.append(self._rule(known, self._notes.first))
            self.connection.unregister("facts_given")
            self.connection.unregister("facts_fresh")
            tables = {
                name: pa.concat_tables([part[name] for part in written]) for name in (written[0] if written else ())
            }
            self.store.write(Write({landing: fresh, **tables}))
        self.drain()
        return int(fresh.num_rows)

    def relations(self) -> dict[str, str]:
        """SQL of the relations that hold every version of what was decided and known, for `summarise`."""
        return {table: relation(self.path, table) for table in ("decisions", "decision_input")}

    def warming(self) -> list[WarmingRule]:
        """Rules in force whose windows begin before the history."""
        self._notes.write()
        return warming_rules(self.control)

    def archive(self) -> int:
        """Move history that no window reaches to Parquet, once there is enough of it; gives the payments moved."""
        if len(self.history) == 0 or self._own is not None:
            return 0
        until = horizon(self.history.newest, self.plan.longest, self._lateness)
        edge = since_1970(until)
        if self.history.count_before(edge) < max(SHARE * len(self.history), 1):
            return 0
        self.drain()
        moved = move(self.connection, self.path, until)
        self._load()
        return moved

    def _forget(self) -> None:
        """Begin anew with nothing in memory."""
        self.bench.empty_memory()
        self.history, self.tiles, self.facts = self.bench.history, self.bench.tiles, self.bench.facts

    def _load(self) -> None:
        self._forget()
        self._own = Own(self.connection, self.bench) if self._recalls else None
        self._waiting = LANDING["labels"].empty_table() if self._recalls else load(self.connection, self.bench)
        self._waiting_hashes = self._hashes(self._waiting)
        self._confirmed = Confirmed(self.connection)
        [(decided,)] = self.connection.execute("select max(decided_at) from decisions").fetchall()
        self._decided = max(self._decided, decided or datetime.min)
        self._archived = archived_until(self.connection)
        self._notes = Notes(self.connection, self.path, self.control)
        self._check_room()

    def _check_room(self) -> None:
        """Refuse, before the machine does; looked at again after some growth."""
        self._roomy = len(self.history) * 1.02 + 1_000
        taken = self.history.nbytes + self.tiles.nbytes
        if taken > self._room:
            raise RiskwaveError(
                f"{self.path}: the history of {len(self.history):,} events takes {taken / 1e9:.2f} GB of memory and "
                f"may take {self._room / 1e9:.2f}; nothing is lost: start it again with more memory, or "
                "move to RisingWave (docs/risingwave.md), whose state is not bound to one machine"
            )

    def close(self) -> None:
        """Commit what is on its way and close the state."""
        self.store.close()
        self._rules.shutdown()
        self._notes.write()
        self.stager.close()
        self.ruling.close()
        if self._closes_control:
            self.control.close()
        self.bench.close()
        self.connection.close()

    @contextmanager
    def _fatal(self) -> Iterator[None]:
        """After a failure memory is ahead of the file: the engine is closed, and a new one starts from the file."""
        try:
            yield
        except BaseException:
            self.close()
            raise

    def _not_archived(self, staged: Staged, newest: int) -> Staged:
        """Without the payments of days that are archived already, which are rejected; notes how late payments come."""
        if staged.accepted.num_rows == 0:
            return staged
        moments = micros(staged.accepted.column("event_ts"))
        in_order = moments[np.argsort(staged.accepted.column("source_offset").to_numpy(), kind="stable")]
        before = np.maximum.accumulate(np.maximum(in_order, newest))
        late = timedelta(microseconds=int((before - in_order).max()))
        if self._archived is None or moments.min() >= self._archived:
            self._lateness = max(self._lateness, 2 * late)
            return staged
        reason = "event_ts: before the history that is kept, which is archived"
        return self.stager.refuse(staged, moments < self._archived, reason)

    def _accept(self, staged: Staged, outcome: Outcome) -> pa.Table:
        """The accepted rows that are not deliveries of a known event."""
        accepted = staged.accepted
        hashes = accepted.column("_hash").to_numpy()
        new = self.history.find(hashes) < 0
        if self._own is not None:
            new &= ~self._own.knows(hashes)
        outcome.rejected = staged.rejected.num_rows
        outcome.duplicates = staged.duplicates + int((~new).sum())
        return accepted if new.all() else accepted.filter(pa.array(new))

    def _hashes(self, rows: pa.Table) -> npt.NDArray[np.uint64]:
        """Hashes of rows' events (n)."""
        self.bench.named.put(rows)
        hashes = self.bench.fetch("hashes").column("_hash").to_numpy()
        self.bench.named.clear()
        return hashes

    def _take_labels(self, labels: pa.Table | None, fresh: Positions) -> pa.Table:
        """The frauds that labels confirm; a label that comes before its payment waits for it."""
        bench = self.bench
        nothing = bench.frauds.schema.empty_table()
        if self._own is not None:
            return nothing  # the other place confirms frauds
        if labels is not None and labels.num_rows:
            given = labels.select(bench.labels.schema.names).cast(bench.labels.schema)
            self._waiting = pa.concat_tables([self._waiting, given])
            self._waiting_hashes = np.concatenate((self._waiting_hashes, self._hashes(given)))
        elif len(fresh) == 0:
            return nothing
        if len(self._waiting_hashes) == 0:
            return nothing
        positions = self.history.find(self._waiting_hashes)
        known = positions >= 0
        if not known.any():
            return nothing
        bench.labels.put(self._waiting.filter(pa.array(known)))
        self._waiting = self._waiting.filter(pa.array(~known))
        self._waiting_hashes = self._waiting_hashes[~known]
        payments = self.history.store.gather(np.unique(positions[known]), bench.labelled.schema.names)
        bench.labelled.put(pa.table(payments))
        frauds = bench.fetch("confirm")
        bench.labels.clear()
        return frauds

    def _staged_again(self, positions: Positions) -> tuple[pa.Table, Positions]:
        """The staged rows at positions, and the positions in the same order."""
        columns = self.history.store.columns
        moments = columns["event_ts"].at(positions)
        low, high = (np.datetime64(int(edge), "us").item() for edge in (moments.min(), moments.max()))
        rows = self.store.staged(self.bench.accepted, columns["event_id"].arrow(positions), low, high)
        return rows, self.history.find(rows.column("_hash").to_numpy())

    def _know(self, rows: pa.Table, batch: Positions) -> pa.Table | None:
        """Rows of decision_input for the batch's events whose values are not those decided before; None when none."""
        bench = self.bench
        rows, over = self._scoping.put(rows, batch)
        known = bench.features(rows, over=over)
        positions = batch
        features = known.column("_features").to_numpy()
        before = self.history.version[positions]
        changed = (before == 0) | (self.history.features[positions] != features)
        if not changed.all():
            known = known.filter(pa.array(changed))
            positions, features, before = positions[changed], features[changed], before[changed]
        if len(positions) == 0:
            return None
        self.history.decided(positions, features, known)
        known = known.append_column("version", pa.array(before + 1))
        return known.append_column("supersedes", pa.array(before, mask=before == 0))

    def _rule(self, known: pa.Table, first: int | None) -> dict[str, pa.Table]:
        """Rows of decision_input, now with all of VERSIONED, and of decisions."""
        # Later than every decision before, whatever the machine's clock does: who follows them resumes by it.
        self._decided = max(utc_now(), self._decided + timedelta(microseconds=1))
        now = pa.scalar(self._decided, pa.timestamp("us"))
        known = known.append_column("decided_at", pa.repeat(now, known.num_rows))
        return {"decision_input": known, "decisions": self.ruling.decide(known, first)}
