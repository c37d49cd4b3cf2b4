"""`python -m bench`: `riskwave bench` with a real broker started for it. Options are passed on."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.kafka_server import missing, running_broker


def _bench(*options: str) -> int:
    return subprocess.run([sys.executable, "-m", "riskwave", "bench", *options, *sys.argv[1:]], check=False).returncode


if __name__ == "__main__":
    lacking = missing()
    if lacking:
        sys.stderr.write(f"{lacking}: no latency over a topic\n")
        sys.exit(_bench())
    with tempfile.TemporaryDirectory() as folder, running_broker(Path(folder)) as broker:
        ended = _bench("--kafka", broker.address)
    sys.exit(ended)
