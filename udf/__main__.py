"""`python -m udf`: serve risk_score until SIGINT or SIGTERM."""

from __future__ import annotations

import argparse
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

import pyarrow as pa

from riskwave.errors import RiskwaveError
from riskwave.scoring.function import MODEL, Scoring
from riskwave.scoring.local import LocalScorer
from riskwave.scoring.remote import Guarded
from riskwave.scoring.routes import models_folder
from riskwave.scoring.service import ScoringService
from riskwave.tracing import close_tracing, open_tracing
from udf.access import check_address, is_loopback, read_key
from udf.metrics import Metrics
from udf.server import ScoringServer


def options() -> argparse.ArgumentParser:
    """What it is told at its start."""
    parser = argparse.ArgumentParser(
        prog="python -m udf",
        description="Serve risk_score over Arrow Flight, and over gRPC. Callers send the key in RISKWAVE_SCORING_KEY.",
    )
    parser.add_argument("--listen", default="127.0.0.1:8815", help="host:port of Flight; port 0 takes a free one")
    parser.add_argument("--grpc", help="host:port of gRPC (udf/scoring.proto); without it there is none")
    parser.add_argument("--models", type=Path, default=models_folder(), help="the folder of the models online")
    parser.add_argument("--metrics", metavar="HOST:PORT", help="also serve what it measures, over HTTP for Prometheus")
    parser.add_argument("--key-file", type=Path, help="a file with the key, in place of RISKWAVE_SCORING_KEY")
    parser.add_argument(
        "--open-flight", action="store_true", help="ask no key of Flight, for RisingWave, whose client carries none"
    )
    return parser


def main() -> int:
    """Serve. Says where it listens once it does."""
    given = options().parse_args()
    key = read_key(given.key_file)
    for option, address, keyed in (
        ("--listen", given.listen, key is not None or given.open_flight),
        ("--grpc", given.grpc, key is not None),
    ):
        if address is not None:
            check_address(option, address)
        if address is not None and not keyed and not is_loopback(address):
            lifted = ", or --open-flight on a network that is RisingWave's alone" if option == "--listen" else ""
            raise RiskwaveError(f"{option} {address}: others could ask without a key; set RISKWAVE_SCORING_KEY{lifted}")
    local = LocalScorer(given.models, MODEL)
    scoring = Scoring(local, Guarded(local, retries=0))
    metrics = Metrics()
    try:
        server = ScoringServer(given.listen, scoring, metrics, key=None if given.open_flight else key)
    except (pa.ArrowException, OSError) as fault:
        raise RiskwaveError(f"--listen {given.listen}: cannot listen there; is the port taken?") from fault
    places = [f"{given.listen.rpartition(':')[0]}:{server.port}"]
    open_tracing("riskwave-scoring")
    with ExitStack() as opened:
        opened.callback(close_tracing)
        if given.grpc is not None:
            # Without it there is no need of gRPC's packages.
            from udf.grpc_server import serve_grpc

            running, port = serve_grpc(given.grpc, opened.enter_context(ScoringService(scoring)), key)
            opened.callback(lambda: running.stop(5.0).wait())
            places.append(f"{given.grpc.rpartition(':')[0]}:{port} (gRPC)")

        def end(number: int, frame: FrameType | None) -> None:
            del number, frame
            server.shutdown()

        signal.signal(signal.SIGTERM, end)
        scored = f"model {local.routes.label}" if local.routes else "no model online yet"
        if given.metrics:
            metrics.serve(given.metrics)
        sys.stdout.write(f"listening on {', '.join(places)}, {scored}\n")
        sys.stdout.flush()
        server.serve()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RiskwaveError as error:
        sys.exit(str(error))
