"""`simulate`: a bank's payments with the profiles, devices and labels that belong to them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from riskwave.errors import RiskwaveError
from riskwave.simulator.arrivals import Arrivals, Disorder, arrival_order
from riskwave.simulator.arrow import positions
from riskwave.simulator.attacks import attack
from riskwave.simulator.columns import transactions, transmitted
from riskwave.simulator.devices import device_table, number_devices
from riskwave.simulator.draws import MICROS
from riskwave.simulator.drift import new_attack, read_drifts, shift_amounts
from riskwave.simulator.events import Events
from riskwave.simulator.labels import label_table
from riskwave.simulator.life import live
from riskwave.simulator.profiles import profile_table
from riskwave.simulator.setting import build

#: Midnight UTC at which every simulated history starts: 2026-01-01, never the clock on the wall.
START_US = 1_767_225_600 * MICROS
FRAUD_SHARE = 0.007
_PAYMENTS_A_DAY = 2.0
_MOST_EVENTS = 50_000_000


@dataclass(frozen=True)
class SimulatedBank:
    """What a bank saw, as Arrow tables.

    transactions: typed by the transaction contract, in order of arrival, duplicates included; profiles,
    devices, labels (by arrived_at): typed by theirs. arrived_us: when each transaction arrived; added: events of a new
    attack, on top of those asked for.
    """

    transactions: pa.Table
    profiles: pa.Table
    devices: pa.Table
    labels: pa.Table
    arrived_us: np.ndarray
    disorder: Disorder
    seed: int
    episodes: int
    added: int

    @cached_property
    def arrivals(self) -> Arrivals:
        """Every row as it arrived: RAW_SCHEMA, malformed rows with their bytes and decode errors."""
        return Arrivals(self.transactions, self.arrived_us, self.disorder, self.seed)


def simulate(
    events: int,
    seed: int,
    *,
    days: int = 30,
    fraud_share: float = FRAUD_SHARE,
    duplicates: float = 0.0,
    late: float = 0.0,
    out_of_order: float = 0.0,
    malformed: float = 0.0,
    drift: str = "",
    progress: Callable[[str], None] | None = None,
) -> SimulatedBank:
    """A bank with exactly `events` distinct payments over `days` days; same arguments, same bytes.

    `duplicates`, `late`, `out_of_order`, `malformed` are shares of `events`: rows sent twice (on top of
    `events`), rows that arrive minutes to a day late, rows that arrive up to two minutes late, and rows that
    cannot be used (on top). `drift`: what is no longer as it was from a day on (drift.py); a new attack's payments come
    on top of `events`, and until that day everything is as without it. The number of cards follows from events and
    days: a card pays about twice a day. `progress` is told each step. Raises RiskwaveError for a number out of range.
    """
    _check(events, seed, days, fraud_share, duplicates, late, out_of_order, malformed)
    drifts = read_drifts(drift, days)
    tell = progress or (lambda _: None)
    cards = max(3, round(events / (_PAYMENTS_A_DAY * days)))
    tell("people and merchants")
    setting = build(cards, days, seed, START_US)
    tell("attacks")
    attacks = attack(setting, _fraud_events(events, fraud_share))
    tell("legitimate life")
    life = live(setting, events - len(attacks))
    every = _in_time_order(Events.concat([life, attacks]))
    tell("devices and labels")
    numbers = number_devices(every, seed)
    labels = label_table(every, seed)
    devices = device_table(every, setting, numbers)
    episodes = int(every["episode"].max(initial=-1)) + 1
    more = new_attack(setting, drifts, every, episodes)
    shift_amounts(every, setting, drifts)
    tell("transactions")
    table, ts = transactions(every, setting, numbers), every["ts"]
    if len(more):
        ts = np.r_[ts, more["ts"]]
        merged = np.argsort(ts, kind="stable")
        ts = ts[merged]
        added = transactions(more, setting, numbers, first=len(every))
        table = pa.concat_tables([table, added]).take(positions(merged))
        labels = pa.concat_tables([labels, label_table(more, seed, first=len(every))]).sort_by("arrived_at")
        episodes = int(more["episode"].max()) + 1
    disorder = Disorder(duplicates, late, out_of_order, malformed)
    order = arrival_order(ts, disorder, seed)
    table = transmitted(table, ts, order.sent)
    return SimulatedBank(
        transactions=table if np.array_equal(order.position, np.arange(len(ts))) else table.take(order.position),
        profiles=profile_table(setting),
        devices=devices,
        labels=labels,
        arrived_us=order.arrived,
        disorder=disorder,
        seed=seed,
        episodes=episodes,
        added=len(more),
    )


def _fraud_events(events: int, share: float) -> int:
    """Fraud to ask for: an episode has up to 60 events, so too few events have no room for one."""
    wanted = round(events * share)
    return 0 if events < 300 else wanted


def _in_time_order(events: Events) -> Events:
    """Sorted by time, `original` pointing at the sorted places. Times are kept to the millisecond."""
    events["ts"] = events["ts"] // 1000 * 1000
    order = np.argsort(events["ts"], kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    sorted_ = events.take(order)
    original = sorted_["original"]
    sorted_["original"] = np.where(original >= 0, place[original], -1)
    return sorted_


def _check(events: int, seed: int, days: int, *shares: float) -> None:
    if not 1 <= events <= _MOST_EVENTS:
        raise RiskwaveError(f"events: {events} is out of range; give 1 to {_MOST_EVENTS}")
    if seed < 0:
        raise RiskwaveError(f"seed: {seed} is negative; give 0 or more")
    if not 1 <= days <= 3660:
        raise RiskwaveError(f"days: {days} is out of range; give 1 to 3660")
    names = ("fraud_share", "duplicates", "late", "out_of_order", "malformed")
    most = (0.2, 1.0, 1.0, 1.0, 1.0)
    for name, share, limit in zip(names, shares, most, strict=True):
        if not 0 <= share <= limit:
            raise RiskwaveError(f"{name}: {share} is not a share; give 0 to {limit:g}, such as 0.01")
