"""`riskwave run` given what it cannot use: one clear line, or a rejected row each; nothing lost and no stack trace."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.kafka_server import ROOT
from tests.support.processes import free_port

HEADER = "event_id,event_ts,card_id,amount_minor,currency\n"
MAPPING = "fields:\n  {}\n  event_ts: when\n  card_id: card\n  amount_minor: amount\n  currency: {{constant: EUR}}\n"
PROFILES = "card_id,valid_from,single_limit_minor\n"
MANY = 100 << 20


def _payment(number: int, **changed: Any) -> bytes:
    payment = {"event_id": f"e{number}", "event_ts": "2026-01-31T11:00:00Z", "card_id": "c1", "amount_minor": 1200}
    return json.dumps({**payment, "currency": "GBP", **changed}).encode()


def _files(folder: Path) -> None:
    good = b"\n".join(_payment(number) for number in range(3))
    folder.joinpath("good.jsonl").write_bytes(good)
    folder.joinpath("foreign.csv").write_text("id,when,card,amount\n1,2,3,4\n")
    folder.joinpath("column.yml").write_text(MAPPING.format("event_id: ids"))
    folder.joinpath("key.yml").write_text(MAPPING.format("event_id: {from: id, unti: major}"))
    labelled = MAPPING.format("event_id: id") + "label:\n  verdict: {constant: fraud}\n  arrived_at: when\n"
    folder.joinpath("label.yml").write_text(labelled)
    folder.joinpath("none.jsonl.gz").write_bytes(b"no gzip")
    folder.joinpath("none.parquet").write_bytes(b"no Parquet, but longer than its magic")
    folder.joinpath("none.duckdb").write_bytes(b"no database, but longer than a header. " * 200)
    folder.joinpath("empty").mkdir()
    folder.joinpath("odd").mkdir()
    folder.joinpath("odd", "notes.md").write_bytes(b"x")
    folder.joinpath("time.csv").write_text(f"{PROFILES}c1,2026-01-01T00:00:00Z,5\nc2,yesterday,5\n")
    folder.joinpath("limit.csv").write_text(f"{PROFILES}c1,2026-01-01T00:00:00Z,much\n")
    folder.joinpath("number.csv").write_text(f"{PROFILES}4111111111111111,2026-01-01T00:00:00Z,5\n")
    folder.joinpath("verdict.csv").write_text("event_id,verdict,arrived_at\ne1,perhaps,2026-02-01T00:00:00Z\n")


#: What is given to `riskwave run`, and what it says.
TOLD: dict[str, tuple[list[str], str]] = {
    "missing file": (["missing.jsonl"], "missing.jsonl: no such file or folder; check the path"),
    "no broker": (["kafka://127.0.0.1:{port}/payments"], "no Kafka broker answers at 127.0.0.1:{port}; is it running"),
    "labels in a topic": (
        ["kafka://127.0.0.1:{port}/payments", "--map", "label.yml"],
        "label.yml: `label:` takes labels from files, and kafka://127.0.0.1:{port}/payments has no end",
    ),
    "wrong column": (
        ["foreign.csv", "--map", "column.yml"],
        "foreign.csv: no column 'ids', from which column.yml takes event_id; nearest: 'id'",
    ),
    "wrong key": (["foreign.csv", "--map", "key.yml"], "key.yml: fields.event_id.unti: unknown key; nearest: 'unit'"),
    "missing mapping": (["foreign.csv", "--map", "m.yml"], "m.yml: the mapping cannot be read: No such file"),
    "wrong header": (
        ["foreign.csv"],
        "foreign.csv: no column 'event_id'; it has id, when, card, amount; map foreign columns with --map",
    ),
    "not gzip": (["none.jsonl.gz"], "none.jsonl.gz: not one line can be read: not valid gzip"),
    "not Parquet": (["none.parquet"], "none.parquet: damaged or not Parquet"),
    "empty folder": (["empty"], "empty: the folder has no files; expected files ending in .jsonl"),
    "unreadable folder": (["odd"], "odd/notes.md: cannot tell what the file holds; expected a name ending in .jsonl"),
    "not a state": (["good.jsonl", "--state", "none.duckdb"], "none.duckdb: not a DuckDB database that can be read"),
    "state in use": (["good.jsonl", "--state", "used.duckdb"], "used.duckdb: another process has this state open"),
    "bad time": (["good.jsonl", "--profiles", "time.csv"], "time.csv: row 2: valid_from: 'yesterday'"),
    "bad limit": (["good.jsonl", "--profiles", "limit.csv"], "limit.csv: row 1: single_limit_minor: 'much'"),
    "card number": (["good.jsonl", "--profiles", "number.csv"], "number.csv: row 1: card_id looks like a card number"),
    "bad verdict": (["good.jsonl", "--labels", "verdict.csv"], "verdict.csv: row 1: verdict: 'perhaps'"),
}


def _start(folder: Path, arguments: Sequence[str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "riskwave", "run", "--source", *arguments]
    environment = {**os.environ, "RISKWAVE_PROJECT": str(ROOT), "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[int, str, str]]]:
    """Exit code, what was said and what was expected, by the name of the case."""
    folder = tmp_path_factory.mktemp("told")
    _files(folder)
    port = str(free_port())
    done = {}
    with duckdb.connect(str(folder / "used.duckdb")):
        for name, (arguments, line) in TOLD.items():
            process = _start(folder, [part.replace("{port}", port) for part in arguments])
            _, said = process.communicate(timeout=300)
            done[name] = (process.returncode, said, line.replace("{port}", port))
    yield done


@pytest.mark.parametrize("name", TOLD)
def test_one_clear_line(told: dict[str, tuple[int, str, str]], name: str) -> None:
    code, said, line = told[name]
    assert code == 1
    assert said.startswith(f"riskwave: {line}")
    assert said.count("\n") == 1
    assert "4111111111111111" not in said


def test_what_cannot_be_used_is_kept_with_its_reason(tmp_path: Path) -> None:
    """One folder with everything at once: each row is decided or rejected, a card number is in neither."""
    bad = {
        b'{"event_id":"e1","merchant_name":"\xff\xfe"}': "not valid UTF-8: byte 34",
        b'{"event_id":"e2","amount_minor":NaN}': "not valid JSON",
        _payment(3, amount_minor="NaN"): 'amount_minor: "NaN" is not a whole number of minor units',
        _payment(4, amount_minor=-5): 'amount_minor: "-5" is not between 0',
        _payment(5, event_ts="9999-12-31T23:59:59Z"): 'event_ts: "9999-12-31T23:59:59Z" is more than a day after',
        _payment(6, card_id="4111111111111112"): "card_id: looks like a card number",
        _payment(7, currency="4111111111111111", amount_minor="5500000000000004"): 'amount_minor: "************0004"',
        _payment(8, event_ts="x" * 30 + "4111111111111111"): f'event_ts: "{"x" * 30}" is not',
    }
    masked = {b"4111111111111112": b"*" * 12 + b"1112", b"4111111111111111": b"*" * 12 + b"1111"}
    masked[b"5500000000000004"] = b"*" * 12 + b"0004"
    folder = tmp_path / "in"
    folder.mkdir()
    folder.joinpath("a.jsonl").write_bytes(b"\n".join([_payment(0, merchant_name="4111 1111 1111 1111"), *bad]))
    with folder.joinpath("b.jsonl").open("wb") as file:
        file.write(_payment(10) + b'\n{"event_id":"' + b"a" * MANY + b'"}\n' + _payment(11))
    folder.joinpath("c.csv").write_text(f"{HEADER}e20,2026-01-31T11:00:00Z,c1,5,EUR\ne21,4111111111111111\n")
    folder.joinpath("d.csv").touch()
    whole = gzip.compress(b"\n".join(_payment(number, merchant_name=str(hash(number))) for number in range(100, 3000)))
    folder.joinpath("e.jsonl.gz").write_bytes(whole[: len(whole) // 2])

    def run() -> tuple[int, str]:
        process = _start(tmp_path, ["in", "--state", "s.duckdb"])
        said = process.communicate(timeout=300)[1]
        return process.returncode, said

    code, said = run()
    assert (code, said.count("\n")) == (1, 1)
    assert said.startswith("riskwave: in/e.jsonl.gz: damaged after line ")
    assert "mend the file and run again" in said
    folder.joinpath("e.jsonl.gz").write_bytes(whole)
    assert run() == (0, "")

    with duckdb.connect(str(tmp_path / "s.duckdb"), read_only=True) as state:
        rejected = state.execute(
            "select raw, reject_reason from rejected_events order by source_partition, source_offset"
        ).fetchall()
        names = state.execute("select event_id, merchant_name from stg_payments where event_id < 'e1'").fetchall()
        [(accepted,)] = state.execute("select count(*) from current_decisions").fetchall()
    assert names == [("e0", "**** **** **** 1111")]
    assert accepted == 1 + 2 + 1 + 2900
    assert len(rejected) == len(bad) + 2
    for (raw, reason), (line, expected) in zip(rejected, bad.items(), strict=False):
        kept = line
        for number, hidden in masked.items():
            kept = kept.replace(number, hidden)
        assert raw == kept
        assert reason.startswith(expected)
    long, short = rejected[len(bad) :]
    assert long[1].startswith(f"longer than 1048576 bytes: {MANY + 15} bytes, sha256 ")
    assert len(long[0]) == 1 << 20
    assert short == (b"e21,************1111", "wrong number of columns: 2, expected 5 as in the header")
    for written in tmp_path.glob("s.duckdb*"):
        assert b"4111111111111111" not in written.read_bytes()
