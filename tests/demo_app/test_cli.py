"""`riskwave demo-app` as it is begun and ended: everything answers, payments are decided live, nothing is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from tests.support.processes import wait_until

LIMIT_S = 180.0


@pytest.mark.xdist_group("app")
def test_it_decides_live_and_ends_at_once(tmp_path: Path) -> None:
    pytest.importorskip("streamlit")
    folder, said = tmp_path / "demo", tmp_path / "said"
    command = [sys.executable, "-m", "riskwave", "demo-app", "--events", "1500", "--folder", str(folder), "--json"]
    command += ["--port", "0", "--api-port", "0", "--no-models", "--no-browser", "--speed", "3000"]
    with said.open("wb") as out, (tmp_path / "err").open("wb") as err:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env={**os.environ})
    try:
        wait_until(
            lambda: bool(said.read_text().strip()) or process.poll() is not None, limit_s=LIMIT_S, what="its address"
        )
        assert process.poll() is None, (tmp_path / "err").read_text()
        told = json.loads(said.read_text())
        assert told["model"] is False
        assert httpx2.get(f"{told['url']}/_stcore/health").status_code == 200
        with httpx2.Client(base_url=told["api"], timeout=60) as client:
            client.headers["Authorization"] = f"Bearer {told['keys']['ann']}"
            assert client.get("/v1/me").json()["role"] == "analyst"
            wait_until(lambda: client.get("/v1/status").json()["events"] >= 5, limit_s=LIMIT_S, what="live payments")
            states = {one["state"] for one in client.get("/v1/rulesets").json()["items"]}
            assert {"live", "shadow"} <= states
        process.send_signal(signal.SIGINT)
        assert process.wait(LIMIT_S) == 0
    finally:
        process.kill()
        process.wait()
    with pytest.raises(httpx2.TransportError):
        httpx2.get(f"{told['api']}/healthz")
    # No key of this run is written down anywhere beside their hashes.
    kept = b"".join(path.read_bytes() for path in folder.glob("*") if path.is_file())
    secrets = [key.split("_", 2)[2].encode() for key in told["keys"].values()]
    assert not any(secret in kept for secret in secrets)


def test_a_folder_of_others_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "bank.duckdb").write_text("keep me")
    command = [sys.executable, "-m", "riskwave", "demo-app", "--folder", str(tmp_path)]
    done = subprocess.run(
        [*command, "--port", "0", "--api-port", "0"], capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    assert done.returncode != 0
    assert "--folder" in done.stderr
    assert (tmp_path / "bank.duckdb").read_text() == "keep me"
