"""Events are split by time, with a delay for the labels, whatever the history looks like."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskwave.errors import RiskwaveError
from riskwave.scoring.history import History
from riskwave.scoring.split import Cut, split

DAY = 86_400_000_000


def history_at(microseconds: list[int]) -> History:
    at = np.sort(np.array(microseconds, "datetime64[us]"))
    never = np.full(len(at), np.datetime64("NaT", "us"))
    return History("made", pa.table({"n": np.arange(len(at))}), at, never, never, np.full(len(at), -1))


def evenly(days: float, events: int) -> History:
    return history_at(np.linspace(0, days * DAY, events).astype(int).tolist())


@given(
    st.lists(st.integers(0, 40 * DAY), min_size=300, max_size=500),
    st.floats(0.5, 15),
    st.floats(0.1, 0.4),
    st.booleans(),
)
def test_nothing_later_is_learned_from(times: list[int], delay: float, test: float, keep_test: bool) -> None:
    history = history_at([0, *times, 40 * DAY])
    cut = Cut(delay_days=delay, test=test)
    try:
        parts = split(history, cut, keep_test=keep_test)
    except RiskwaveError as error:
        assert "needed" in str(error)
        return
    assert parts.train.stop == parts.valid.start
    assert parts.valid.stop <= parts.test.start
    learned = history.at[: parts.valid.stop]
    assert (learned <= parts.as_of - np.timedelta64(int(delay * DAY), "us")).all()
    assert (history.at[parts.test] >= parts.as_of).all()
    assert (parts.test.stop > parts.test.start) == keep_test


def test_the_parts_of_a_month() -> None:
    history = evenly(40, 401)
    parts = split(history, Cut(delay_days=10, test=0.25, valid=0.5))
    # labels as of day 30, so learned until day 20, half of it tuned on
    assert parts.as_of == np.datetime64("1970-01-31T00:00:00", "us")
    assert (parts.train, parts.valid, parts.test) == (slice(0, 100), slice(100, 200), slice(300, 401))


@pytest.mark.parametrize(
    ("days", "events", "message"),
    [(5, 500, "5.0 days are too few for a delay of 7 days"), (40, 100, "events fall into the part for")],
)
def test_too_short_a_history_is_said(days: float, events: int, message: str) -> None:
    with pytest.raises(RiskwaveError, match=message):
        split(evenly(days, events), Cut())
