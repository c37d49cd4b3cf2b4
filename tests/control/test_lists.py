"""When an entry ends, and who writes."""

from __future__ import annotations

from datetime import datetime

import pytest

from riskwave.control.identity import identity
from riskwave.control.lists import parse_end
from riskwave.errors import RiskwaveError

NOW = datetime(2026, 3, 1, 12)


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("30m", datetime(2026, 3, 1, 12, 30)),
        ("12h", datetime(2026, 3, 2)),
        ("7d", datetime(2026, 3, 8, 12)),
        ("2w", datetime(2026, 3, 15, 12)),
        ("2026-12-31", datetime(2026, 12, 31)),
        ("2026-12-31T18:00Z", datetime(2026, 12, 31, 18)),
        ("2026-12-31T18:00+02:00", datetime(2026, 12, 31, 16)),
    ],
)
def test_an_end_is_a_span_or_a_time(text: str, end: datetime) -> None:
    assert parse_end(text, now=NOW) == end


@pytest.mark.parametrize("text", ["", "7", "7y", "soon", "2026-02-31", "999999w", "2026-03-01", "0d"])
def test_another_end_is_refused(text: str) -> None:
    with pytest.raises(RiskwaveError, match="--expires"):
        parse_end(text, now=NOW)


def test_who_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RISKWAVE_USER", "ann")
    assert (identity("ben"), identity(" "), identity()) == ("ben", "ann", "ann")
    monkeypatch.delenv("RISKWAVE_USER")
    assert identity()
