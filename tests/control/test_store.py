"""The store: plain SQL edits are checked, versioned, audited and seen; snapshots give any version back."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from shutil import which

import pytest

from riskwave.control import Control, control_path
from riskwave.control.audit import entries, verify
from riskwave.control.thresholds import threshold_history
from riskwave.errors import RiskwaveError

COUNT, AMOUNT = ("card_velocity", "max_count"), ("card_velocity", "min_amount")
SET = "update thresholds set value = {} where rule = 'card_velocity' and name = 'max_count'"


def plain(control: Control, sql: str, *given: object) -> int:
    """Run one statement as any SQLite client does; gives how many rows it changed."""
    with closing(sqlite3.connect(control.path, timeout=30)) as connection, connection:
        return connection.execute(sql, given).rowcount


def test_the_store_lies_beside_its_state() -> None:
    assert control_path(Path("x/bank.duckdb")) == Path("x/bank.duckdb.control")


def test_a_plain_update_is_seen_versioned_and_audited(live: Control) -> None:
    before = live.snapshot()
    assert not live.changed()
    assert plain(live, SET.format("'10'")) == 1
    assert live.changed()
    after = live.snapshot()
    assert not live.changed()
    assert after.control_version == before.control_version + 1
    assert (before.thresholds[COUNT], after.thresholds[COUNT]) == (6, 10)
    assert live.snapshot(before.control_version) == before
    first, second = threshold_history(live, *COUNT)
    assert (first.value, first.author, first.why, first.until_version) == ("6", "ann", "first", after.control_version)
    assert (second.value, second.author, second.why, second.valid_to) == ("10", "sql", None, None)
    assert first.valid_to == second.valid_from
    with live.reading() as connection:
        row = entries(connection)[-1]
    assert (row.what, row.before, row.after, row.author) == ("threshold", "6", "10", "sql")


def test_an_edit_may_say_who_and_why(live: Control) -> None:
    plain(live, SET.format("'10', author = 'eve', why = 'a sale'"))
    plain(live, SET.format("11"))  # the next one says nothing: it is not eve's
    _, second, third = threshold_history(live, *COUNT)
    assert (second.author, second.why) == ("eve", "a sale")
    assert (third.value, third.author, third.why) == ("11", "sql", None)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("'ten'", "a whole number is expected"),
        ("'10.5'", "a whole number is expected"),
        ("''", "a whole number is expected"),
        ("' 10'", "no spaces"),
        ("'0x10'", "a whole number is expected"),
        ("x'3130'", "a text"),
        ("'99999999999999999999'", "a whole number is expected"),
        ("0", "less than the least"),
        ("-5", "less than the least"),
        ("1001", "more than the most"),
        ("null", "NOT NULL"),
    ],
)
def test_a_bad_value_is_refused_and_changes_nothing(live: Control, value: str, said: str) -> None:
    before = live.snapshot()
    with pytest.raises(sqlite3.IntegrityError, match=said):
        plain(live, SET.format(value))
    assert not live.changed()
    assert live.snapshot() == before


@pytest.mark.parametrize("value", ["'x'", "'1e999'", "'nan'", "1.01", "-0.1", "'.5'"])
def test_a_bad_number_is_refused(live: Control, value: str) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        plain(live, f"update thresholds set value = {value} where name = 'rate'")


@pytest.mark.parametrize(("value", "number"), [("0.25", 0.25), ("'1e-2'", 0.01), ("1", 1.0)])
def test_a_number_may_be_written_as_numbers_are(live: Control, value: str, number: float) -> None:
    plain(live, f"update thresholds set value = {value} where name = 'rate'")
    assert live.snapshot().thresholds["ip_shared", "rate"] == number


def test_the_same_value_again_is_no_change(live: Control) -> None:
    version = live.snapshot().control_version
    plain(live, SET.format("'6'"))
    assert not live.changed()
    assert live.version == version


def test_the_same_number_written_otherwise_is_no_change(live: Control) -> None:
    live.snapshot()
    for value in ("0.40", "4e-1"):
        plain(live, f"update thresholds set value = '{value}' where name = 'rate'")
    assert not live.changed()


def test_one_bad_row_refuses_the_whole_statement(live: Control) -> None:
    before = live.snapshot()
    with pytest.raises(sqlite3.IntegrityError):
        plain(live, "update thresholds set value = '2000'")  # too much for max_count, and for the rate
    assert live.snapshot() == before


@pytest.mark.parametrize(
    "sql",
    [
        "update thresholds set max = 100000",
        "update thresholds set rule = 'other'",
        "update or ignore thresholds set kind = 'text'",
        "insert into thresholds select * from thresholds",
        "insert or replace into thresholds select * from thresholds",
        "delete from thresholds",
        "update rulesets set state = 'retired'",
        "delete from rulesets",
        "insert into approvals (revision, state, author, why, requested_at) values ('x', 'live', 'a', 'b', 'c')",
        "update audit set why = 'nobody knows'",
        "delete from audit",
        "insert or replace into audit (id, at, author, what, subject, control_version) "
        "values (1, '', 'x', 'y', 'z', 0)",
        "update audit_seals set hash = ''",
        "delete from audit_seals",
        "update threshold_versions set value = '7'",
        "delete from threshold_versions",
        "delete from ruleset_versions",
        "update control set control_version = 0",
        "delete from control",
        "update settings set value = 'sometimes'",
        "delete from settings",
    ],
)
def test_what_sql_may_not_do_is_refused(live: Control, sql: str) -> None:
    before = live.snapshot()
    with pytest.raises(sqlite3.IntegrityError):
        plain(live, sql)
    assert live.snapshot() == before
    with live.reading() as connection:
        assert verify(connection).intact


@pytest.mark.skipif(which("sqlite3") is None, reason="no sqlite3 on PATH")
def test_the_sqlite_shell_edits_as_well(live: Control) -> None:
    def shell(sql: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sqlite3", str(live.path), sql], check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL
        )

    assert shell(SET.format("'10'")).returncode == 0
    assert live.changed()
    assert live.snapshot().thresholds[COUNT] == 10
    refused = shell(SET.format("'many'"))
    assert refused.returncode != 0
    assert "a whole number is expected, such as 10" in refused.stderr


def test_lists_by_plain_sql(live: Control) -> None:
    empty = live.snapshot()
    plain(
        live,
        "insert into list_entries (list_name, value, reason, expires_at, author) "
        "values ('block_ip', '10.1.0.0/16', 'a botnet', '2030-01-01', 'eve')",
    )
    assert live.changed()
    (entry,) = (added := live.snapshot()).lists
    assert (entry.list_name, entry.value, entry.reason) == ("block_ip", "10.1.0.0/16", "a botnet")
    assert entry.expires_at is not None
    assert entry.expires_at.isoformat() == "2030-01-01T00:00:00"
    assert (entry.low, entry.high) == (10 * 2**24 + 2**16, 10 * 2**24 + 2**17 - 1)
    plain(live, "insert or replace into list_entries (list_name, value) values ('block_ip', '10.1.0.0/16')")
    replaced = live.snapshot()
    assert [e.reason for e in replaced.lists] == [None]
    plain(live, "delete from list_entries where list_name = 'block_ip'")
    assert live.snapshot().lists == ()
    assert [live.snapshot(s.control_version) for s in (empty, added, replaced)] == [empty, added, replaced]
    with live.reading() as connection:
        found = entries(connection, subject="block_ip")
    assert [row.what for row in found] == ["list.add", "list.add", "list.remove"]
    assert [row.author for row in found] == ["eve", "sql", "sql"]


def test_lists_are_the_same_object_while_they_do_not_change(live: Control) -> None:
    plain(live, "insert into list_entries (list_name, value) values ('watch_card', 'c1')")
    first = live.snapshot()
    plain(live, SET.format("'10'"))
    assert live.snapshot().lists is first.lists


@pytest.mark.parametrize(
    ("list_name", "value", "expires"),
    [
        ("block_ip", "10.0.0.256", None),
        ("block_ip", "10.0.0", None),
        ("block_ip", "10.0.0.0/33", None),
        ("block_ip", "10.0.0.0/", None),
        ("block_ip", "2001:db8::/32", None),
        ("block_ip", "somewhere", None),
        ("Block IP", "10.0.0.1", None),
        ("", "x", None),
        ("block_card", "", None),
        ("block_card", " c1", None),
        ("block_card", None, None),
        ("block_card", "c1", "soon"),
        ("block_card", "c1", "2030-13-01"),
        ("block_card", "c1", "12"),
    ],
)
def test_a_bad_entry_is_refused(live: Control, list_name: str, value: str | None, expires: str | None) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        plain(
            live,
            "insert into list_entries (list_name, value, expires_at) values (?, ?, ?)",
            *(list_name, value, expires),
        )
    assert not live.query("select 1 from list_entries")


@pytest.mark.parametrize("value", ["10.0.0.1", "10.0.0.0/8", "0.0.0.0/0", "255.255.255.255/32", "2001:db8::1"])
def test_addresses_and_networks_are_taken(live: Control, value: str) -> None:
    plain(live, "insert into list_entries (list_name, value) values ('block_ip', ?)", value)
    assert [entry.value for entry in live.snapshot().lists] == [value]


def test_the_engine_seals_what_plain_sql_wrote_and_waits_for_nobody(live: Control) -> None:
    def unsealed() -> int:
        with live.reading() as connection:
            return verify(connection).unsealed

    plain(live, SET.format("'10'"))
    assert unsealed() == 1
    with closing(sqlite3.connect(live.path, isolation_level=None)) as other:
        other.execute("begin immediate")
        assert live.changed()
        assert live.snapshot().thresholds[COUNT] == 10
        assert unsealed() == 1
        other.execute("rollback")
    assert not live.changed()
    assert unsealed() == 0


def test_a_version_to_come_is_refused(live: Control) -> None:
    with pytest.raises(RiskwaveError, match="has not been; expected 0 to"):
        live.snapshot(live.version + 1)


def test_nothing_was_in_force_at_first(live: Control) -> None:
    assert live.snapshot(0).live is None
    assert live.snapshot(0).thresholds == {}


def test_a_reader_reads_and_does_not_write(live: Control) -> None:
    with Control.open(live.path, read_only=True) as reader:
        taken = reader.snapshot()
        assert taken == live.snapshot()
        plain(live, SET.format("'10'"))
        assert reader.changed()
        assert reader.snapshot().thresholds[COUNT] == 10
        with pytest.raises(RiskwaveError, match="reading only"), reader.writing(why="x"):
            pass


def test_a_closed_store_can_be_read(live: Control) -> None:
    live.close()
    with Control.open(live.path, read_only=True) as reader:
        assert reader.snapshot().live is not None


@pytest.mark.parametrize("read_only", [True, False])
def test_another_file_is_no_store(tmp_path: Path, read_only: bool) -> None:
    text, other = tmp_path / "text.control", tmp_path / "other.control"
    text.write_text("nothing of the kind, but long enough to be looked at " * 20)
    with closing(sqlite3.connect(other)) as connection, connection:
        connection.execute("create table t (x)")
    for path in (text, other):
        with pytest.raises(RiskwaveError, match=path.name):
            Control.open(path, read_only=read_only)
    with pytest.raises(RiskwaveError, match="no control store there"):
        Control.open(tmp_path / "none.control", read_only=True)


def test_a_failed_change_changes_nothing(live: Control) -> None:
    before = live.snapshot()

    def edit_and_fail() -> None:
        with live.writing(why="half way") as connection:
            connection.execute(SET.format("'10'"))
            raise KeyError

    with pytest.raises(KeyError):
        edit_and_fail()
    assert live.snapshot() == before
    assert plain(live, SET.format("'10'")) == 1  # and the store is free again


WRITER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
for n in range(int(sys.argv[3])):
    value = [n % 900 + 2, sys.argv[2]]
    connection.execute("update thresholds set value = ?, author = ? where name = 'max_count'", value)
    entry = [f"{sys.argv[2]}-{n}"]
    connection.execute("insert into list_entries (list_name, value) values ('watch_card', ?)", entry)
"""


