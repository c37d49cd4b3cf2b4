"""Alerts of a run, for `riskwave alerts run` beside it, which cannot read a state that another process has open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from riskwave.engine.engine import Engine
from riskwave.engine.outcome import Outcome


@contextmanager
def raising_alerts(engine: Engine, state: Path) -> Iterator[Callable[[Outcome], None]]:
    """Take alerts into the file beside the state while the engine decides; gives what is to be told of each batch.

    What was decided before and not yet taken in is taken in first; what was decided last, on leaving.
    """
    from riskwave.alerts.feed import AlertFeed
    from riskwave.alerts.store import AlertStore, alerts_path
    from riskwave.serve.reading import Reading

    reading = Reading(engine.connection, engine.store, state, readers=1)
    store = AlertStore(alerts_path(state))
    feed = AlertFeed(store, reading.rows)

    def committed(outcome: Outcome) -> None:
        if outcome.flags:
            feed.wake()

    try:
        yield committed
    finally:
        feed.close()
        store.close()
        reading.close()
