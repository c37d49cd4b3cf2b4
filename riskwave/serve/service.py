"""All that a server has open, in one place."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from riskwave.control.store import Control, control_path
from riskwave.run.cli import Inputs
from riskwave.serve.bucket import Buckets
from riskwave.serve.decider import Decider
from riskwave.serve.keys import Keys, keys_path
from riskwave.serve.notes import Notes, notes_path
from riskwave.serve.settings import Settings


class Service:
    """The state with its engine, the control store, the keys and the notes."""

    def __init__(
        self,
        state: Path,
        settings: Settings | None = None,
        *,
        inputs: Inputs | None = None,
        registry: str | None = None,
        memory: str = "1GB",
    ) -> None:
        """registry: where the models are, for those that are shown; None for none."""
        self.settings = settings or Settings()
        self.decider = Decider(state, self.settings, inputs=inputs, memory=memory)
        #: For people's reads and writes; the engine has one of its own.
        self.control = Control.open(control_path(state))
        self.keys = Keys(keys_path(state))
        self.notes = Notes(notes_path(state))
        self.buckets = Buckets()
        self.registry = registry
        #: For what takes long: reads of the state, compiling rules.
        self.pool = ThreadPoolExecutor(4, "riskwave-serve")

    @property
    def state(self) -> Path:
        """The state file."""
        return self.decider.state

    def close(self) -> None:
        """Decide what waits, commit, and let go of everything."""
        self.decider.close()
        self.pool.shutdown()
        self.control.close()
        self.keys.close()
        self.notes.close()
