"""A model watched over a history at once: distances, drift, and figures on matured labels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from riskwave.errors import RiskwaveError
from riskwave.scoring.history import History
from riskwave.scoring.registry import Registry
from riskwave.scoring.values import Say
from riskwave.watch.quality import Quality, quality, worse
from riskwave.watch.stream import DELTA
from riskwave.watch.watch import Findings, Watch

#: Events taken in at a time.
BATCH = 5_000


def watch_over(
    registry: Registry,
    name: str,
    version: str,
    whole: History,
    *,
    begins: np.datetime64 | None = None,
    since: np.datetime64 | None = None,
    until: np.datetime64 | None = None,
    delay: float = 7.0,
    delta: float = DELTA,
    say: Say = lambda words: None,
) -> tuple[Findings, Quality | None]:
    """What a watch of a version finds from `since` to `until`; figures are None where no event is `delay` days old.

    begins: where the history begins, the first event of `whole` unless told otherwise. Raises RiskwaveError when there
    is no such version, or nothing to watch.
    """
    found_version = registry.get(name, version)
    scorer, reference = registry.scorer(name, version), registry.reference(name, version)
    part = whole.between(since, until)
    say("scoring")
    scores = scorer.score(part.events)
    watch = Watch(scorer, reference, delta=delta, begins=whole.at[0] if begins is None else begins)
    for start in range(0, len(part), BATCH):
        say(f"watching: {start:,} of {len(part):,} events")
        watch.update(part.events.slice(start, BATCH), scores[start : start + BATCH])
    found = watch.findings()
    try:
        good = quality(part, scores, scorer.threshold, as_of=part.end if until is None else until, delay_days=delay)
    except RiskwaveError:
        return found, None
    worsened = worse(good, scorer.card.target_fpr, found_version.metrics)
    return replace(found, alarms=(*found.alarms, *worsened)), good
