"""Rules change while payments are decided: every payment is decided once, by exactly what its decision names."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from riskwave.control import Control, control_path
from riskwave.control.lifecycle import publish, rollback
from riskwave.control.lists import add_entry, remove_entry
from riskwave.control.thresholds import live_thresholds, set_threshold
from riskwave.engine.engine import Engine
from riskwave.rules.check import CheckedRuleset, check_ruleset
from riskwave.rules.pack import load_rules, make_ruleset, parse_rules
from riskwave.simulator import simulate
from riskwave.simulator.bank import SimulatedBank

ROOT = Path(__file__).parents[2]
EVENTS = 6_000
OUTCOME = (
    "event_id, action, is_anomaly, severity, rule_ids, reasons, ruleset_revision, ruleset_channel, shadow_rule_ids, "
    "rule_vector, shadow_rulesets, control_version"
)


@pytest.fixture(scope="module")
def bank() -> SimulatedBank:
    return simulate(EVENTS, 29, fraud_share=0.05)


@pytest.fixture(scope="module")
def shipped() -> CheckedRuleset:
    return check_ruleset(load_rules(ROOT / "rules" / "card"))


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(tmp_path / "state.duckdb")
    yield engine
    engine.close()


@pytest.fixture
def outside(engine: Engine, tmp_path: Path) -> Iterator[Control]:
    """The store as another process has it."""
    control = Control.open(control_path(tmp_path / "state.duckdb"))
    yield control
    control.close()


def some_of(shipped: CheckedRuleset, number: int) -> CheckedRuleset:
    """The shipped pack less a few rules: another revision."""
    rules = [rule for place, rule in enumerate(shipped.ruleset.rules) if place % 11 != number % 11]
    return check_ruleset(make_ruleset(shipped.ruleset.name, rules, shipped.ruleset.channels))


def replayed(engine: Engine, control: Control) -> dict[str, tuple[object, ...]]:
    """What every decision should say: its features through what was in force at the control_version it names."""
    wanted: dict[str, tuple[object, ...]] = {}
    versions = engine.connection.execute("select distinct control_version from decisions").fetchall()
    for (version,) in versions:
        snapshot = control.snapshot(version)
        compiled = snapshot.compiled("duckdb")
        known = engine.connection.sql(
            "select i.* from decision_input as i semi join (select event_id, version from decisions "
            f"where control_version = {version}) as d on i.event_id = d.event_id and i.version = d.version"
        ).to_arrow_table()
        with duckdb.connect() as connection:
            connection.register("decision_input", known)
            connection.register("rule_thresholds", compiled.threshold_row(snapshot.values, version))
            connection.register("list_entries", snapshot.list_table())
            for row in connection.execute(f"select {OUTCOME} from ({compiled.sql})").fetchall():
                wanted[row[0]] = row
    return wanted


def decided(engine: Engine) -> dict[str, tuple[object, ...]]:
    rows = engine.connection.execute(f"select {OUTCOME} from decisions").fetchall()
    assert len(rows) == len({row[0] for row in rows}), "an event is decided twice"
    return {row[0]: row for row in rows}


def test_an_edit_decides_the_next_batch(engine: Engine, outside: Control, bank: SimulatedBank) -> None:
    engine.process(bank.arrivals.rows(0, 100))
    rule = next(threshold for threshold in live_thresholds(outside) if threshold.rule == "card_velocity")
    set_threshold(outside, rule.rule, rule.name, str(int(rule.value) + 1), why="a sale", author="ann")
    engine.process(bank.arrivals.rows(100, 100))
    versions = engine.connection.execute(
        "select control_version, count(*) from decisions group by 1 order by 1"
    ).fetchall()
    assert versions == [(1, 100), (2, 100)]


def test_a_list_entry_decides_the_next_batch(engine: Engine, outside: Control, bank: SimulatedBank) -> None:
    rows = bank.arrivals.rows(0, 200)
    card = rows.column("card_id")[150].as_py()
    add_entry(outside, "block_card", card, reason="reported stolen", author="ann")
    engine.process(rows)
    found = engine.connection.execute("select action, rule_ids from decisions where card_id = ?", [card]).fetchall()
    assert found
    assert {action for action, _ in found} == {"block"}
    assert all("block" in rules[0] for _, rules in found)


def test_a_plain_update_is_seen(engine: Engine, outside: Control, bank: SimulatedBank) -> None:
    with outside.writing(why="by hand", author="ann") as connection:
        connection.execute("update thresholds set value = '3' where rule = 'card_velocity' and name = 'max_count'")
    engine.process(bank.arrivals.rows(0, 50))
    assert engine.connection.execute("select min(control_version) from decisions").fetchall()[0][0] > 1


def test_hundred_edits_and_ten_publishes_while_payments_flow(
    engine: Engine, outside: Control, bank: SimulatedBank, shipped: CheckedRuleset
) -> None:
    dice = random.Random(3)
    done = threading.Event()
    faults: list[BaseException] = []

    def analyst() -> None:
        try:
            numbers = [threshold for threshold in live_thresholds(outside) if threshold.kind == "integer"]
            for step in range(110):
                if step % 11 == 10:
                    state = ("live", "canary", "shadow")[step // 11 % 3]
                    share = 0.3 if state == "canary" else None
                    publish(outside, some_of(shipped, step // 11), why="try", author="ann", state=state, share=share)
                elif step % 13 == 5:
                    add_entry(outside, "block_ip", f"10.{step}.0.0/16", reason="a botnet", author="ann")
                elif step % 13 == 11:
                    remove_entry(outside, "block_ip", f"10.{step - 6}.0.0/16", why="gone", author="ann")
                else:
                    one = dice.choice(numbers)
                    most = one.max if one.max is not None else 1_000_000
                    least = one.min if one.min is not None else 0
                    value = min(max(int(one.value) + dice.choice([-1, 0, 1]), int(least)), int(most))
                    live = {(kept.rule, kept.name) for kept in live_thresholds(outside)}
                    if (one.rule, one.name) in live:
                        set_threshold(outside, one.rule, one.name, str(value), why="tune", author="ann")
                done.wait(0.01)
            rollback(outside, why="enough", author="sre")
        except BaseException as fault:
            faults.append(fault)
        finally:
            done.set()

    thread = threading.Thread(target=analyst)
    thread.start()
    size = 60
    for start in range(0, EVENTS, size):
        engine.process(bank.arrivals.rows(start, size))
    thread.join(60)
    assert faults == []
    assert done.is_set()
    found = decided(engine)
    assert len(found) == engine.connection.execute("select count(*) from stg_payments").fetchall()[0][0]
    revisions = {row[6] for row in found.values()}
    assert len(revisions) > 2, "the publishes came after the payments: nothing was shown"
    assert found == replayed(engine, outside)


def test_what_is_published_decides_once_settled(
    engine: Engine, outside: Control, bank: SimulatedBank, shipped: CheckedRuleset
) -> None:
    engine.process(bank.arrivals.rows(0, 20))
    move = publish(outside, some_of(shipped, 4), why="fewer", author="ann")
    engine.ruling.settle()
    engine.process(bank.arrivals.rows(20, 20))
    last = engine.connection.execute("select ruleset_revision, control_version from decisions").fetchall()[-1]
    assert last == (move.revision, move.control_version)


def test_a_ruleset_that_cannot_be_prepared_leaves_what_was_in_force(
    engine: Engine,
    outside: Control,
    bank: SimulatedBank,
    shipped: CheckedRuleset,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken = replace(engine.plan, models={})
    monkeypatch.setattr(engine.ruling, "_plan", broken)
    publish(outside, some_of(shipped, 5), why="fewer", author="ann")
    engine.ruling.settle()
    engine.process(bank.arrivals.rows(0, 20))
    assert engine.connection.execute("select distinct control_version from decisions").fetchall() == [(1,)]
    assert "cannot decide, what was in force goes on" in caplog.text


def test_decisions_of_a_batch_are_those_of_its_rows_whatever_the_batch(
    engine: Engine, outside: Control, bank: SimulatedBank
) -> None:
    engine.process(pa.concat_tables([bank.arrivals.rows(0, 300)]))
    assert decided(engine) == replayed(engine, outside)


def test_decisions_say_what_was_warming_and_a_new_rule_waits_for_its_window(
    engine: Engine, outside: Control, bank: SimulatedBank
) -> None:
    """A rule over a day, published an hour after the first event."""
    text = (
        "- {rule: %s, when: card_txn_count_24h >= 1, action: review, severity: P2, reason: always, owner: o}\n"
        "- {rule: now, when: billing_amount_minor >= 0, action: review, severity: P2, reason: always, owner: o}\n"
    )
    publish(outside, check_ruleset(parse_rules(text % "first", name="card")), why="first", author="ann")
    engine.ruling.settle()
    engine.process(bank.arrivals.rows(0, 30))
    [(began, count)] = engine.connection.execute("select min(event_ts), count(*) from stg_payments").fetchall()
    assert engine.connection.execute(
        "select distinct history_from, warming_rule_ids, action from decisions"
    ).fetchall() == [(began, ["first"], "review")]
    assert [rule.rule for rule in engine.warming()] == ["first"]
    publish(outside, check_ruleset(parse_rules(text % "second", name="card")), why="another", author="ann")
    engine.ruling.settle()
    engine.process(bank.arrivals.rows(30, EVENTS - 30))
    whole = f"event_ts >= timestamp '{began}' + interval '24 hours'"
    told = engine.connection.execute(
        f"select distinct {whole}, rule_ids, shadow_rule_ids, warming_rule_ids from decisions where version = 1 "
        f"and not list_contains(rule_ids, 'first') order by 1"
    ).fetchall()
    assert told == [(False, ["now"], ["second"], ["second"]), (True, ["second", "now"], [], [])]
    assert count > 0
    assert engine.warming() == []
    assert decided(engine) == replayed(engine, outside)
