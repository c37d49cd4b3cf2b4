"""The SQL console: it reads, and nothing else, whatever is tried."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

import duckdb
import pytest

from riskwave.serve.apart import apart, needed
from riskwave.serve.console import ask, checked_sql
from riskwave.serve.problems import ProblemError
from tests.serve.conftest import Served

ATTACKS = [
    # writes
    "insert into decisions select * from decisions",
    "update decisions set action = 'allow'",
    "delete from decisions",
    "drop table decisions",
    "create table x as select 1",
    "create or replace view decisions as select 1",
    "alter table decisions add column x int",
    "truncate decisions",
    "merge into decisions using labels on true when matched then delete",
    "with x as (delete from decisions returning *) select * from x",
    "select 1 into x",
    "select nextval('journal_places')",
    # several statements, comments
    "select 1; drop table decisions",
    "select 1; select 2",
    "",
    "-- nothing",
    # files
    "select * from 'decisions.csv'",
    "select * from '/etc/passwd'",
    'select * from "/etc/passwd"',
    "select * from read_csv('/etc/passwd')",
    "select * from read_csv_auto('/etc/passwd')",
    "select * from read_text('/etc/passwd')",
    "select * from read_blob('/etc/passwd')",
    "select * from read_parquet('x.parquet')",
    "select * from parquet_scan('x.parquet')",
    "select * from read_json('x.json')",
    "select * from read_json_auto('x.json')",
    "select * from glob('/*')",
    "select * from sniff_csv('/etc/passwd')",
    "select * from parquet_metadata('x.parquet')",
    "select (select content from read_text('/etc/passwd'))",
    "select * from decisions where action in (select content from read_text('/etc/passwd'))",
    "copy decisions to '/tmp/x.csv'",
    "copy (select 1) to '/tmp/x.csv'",
    "copy decisions from '/tmp/x.csv'",
    "export database '/tmp/x'",
    "import database '/tmp/x'",
    "attach '/tmp/x.duckdb'",
    "detach memory",
    "checkpoint",
    # the network
    "select * from 'https://example.com/x.parquet'",
    "select * from read_csv('http://127.0.0.1:1/x')",
    "select * from read_parquet('s3://bucket/x')",
    "install httpfs",
    "load httpfs",
    # settings and secrets
    "set memory_limit = '1TB'",
    "pragma database_list",
    "call pragma_version()",
    "reset all",
    "select * from duckdb_secrets()",
    "select * from duckdb_settings()",
    "select current_setting('memory_limit')",
    "select getenv('HOME')",
    "create secret s (type s3)",
    "use temp",
    "begin",
    "commit",
    "vacuum",
    "explain analyze select 1",
    "describe decisions",
    "show tables",
    "prepare x as select 1",
    "execute keep_decisions",
    "select * from execute('x')",
    # other relations
    "select * from journal",
    "select * from meta",
    "select * from offsets",
    "select * from main.decisions",
    "select * from bank.main.decisions",
    "select * from temp.decisions",
    "select * from tail_decisions",
    "select * from information_schema.tables",
    "select * from pg_catalog.pg_tables",
    "select * from duckdb_tables()",
    "select * from sqlite_master",
    "select * from query('drop table decisions')",
    "select * from query_table('journal')",
    "from journal",
    "table journal",
    "select * from decisions, journal",
    "select * from decisions join meta on true",
    "select * from decisions union select * from meta",
    "with decisions as (select * from meta) select * from decisions",
    "select * from (select * from meta)",
    "with meta as (select * from meta) select * from meta",
    'with "/etc/passwd" as (select * from "/etc/passwd") select * from "/etc/passwd"',
    "with recursive journal as (select * from journal) select * from journal",
    "with b as (select * from (with meta as (select * from meta) select * from meta)) select 1",
    "select * from (with meta as (select 1) select 1), meta",
    "with a as (select * from b), b as (select 1) select * from a",
    "select exists (select 1 from meta)",
    "pivot meta on name using count(*)",
    # functions that do more than compute
    "select pg_sleep(10)",
    "select sleep_ms(1000)",
    "select write_log('x')",
    "select system('ls')",
    "select eval('1')",
    "select * from test_all_types()",
    "select * from python_map_function()",
    "select 'x'.getenv()",
    # one call that takes all the memory
    "select repeat('x', 1000000000)",
    "select lpad('x', 1000000000, 'y')",
    "select space(1000000000)",
    "select unnest(range(1000000000))",
    "select generate_series(1, 1000000000)",
    "select format('{:1000000000}', 1)",
    "select printf('%1000000000d', 1)",
    "select array_fill(1, 1000000000)",
    "select list_resize([1], 1000000000)",
    "select * from range(1000000000)",
    "select $1",
    "select ?",
    "values (1)",
]


@pytest.mark.parametrize("text", ATTACKS)
def test_what_is_not_reading_is_refused(text: str) -> None:
    with pytest.raises(ProblemError) as refused:
        checked_sql(text)
    assert refused.value.status == 422


def test_attacks_change_nothing(served: Served) -> None:
    analyst = served.client(role="analyst")
    before = served.service.decider.reading.rows("select count(*) as n, max(version) as v from decisions")
    for text in ATTACKS:
        answer = analyst.post("/v1/sql", json={"sql": text})
        assert answer.status_code == 422, (text, answer.text)
    assert served.service.decider.reading.rows("select count(*) as n, max(version) as v from decisions") == before
    assert not Path("/tmp/x.csv").exists()  # noqa: S108 - what two of them would have written


@pytest.mark.parametrize(
    "text",
    [
        "select action, count(*) as events from decisions group by action order by events desc",
        "select * from current_decisions limit 3",
        "with big as (select * from decision_input where amount_minor > 1000) select count(*) from big",
        "select d.event_id, l.verdict from decisions d left join labels l using (event_id) limit 5;",
        "select date_trunc('hour', event_ts) as hour, count(*) from stg_payments group by 1 order by 1 limit 3",
        "select rule, count(*) from (select unnest(rule_ids) as rule from decisions) group by rule",
        "select quantile_cont(amount_minor, 0.5), stddev(amount_minor), sum(amount_minor) from stg_payments",
        "select event_id, row_number() over (partition by card_id order by event_ts) from stg_payments limit 2",
        "select case when action = 'allow' then 1 else 0 end, coalesce(severity, 'none') from decisions limit 2",
        "select lower(card_id) from decisions where card_id like 'c%' and event_ts > timestamp '2020-01-01' limit 1",
        "select reject_reason, count(*) from rejected_events group by all",
        "select list_contains(rule_ids, 'x'), regexp_matches(card_id, '^c') from decisions limit 1",
    ],
)
def test_analysts_questions_are_answered(served: Served, text: str) -> None:
    answer = served.client(role="analyst").post("/v1/sql", json={"sql": text})
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["columns"]) == len(answer.json()["rows"][0])


def test_rows_and_time_are_bounded(served: Served) -> None:
    reading = served.service.decider.reading
    analyst = served.client(role="analyst")
    answer = analyst.post("/v1/sql", json={"sql": "select event_id from decisions", "limit": 7}).json()
    assert len(answer["rows"]) == 7
    assert answer["more"] is True
    endless = (
        "select count(*) from stg_payments a, stg_payments b, stg_payments c, stg_payments d "
        "where a.amount_minor + b.amount_minor > c.amount_minor - d.amount_minor"
    )
    for run in (reading.table, partial(reading.ask, most=1, memory_mb=256)):
        with pytest.raises(ProblemError) as late:
            run(checked_sql(endless), limit_s=0.3)
        assert late.value.status == 503
    assert analyst.post("/v1/sql", json={"sql": "select 1 as one"}).json()["rows"] == [[1]]


def test_a_question_has_memory_of_its_own(served: Served) -> None:
    reading = served.service.decider.reading
    engine = reading.rows("select current_setting('memory_limit') as most, current_setting('threads') as threads")
    much = "select list(a.event_id || b.event_id || c.card_id) from stg_payments a, stg_payments b, stg_payments c"
    with pytest.raises(ProblemError) as refused:
        ask(reading, much, most=1, limit_s=60, memory_mb=64)
    assert refused.value.status == 422
    assert "more than 64 MB" in refused.value.detail
    assert (
        reading.rows("select current_setting('memory_limit') as most, current_setting('threads') as threads") == engine
    )
    with tempfile.TemporaryDirectory() as folder, apart(64, folder) as own:
        for refused_too in ("select * from read_text('/etc/passwd')", "set memory_limit = '1TB'", "install httpfs"):
            with pytest.raises(duckdb.Error):
                own.execute(refused_too).fetchall()


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("select count(*) from a", ['select "id" from a']),
        (
            "select * from a where id = 'x' and size > 3",
            ['select "id", "size", "at" from a where (id = \'x\') and (size > 3)'],
        ),
        (
            "select t.id from a as t where t.size > 3 or t.id = 'x'",
            ['select "id", "size" from a where (size > 3 OR id = \'x\')'],
        ),
        (
            "select id from a where size > (select max(size) from b)",
            ['select "id", "size" from a', 'select "id", "size" from b'],
        ),
        ("select x.id from a as x, a as y where x.id = 'q'", ['select "id" from a']),
        ("select count(*) from a join b using (id) where at > 1", ['select "id", "at" from a', 'select "id" from b']),
        ("select a from a", ['select "id", "size", "at" from a']),
        ("select id from a natural join b", ['select "id", "size", "at" from a', 'select "id", "size" from b']),
        ("with a2 as (select id from a where size > 1) select * from a2 where id = 'x'", None),
        ("select id, sum(size) over (order by at) as s from a where s > 1", ['select "id", "size", "at" from a']),
    ],
)
def test_no_more_is_read_than_is_needed(text: str, read: list[str] | None) -> None:
    columns = {"a": ["id", "size", "at"], "b": ["id", "size"]}
    found = [one.sql for one in needed(text, columns)]
    assert found == (['select "id", "size", "at" from a where (size > 1)'] if read is None else read)


def test_answers_are_those_of_the_engine(served: Served) -> None:
    reading = served.service.decider.reading
    for text in (
        "select action, count(*) from decisions group by 1 order by 1",
        "select count(*) from decisions a join decisions b using (event_id) where a.action <> 'allow'",
        "select event_id, action from current_decisions where action = 'challenge' order by 1 limit 20",
        "select d from decisions d order by event_id limit 1",
    ):
        assert reading.ask(text, 100, memory_mb=256, limit_s=60) == reading.table(text, limit_s=60), text


def test_a_fault_of_the_statement_is_said(served: Served) -> None:
    answer = served.client(role="analyst").post("/v1/sql", json={"sql": "select nothing_of_that_name from decisions"})
    assert answer.status_code == 422
    assert "nothing_of_that_name" in answer.json()["detail"]
