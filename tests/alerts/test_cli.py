"""`riskwave alerts`: the queue, dead letters, a test of the routes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from riskwave.alerts import moments
from riskwave.alerts.deliver import drop_unknown
from riskwave.alerts.intake import take
from riskwave.alerts.plan import plan
from riskwave.alerts.routes import load_routes
from riskwave.alerts.store import AlertStore, alerts_path
from riskwave.cli import app
from riskwave.control import Control, control_path
from riskwave.control.audit import entries
from riskwave.errors import RiskwaveError
from tests.alerts.made import NOON, decision
from tests.alerts.receiving import SECRET, receiving


def run(*words: str, ok: bool = True) -> str:
    done = CliRunner().invoke(app, ["alerts", *words], catch_exceptions=False)
    assert (done.exit_code == 0) == ok, done.output
    return done.stdout


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state's path with three alerts beside it, and a control store."""
    made = tmp_path / "bank.duckdb"
    store = AlertStore(alerts_path(made))
    decisions = [
        decision("e1", severity="P2"),
        decision("e2", severity="P0", action="block", card_id="c2"),
        decision("e3", severity="P1"),
    ]
    take(store, "test", decisions, "", NOON)
    store.close()
    Control.open(control_path(made)).close()
    return made


def routes_file(folder: Path, url: str) -> Path:
    path = folder / "routes.yml"
    receiver = f'{{webhook: "{url}", secret: "${{HOOK_SECRET}}"}}'
    path.write_text(f"receivers:\n  hook: {receiver}\nroutes:\n  - {{name: all, to: [hook], wait: 0s}}\n")
    return path


def test_the_queue_is_listed_worked_through_and_audited(state: Path) -> None:
    where = ("--state", str(state))

    def listed(*words: str) -> list[str]:
        return [item["event_id"] for item in json.loads(run("list", *words, "--json", *where))]

    assert listed() == ["e2", "e3", "e1"]
    assert listed("--severity", "P0", "--card", "c2") == ["e2"]
    assert "e2" in run("list", *where)
    assert "e1: acknowledged" in run("ack", "e1", "--author", "ann", "--note", "mine", *where)
    run("assign", "e2", "--to", "ben", "--author", "ann", *where)
    run("snooze", "e3", "--until", "2100-01-01T08:00+01:00", "--author", "ann", *where)
    assert listed("--assignee", "ben") == ["e2"]
    shown = json.loads(run("show", "e3", "--json", *where))
    assert (shown["snoozed_until"], shown["notice"]) == ("2100-01-01T07:00:00.000000Z", "snoozed")
    run("close", "e1", "e2", "--as", "fraud", "--author", "ann", *where)
    assert listed("--status", "closed") == ["e2", "e1"]
    results = json.loads(run("close", "e1", "e3", "nothing", "--json", "--author", "ann", *where, ok=False))
    assert [result["status"] for result in results] == ["refused", "done", "unknown"]
    run("reopen", "e3", "--author", "ann", *where)
    assert "reopened" in run("show", "e3", *where)
    with Control.open(control_path(state)) as control, control.reading() as connection:
        log = [(entry.what, entry.subject) for entry in entries(connection, last=50) if entry.author == "ann"]
    assert log == [
        ("alert.acknowledge", "e1"),
        ("alert.assign", "e2"),
        ("alert.snooze", "e3"),
        ("alert.close", "e1"),
        ("alert.close", "e2"),
        ("alert.close", "e3"),
        ("alert.reopen", "e3"),
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("list", "--status", "done"), "--status done: expected one of open, acknowledged, closed"),
        (("close", "e1", "--as", "x"), "--as x: expected one of"),
        (("snooze", "e1", "--until", "soon"), "--until soon: no time"),
        (("ack", "e1", "--note", "4111 1111 1111 1111"), "--note: holds what may be a card number"),
        (("show", "nothing"), "nothing: no alert was raised by that event"),
        (("resend",), "name dead letters by their numbers, or --all"),
    ],
)
def test_faults_are_told_in_one_line(state: Path, words: tuple[str, ...], said: str) -> None:
    with pytest.raises(RiskwaveError) as fault:
        run(*words, "--state", str(state))
    assert said in str(fault.value)


def test_where_there_are_no_alerts_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(RiskwaveError, match="no alerts there"):
        run("list", "--state", str(tmp_path / "nothing.duckdb"))


def test_dead_letters_are_listed_and_sent_again(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    where = ("--state", str(state))
    with receiving() as hook:
        routes = routes_file(state.parent, hook.url)
        store = AlertStore(alerts_path(state))
        plan(store, load_routes(routes), moments.now())
        assert drop_unknown(store, ["another"]) == 3
        store.close()
        letters: list[dict[str, Any]] = json.loads(run("deadletters", "--json", *where))
        assert {letter["receiver"] for letter in letters} == {"hook"}
        assert "hook" in run("deadletters", *where)
        assert "1 on their way again" in run("resend", str(letters[0]["id"]), *where)
        assert json.loads(run("resend", "--all", "--json", *where)) == {"resent": 2}
        said = run("run", "--once", "--routes", str(routes), *where)
        assert said.strip() == "notifications 0, delivered 3, failed 0"
        assert sorted(hook.events) == ["e1", "e2", "e3"]
    assert run("deadletters", *where).strip() == "none"


def test_every_receiver_can_be_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    with receiving() as hook:
        routes = routes_file(tmp_path, hook.url)
        assert run("test", "--routes", str(routes)).strip() == "hook: taken"
        assert hook.told[0]["kind"] == "test"
        hook.answer = 500
        assert json.loads(run("test", "--routes", str(routes), "--json", ok=False)) == {"hook": "it answers 500"}
    with pytest.raises(RiskwaveError, match="--receiver desk"):
        run("test", "--routes", str(routes), "--receiver", "desk")
