"""Tables that people edit: made with the query's rows, kept as they are found, given the columns they lack."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from riskwave.project import run_dbt
from tests.models import landed

pytestmark = pytest.mark.xdist_group("dbt_build")


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A batch over thresholds and lists that were there before, the thresholds by a pack that had two."""
    folder = tmp_path_factory.mktemp("edited")
    path = folder / "batch.duckdb"
    landed.land(path, landed.payments(40), [])
    with duckdb.connect(str(path)) as state:
        state.execute(
            "create table rule_thresholds as select 'card' as ruleset, 4::bigint as card_velocity__max_count, "
            "0.5::double as impossible_travel__min_km, 17::bigint as control_version"
        )
        state.execute(
            "create table list_entries as select * from (values ('block_card', 'c1', null::timestamp, 'stolen'), "
            "('block_ip', '10.0.0.0/31', null, null)) as e (list_name, value, expires_at, reason)"
        )
    where = ["--target", "duckdb", "--target-path", str(folder), "--log-path", str(folder), "--quiet"]
    run_dbt(["run", *where], environment={"RISKWAVE_DUCKDB": str(path)})
    with duckdb.connect(str(path)) as state:
        yield state


def test_what_was_there_is_kept_and_what_is_new_is_added(edited: duckdb.DuckDBPyConnection) -> None:
    query = "select card_velocity__max_count, impossible_travel__min_km, control_version, card_velocity__min_amount"
    assert edited.sql(f"{query} from rule_thresholds").fetchall() == [(4, 0.5, 17, 20000)]
    missing = "select count(*) from (unpivot (select columns(* exclude ruleset)::varchar from rule_thresholds) on *)"
    columns = "select count(*) - 1 from duckdb_columns() where table_name = 'rule_thresholds'"
    assert edited.sql(missing).fetchall() == edited.sql(columns).fetchall()


def test_the_batch_is_decided_by_them(edited: duckdb.DuckDBPyConnection) -> None:
    assert edited.sql("select distinct control_version from decisions").fetchall() == [(17,)]
    listed = (
        "select count(*) from decisions join decision_input i using (event_id)"
        " where list_contains(rule_ids, '{rule}') <> coalesce({holds}, false)"
    )
    blocked = listed.format(rule="blocked_card", holds="i.card_id = 'c1'")
    inside = listed.format(rule="blocked_ip", holds="i.ip = '10.0.0.1'")
    assert edited.sql(blocked).fetchall() == edited.sql(inside).fetchall() == [(0,)]
    assert len(edited.sql("select distinct action from decisions").fetchall()) > 1
