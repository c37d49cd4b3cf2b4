"""What a drift changes, and all that it leaves alone."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from riskwave.errors import RiskwaveError
from riskwave.simulator import START_US, SimulatedBank, simulate
from riskwave.simulator.drift import Drift, read_drifts

DAY_US = 86_400_000_000


@pytest.fixture(scope="module")
def plain() -> SimulatedBank:
    return simulate(6_000, 3, days=20)


def payments(bank: SimulatedBank, *, since: int = 0, until: int = 20) -> pa.Table:
    at = np.asarray(bank.transactions["event_ts"].cast(pa.int64())) - START_US
    return bank.transactions.filter(pa.array((at >= since * DAY_US) & (at < until * DAY_US)))


def test_a_new_attack_comes_on_top_and_changes_nothing_else(plain: SimulatedBank) -> None:
    drifted = simulate(6_000, 3, days=20, drift="new_attack:0.05@day12")
    assert payments(drifted, until=12).equals(payments(plain, until=12))
    assert drifted.profiles.equals(plain.profiles)
    assert drifted.devices.equals(plain.devices)
    there = pc.is_in(drifted.transactions["event_id"], value_set=plain.transactions["event_id"].combine_chunks())
    assert drifted.transactions.filter(there).equals(plain.transactions)
    added = drifted.transactions.filter(pc.invert(there))
    later = len(payments(plain, since=12))
    assert 0.05 * later <= len(added) == drifted.added < 0.05 * later + 24
    assert added["wallet"].unique().to_pylist() != ["none"]
    labels = drifted.labels.filter(pc.equal(drifted.labels["scenario"], "wallet_provisioning"))
    assert set(labels["event_id"].to_pylist()) == set(added["event_id"].to_pylist())
    assert "wallet_provisioning" not in plain.labels["scenario"].unique().to_pylist()
    assert len(drifted.labels) == len(plain.labels) + len(labels)


def test_shifted_amounts_change_nothing_else(plain: SimulatedBank) -> None:
    drifted = simulate(6_000, 3, days=20, drift="amount_shift:2@day12")
    assert payments(drifted, until=12).equals(payments(plain, until=12))
    assert drifted.labels.equals(plain.labels)
    before, after = (payments(bank, since=12) for bank in (plain, drifted))
    changed = [name for name in before.column_names if not before[name].equals(after[name])]
    assert changed == ["amount_minor", "billing_amount_minor"]
    ratio = np.asarray(after["amount_minor"]) / np.maximum(np.asarray(before["amount_minor"]), 1)
    assert np.median(ratio) == pytest.approx(2, abs=0.01)


def test_the_same_drift_gives_the_same_bytes() -> None:
    drift = "new_attack@day2,amount_shift@day3"
    one, two = (simulate(2_000, 3, days=6, drift=drift, late=0.1) for _ in range(2))
    assert one.transactions.equals(two.transactions)
    assert one.labels.equals(two.labels)


def test_drifts_are_read() -> None:
    assert read_drifts("", 30) == ()
    assert read_drifts("new_attack@day15, amount_shift:0.5@day2", 30) == (
        Drift("new_attack", 0.03, 15),
        Drift("amount_shift", 0.5, 2),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("flood@day3", "'flood@day3' is none of new_attack, amount_shift"),
        ("new_attack", "expected such as new_attack@day15"),
        ("new_attack:0.9@day3", "the strength of new_attack is out of range; give 0.0 to 0.2"),
        ("amount_shift:1.2.3@day3", "1.2.3 is no number"),
        ("amount_shift@day30", "the bank has days 0 to 29 only"),
    ],
)
def test_faults_are_said(text: str, message: str) -> None:
    with pytest.raises(RiskwaveError, match=message):
        read_drifts(text, 30)
