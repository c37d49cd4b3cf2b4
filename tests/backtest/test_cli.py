"""The commands: figures for machines, tables for people, pages that need nothing else."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import pytest
import typer
from typer.testing import CliRunner, Result

from riskwave.backtest.cli import backtest_command, compare_command, explain_command, sweep_command
from riskwave.errors import RiskwaveError
from tests.backtest.conftest import Made
from tests.backtest.made import PACK

app = typer.Typer(pretty_exceptions_enable=False)
app.command("backtest")(backtest_command)
app.command("sweep")(sweep_command)
app.command("explain")(explain_command)
app.command("compare")(compare_command)


def run(*arguments: object, code: int = 0, width: int = 200) -> Result:
    result = CliRunner(env={"COLUMNS": str(width)}).invoke(app, [str(one) for one in arguments], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


def told(*arguments: object, code: int = 0) -> Any:
    return json.loads(run(*arguments, "--json", code=code).stdout)


class Page(HTMLParser):
    """Tags that are open, and attributes that would fetch or run something."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += [f"{tag} {name}" for name, _ in attrs if name in ("src", "href", "onload", "onclick")]
        self.fetched += [tag] if tag in ("script", "link", "img", "iframe") else []
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += [f"{tag} {name}" for name, _ in attrs if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_backtest_is_told_in_three_ways(made: Made, tmp_path: Path) -> None:
    rules = tmp_path / "card.yml"
    rules.write_text(PACK.replace("value: 6", "value: 4"))
    report = tmp_path / "report.html"
    arguments = ("backtest", "--rules", rules, "--history", made.path, "--against", "live", "--html", report)
    figures = told(*arguments)
    assert figures["events"] == 600
    assert figures["caught"]["events"] == len(figures["caught"]["ids"]) > 0
    assert {rule["rule"] for rule in figures["rules"]} == {"velocity", "far", "blocked", "trusted", "declines"}
    assert figures["rules"][1]["warming"] is True
    page = report.read_text()
    parsed = Page(page)
    assert (parsed.open, parsed.fetched) == ([], [])
    assert "http" not in page and "url(" not in page
    assert page.count("<svg") == 4
    assert "velocity" in page and figures["caught"]["ids"][0] in page
    for width in (80, 200):
        text = run(*arguments, width=width).stdout
        assert f"newly flagged: {figures['caught']['events']} events" in " ".join(text.split())
        assert "warming" in text
        assert all(len(line) <= width for line in text.splitlines() if str(report) not in line)


def test_names_in_a_page_are_texts(made: Made, tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "odd.duckdb")) as connection:
        connection.execute(f"attach '{made.path}' as m (read_only)")
        connection.execute("create table decision_input as from m.decision_input")
        connection.execute("create table labels as select * replace ('<b>&</b>' as scenario) from m.labels")
    (tmp_path / "card.yml").write_text(PACK)
    run(
        "backtest",
        "--rules",
        tmp_path / "card.yml",
        "--history",
        tmp_path / "odd.duckdb",
        "--html",
        tmp_path / "r.html",
    )
    page = (tmp_path / "r.html").read_text()
    assert "&lt;b&gt;&amp;&lt;/b&gt;" in page
    assert "<b>&" not in page


def test_a_sweep_marks_the_value_that_meets_the_target(made: Made, tmp_path: Path) -> None:
    report = tmp_path / "sweep.html"
    arguments = ("sweep", "velocity.max_count", "1:9", "--rules", "live", "--history", made.path, "--max-fpr", 0.3)
    figures = told(*arguments, "--html", report)
    assert [point["value"] for point in figures["points"]] == list(range(1, 10))
    assert figures["best"]["meets"] is True
    assert figures["now"] == 6
    assert f"velocity.max_count {figures['best']['value']} meets the target" in report.read_text()
    assert Page(report.read_text()).open == []
    text = run(*arguments).stdout
    assert f"> {figures['best']['value']} " in text
    assert "6 (now)" in text


def test_a_replay_exits_with_one_when_a_decision_differs(made: Made, tmp_path: Path) -> None:
    assert told("backtest", "--as-of", "decision", "--history", made.path)["differing"] == 0
    copy = tmp_path / "bank.duckdb"
    copy.write_bytes(made.path.read_bytes())
    Path(f"{copy}.control").write_bytes(Path(f"{made.path}.control").read_bytes())
    with duckdb.connect(str(copy)) as connection:
        connection.execute("update decisions set action = 'allow' where event_id = 'e00001' or action = 'block'")
    result = told("backtest", "--as-of", "decision", "--history", copy, code=1)
    assert result["differing"] > 0
    assert "recorded" in run("backtest", "--as-of", "decision", "--history", copy, code=1).stdout
    with pytest.raises(RiskwaveError, match="--as-of now: expected decision"):
        run("backtest", "--as-of", "now", "--history", copy)


def test_an_explanation_and_a_comparison_are_told(made: Made) -> None:
    with duckdb.connect(str(made.path), read_only=True) as connection:
        ((event_id,),) = connection.execute("select min(event_id) from decisions where action = 'review'").fetchall()
    assert told("explain", event_id, "--state", made.path)["changes"]
    text = run("explain", event_id, "--state", made.path).stdout
    assert "it would have passed with" in text and "(--all shows them)" in text
    assert "trusted" in run("explain", event_id, "--state", made.path, "--all").stdout
    figures = told("compare", "--state", made.path)
    assert figures[0]["ruleset"] == "live"
    assert "declines" in run("compare", "shadow", "live", "--state", made.path).stdout
    with pytest.raises(RiskwaveError, match="are compared with what decided: live"):
        run("compare", "shadow", "canary", "--state", made.path)
