"""What goes wrong in legitimate life and what is undone later: retries, refunds, reversals."""

import numpy as np

from riskwave.simulator.categories import categories
from riskwave.simulator.draws import DAY_S, MICROS, stream
from riskwave.simulator.events import CVMS, CVVS, MESSAGES, RESPONSES, TYPES, Events
from riskwave.simulator.setting import Setting

_RETURNED = (5311, 5651, 5661, 5732, 5712, 5200, 5945, 5399, 5999, 5310, 7011, 4722, 4511, 5045, 5944, 5947)


def after_the_fact(setting: Setting, events: Events, rows: int) -> Events:
    """`rows` events that belong to others of `events`: failed tries before them, refunds and reversals after.

    `original` of refunds and reversals points into `events`.
    """
    rng = stream(setting.seed, 5)
    if rows <= 0 or not len(events):
        return Events.make(0, {})
    refunds, reversals = round(rows * 0.38), round(rows * 0.05)
    return Events.concat(
        [
            _failed_tries(rng, events, rows - refunds - reversals),
            _undone(rng, setting, events, refunds, reverse=False),
            _undone(rng, setting, events, reversals, reverse=True),
        ]
    )


def _failed_tries(rng: np.random.Generator, events: Events, rows: int) -> Events:
    """Declined tries seconds before a payment: mistyped PIN, wrong CVV, no money, no authentication."""
    # the same payment may be drawn twice: two mistyped PINs in a row
    chosen = rng.integers(0, len(events), rows)
    again = rng.random(rows) < 0.3
    chosen[1:] = np.where(again[1:], chosen[:-1], chosen[1:])
    tries = events.take(chosen)
    online = tries["channel"] == 1
    pin = ~online & (tries["channel"] != 2) & (rng.random(rows) < 0.8)
    wrong_cvv = online & ~tries["recurring"] & (rng.random(rows) < 0.4)
    soft = online & ~wrong_cvv & (rng.random(rows) < 0.4)
    code = np.select([pin, wrong_cvv, soft], [RESPONSES.index(c) for c in ("55", "N7", "65")], RESPONSES.index("51"))
    tries["response"] = code
    tries["cvm"] = np.where(pin, CVMS.index("pin_failed"), tries["cvm"])
    tries["wallet"] = np.where(pin, 0, tries["wallet"])
    tries["device"] = np.where(pin, -1, tries["device"])
    tries["entry"] = np.where(pin & (tries["entry"] == 1), 0, tries["entry"])
    tries["cvv"] = np.where(wrong_cvv, CVVS.index("no_match"), tries["cvv"])
    tries["ts"] = tries["ts"] - ((8 + rng.exponential(30, rows)) * MICROS).astype(np.int64)
    return tries


def _undone(rng: np.random.Generator, setting: Setting, events: Events, rows: int, *, reverse: bool) -> Events:
    """Refunds days after a purchase, or reversals minutes after a payment."""
    merchants, end = setting.merchants, setting.end
    approved = (events["response"] == 0) & (events["eur"] > 0) & (events["channel"] <= 1)
    if not reverse:
        returned = np.isin(merchants.category[events["merchant"]], categories().of(*_RETURNED))
        approved &= returned & (events["ts"] < end - DAY_S * MICROS // 4)
    could = np.flatnonzero(approved)
    if len(could) == 0:
        could = np.arange(len(events))
    chosen = rng.choice(could, rows, replace=rows > len(could))
    undone = events.take(chosen)
    wait = rng.gamma(1.5, 3.0, rows) * DAY_S * MICROS if not reverse else rng.exponential(600e6, rows)
    room = np.maximum(end - undone["ts"], 1)
    undone["ts"] = undone["ts"] + np.where(wait < room, wait, room * rng.random(rows)).astype(np.int64)
    undone["original"] = chosen
    undone["message"] = MESSAGES.index("0400" if reverse else "0200")
    if not reverse:
        part = rng.random(rows) < 0.25
        undone["eur"] = np.where(part, undone["eur"] * rng.uniform(0.2, 0.9, rows), undone["eur"])
        undone["type"] = TYPES.index("refund")
        for column, nothing in (
            ("device", -1),
            ("ip", -1),
            ("wallet", 0),
            ("three_ds", -1),
            ("recurring", False),
        ):
            undone[column] = nothing
        undone["cvm"] = CVMS.index("none")
    return undone
