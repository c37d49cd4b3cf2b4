"""`python -m bench.serve`: `riskwave serve` as a process of its own, asked at a steady rate whatever it answers.

A model is trained on another simulated bank and put online before, so that every decision has a score of it.

Latency is from when a request was due, not from when it could be sent; beside it, from when it was sent, which leaves
out what waits for a connection in the asking process. Then it is asked for five times what it carried with all
connections busy, and at the steady rate again.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import httpx2
import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from bench.rollout import models
from riskwave.allocator import start_with_allocator
from riskwave.engine.engine import Engine
from riskwave.serve.keys import Keys, keys_path
from riskwave.simulator import SimulatedBank, simulate
from tests.support.processes import free_port, wait_until

CONNECTIONS = 64
MOST = 2_000  # connections, open before: a request that finds none waits, and its latency since due grows
BATCH = 20_000


@dataclass(frozen=True)
class Answer:
    """A status, the milliseconds it took once sent, and whether it is a decision that a model scored."""

    status: int
    took_ms: float
    scored: bool


@dataclass
class Seen:
    """What came of a stretch: statuses, milliseconds of the decisions since due and since sent, seconds it took.

    scored: decisions that a model scored.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    sent: list[float] = field(default_factory=list)
    scored: int = 0
    seconds: float = 0.0

    def answered(self, answer: Answer, since_due: float | None = None) -> None:
        """Count an answer; the milliseconds are kept of decisions alone. since_due: None when sent as it was due."""
        self.statuses[answer.status] += 1
        if answer.status == 200:
            self.latencies.append(answer.took_ms if since_due is None else since_due)
            self.sent.append(answer.took_ms)
            self.scored += answer.scored

    def row(self, name: str, rate: float) -> list[str]:
        """For the table."""
        total = max(sum(self.statuses.values()), 1)
        decided = self.statuses[200]
        shed = self.statuses[429] + self.statuses[503]
        nothing = [float("nan")]
        p50, p99 = np.quantile(self.latencies or nothing, [0.5, 0.99])
        sent = np.quantile(self.sent or nothing, 0.99)
        others = total - decided - shed
        return [
            *(name, f"{rate:,.0f}", f"{decided / max(self.seconds, 1e-9):,.0f}", f"{p50:,.0f}", f"{p99:,.0f}"),
            *(f"{sent:,.0f}", f"{self.scored / max(decided, 1):.1%}", f"{shed / total:.1%}", f"{others:,}"),
        ]


class Asker:
    """Connections that are kept, and requests over them."""

    def __init__(self, port: int, token: str, deadline_ms: int) -> None:
        self._port = port
        self._head = (
            "POST /v1/decisions HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {token}\r\nRiskwave-Deadline-Ms: {deadline_ms}\r\nContent-Length: "
        ).encode()
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._room = asyncio.Semaphore(MOST)

    async def connect(self) -> None:
        """Open all connections: a payment system keeps its own."""
        for _ in range(MOST):
            self._free.append(await asyncio.open_connection("127.0.0.1", self._port))

    async def ask(self, body: bytes) -> Answer:
        """Send a request over a free connection, and read what comes."""
        async with self._room:
            found = self._free.pop()
            reader, writer = found
            since = time.perf_counter()
            writer.write(self._head + str(len(body)).encode() + b"\r\n\r\n" + body)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            answered = await reader.readexactly(length)
            self._free.append(found)
            scored = b'"model_version":"' in answered
            return Answer(int(head[9:12]), (time.perf_counter() - since) * 1000, scored)

    async def steadily(self, bodies: list[bytes], rate: float) -> Seen:
        """One body after another, at a rate, whatever is answered."""
        seen = Seen()
        began = time.perf_counter()

        async def one(body: bytes, due: float) -> None:
            answer = await self.ask(body)
            seen.answered(answer, (time.perf_counter() - due) * 1000)

        async with asyncio.TaskGroup() as group:
            for place, body in enumerate(bodies):
                due = began + place / rate
                wait = due - time.perf_counter()
                if wait > 0:
                    await asyncio.sleep(wait)
                group.create_task(one(body, due))
        seen.seconds = time.perf_counter() - began
        return seen

    async def busily(self, bodies: list[bytes], seconds: float) -> Seen:
        """As fast as so many connections go."""
        seen = Seen()
        began = time.perf_counter()
        waiting = iter(bodies)

        async def worker() -> None:
            for body in waiting:
                if time.perf_counter() - began > seconds:
                    return
                seen.answered(await self.ask(body))

        await asyncio.gather(*(worker() for _ in range(CONNECTIONS)))
        seen.seconds = time.perf_counter() - began
        return seen


