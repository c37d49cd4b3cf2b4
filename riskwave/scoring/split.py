"""Which events are learned from, tuned on and measured on: by time, never at random."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from riskwave.errors import RiskwaveError
from riskwave.scoring.history import History

#: Events of each part below which nothing can be said.
LEAST = 50


@dataclass(frozen=True)
class Split:
    """Row ranges of a history by event time.

    Learned from: `train`, then `valid` (early stopping, search, threshold), both with the labels that had arrived at
    `as_of`. Between the end of `valid` and `as_of` lies the delay: events whose frauds were mostly not known yet are
    not learned from as if they were legitimate. Measured on: `test`, from `as_of` on; empty when another history is.
    """

    train: slice
    valid: slice
    test: slice
    as_of: np.datetime64

    def window(self, history: History) -> dict[str, Any]:
        """The data window, for people and the registry: instants as text, counts of events."""

        def bounds(rows: slice) -> dict[str, Any]:
            if rows.stop <= rows.start:
                return {"events": 0}
            return {
                "from": str(history.at[rows.start]),
                "to": str(history.at[rows.stop - 1]),
                "events": rows.stop - rows.start,
            }

        return {
            "history": history.name,
            "labels_as_of": str(self.as_of),
            **{part: bounds(getattr(self, part)) for part in ("train", "valid", "test")},
        }


@dataclass(frozen=True)
class Cut:
    """How to split. Delay in days; shares of time: `test` of the whole history, `valid` of what is learned from."""

    delay_days: float = 7.0
    test: float = 0.25
    valid: float = 0.2

    def __post_init__(self) -> None:
        # Also what no comparison holds for, such as nan.
        if not 0 <= self.delay_days < float("inf"):
            raise RiskwaveError(f"--delay {self.delay_days:g}: expected days, 0 or more, such as 7")

    def as_dict(self) -> dict[str, float]:
        """The settings, for the registry."""
        return asdict(self)


def split(history: History, cut: Cut, *, keep_test: bool = True) -> Split:
    """Split a history. Without `keep_test` all of it is learned from, up to the delay before its end.

    Raises RiskwaveError when the history is too short for the delay, or has too few events on a side.
    """
    begin, end = history.at[0], history.at[-1]
    span = (end - begin) / np.timedelta64(1, "us")
    as_of = begin + np.timedelta64(int(span * (1 - cut.test)), "us") if keep_test else end
    learned = as_of - np.timedelta64(int(cut.delay_days * 86_400_000_000), "us")
    if learned <= begin:
        raise RiskwaveError(
            f"{history.name}: {span / 86_400_000_000:.1f} days are too few for a delay of {cut.delay_days:g} days; "
            "give a longer history or a shorter --delay"
        )
    tuned = begin + (learned - begin) * (1 - cut.valid)
    first, second, third = (int(n) for n in np.searchsorted(history.at, np.array([tuned, learned, as_of])))
    parts = Split(slice(0, first), slice(first, second), slice(third, len(history) if keep_test else third), as_of)
    for name in ("train", "valid", *(("test",) if keep_test else ())):
        rows = getattr(parts, name)
        if rows.stop - rows.start < LEAST:
            raise RiskwaveError(
                f"{history.name}: {rows.stop - rows.start} events fall into the part for {name}, at least {LEAST} are "
                "needed; give a longer history, or other --delay and shares"
            )
    return parts
