"""A backtest's figures are those of deciding every event by the reference, one after another."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from riskwave.backtest.backtest import Backtest, backtest
from riskwave.backtest.given import Given, given
from riskwave.backtest.history import as_moment, open_history
from riskwave.control import Control, control_path
from riskwave.control.lifecycle import publish
from riskwave.control.thresholds import set_threshold
from riskwave.errors import RiskwaveError
from riskwave.rules.lists import list_entry
from riskwave.rules.quality import measure
from riskwave.rules.reference import Decision, decide
from tests.backtest.conftest import Made
from tests.backtest.made import PACK, START, Row, decided, frauds, inputs, label_table, labels, make_state, pack, rows

STRICTER = PACK.replace("value: 6", "value: 4").replace("km: 800.0", "km: 900.0")


def tried(made: Made, rules: Given, against: Given | None = None, **period: datetime | bool) -> Backtest:
    with open_history(made.path, **period) as history:  # type: ignore[arg-type]
        return backtest(history, rules, against)


def live(made: Made) -> Given:
    return given("live", made.path)


def by_hand(events: list[Row], rules: Given) -> list[Decision]:
    return [decide(rules.checked, event, rules.values, rules.lists) for event in events]


def test_figures_are_those_of_deciding_each_event(made: Made) -> None:
    rules = live(made)
    result = tried(made, rules)
    done = by_hand(made.events, rules)
    known = frauds(made.labels)
    flagged = [e for e, d in zip(made.events, done, strict=True) if d.action != "allow"]
    caught = [e for e in flagged if e["event_id"] in known]
    money = sum(_money(e) for e in made.events if e["event_id"] in known)
    c = result.side.counted
    assert (result.events, c.frauds, c.flagged, c.flagged_frauds) == (600, len(known), len(flagged), len(caught))
    assert 0 < c.flagged_frauds < c.flagged < 600
    assert (c.fraud_money, c.flagged_fraud_money) == (money, sum(map(_money, caught)))
    assert c.precision == len(caught) / len(flagged)
    assert c.recall == len(caught) / len(known)
    assert c.false_positive_rate == (len(flagged) - len(caught)) / (600 - len(known))
    assert result.side.actions == {
        action: sum(d.action == action for d in done) for action in ("allow", "block", "challenge", "review")
    }
    assert sum(day.events for day in result.days) == 600
    assert sum(day.flagged for day in result.days) == len(flagged)


def test_each_rule_fires_where_the_reference_says_and_adds_what_is_lost_without_it(made: Made) -> None:
    rules = live(made)
    done = by_hand(made.events, rules)
    result = tried(made, rules)
    for place, figures in enumerate(result.rules):
        fired = [d.rule_vector[place] == "1" for d in done]
        assert figures.counted.flagged == sum(fired), figures.rule
        rule = rules.checked.rules[place].rule
        other = "draft" if rule.state == "live" else "live"
        changed = PACK.replace(_text(rule.rule), _text(rule.rule, state=other))
        without = by_hand(made.events, Given("", pack(changed), rules.values, rules.lists))
        now, then = (without, done) if rule.state != "live" else (done, without)
        pairs = list(zip(now, then, strict=True))
        assert figures.adds.flagged == sum(a.is_anomaly and not b.is_anomaly for a, b in pairs), figures.rule
        assert figures.spares == sum(b.is_anomaly and not a.is_anomaly for a, b in pairs), figures.rule
    assert {figure.rule for figure in result.rules if figure.spares} == {"trusted"}
    assert all(figure.counted.flagged for figure in result.rules)


def _text(rule: str, state: str = "") -> str:
    """A rule of PACK as written there, or with a state."""
    start = PACK.index(f"  - rule: {rule}\n")
    end = PACK.find("  - rule:", start + 5)
    found = PACK[start : end if end > 0 else len(PACK)]
    if not state:
        return found
    bare = found.replace("    state: shadow\n", "")
    return f"{bare}    state: {state}\n"


def test_attacks_and_money_are_those_of_the_rules_own_measure(made: Made) -> None:
    rules = Given("", pack(), {}, live(made).lists)
    side = tried(made, rules).side
    with duckdb.connect() as connection:
        known = list(frauds(made.labels).values())
        for name, table in (("decision_input", inputs(made.events)), ("labels", label_table(known))):
            connection.register(name, table)
        entries = [list_entry("block_ip", "10.1.0.0/16"), list_entry("allow_card", "c3")]
        quality = measure(connection, pack().ruleset, entries)
    total = quality.total
    assert (side.attacks, side.attacks_caught) == (total.attacks, total.caught)
    assert (side.at_stake, side.saved) == (total.at_stake, total.saved)
    assert 0 < side.saved < side.at_stake
    assert {s.scenario: (s.attacks, s.caught) for s in side.scenarios} == {
        s.scenario: (s.attacks, s.caught) for s in quality.scenarios
    }


def test_against_another_ruleset_events_are_told_that_move(made: Made) -> None:
    rules = Given("stricter", pack(STRICTER), {}, live(made).lists)
    result = tried(made, rules, live(made))
    new, old = by_hand(made.events, rules), by_hand(made.events, live(made))
    known = frauds(made.labels)
    for moved, here, there in ((result.caught, new, old), (result.released, old, new)):
        assert moved is not None
        ids = {e["event_id"] for e, a, b in zip(made.events, here, there, strict=True) if a.is_anomaly > b.is_anomaly}
        assert set(moved.ids) == ids
        assert set(moved.fraud_ids) == ids & set(known)
        assert moved.events == len(ids) > 0
    assert result.against is not None
    assert result.against.counted == tried(made, live(made)).side.counted


def test_overlap_counts_events_that_both_fire_for(made: Made) -> None:
    done = by_hand(made.events, live(made))
    for pair in tried(made, live(made)).overlaps:
        places = [[r.rule.rule for r in pack().rules].index(name) for name in (pair.one, pair.two)]
        fired = [tuple(d.rule_vector[place] == "1" for place in places) for d in done]
        assert pair.events == sum(one and two for one, two in fired)
        assert pair.share == pair.events / min(sum(one for one, _ in fired), sum(two for _, two in fired))


def test_a_period_and_labels_known_then(made: Made) -> None:
    start, end = START + timedelta(days=5), START + timedelta(days=10)
    events = [e for e in made.events if start <= e["event_ts"] < end]
    arrived = frauds([label for label in made.labels if label["arrived_at"] <= end])
    result = tried(made, live(made), start=start, end=end, known_labels=True)
    assert result.events == len(events)
    assert result.side.counted.frauds == len([e for e in events if e["event_id"] in arrived])
    assert result.side.counted.frauds < tried(made, live(made), start=start, end=end).side.counted.frauds
    assert (result.start, result.end) == (start, end)


def test_an_event_counts_with_its_last_revision(tmp_path: Path) -> None:
    events = rows(20)
    calm = [{**e, "card_txn_count_10m": 1, "card_km_from_last": 0.0, "card_is_abroad": False} for e in events]
    busy = {**calm[3], "card_txn_count_10m": 99, "card_amount_sum_10m": 99_999, "version": 2}
    state = make_state(tmp_path / "s.duckdb", [*calm, busy])
    with open_history(state) as history:
        result = backtest(history, Given("", pack()))
    assert result.events == 20
    assert result.side.counted.flagged == 1


def test_scores_that_were_recorded_count(tmp_path: Path) -> None:
    scored = pack(
        PACK.replace("card_decline_count_1h >= :count", "model_score >= :count").replace("count: 4", "count: 0.7")
    )
    events = rows(40)
    with Control.open(tmp_path / "other.control") as control:
        publish(control, pack(), why="first", author="ann")
        decisions = decided(control, [{**e, "model_score": place / 40} for place, e in enumerate(events)])
    with open_history(make_state(tmp_path / "s.duckdb", events, (), decisions)) as history:
        fired = [rule for rule in backtest(history, Given("", scored)).rules if rule.rule == "declines"]
    assert fired[0].counted.flagged == 12
    with open_history(make_state(tmp_path / "bare.duckdb", events)) as history:
        assert "declines" in backtest(history, Given("", scored)).never


def test_a_parquet_folder_is_a_history(made: Made, tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        for name, table in (("decision_input", inputs(made.events)), ("labels", label_table(made.labels))):
            connection.register("given", table)
            connection.execute(f"copy (select * from given) to '{tmp_path}/{name}.parquet'")
            connection.unregister("given")
    with open_history(tmp_path) as history:
        result = backtest(history, given("live", made.path))
    assert result.side == tried(made, live(made)).side


def test_thresholds_in_force_count_for_a_revision_and_edited_ones_for_a_path(tmp_path: Path) -> None:
    (tmp_path / "card.yml").write_text(PACK)
    state = make_state(tmp_path / "s.duckdb", rows(50))
    with Control.open(control_path(state)) as control:
        publish(control, pack(), why="first", author="ann")
        set_threshold(control, "velocity", "max_count", "90", why="quiet", author="ann")
    assert given("live", state).values["velocity", "max_count"] == 90
    assert given(str(tmp_path / "card.yml"), state).values["velocity", "max_count"] == 90
    assert given(str(tmp_path / "card.yml"), state, own=True).values == {}
    with pytest.raises(RiskwaveError, match="no such revision or file"):
        given("card-0", state)
    with pytest.raises(RiskwaveError, match="name the state that has it with --state"):
        given("live", None)


def test_no_history_says_what_was_expected(made: Made, tmp_path: Path) -> None:
    for path, said in ((tmp_path / "none", "no such file"), (tmp_path, "has no decision_input.parquet")):
        with pytest.raises(RiskwaveError, match=said), open_history(path):
            pass
    with (
        pytest.raises(RiskwaveError, match=r"no events from 2027-01-01 00:00"),
        open_history(made.path, start=datetime(2027, 1, 1)),
    ):
        pass
    assert as_moment("2026-01-02T03:00:00+02:00", "--from") == datetime(2026, 1, 2, 1)
    with pytest.raises(RiskwaveError, match="--from soon: is no time"):
        as_moment("soon", "--from")


def test_a_history_of_other_models_is_refused(tmp_path: Path) -> None:
    state = make_state(tmp_path / "s.duckdb", rows(5), labels(rows(5)))
    with duckdb.connect(str(state)) as connection:
        connection.execute("alter table decision_input drop column card_km_from_last")
    with (
        open_history(state) as history,
        pytest.raises(RiskwaveError, match="decision_input lacks card_km_from_last"),
    ):
        backtest(history, Given("", pack()))


def _money(event: Row) -> int:
    return 0 if event["is_declined"] else event["billing_amount_minor"] or 0