def fill(state: Path, bank: SimulatedBank, history: int) -> None:
    """Decide the first payments of a bank."""
    engine = Engine(state)
    engine.add_facts("card_profiles", bank.profiles)
    engine.add_facts("devices", bank.devices)
    for start in range(0, history, BATCH):
        engine.process(bank.arrivals.rows(start, min(BATCH, history - start)))
    engine.close()


def model_online(folder: Path) -> Path:
    """Train a model, publish and promote it; the folder of what is online."""
    models(folder, ["train", "--history", "sim:?events=20000&seed=1&fraud_share=0.04"])
    models(folder, ["publish", "latest"])
    models(folder, ["promote", "latest"])
    return folder / "online"


async def measure(
    port: int, token: str, bodies: list[bytes], rate: float, seconds: float, deadline_ms: int
) -> list[tuple[str, float, Seen]]:
    """The stretches: steady, busy, five times too much, steady again."""
    asker = Asker(port, token, deadline_ms)
    await asker.connect()
    left = iter(bodies)

    def take(count: float) -> list[bytes]:
        return [body for body, _ in zip(left, range(int(count)), strict=False)]

    await asker.steadily(take(rate * 2), rate)  # what is warm after a while is warmed up
    rows = [("steady", rate, await asker.steadily(take(rate * seconds), rate))]
    busy = await asker.busily(take(4_000 * seconds / 2), seconds / 2)
    carried = max(busy.statuses[200] / busy.seconds, 1.0)
    rows.append((f"{CONNECTIONS} busy connections", carried, busy))
    much = 5 * carried
    rows.append(("five times that", much, await asker.steadily(take(much * seconds / 2), much)))
    rows.append(("steady again", rate, await asker.steadily(take(rate * seconds / 2), rate)))
    return rows


def main(
    rate: Annotated[float, typer.Option(min=1, help="Requests a second.")] = 200.0,
    seconds: Annotated[float, typer.Option(min=1, help="How long the steady stretch is.")] = 20.0,
    history: Annotated[int, typer.Option(min=0, help="Events decided before.")] = 100_000,
    deadline_ms: Annotated[int, typer.Option(min=1, help="The requests' deadline.")] = 1_000,
    model: Annotated[bool, typer.Option(help="Whether a model is online.")] = True,
) -> None:
    """Measure `riskwave serve` on this machine, the asking process included."""
    console = Console()
    asked = int(rate * (2 + seconds * 1.5) + 12_000 * seconds)
    with console.status("simulating, and deciding the history"), tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "bank.duckdb"
        bank = simulate(history + asked, 17)
        fill(state, bank, history)
        bodies = bank.arrivals.rows(history, len(bank.arrivals)).column("raw").to_pylist()
        keys = Keys(keys_path(state))
        token = keys.create("bench", owner="bench", scopes=("decide",), rate=1e6)[1]
        keys.close()
        port = free_port()
        command = [sys.executable, "-m", "riskwave", "serve", "--quiet", "--insight", "0", "--state", str(state)]
        online = {"RISKWAVE_MODELS": str(model_online(Path(folder)))} if model else {}
        process = subprocess.Popen(
            [*command, "--port", str(port)], stdout=subprocess.DEVNULL, env={**os.environ, **online}
        )
        try:

            def ready() -> bool:
                try:
                    return httpx2.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
                except httpx2.TransportError:
                    return False

            wait_until(ready, limit_s=300, what="the server")
            rows = asyncio.run(measure(port, token, bodies, rate, seconds, deadline_ms))
        finally:
            process.terminate()
            process.wait(60)
    table = Table("", "asked/s", "decided/s", "p50 ms", "p99 ms", "p99 ms once sent", "scored", box=None)
    table.add_column("shed")
    table.add_column("other answers")
    for name, at, seen in rows:
        table.add_row(*seen.row(name, at))
    on = "a model online" if model else "no model online"
    console.print(f"{history:,} events of history, {on}, deadline {deadline_ms:,} ms; server and asker on this machine")
    console.print(table)


if __name__ == "__main__":
    start_with_allocator()
    typer.run(main)
