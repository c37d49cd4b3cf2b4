"""`risk_score` as DuckDB has it: an Arrow function over chunks of rows."""

from __future__ import annotations

import atexit
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from duckdb.func import FunctionNullHandling, PythonUDFType

from riskwave.scoring.given import Listed
from riskwave.scoring.layout import RESULT_SQL, layout, unscored
from riskwave.scoring.local import LocalScorer
from riskwave.scoring.remote import Call, Guarded, RemoteScorer
from riskwave.scoring.routes import models_there
from riskwave.tracing import traced

log = logging.getLogger("riskwave")

FUNCTION = "risk_score"
#: The variable that names a scoring server, host:port or http://host:port, to score by in place of this process.
SERVER = "RISKWAVE_SCORING_SERVER"
#: The model that the decisions' SQL calls.
MODEL = "card"
#: Connections that have the function: one that is left at the end of the process makes DuckDB complain of leaks.
_having: dict[int, duckdb.DuckDBPyConnection] = {}


def open_scorer(folder: Path | None = None, server: str | None = None) -> Scoring:
    """What scores events: a server where one is named, else the models online in a folder.

    By default what RISKWAVE_SCORING_SERVER and RISKWAVE_MODELS say. Raises RiskwaveError when a model is online that
    cannot be loaded, and when RISKWAVE_MODELS names no folder.
    """
    address = server or os.environ.get(SERVER)
    if address:
        return Scoring(None, Guarded(RemoteScorer(address, MODEL)))
    local = LocalScorer(folder or models_there(), MODEL)
    _tell_of_changes(local)
    return Scoring(local, Guarded(local, retries=0))


def _tell_of_changes(local: LocalScorer) -> None:
    """Warn of models that learned from other features than there are now: they score, by what they were not taught."""
    if local.loaded is None:
        return
    # Loads what scores, which is not wanted where no model is online.
    from riskwave.scoring.match import mismatches

    for version, scorer in local.loaded.scorers.items():
        for found in mismatches(scorer.card):
            log.warning("model %s %s scores, and should be trained anew: %s", local.name, version, found)


class Scoring:
    """Scores events, and never fails: what cannot be scored is degraded."""

    def __init__(self, local: LocalScorer | None, call: Call) -> None:
        self.local, self.call = local, call

    @property
    def is_idle(self) -> bool:
        """Whether no model is online: nothing is to be asked."""
        return self.local is not None and self.local.loaded is None

    def refresh(self) -> None:
        """Take up what was published since; at once when it does not have to be loaded."""
        if self.local is not None:
            self.local.refresh()

    def settle(self) -> None:
        """Wait until what is published scores."""
        if self.local is not None:
            self.local.settle()

    @traced("riskwave.score")
    def __call__(self, given: Listed) -> pa.StructArray:
        """Results of events (RESULT)."""
        return unscored(given.rows) if self.is_idle else self.call(given)


def register(connection: duckdb.DuckDBPyConnection, scoring: Scoring) -> None:
    """Give a connection the function `risk_score(model, card_id, numbers, texts)`."""
    order = layout()
    _having[id(connection)] = connection

    def risk_score(model: Any, cards: Any, numbers: Any, texts: Any) -> Any:
        del model
        if scoring.is_idle:
            return unscored(len(cards))
        return scoring(Listed(cards, numbers, texts, order))

    connection.create_function(
        FUNCTION,
        risk_score,
        ["varchar", "varchar", "double[]", "varchar[]"],
        RESULT_SQL,
        type=PythonUDFType.ARROW,
        null_handling=FunctionNullHandling.SPECIAL,
    )


def unregister(connection: duckdb.DuckDBPyConnection) -> None:
    """Take the function away; twice is once, as closing is."""
    _having.pop(id(connection), None)
    with suppress(duckdb.Error):
        connection.remove_function(FUNCTION)


@atexit.register
def _unregister_all() -> None:
    """Where nobody closed: an error ended the process."""
    for connection in list(_having.values()):
        unregister(connection)
