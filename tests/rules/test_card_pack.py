"""The card pack as shipped: its form, its cases, and what it catches in a simulated month that it was not made on.

The month's seed is drawn and printed; RISKWAVE_PACK_SEED repeats one, RISKWAVE_PACK_EVENTS takes a larger month.
Frauds are 2% of the events here and not 0.7%, the simulator's default: 120,000 events then hold some 220 attacks, at
least seven of a scenario. The pack catches about 96% of them, no scenario below 90%, at 0.4% false positives, so that
chance alone fails this less than once in a thousand seeds.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from riskwave.batch import batch_of_inputs
from riskwave.rules.check import CheckedRuleset, check_ruleset, run_case
from riskwave.rules.pack import Ruleset, load_rules
from riskwave.rules.quality import Quality, measure
from riskwave.scoring.history import History, read_history
from riskwave.scoring.scorer import Scorer
from riskwave.scoring.together import accuracy, score_batch
from riskwave.scoring.train import Plan, train
from riskwave.simulator.attacks import EPISODES
from riskwave.simulator.source import SimulatorSource

#: One worker has the month, and the tests that use it.
pytestmark = pytest.mark.xdist_group("card_pack")

PACK = Path(__file__).parents[2] / "rules" / "card"
EVENTS = int(os.environ.get("RISKWAVE_PACK_EVENTS", "120000"))
FRAUD_SHARE = 0.02
#: Seeds below this one were looked at while the pack was made.
FIRST_UNSEEN = 100_000


#: What the model learns from: two other banks, of seeds that are not drawn.
LEARNED = [f"sim:?events=80000&seed={seed}&fraud_share=0.04" for seed in (21, 22)]


@pytest.fixture(scope="module")
def pack() -> Ruleset:
    return load_rules(PACK)


@pytest.fixture(scope="module")
def checked(pack: Ruleset) -> CheckedRuleset:
    return check_ruleset(pack)


@dataclass(frozen=True)
class Month:
    """What the pack comes to in a simulated month; as text, the seed that repeats it and the table."""

    seed: int
    quality: Quality
    file: Path

    def __str__(self) -> str:
        return f"RISKWAVE_PACK_SEED={self.seed} RISKWAVE_PACK_EVENTS={EVENTS}\n{self.quality.table()}"


@pytest.fixture(scope="module")
def month(pack: Ruleset, tmp_path_factory: pytest.TempPathFactory) -> Month:
    """A month of a seed that is drawn."""
    seed = int(os.environ.get("RISKWAVE_PACK_SEED") or FIRST_UNSEEN + secrets.randbelow(1_000_000_000))
    out = tmp_path_factory.mktemp("month") / "month.duckdb"
    source = SimulatorSource(f"sim:?events={EVENTS}&seed={seed}&fraud_share={FRAUD_SHARE}")
    bank = source.bank
    batch_of_inputs(source, out, labels=bank.labels, profiles=bank.profiles, devices=bank.devices)
    with duckdb.connect(str(out)) as connection:
        told = Month(seed, measure(connection, pack), out)
    sys.stdout.write(f"\n{told}\n")
    return told


def test_cases_come_out_as_they_say(checked: CheckedRuleset) -> None:
    wrong = [
        f"{rule.rule.rule}: {case.given} is {case.expect}"
        for rule in checked.rules
        for case in rule.rule.cases
        if run_case(rule, case) != (case.expect == "fired")
    ]
    assert wrong == []


def test_each_rule_has_a_case_that_fires_and_one_that_does_not(pack: Ruleset) -> None:
    for rule in pack.rules:
        assert {case.expect for case in rule.cases} == {"fired", "not fired"}, rule.rule


def test_each_rule_is_tagged_and_its_numbers_are_bounded(pack: Ruleset) -> None:
    for rule in pack.rules:
        assert rule.tags, rule.rule
        for name, threshold in rule.thresholds.items():
            if not isinstance(threshold.value, str):
                assert threshold.min is not None, f"{rule.rule}.{name}"
                assert threshold.max is not None, f"{rule.rule}.{name}"
                assert threshold.unit, f"{rule.rule}.{name}"


@pytest.mark.parametrize(
    ("kind", "least"),
    [
        ("sequence(", 4),
        ("in_list(", 6),
        ("model_score", 2),
        ("device_card_count", 3),
        ("ip_", 2),
        ("merchant_fraud_rate", 2),
        ("profile_", 10),
        ("card_txn_count", 10),
    ],
)
def test_all_kinds_are_there(pack: Ruleset, kind: str, least: int) -> None:
    assert sum(kind in rule.when for rule in pack.rules) >= least
    assert sum(rule.state == "live" for rule in pack.rules) >= 40


def test_channels_are_those_that_rules_name(pack: Ruleset) -> None:
    assert [channel.channel for channel in pack.channels] == ["cash", "transfer", "ecommerce", "card_present"]
    assert {name for rule in pack.rules for name in rule.channels or ()} == {each.channel for each in pack.channels}


def test_the_month_holds_every_scenario(month: Month) -> None:
    assert {each.scenario for each in month.quality.scenarios} == set(EPISODES), month
    assert min(each.attacks for each in month.quality.scenarios) >= 4, month


def test_attacks_are_caught(month: Month) -> None:
    assert month.quality.total.share_caught >= 0.90, month


def test_few_legitimate_payments_are_flagged(month: Month) -> None:
    """Challenged, blocked or only reviewed: each is somebody's time."""
    assert month.quality.stopped_rate <= month.quality.false_positive_rate <= 0.005, month


