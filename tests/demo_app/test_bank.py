"""The demonstration's bank: its past is over, its payments come in their order, their labels after them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow.compute as pc

from riskwave.demo_app.bank import make_bank


def test_the_past_is_over_and_the_rest_comes() -> None:
    bank = make_bank(2_000, 3, days=10, live_days=2.0, speed=60.0)
    now = datetime.now(UTC).replace(tzinfo=None)
    payments = list(bank.payments())
    times = [at for at, _ in payments]
    assert times == sorted(times)
    assert bank.begins <= times[0]
    assert 0 < len(payments) < 1_000
    assert bank.cut + len(payments) == 2_000
    # Played from now on, no payment is made before it is so late.
    assert times[-1] <= now + (times[-1] - bank.begins) / 60.0
    assert now - times[-1] < timedelta(days=1.2)
    before, after = bank.labels(live=False), bank.labels(live=True)
    assert len(before) + len(after) == len(bank.bank.labels)
    assert pc.max(before["arrived_at"]).as_py() < bank.begins <= pc.min(after["arrived_at"]).as_py()
    assert all(value is not None for value in payments[0][1].values())
    assert str(payments[0][1]["event_ts"]).endswith("Z")


def test_people_keep_their_hours() -> None:
    from riskwave.simulator.bank import simulate

    made = simulate(2_000, 3, days=10).transactions["event_ts"]
    moved = make_bank(2_000, 3, days=10).bank.transactions["event_ts"]
    apart = {two.as_py() - one.as_py() for one, two in zip(made, moved, strict=True)}
    assert len(apart) == 1
    assert next(iter(apart)) % timedelta(days=1) == timedelta(0)
