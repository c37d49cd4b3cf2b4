"""The rulesets in force, as a statement that decides batches, swapped between two batches when they change."""

from __future__ import annotations

import logging
import multiprocessing
import os
import threading
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pyarrow as pa

from riskwave.control import Control, control_path
from riskwave.control.checked import checked_pack
from riskwave.control.snapshot import ListEntry, Snapshot
from riskwave.engine.fetch import fetch
from riskwave.engine.passing import mentioned
from riskwave.engine.plan import Plan
from riskwave.engine.provider import Provider
from riskwave.engine.scored import SCORE_FIELDS, Scored
from riskwave.engine.state import connect
from riskwave.engine.warming import WARMING, Windows
from riskwave.project import project_dir
from riskwave.rules.check import CheckedRuleset
from riskwave.rules.compiled import Compiled
from riskwave.rules.lists import Lists
from riskwave.scoring.function import Scoring
from riskwave.scoring.layout import SCORES
from riskwave.tracing import traced

log = logging.getLogger("riskwave")

#: What the engine knows of a decision beside the models' columns.
VERSIONED = pa.schema([("version", pa.int32()), ("supersedes", pa.int32()), ("decided_at", pa.timestamp("us"))])


@cache
def _shipped(folder: Path) -> CheckedRuleset:
    """A pack of the repository, whose cases its tests run."""
    return checked_pack(folder, cases=False)


@cache
def _scratch() -> TemporaryDirectory[str]:
    """Gone when the process ends."""
    return TemporaryDirectory(prefix="riskwave-memory-")


def open_control(state: Path | str) -> Control:
    """The control store beside a state; a new one has the shipped card pack live. A state in memory has a new one."""
    if str(state) == ":memory:":
        state = Path(_scratch().name) / uuid4().hex
    return Control.open(control_path(Path(state)), initial=_shipped(project_dir() / "rules" / "card"))


#: What was compiled in this process, by the rulesets' structure: a revision is a digest of its text.
_compiled: dict[tuple[object, ...], Compiled] = {}


def _compile(snapshot: Snapshot) -> Compiled:
    return snapshot.compiled("duckdb", fast=True, scored=True, keep=SCORES)


class _Statement:
    """Rulesets compiled and prepared in a database of their own, so that the next ones can be made beside them."""

    def __init__(self, plan: Plan, known: pa.Schema, snapshot: Snapshot, compiled: Compiled) -> None:
        self.compiled = compiled
        self._connection = connect(":memory:", threads=1, memory="256MB")
        sql = plan.decisions_sql(self.compiled.sql)
        wanted = {*mentioned(plan.models["decisions"].sql), *self.compiled.columns}
        fields = [field for field in [*known, *SCORE_FIELDS] if field.name in wanted]
        fields += [lookup.field for lookup in self.compiled.lookups]
        self._known = Provider(self._connection, "batch_decided", pa.schema([*fields, *VERSIONED]))
        self._thresholds = Provider(self._connection, "rule_thresholds", self.compiled.threshold_schema)
        self._connection.execute(
            f"prepare decide as select d.*, k.version, k.supersedes, k.decided_at from ({sql}) as d "
            "join batch_decided as k on d.event_id = k.event_id"
        )
        self._entries: tuple[ListEntry, ...] | None = None
        self.schema: pa.Schema = fetch(self._connection, "decide").schema
        self.take(snapshot)

    def take(self, snapshot: Snapshot) -> None:
        """Use these thresholds and lists, of the same rulesets."""
        self._thresholds.put(self.compiled.threshold_row(snapshot.values, snapshot.control_version))
        if snapshot.lists is not self._entries:
            self._entries = snapshot.lists
            self._lists = Lists.of(snapshot.lists)

    def decide(self, known: pa.Table) -> pa.Table:
        self._known.put(self.compiled.looked_up(known, self._lists))
        decisions = fetch(self._connection, "decide")
        self._known.clear()
        return decisions

    def close(self) -> None:
        self._connection.close()


@dataclass
class _Next:
    """Rulesets on their way: made on a thread, taken when done."""

    snapshot: Snapshot
    statement: _Statement | None = None
    error: Exception | None = None
    thread: threading.Thread | None = field(default=None, repr=False)


