"""The bench on a real RisingWave and a real Kafka: every payment offered is decided, and nothing stays there."""

from __future__ import annotations

import psycopg
import pytest

from riskwave.bench.stream import Offered, measure_stream

pytestmark = pytest.mark.xdist_group("risingwave")


def test_what_is_offered_is_decided(risingwave: str, kafka: str) -> None:
    report = measure_stream(risingwave, Offered(kafka, kafka, rates=[100, 200], seconds=5, variables={}))
    assert [each.rate for each in report.rates] == [100, 200]
    assert [each.events for each in report.rates] == [500, 1000]
    for each in report.rates:
        assert each.undecided == 0
        assert 0 < each.p50_ms <= each.p99_ms
        assert 0 < each.one_row <= 1
    assert report.events == 1500
    assert report.batch_events_per_s > 0
    with psycopg.connect(risingwave, autocommit=True) as server:
        assert server.execute("select name from rw_schemas where name like 'riskwave_bench_%'").fetchall() == []
