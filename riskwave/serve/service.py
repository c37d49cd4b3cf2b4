"""All that a server has open, in one place."""

from __future__ import annotations

from pathlib import Path

from riskwave.alerts.feed import AlertFeed
from riskwave.alerts.figures import AlertFigures
from riskwave.alerts.store import AlertStore, alerts_path
from riskwave.control.store import Control, control_path
from riskwave.risingwave.dsn import Address
from riskwave.risingwave.governing import Governing
from riskwave.run.cli import Inputs
from riskwave.serve.bucket import Buckets
from riskwave.serve.copies import Copies
from riskwave.serve.decider import Decider
from riskwave.serve.jobs import Jobs
from riskwave.serve.keys import Keys, keys_path
from riskwave.serve.models import online_models
from riskwave.serve.notes import Notes, notes_path
from riskwave.serve.settings import Settings
from riskwave.serve.watching import Watching
from riskwave.serve.webhook import Webhook


class Service:
    """The state with its engine, the control store, the keys, the notes and the alerts."""

    def __init__(
        self,
        state: Path,
        settings: Settings | None = None,
        *,
        inputs: Inputs | None = None,
        history: Address | None = None,
        registry: str | None = None,
        webhook: tuple[str, bytes] | None = None,
        memory: str = "1GB",
    ) -> None:
        """history: a RisingWave deployment that has the history, instead of the state; registry: where the models are;
        webhook: a receiver of decisions, and the signature's secret.
        """
        self.settings = settings or Settings()
        # Jobs are processes that work in a folder of their own.
        state = state.resolve()
        if registry is not None and "://" not in registry:
            registry = str(Path(registry).resolve())
        self.decider = Decider(state, self.settings, inputs=inputs, history=history, memory=memory)
        #: For people's reads and writes; the engine has one of its own.
        self.control = Control.open(control_path(state))
        self._governing = Governing(control_path(state), history) if history is not None else None
        self.keys = Keys(keys_path(state))
        self.notes = Notes(notes_path(state))
        self.alerts = AlertStore(alerts_path(state))
        self.feed = AlertFeed(self.alerts, self.decider.reading.rows)
        self.decider.flagged = self.feed.wake
        self.decider.metrics.registry.register(AlertFigures(self.alerts))
        self.buckets = Buckets()
        self._copies = Copies(self.decider.reading, state)
        self.jobs = Jobs(self._copies, state, self.settings)
        self.registry = registry
        self.watching = Watching(
            self.jobs,
            self.decider.metrics,
            registry,
            lambda: online_models(registry),
            watch_s=self.settings.watch_s,
            insight_s=self.settings.insight_s,
        )
        self.webhook = Webhook(*webhook, self.decider.reading, self.notes) if webhook else None

    @property
    def state(self) -> Path:
        """The state file."""
        return self.decider.state

    def close(self) -> None:
        """Decide what waits, commit, and let go of everything."""
        if self._governing is not None:
            self._governing.close()
        self.watching.close()
        self.jobs.close()
        if self.webhook is not None:
            self.webhook.close()
        self.decider.finish()
        self.feed.close()
        self.decider.close()
        self.control.close()
        self.keys.close()
        self.notes.close()
        self.alerts.close()
        self._copies.close()