class Ruling:
    """Decides batches by what is in force in a control store."""

    def __init__(self, plan: Plan, known: pa.Schema, control: Control, scoring: Scoring) -> None:
        """known: columns of `decision_input`; scoring: what the models online say.

        Raises RiskwaveError when no ruleset is live.
        """
        self._plan, self._schema, self._control = plan, known, control
        self._scored = Scored(plan, known, scoring)
        control.changed()
        self._snapshot = control.snapshot()
        if self._snapshot.structure not in _compiled:
            _compiled[self._snapshot.structure] = _compile(self._snapshot)
        self._statement = _Statement(plan, known, self._snapshot, _compiled[self._snapshot.structure])
        self._next: _Next | None = None
        self._pool: ProcessPoolExecutor | None = None
        self._windows = Windows(control, self._statement.compiled.revisions)
        #: Columns of `decisions`.
        self.schema = pa.schema([*self._statement.schema, *WARMING])

    @traced("riskwave.rules", outer=True)
    def decide(self, known: pa.Table, first: int | None) -> pa.Table:
        """Rows of `decision_input` with VERSIONED (n) to rows of `decisions` (n), in any order.

        first: microseconds since 1970 of the history's first event; None when that is not known.
        """
        self._refresh()
        return self._windows.said(self._statement.decide(self._scored.score(known)), first)

    @property
    def control_version(self) -> int:
        """What decides now."""
        return self._snapshot.control_version

    def settle(self) -> None:
        """Wait until what is in force decides, and what is online scores."""
        self._scored.scoring.settle()
        self._refresh()
        while self._next is not None:
            if self._next.thread is not None:
                self._next.thread.join()
            self._refresh()

    def close(self) -> None:
        """Close the statement; the control store is whoever opened it's."""
        if self._next is not None and self._next.thread is not None:
            self._next.thread.join()
        if self._pool is not None:
            self._pool.shutdown()
        self._statement.close()
        self._scored.close()

    def _refresh(self) -> None:
        """Take up what changed: values and lists at once, rulesets when they are prepared; until then, what was."""
        if self._next is not None:
            self._take_next()
        if self._next is None and self._control.changed():
            snapshot = self._control.snapshot()
            if snapshot.structure == self._snapshot.structure:
                self._statement.take(snapshot)
                self._snapshot = snapshot
            else:
                self._make(snapshot)

    def _make(self, snapshot: Snapshot) -> None:
        upcoming = self._next = _Next(snapshot)

        def make() -> None:
            try:
                compiled = self._compiled_apart(snapshot)
                upcoming.statement = _Statement(self._plan, self._schema, snapshot, compiled)
            except Exception as error:
                upcoming.error = error

        upcoming.thread = threading.Thread(target=make, name="riskwave-rules", daemon=True)
        upcoming.thread.start()

    def _compiled_apart(self, snapshot: Snapshot) -> Compiled:
        """Compiled in a process of its own, that lets the batches go first: it takes half a second of Python."""
        if snapshot.structure not in _compiled:
            if self._pool is None:
                self._pool = ProcessPoolExecutor(
                    1, multiprocessing.get_context("spawn"), initializer=os.nice, initargs=(5,)
                )
            _compiled[snapshot.structure] = self._pool.submit(_compile, replace(snapshot, lists=())).result()
        return _compiled[snapshot.structure]

    def _take_next(self) -> None:
        upcoming = self._next
        if upcoming is None or upcoming.thread is None or upcoming.thread.is_alive():
            return
        self._next = None
        if upcoming.statement is None:
            revisions = ", ".join(ruleset.revision for ruleset in upcoming.snapshot.rulesets)
            log.warning("%s cannot decide, what was in force goes on: %s", revisions, upcoming.error)
            return
        before, self._statement, self._snapshot = self._statement, upcoming.statement, upcoming.snapshot
        self._windows = Windows(self._control, self._statement.compiled.revisions)
        before.close()
        # Values may have been edited while it was made.
        latest = self._control.snapshot()
        if latest.structure == self._snapshot.structure:
            self._statement.take(latest)
            self._snapshot = latest
        else:
            self._make(latest)
