"""The shipped rule pack as dbt macros, one an engine: `python -m riskwave.rules.dbt` writes them anew."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from riskwave.project import project_dir
from riskwave.rules.compile import compile_ruleset
from riskwave.rules.compiled import Compiled, ThresholdColumn
from riskwave.rules.emit import text
from riskwave.rules.pack import load_rules
from riskwave.scoring.layout import SCORES

#: The pack that dbt's models decide by, and where its macros are.
PACK = Path("rules/card")
FOLDER = Path("macros/ruleset")
#: The models that are the relations which a compiled ruleset reads.
MODELS = {
    "decision_input": "with_scores(ref('decision_input'), ref('int_scored'))",
    "rule_thresholds": "ref('rule_thresholds')",
    "feeds_in_force": "feeds_in_force()",
}
LISTS = {
    "duckdb": {"list_entries": "ref('int_list_entries')"},
    "risingwave": {"list_entries": "ref('list_entries')", "list_blocks": "ref('int_list_blocks')"},
}
#: What a stream's rules pass on of what was known: the columns that `decisions` has of it.
KEEP = ("event_ts", "card_id", "revision", "seen_at", "source", "source_partition", "source_offset", *SCORES)
#: Stands in a stream's statement for its name in `feeds_in_force`.
FEED = "__feed__"
_MADE = "Made of rules/card by `python -m riskwave.rules.dbt`: change the pack, not this."
_READ = re.compile(r"\b(from|join) (decision_input|rule_thresholds|list_entries|list_blocks|feeds_in_force)\b")
_JOINS = ("left", "inner", "cross")
_CLAUSES = ("select ", "from ", *(f"{kind} " for kind in _JOINS), "join ", "where ", "group by ")


def rule_macros(project: Path) -> dict[Path, str]:
    """Each generated file of the project by its path, as the pack has it now. Raises RiskwaveError for a bad pack."""
    ruleset = load_rules(project / PACK)
    duckdb = compile_ruleset(ruleset, dialect="duckdb", scored=True, keep=SCORES)
    risingwave = compile_ruleset(ruleset, dialect="risingwave", scored=True, streaming=True, feed=FEED, keep=KEEP)
    folder = project / FOLDER
    return {
        folder / "ruleset_thresholds.sql": _thresholds(duckdb.thresholds),
        folder / "duckdb__ruleset.sql": _ruleset("duckdb", duckdb),
        folder / "risingwave__ruleset.sql": _ruleset("risingwave", risingwave),
        folder / "ruleset_structure.sql": _structure(structure(risingwave)),
    }


def structure(compiled: Compiled) -> str:
    """What a statement of a stream is called: its live revision, and a hash over all that it evaluates.

    The same rulesets in the same states have the same, whatever their thresholds' values are.
    """
    return f"{compiled.revision}.{hashlib.sha256(compiled.sql.encode()).hexdigest()[:12]}"


def laid_out(sql: str) -> str:
    """A compiled statement on many lines: a CTE, a column, a join, a rule's truth and a rule's sentence on each.

    Only white space outside of texts is changed, so that the statement stays what it was.
    """
    lines: list[str] = []
    line, depth, quoted = "", 0, False

    def broken(indent: int) -> str:
        lines.append(line.rstrip())
        return "    " * indent

    for place, mark in enumerate(sql):
        begun = line.strip()
        if not quoted and mark == " " and not begun:
            continue
        clause = not quoted and depth <= 1 and sql[place - 1] == " " and sql.startswith(_CLAUSES, place)
        if clause and begun and begun not in _JOINS:
            line = broken(depth)
        line += mark
        if mark == "'":
            quoted = not quoted
        elif not quoted:
            depth += (mark == "(") - (mark == ")")
            opens = mark == "(" and depth == 1 and line.endswith(" as (")
            parts = mark == "," and (depth <= 1 or sql.startswith(" case when", place + 1))
            if opens or parts:
                line = broken(min(depth, 2))
    return "\n".join([*lines, line])


def _ruleset(engine: str, compiled: Compiled) -> str:
    models = {**MODELS, **LISTS[engine]}
    body = _READ.sub(lambda read: f"{read[1]} {{{{ {models[read[2]]} }}}}", printed(laid_out(compiled.sql)))
    return f"{{# {_MADE} #}}\n{{% macro {engine}__ruleset() -%}}\n{body}\n{{%- endmacro %}}\n"


def _thresholds(thresholds: tuple[ThresholdColumn, ...]) -> str:
    rows = "".join(f"    ({_string(t.column)}, {_string(t.sql_type)}, {_string(_literal(t))}),\n" for t in thresholds)
    listed = f"{{{{ return([\n{rows}]) }}}}"
    head = "The columns of rule_thresholds: name, type, default."
    return f"{{# {head} {_MADE} #}}\n{{% macro ruleset_thresholds() -%}}\n{listed}\n{{%- endmacro %}}\n"


def _structure(name: str) -> str:
    head = "What the shipped ruleset's statement on a stream is called."
    return (
        f"{{# {head} {_MADE} #}}\n{{% macro ruleset_structure() -%}}\n"
        f"{{{{ return({_string(name)}) }}}}\n{{%- endmacro %}}\n"
    )


def _literal(threshold: ThresholdColumn) -> str:
    value = threshold.default
    if isinstance(value, bool):
        return "true" if value else "false"
    if threshold.kind == "number":
        return text(repr(float(value)))
    return str(value) if isinstance(value, int) else text(value)


def _string(value: str) -> str:
    return json.dumps(value)


def printed(sql: str) -> str:
    """The text of which Jinja makes this text."""
    return re.sub(r"\{(?=[{%#])", "{{ '{' }}", sql)


def main() -> None:
    """Write the generated macros of this checkout."""
    project = project_dir()
    for path, made in rule_macros(project).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
