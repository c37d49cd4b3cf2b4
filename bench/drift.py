"""`python -m bench.drift`: what a watched model says of quiet banks, and how soon of banks that change."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime

import numpy as np

from riskwave.allocator import start_with_allocator
from riskwave.scoring.history import History, read_history
from riskwave.scoring.scorer import Scorer
from riskwave.scoring.split import Cut
from riskwave.scoring.train import Model, Plan, train
from riskwave.watch.watch import Watch

STEP = 700
LEARNED_DAYS = 53
CHANGES_DAY = 75
DRIFTS = {"amounts times 1.5": "amount_shift:1.5", "a new attack": "new_attack:0.03"}


def main() -> None:
    """Train on each bank's first days, watch the rest, and print every alarm."""
    parser = argparse.ArgumentParser(prog="python -m bench.drift", description="Watch quiet banks and changing ones.")
    parser.add_argument("--banks", type=int, default=3, help="how many")
    parser.add_argument("--seed", type=int, default=11, help="of the first bank")
    parser.add_argument("--events", type=int, default=60_000, help="payments of a bank, over 90 days")
    given = parser.parse_args()
    days = streams = false = 0
    for seed in range(given.seed, given.seed + given.banks):
        uri = f"sim:?events={given.events}&days=90&seed={seed}"
        quiet = read_history([uri])
        first = quiet.at[0]
        learned = first + np.timedelta64(LEARNED_DAYS, "D")
        plan = Plan("boosting", cut=Cut(delay_days=3, test=0.1))
        model = train(quiet.between(None, learned), plan)
        found = watched(model, quiet, learned).findings()
        days += int((quiet.at[-1] - learned) / np.timedelta64(1, "D"))
        streams = len(found.promises)
        false += len(found.alarms)
        widest = max(found.distances, key=lambda each: each.psi)
        say(f"{uri}: quiet, {len(found.alarms)} alarms, largest PSI {widest.psi:.3f} ({widest.name})")
        for alarm in found.alarms:
            say(f"  {alarm.kind} {alarm.about} at {alarm.at}: {alarm.said}")
        for title, drift in DRIFTS.items():
            changing(title, f"{uri}&drift={drift}@day{CHANGES_DAY}", model, learned)
    say(f"{false} false alarms in {days} quiet days of {streams} streams")


def watched(model: Model, history: History, since: np.datetime64) -> Watch:
    """The model's watch after all events from a moment on."""
    watch = Watch(Scorer(model.onnx), model.reference, begins=history.at[0])
    part = history.between(since, None)
    for start in range(0, len(part), STEP):
        watch.update(part.events.slice(start, STEP))
    return watch


def changing(title: str, uri: str, model: Model, learned: np.datetime64) -> None:
    """Print the alarms of a bank that changes, and how long after the change they came."""
    history = read_history([uri])
    changed = history.at[0].astype("datetime64[D]") + np.timedelta64(CHANGES_DAY, "D")
    alarms = watched(model, history, learned).findings().alarms
    say(f"  {title} from day {CHANGES_DAY} on: {len(alarms)} alarms")
    for alarm in alarms:
        at = np.datetime64(datetime.fromisoformat(alarm.at).replace(tzinfo=None))
        after = (at - changed) / np.timedelta64(1, "h")
        say(f"    {alarm.kind} {alarm.about} {after:.0f} h and {len(history.between(changed, at)):,} events later")


def say(words: str) -> None:
    """A line, at once."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    start_with_allocator()
    main()
