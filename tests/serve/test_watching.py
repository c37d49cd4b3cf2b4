"""What Prometheus and Grafana are set up to look at is what the server says of itself."""

from __future__ import annotations

import re

from tests.serve.conftest import Served
from tests.support.kafka_server import ROOT


def test_every_figure_that_is_watched_is_there(served: Served) -> None:
    text = served.client("metrics").get("/metrics").text
    there = set(re.findall(r"# TYPE (riskwave_\w+)", text))
    named = set()
    for file in (ROOT / "compose").rglob("*"):
        if file.is_file():
            named |= set(re.findall(r"riskwave_[a-z_]+(?=[{\[) \"]|$)", file.read_text(), re.MULTILINE))
    assert {name.removesuffix("_bucket") for name in named} - there == set()
    assert len(named) > 10
