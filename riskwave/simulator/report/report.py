"""The report: scenario by scenario, the single feature that tells its events best from legitimate ones."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from riskwave.errors import RiskwaveError
from riskwave.simulator.arrow import Column, pc
from riskwave.simulator.bank import SimulatedBank
from riskwave.simulator.draws import Floats
from riskwave.simulator.events import SCENARIOS
from riskwave.simulator.report.auc import auc_against, ranked
from riskwave.simulator.report.features import features

#: No single feature may do better, for any scenario but card testing.
AUC_LIMIT = 0.97
EXEMPT = "card_testing"
#: Fewer events than this say nothing of a scenario.
ENOUGH = 30


@dataclass(frozen=True)
class Line:
    """One scenario: its episodes, fraudulent events, money at stake, and the best single features."""

    scenario: str
    episodes: int
    events: int
    money_minor: int  # approved, in minor units of the cards' own currencies
    best: tuple[tuple[str, float], ...]  # feature and AUC, best first

    @property
    def auc(self) -> float:
        """AUC of the best feature; 0.5 without one."""
        return self.best[0][1] if self.best else 0.5

    @property
    def holds(self) -> bool:
        """Whether no single feature gives the scenario away, as far as its events can say."""
        return self.scenario == EXEMPT or self.events < ENOUGH or self.auc <= AUC_LIMIT


def report(bank: SimulatedBank, made: Path | None = None, best: int = 1) -> list[Line]:
    """A line for each scenario that happened, with its `best` features.

    Besides the report's own features, those in the Parquet file `made` are tried: its numeric columns, by
    event_id, named made.<column>. Raises RiskwaveError when `made` cannot be read or
    knows none of the events.
    """
    payments = _once(bank.transactions)
    tried = features(payments, bank.profiles, bank.devices)
    if made is not None:
        tried.update(_made_features(made, payments))
    frauds = bank.labels.filter(pc.equal(bank.labels["verdict"], "fraud"))
    place = _place(payments["event_id"], frauds["event_id"])
    scenario, episode = (
        frauds[name].combine_chunks().take(place).to_numpy(zero_copy_only=False) for name in ("scenario", "episode_id")
    )
    approved = np.array(pc.equal(payments["response_code"], "00"))
    rows = {name: np.flatnonzero(scenario == name) for name in SCENARIOS}
    rows = {name: mine for name, mine in rows.items() if len(mine)}
    found = _aucs(tried, rows, np.flatnonzero(place.is_null().to_numpy(zero_copy_only=False)))
    lines = []
    for name, mine in rows.items():
        money = int(tried["amount"][mine][approved[mine]].sum())
        top = sorted(found[name].items(), key=lambda pair: -pair[1])[:best]
        lines.append(Line(name, len(set(episode[mine])), len(mine), money, tuple(top)))
    return lines


def _aucs(tried: dict[str, Floats], rows: dict[str, np.ndarray], legitimate: np.ndarray) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {name: {} for name in rows}
    if len(legitimate) == 0:
        return found
    for feature, values in tried.items():
        others = ranked(values[legitimate])
        for name, mine in rows.items():
            found[name][feature] = auc_against(values[mine], others)
    return found


def _once(transactions: pa.Table) -> pa.Table:
    """Each event once, by time."""
    ordered = transactions.sort_by([("event_ts", "ascending"), ("event_id", "ascending")])
    ids = ordered["event_id"].combine_chunks()
    again = np.zeros(len(ids), bool)
    again[1:] = np.array(pc.equal(ids[1:], ids[:-1]))
    return ordered.filter(pa.array(~again))


def _place(ids: Any, among: Any) -> Column:
    """Position of each id in `among`, null for none."""
    return pc.index_in(ids.combine_chunks(), value_set=among.combine_chunks())


def _made_features(path: Path, payments: pa.Table) -> dict[str, Floats]:
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0]
        raise RiskwaveError(f"{path}: cannot be read as Parquet ({reason}); give decisions.parquet") from None
    if "event_id" not in table.column_names:
        raise RiskwaveError(f"{path}: no column event_id; it has {', '.join(table.column_names[:8])}")
    place = _place(payments["event_id"], table["event_id"])
    if place.null_count == len(place):
        raise RiskwaveError(f"{path}: knows none of these events; simulate with the same events and seed")
    return {
        f"made.{name}": _numbers(table[name].combine_chunks()).take(place).to_numpy(zero_copy_only=False)
        for name in table.column_names
        if _is_numeric(table.schema.field(name).type)
    }


def _is_numeric(kind: Any) -> bool:
    checks = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_decimal)
    return any(check(kind) for check in checks)


def _numbers(column: Column) -> Column:
    return (column.cast(pa.int8()) if pa.types.is_boolean(column.type) else column).cast(pa.float64())
