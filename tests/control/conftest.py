"""An empty control store, and one with a live pack."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from riskwave.control import Control
from riskwave.control.lifecycle import publish
from tests.control.packs import SHARED, VELOCITY, pack


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Control]:
    with Control.open(tmp_path / "bank.duckdb.control") as control:
        yield control


@pytest.fixture
def live(empty: Control) -> Control:
    publish(empty, pack(VELOCITY, SHARED), why="first", author="ann")
    return empty
