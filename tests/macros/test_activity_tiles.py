"""Tiles in salted parts, as RisingWave makes them of hot keys, are the tiles."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb

from riskwave.project import run_dbt

ROOT = Path(__file__).parents[2]
PAYMENTS = """
create schema public;
create table public.stg_payments as
select
    'm' || (i % 3) as merchant_id,
    timestamp '2026-01-31 12:00:00' + (i * 7) * interval '1 second' as event_ts,
    case when i % 7 = 0 then timestamp '2026-01-31 12:09:00' + i * interval '1 second' end as transmitted_ts,
    i * 11 as billing_amount_minor,
    i % 5 = 0 as is_declined,
    i // 2 as source_offset
from range(400) as t (i)
union all
select null, timestamp '2026-01-31 12:00:00', null, 5, false, 7
"""


def _tiles(folder: Path, salts: int) -> str:
    arguments = ["compile", "--target", "risingwave", "--select", "int_merchant_minutes", "--vars"]
    arguments += [json.dumps({"tile_salts": salts}), "--target-path", str(folder), "--log-path", str(folder)]
    run_dbt([*arguments, "--no-populate-cache", "--no-introspect", "--quiet"])
    manifest = json.loads((folder / "manifest.json").read_text())
    return str(manifest["nodes"]["model.riskwave.int_merchant_minutes"]["compiled_code"])


def test_salted_parts_add_up_to_the_tiles(tmp_path: Path) -> None:
    salted = _tiles(tmp_path, 4)
    assert "source_offset % 4" in salted
    plain = (ROOT / "tests" / "snapshots" / "risingwave" / "int_merchant_minutes.sql").read_text()
    assert "salt" not in plain
    with duckdb.connect() as connection:
        connection.execute(PAYMENTS)
        connection.execute("attach ':memory:' as dev")
        connection.execute("create schema dev.public")
        connection.execute("create view dev.public.stg_payments as select * from memory.public.stg_payments")
        found = [connection.execute(f"select * from ({sql}) order by all").fetchall() for sql in (salted, plain)]
    assert found[0] == found[1]
    assert len(found[0]) > 100
