"""A watched model: a quiet bank raises no alarm, a drifted one does, in time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from riskwave.errors import RiskwaveError
from riskwave.scoring.history import History
from riskwave.watch.quality import quality, worse
from riskwave.watch.reference import Reference
from riskwave.watch.watch import Watch
from tests.watch.conftest import DRIFTED, LEARNED, Kept


def watched(kept: Kept, history: History, size: int = 700) -> Watch:
    watch = Watch(kept.scorer, kept.reference, begins=history.at[0])
    part = history.between(LEARNED, None)
    for start in range(0, len(part), size):
        watch.update(part.events.slice(start, size))
    return watch


def test_a_quiet_bank_raises_no_alarm(kept: Kept, quiet: History) -> None:
    found = watched(kept, quiet).findings()
    assert found.alarms == ()
    assert found.events == len(quiet.between(LEARNED, None))
    assert found.distances[0].name == "score"
    assert {"billing_amount_minor", "mcc", "card_txn_count_1h"} <= {each.name for each in found.distances}


def test_shifted_amounts_raise_the_alarm_within_what_was_promised(kept: Kept, drifted: History) -> None:
    in_time(kept, drifted, "billing_amount_minor", DRIFTED, 0.12)
    found = watched(kept, drifted).findings()
    assert "drift" in {alarm.kind for alarm in found.alarms}


def test_a_new_attack_raises_the_alarm_within_what_was_promised(kept: Kept, attacked: History) -> None:
    # an attack comes in episodes: it begins with the first payment of the first one
    began = np.sort(attacked.at[(attacked.episode >= 0) & (attacked.at >= DRIFTED) & wallets(attacked)])[0]
    in_time(kept, attacked, "unusual", began, 0.05)


def wallets(history: History) -> np.ndarray:
    return np.array([wallet not in (None, "none") for wallet in history.events["wallet"].to_pylist()])


def in_time(kept: Kept, history: History, stream: str, began: np.datetime64, shift: float) -> None:
    """A change of a stream by at least `shift` is reported after it began, within the events that were promised."""
    before = Watch(kept.scorer, kept.reference, begins=history.at[0])
    assert before.update(history.between(LEARNED, began).events) == ()
    promised = before.promised(stream, shift)
    assert promised is not None
    changes = [change for change in watched(kept, history).findings().changes if change.stream == stream]
    assert changes
    assert changes[0].now - changes[0].before >= shift
    reported = np.datetime64(changes[0].at)
    assert began <= reported
    assert len(history.between(began, reported)) <= promised


def test_batches_do_not_matter(kept: Kept, drifted: History) -> None:
    one, other = (watched(kept, drifted, size).findings() for size in (99, 5_000))
    assert one.changes == other.changes
    assert one.distances == other.distances


def test_only_so_many_days_are_kept(kept: Kept, quiet: History) -> None:
    watch = watched(kept, quiet)
    last = watch.findings(days=3)
    assert last.events == len(quiet.between(quiet.end.astype("datetime64[D]") - np.timedelta64(2, "D"), None))
    assert last.from_ >= str(quiet.end - np.timedelta64(3, "D"))
    assert len(watch._counted) <= 4


def test_a_reference_is_kept_as_text(kept: Kept) -> None:
    assert Reference.of_text(kept.reference.as_text()) == kept.reference
    names = {spread.name for spread in kept.reference.spreads}
    assert "hour_of_week" not in names
    events = {spread.name: spread.events for spread in kept.reference.spreads}
    # a window of thirty days is whole from the thirtieth day on only
    assert events["card_txn_count_30d"] < 0.4 * events["card_txn_count_1h"]


def test_nothing_watched_and_columns_missing_are_said(kept: Kept, quiet: History) -> None:
    watch = Watch(kept.scorer, kept.reference)
    with pytest.raises(RiskwaveError, match="nothing was watched"):
        watch.findings()
    with pytest.raises(RiskwaveError, match=r"lacks .*card_id"):
        watch.update(quiet.events.drop_columns(["card_id"]))


def test_figures_are_of_matured_labels_only(kept: Kept, quiet: History) -> None:
    scores = kept.scorer.score(quiet.events)
    as_of = np.datetime64("2026-03-05", "us")
    found = quality(quiet, scores, kept.scorer.threshold, as_of=as_of, delay_days=7)
    assert np.datetime64(found.to) <= as_of - np.timedelta64(7, "D")
    matured = quiet.between(None, np.datetime64(found.to) + 1)
    known = ~np.isnat(matured.fraud_at) & (matured.fraud_at <= as_of)
    assert found.metrics.frauds == int(known.sum()) < int(matured.frauds().sum())
    assert found.metrics.events == len(matured)
    assert found.arrived is not None
    assert 0.5 < found.arrived < 1
    with pytest.raises(RiskwaveError, match="is 90 days old"):
        quality(quiet, scores, kept.scorer.threshold, as_of=as_of, delay_days=90)


def test_what_is_worse_beyond_chance_is_an_alarm(kept: Kept, quiet: History) -> None:
    scores = kept.scorer.score(quiet.events)
    found = quality(quiet, scores, kept.scorer.threshold, as_of=quiet.end, delay_days=7)
    assert found.metrics.attacks > 5
    before = {"attacks": 40, "attacks_caught": 40}
    blind = replace(found, metrics=replace(found.metrics, attacks=20, attacks_caught=0, false_positive_rate=0.05))
    assert [alarm.about for alarm in worse(blind, 0.005, before)] == ["false_positive_rate", "attacks_caught"]
    alike = replace(found, metrics=replace(found.metrics, attacks_caught=found.metrics.attacks))
    assert worse(replace(alike, metrics=replace(alike.metrics, false_positive_rate=0.006)), 0.005, before) == []