@pytest.mark.parametrize("scenario", EPISODES)
def test_no_scenario_gets_away(month: Month, scenario: str) -> None:
    found = next(each for each in month.quality.scenarios if each.scenario == scenario)
    assert found.share_caught >= 0.70, month


def test_most_of_the_money_is_saved(month: Month) -> None:
    assert month.quality.total.share_saved >= 0.80, month
    assert month.quality.total.recall >= 0.45, month
    assert month.quality.precision >= 0.45, month


# -- rules and model --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scored:
    """The same month, decided by the pack with a model online that learned from other banks."""

    month: Month
    quality: Quality
    connection: duckdb.DuckDBPyConnection

    def flagged(self, condition: str) -> tuple[int, int]:
        """Legitimate events of which a condition holds, and how many of them are flagged."""
        return self.connection.execute(
            "select count(*), count_if(j.action <> 'allow') from judged as j join decision_input as k "
            f"on j.event_id = k.event_id where not j.is_fraud and {condition}"
        ).fetchall()[0]

    def __str__(self) -> str:
        return (
            f"{self.month}\nwith a model that learned from {' and '.join(LEARNED)}: "
            f"accuracy {accuracy(self.quality):.2%}\n{self.quality.table()}"
        )


@pytest.fixture(scope="module")
def scored(month: Month, pack: Ruleset) -> Iterator[Scored]:
    model = train(read_history(LEARNED), Plan("boosting"), measured_on=month_history(month))
    with duckdb.connect() as connection:
        score_batch(connection, month.file, Scorer(model.onnx))
        told = Scored(month, measure(connection, pack, scored=True), connection)
        sys.stdout.write(f"\n{told}\n")
        yield told


def month_history(month: Month) -> History:
    return read_history([str(month.file)])


def test_rules_and_model_catch_more_at_fewer_false_positives(scored: Scored) -> None:
    """Over four months 99.4% of 913 attacks; here two of some 225 are a percent, and chance has its share."""
    assert scored.quality.total.share_caught >= 0.97, scored
    assert scored.quality.total.share_caught >= scored.month.quality.total.share_caught - 0.01, scored
    assert scored.quality.stopped_rate <= scored.quality.false_positive_rate <= 0.005, scored
    assert accuracy(scored.quality) >= 0.98, scored
    assert scored.quality.total.recall >= scored.month.quality.total.recall, scored
    assert scored.quality.total.share_saved >= 0.90, scored


def test_the_month_is_as_large_as_the_acceptance_asks_for(scored: Scored) -> None:
    if EVENTS < 120_000:
        pytest.skip("a smaller month was asked for")
    assert scored.quality.legitimate >= 100_000
    assert scored.quality.total.events >= 2_000


@pytest.mark.parametrize(
    ("boundary", "condition", "most"),
    [
        ("large amounts", "k.billing_amount_minor >= 0.5 * k.profile_single_limit_minor", 0.05),
        ("abroad, and the holder travels", "k.card_is_abroad and k.profile_travels_abroad", 0.03),
        ("first country in 30 days", "k.card_country_first_30d", 0.15),
    ],
)
def test_legitimate_payments_at_the_boundary_mostly_pass(
    scored: Scored, boundary: str, condition: str, most: float
) -> None:
    events, flagged = scored.flagged(condition)
    assert events >= 30, boundary
    assert flagged <= most * events + 3, f"{boundary}: {flagged} of {events} flagged\n{scored}"
