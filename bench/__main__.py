"""`python -m bench`: `riskwave bench` with a real broker started for it. Options are passed on."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from riskwave.allocator import start_with_allocator
from riskwave.cli import app
from tests.support.kafka_server import missing, running_broker

if __name__ == "__main__":
    start_with_allocator()
    lacking = missing()
    if lacking:
        sys.stderr.write(f"{lacking}: no latency over a topic\n")
        app(["bench", *sys.argv[1:]])
    else:
        with tempfile.TemporaryDirectory() as folder, running_broker(Path(folder)) as broker:
            app(["bench", "--kafka", broker.address, *sys.argv[1:]])
