"""How good a model has been, by the labels that have arrived so far, on events old enough to have them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.stats import binomtest, fisher_exact

from riskwave.errors import RiskwaveError
from riskwave.scoring.history import History
from riskwave.scoring.metrics import Metrics, measure
from riskwave.scoring.values import Scores
from riskwave.watch.watch import Alarm

DAY_US = 86_400_000_000
#: Probability below which a figure that is worse than it should be is no chance.
CHANCE = 0.001
#: A false-positive rate is too high when it is this many times what the threshold was chosen for.
TOO_MANY = 2.0


@dataclass(frozen=True)
class Quality:
    """Figures on matured events: at least `delay_days` old at `as_of`, by the labels that had arrived then.

    arrived: of the frauds labelled so far in events three delays old or older, the share whose label came within one
    delay: how much of the truth matured events have. None without any.
    """

    as_of: str
    delay_days: float
    from_: str
    to: str
    arrived: float | None
    metrics: Metrics

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def quality(history: History, scores: Scores, threshold: float, *, as_of: np.datetime64, delay_days: float) -> Quality:
    """Measure scores (rows,) of a history at a time. Raises RiskwaveError when no event is old enough."""
    delay = np.timedelta64(int(delay_days * DAY_US), "us")
    matured = int(np.searchsorted(history.at, as_of - delay, side="right"))
    if not matured:
        raise RiskwaveError(
            f"{history.name}: no event from {history.at[0]} on is {delay_days:g} days old at {as_of}; give a longer "
            "range or a shorter --delay"
        )
    known = history.part(slice(0, matured)).known_at(as_of)
    old = known.frauds() & (known.at <= as_of - 3 * delay)
    soon = known.fraud_at - known.at <= delay
    return Quality(
        as_of=str(as_of),
        delay_days=delay_days,
        from_=str(known.at[0]),
        to=str(known.at[-1]),
        arrived=float(soon[old].mean()) if old.any() else None,
        metrics=measure(known, scores[:matured], threshold),
    )


def worse(found: Quality, target_fpr: float, before: dict[str, Any]) -> list[Alarm]:
    """What is worse than it was, beyond chance.

    target_fpr: what the threshold was chosen for; before: the version's figures when it was trained. Frauds of one
    attack are caught or missed together, so that recall is judged by attacks.
    """
    now, alarms = found.metrics, []
    legitimate = now.events - now.frauds
    if now.false_positive_rate is not None and now.false_positive_rate > TOO_MANY * target_fpr:
        false = round(now.false_positive_rate * legitimate)
        if binomtest(false, legitimate, target_fpr, alternative="greater").pvalue < CHANCE:
            said = f"{now.false_positive_rate:.2%} of legitimate events flagged; the threshold was chosen for "
            alarms.append(Alarm("quality", "false_positive_rate", found.to, f"{said}{target_fpr:.2%}"))
    if now.attacks and before.get("attacks"):
        then = (int(before["attacks_caught"]), int(before["attacks"]))
        table = [
            [now.attacks_caught, now.attacks - now.attacks_caught],
            [then[0], then[1] - then[0]],
        ]
        if fisher_exact(table, alternative="less").pvalue < CHANCE:
            said = f"{now.attacks_caught} of {now.attacks} attacks caught; {then[0]} of {then[1]} when it was trained"
            alarms.append(Alarm("quality", "attacks_caught", found.to, said))
    return alarms
