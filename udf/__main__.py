"""`python -m udf`: serve risk_score until SIGINT or SIGTERM."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from types import FrameType

from riskwave.errors import RiskwaveError
from riskwave.scoring.function import MODEL, Scoring
from riskwave.scoring.local import LocalScorer
from riskwave.scoring.remote import Guarded
from riskwave.scoring.routes import models_folder
from udf.metrics import Metrics
from udf.server import ScoringServer


def main() -> int:
    """Serve. Says where it listens once it does."""
    parser = argparse.ArgumentParser(prog="python -m udf", description="Serve risk_score over Arrow Flight.")
    parser.add_argument("--listen", default="127.0.0.1:8815", help="host:port; port 0 takes a free one")
    parser.add_argument("--models", type=Path, default=models_folder(), help="the folder of the models online")
    parser.add_argument("--metrics", metavar="HOST:PORT", help="also serve what it measures, over HTTP for Prometheus")
    given = parser.parse_args()
    local = LocalScorer(given.models, MODEL)
    metrics = Metrics()
    server = ScoringServer(given.listen, Scoring(local, Guarded(local, retries=0)), metrics)

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        server.shutdown()

    signal.signal(signal.SIGTERM, end)
    host = given.listen.rpartition(":")[0]
    scored = f"model {local.routes.label}" if local.routes else "no model online yet"
    if given.metrics:
        metrics.serve(given.metrics)
    sys.stdout.write(f"listening on {host}:{server.port}, {scored}\n")
    sys.stdout.flush()
    server.serve()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RiskwaveError as error:
        sys.exit(str(error))
