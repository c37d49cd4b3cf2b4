"""A state made by hand, with a pack live beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from riskwave.control import Control, control_path
from riskwave.control.lifecycle import publish
from riskwave.control.lists import add_entry
from tests.backtest.made import Row, decided, labels, make_state, pack, rows


@dataclass(frozen=True)
class Made:
    path: Path
    events: list[Row]
    labels: list[Row]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    path = tmp_path_factory.mktemp("backtest") / "bank.duckdb"
    events = rows(600)
    told = labels(events)
    with Control.open(control_path(path)) as control:
        publish(control, pack(), why="first", author="ann")
        add_entry(control, "block_ip", "10.1.0.0/16", reason="a botnet", author="ann")
        add_entry(control, "allow_card", "c3", reason="a director's", author="ann")
        make_state(path, events, told, decided(control, events))
    return Made(path, events, told)
