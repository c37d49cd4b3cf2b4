"""The law of the store: a version names what was in force, whatever is done, by commands or by plain SQL."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from riskwave.control import Control, RulesetInForce, Snapshot
from riskwave.control.asof import lists_by_version, rulesets_by_version, spans, threshold_rows, thresholds_by_version
from riskwave.control.audit import verify
from riskwave.control.lifecycle import approve, promote, publish, retire, rollback, set_approvals
from riskwave.control.lists import add_entry, remove_entry
from riskwave.control.rulesets import known_rulesets
from riskwave.control.thresholds import set_threshold
from riskwave.errors import RiskwaveError
from riskwave.rules.compile import Compiled
from tests.control.packs import LISTED, SHARED, STRICTER, TIGHTER, VELOCITY, pack

PACKS = [pack(VELOCITY), pack(VELOCITY, SHARED), pack(TIGHTER, LISTED), pack(STRICTER, SHARED, LISTED), pack(SHARED)]

#: Statements by structure: examples come back to the same few.
COMPILED: dict[tuple[object, ...], Compiled] = {}

VALUES = st.sampled_from(["1", "4", "7", "8", "9", "0.5", "1000", "1001", "-1", "x"])
NAMES = st.sampled_from([("card_velocity", "max_count"), ("card_velocity", "min_amount"), ("ip_shared", "rate")])
ENTRIES = st.sampled_from([("block_ip", "10.0.0.0/8"), ("block_ip", "10.0.0.1"), ("watch_card", "c1"), ("Bad", "c1")])
NUMBERS = st.integers(0, len(PACKS) - 1)
EDITS = st.one_of(
    st.tuples(st.just("sql threshold"), NAMES, VALUES),
    st.tuples(st.just("threshold"), NAMES, VALUES),
    st.tuples(st.just("sql add"), ENTRIES, st.sampled_from(["insert", "insert or replace"])),
    st.tuples(st.just("sql remove"), ENTRIES),
    st.tuples(st.just("add"), ENTRIES, st.sampled_from(["one", "two"])),
    st.tuples(st.just("remove"), ENTRIES),
    st.tuples(st.just("publish"), NUMBERS, st.sampled_from([("live", None), ("shadow", None), ("canary", 0.1)])),
    st.tuples(st.just("approve"), NUMBERS),
    st.tuples(st.just("retire"), NUMBERS),
    st.tuples(st.sampled_from(["promote", "rollback", "reopen"])),
    st.tuples(st.just("approvals"), st.sampled_from(["off", "required"])),
)


def do(control: Control, edit: tuple) -> Control:  # type: ignore[type-arg]
    """Make one edit; some are refused, as they would be in life."""
    match edit:
        case ("threshold", (rule, name), value):
            set_threshold(control, rule, name, value, why="x", author="ann")
        case ("add", (list_name, value), reason):
            add_entry(control, list_name, value, reason=reason, author="ann")
        case ("remove", (list_name, value)):
            remove_entry(control, list_name, value, why="x", author="ann")
        case ("publish", number, (state, share)):
            publish(control, PACKS[number], why="x", author="ann", state=state, share=share)
        case ("approve", number):
            approve(control, PACKS[number].ruleset.revision, author="ben")
        case ("retire", number):
            retire(control, PACKS[number].ruleset.revision, why="x", author="ann")
        case ("promote",):
            promote(control, why="x", author="ann")
        case ("rollback",):
            rollback(control, why="x", author="ann")
        case ("approvals", value):
            set_approvals(control, value, why="x", author="ann")
        case ("reopen",):
            control.close()
            return Control.open(control.path)
        case _:
            do_by_sql(control, edit)
    return control


def do_by_sql(control: Control, edit: tuple) -> None:  # type: ignore[type-arg]
    """Make one edit as any SQLite client does."""
    match edit:
        case ("sql threshold", (rule, name), value):
            _plain(control, "update thresholds set value = ? where rule = ? and name = ?", value, rule, name)
        case ("sql add", (list_name, value), verb):
            _plain(control, f"{verb} into list_entries (list_name, value) values (?, ?)", list_name, value)
        case ("sql remove", (list_name, value)):
            _plain(control, "delete from list_entries where list_name = ? and value = ?", list_name, value)


def _plain(control: Control, sql: str, *given: str) -> None:
    with closing(sqlite3.connect(control.path)) as connection, connection:
        connection.execute(sql, given)


@settings(max_examples=100)
@given(edits=st.lists(EDITS, max_size=25))
def test_a_version_names_what_was_in_force(edits: list[tuple]) -> None:  # type: ignore[type-arg]
    with tempfile.TemporaryDirectory() as folder:
        control = Control.open(Path(folder) / "bank.control")
        try:
            taken = {0: control.snapshot()}
            edits = [("publish", 1, ("live", None)), *edits]
            for edit in edits:
                before = control.snapshot()
                try:
                    control = do(control, edit)
                except (RiskwaveError, sqlite3.IntegrityError):
                    assert control.snapshot() == before
                after = control.snapshot()
                # A new version for what is new, and none for what is not; an entry put in anew is.
                if edit[0] != "sql add":
                    assert (after.control_version > before.control_version) == (_said(after) != _said(before))
                taken[after.control_version] = after
            for version, snapshot in taken.items():
                assert control.snapshot(version) == snapshot
            _tables_say_the_same(control, taken)
            with control.reading() as connection:
                assert verify(connection).intact
            assert sum(one.state == "live" for one in known_rulesets(control)) <= 1
        finally:
            control.close()


def _said(snapshot: Snapshot) -> tuple[object, ...]:
    return snapshot.live, snapshot.canary, snapshot.shadows, snapshot.lists


def _tables_say_the_same(control: Control, taken: dict[int, Snapshot]) -> None:
    """The Arrow tables of all versions agree with the snapshots."""
    rulesets, lists = rulesets_by_version(control), lists_by_version(control)
    values = {revision: thresholds_by_version(control, revision) for revision in set(rulesets["revision"].to_pylist())}
    for version, snapshot in taken.items():
        in_force = [one for one in (snapshot.live, snapshot.canary, *snapshot.shadows) if one]
        found = {(row["revision"], row["state"], row["share"], row["text"]) for row in _at(rulesets, version)}
        assert found == {(one.revision, one.state, one.share, one.text) for one in in_force}
        entries = {(r["list_name"], r["value"], r["reason"], r["low"], r["high"]) for r in _at(lists, version)}
        assert entries == {(e.list_name, e.value, e.reason, e.low, e.high) for e in snapshot.lists}
        for revision, table in values.items():
            rows = [row for row in table.to_pylist() if row["control_version"] == version]
            known = snapshot.of(revision)
            assert rows == ([{"control_version": version, **_columns(known)}] if known else [])
    for span in spans(control):
        compiled = COMPILED.get(span.snapshot.structure) or span.snapshot.compiled("duckdb")
        COMPILED[span.snapshot.structure] = compiled
        rows = threshold_rows(control, compiled, span.control_version, span.until_version)
        assert rows.num_rows == span.until_version - span.control_version
        for version, snapshot in taken.items():
            if span.control_version <= version < span.until_version:
                assert snapshot.structure == span.snapshot.structure
                row = rows.slice(version - span.control_version, 1)
                assert row == compiled.threshold_row(snapshot.values, version)


def _columns(ruleset: RulesetInForce) -> dict[str, object]:
    return {f"{rule}__{name}": value for (rule, name), value in ruleset.thresholds.items()}


def _at(table: pa.Table, version: int) -> list[dict[str, object]]:
    return [
        row
        for row in table.to_pylist()
        if row["control_version"] <= version and (row["until_version"] is None or version < row["until_version"])
    ]
