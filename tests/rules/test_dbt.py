"""The macros that dbt decides by are what the shipped pack compiles to; its thresholds are a new store's."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest
from jinja2 import Environment

from riskwave.control.checked import checked_pack
from riskwave.control.lifecycle import publish
from riskwave.control.store import Control
from riskwave.project import compiled_project, own_sql, project_dir
from riskwave.rules.compile import Compiled, compile_ruleset
from riskwave.rules.dbt import FEED, KEEP, PACK, laid_out, printed, rule_macros
from riskwave.rules.emit import Dialect
from riskwave.rules.pack import load_rules
from riskwave.scoring.layout import SCORES

_WORD = r"'[^']*'|[^\s'()]+|[()]"


def compiled(dialect: Dialect) -> Compiled:
    streaming = dialect == "risingwave"
    keep = KEEP if streaming else SCORES
    feed = FEED if streaming else None
    return compile_ruleset(
        load_rules(project_dir() / PACK), dialect=dialect, scored=True, streaming=streaming, feed=feed, keep=keep
    )


def test_the_macros_are_what_the_pack_compiles_to() -> None:
    stale = [path.name for path, made in rule_macros(project_dir()).items() if path.read_text() != made]
    assert not stale, f"run `python -m riskwave.rules.dbt`: rules/card has changed since {stale} were made"


@pytest.mark.parametrize("dialect", ["duckdb", "risingwave"])
def test_only_white_space_outside_of_texts_is_laid_out(dialect: Dialect) -> None:
    sql = compiled(dialect).sql
    laid = laid_out(sql)
    assert re.findall(_WORD, laid) == re.findall(_WORD, sql)
    assert max(map(len, laid.splitlines())) < 4000


def test_the_model_is_the_compiled_pack() -> None:
    found = compiled_project("duckdb").models["int_ruled"].sql.replace("int_list_entries", "list_entries")
    scored = re.compile(
        r"\(SELECT known\.\*, .*? FROM decision_input AS known LEFT JOIN int_scored AS scored ON [^)]*\)"
    )
    found, times = scored.subn("decision_input", found)
    assert times == 2
    assert found == own_sql(compiled("duckdb").sql)


def test_text_that_is_jinja_stays_text() -> None:
    sql = "select '{{ x }}', '{% y %}', '{# z #}', '{:.2f}%', '{2,}'"
    assert Environment(autoescape=False).from_string(printed(sql)).render() == sql  # noqa: S701 - SQL, no HTML


def test_thresholds_begin_as_a_store_s_first_version_has_them(tmp_path: Path) -> None:
    with Control.open(tmp_path / "state.control") as control:
        publish(control, checked_pack(project_dir() / PACK, cases=False), why="to begin with")
        first = control.snapshot()
    row = compiled("duckdb").threshold_row(first.values, first.control_version)
    with duckdb.connect() as database:
        begun = database.sql(compiled_project("duckdb").models["rule_thresholds"].sql).to_arrow_table()
    assert begun.column_names == ["ruleset", *row.column_names]
    assert begun.drop_columns(["ruleset"]).to_pylist() == row.to_pylist()
    assert begun.drop_columns(["ruleset"]).schema.types == row.schema.types
    assert begun["ruleset"].to_pylist() == [PACK.name]