def test_several_writers_lose_nothing_while_one_reads(live: Control) -> None:
    edits, names = 80, ("one", "two", "three")
    first = live.snapshot().control_version
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(live.path), name, str(edits)], stderr=subprocess.PIPE)
        for name in names
    ]
    done = threading.Event()
    seen: list[tuple[int, int, int]] = []

    def read() -> None:
        with Control.open(live.path) as reader:
            while not done.is_set() or reader.changed():
                if reader.changed():
                    taken = reader.snapshot()
                    count = taken.thresholds[COUNT]
                    assert isinstance(count, int)
                    seen.append((taken.control_version, count, len(taken.lists)))

    reading = threading.Thread(target=read)
    reading.start()
    try:
        for writer in writers:
            _, said = writer.communicate(timeout=60)
            assert writer.returncode == 0, said.decode()
    finally:
        done.set()
        reading.join()
    last = live.snapshot()
    assert {entry.value for entry in last.lists} == {f"{name}-{n}" for name in names for n in range(edits)}
    with live.reading() as connection:
        found = entries(connection)
        assert verify(connection).intact
    by_sql = [row for row in found if row.control_version > first]
    # Each change has its version, and no version is used twice or left out.
    assert [row.control_version for row in by_sql] == list(range(first + 1, last.control_version + 1))
    assert seen[-1] == (last.control_version, last.thresholds[COUNT], len(last.lists))
    for version, count, entries_then in seen:
        taken = live.snapshot(version)
        assert (taken.thresholds[COUNT], len(taken.lists)) == (count, entries_then)
