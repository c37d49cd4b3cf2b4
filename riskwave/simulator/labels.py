"""What the bank learns later.

Fraud: every fraudulent event is labelled in the end. Approved payments come back as chargebacks or by the
cardholder's call, lognormal with a median of three days, at least two hours, at most 25 days; the events of
one episode are mostly reported together. Declined attempts are found by investigators in hours to two days.
Legitimate: two percent of the other events get an investigator's verdict within hours to days, four times as
often when the payment was large, by magnetic stripe or declined, as alerts are. An event without a label is
not known to be either. Labels can arrive after the last event.
"""

import numpy as np
import pyarrow as pa

from riskwave.contracts import Label, arrow_schema
from riskwave.simulator.columns import event_ids
from riskwave.simulator.draws import MICROS, stream, unit_hash
from riskwave.simulator.events import ALL_SCENARIOS, RESPONSES, Events
from riskwave.simulator.texts import numbered, words

_HOUR = 3600 * MICROS
_VERDICTS = ("fraud", "legitimate")
_SOURCES = ("chargeback", "cardholder", "investigator")
_CHECKED = 0.02


def label_table(events: Events, seed: int, *, first: int = 0) -> pa.Table:
    """The label contract's table, by arrived_at; `events` are sorted by time and numbered by place from `first` on."""
    rng = stream(seed, 9)
    fraud = np.flatnonzero(events["episode"] >= 0)
    others = np.flatnonzero(events["episode"] < 0)
    declined = events["response"] != RESPONSES.index("00")
    suspect = (events["eur"] > 400) | declined | (events["entry"] == 2)
    share = np.where(suspect[others], 4.0, 1.0)
    share *= _CHECKED / max(share.mean(), 1.0) if len(others) else 1.0
    checked = others[rng.random(len(others)) < share]

    episode = events["episode"][fraud]
    # one report for the episode, half an hour to a day apart for its events
    together = np.exp(np.log(72.0) + 1.1 * _normal(unit_hash(episode, seed, 51), unit_hash(episode, seed, 52)))
    hours = np.clip(together + rng.exponential(3, len(fraud)), 2, 600)
    hours = np.where(declined[fraud], np.clip(rng.exponential(10, len(fraud)), 1, 48), hours)
    source = np.where(declined[fraud], 2, np.where(unit_hash(episode, seed, 53) < 0.55, 0, 1))
    verdict_hours = np.clip(rng.lognormal(np.log(14), 1.0, len(checked)), 1, 168)

    event = np.r_[fraud, checked]
    arrived = events["ts"][event] + (np.r_[hours, verdict_hours] * _HOUR).astype(np.int64)
    is_legitimate = np.r_[np.zeros(len(fraud)), np.ones(len(checked))]
    none = np.full(len(checked), -1)
    order = np.lexsort((event, arrived))
    place = np.r_[np.arange(len(fraud)), none]
    fact = {
        "event_id": event_ids(first + event[order]),
        "verdict": words(_VERDICTS, is_legitimate[order]),
        "arrived_at": pa.array(arrived[order] // 1000 * 1000).cast(pa.timestamp("us")),
        "source": words(_SOURCES, np.r_[source, np.full(len(checked), 2)][order]),
        "episode_id": words(numbered("ep", episode, 6), place[order]),
        "scenario": words(ALL_SCENARIOS, np.r_[events["scenario"][fraud], none][order]),
    }
    schema = arrow_schema(Label)
    return pa.Table.from_arrays([fact[name] for name in schema.names], schema=schema)


def _normal(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Normal draws from two uniform ones."""
    return np.asarray(np.sqrt(-2 * np.log(1 - u)) * np.cos(2 * np.pi * v))
