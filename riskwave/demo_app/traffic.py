"""Live payments: asked about one by one, as a payment system would, and labelled when labels come."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx2

from riskwave.demo_app.bank import Bank

TIMEOUT_S = 30.0


@dataclass
class Told:
    """What came of the traffic so far."""

    decided: int = 0
    refused: int = 0
    labels: int = 0
    actions: dict[str, int] = field(default_factory=dict)


class Traffic:
    """Payments and labels in the bank's time, which runs `speed` times as fast as the clock."""

    def __init__(self, api: str, gateway: str, labeller: str, bank: Bank, speed: float) -> None:
        """gateway, labeller: keys that decide and that label."""
        self._bank = bank
        self._speed = speed
        self._gateway = _client(api, gateway)
        self._labeller = _client(api, labeller)
        self.told = Told()

    def run(self, stop: threading.Event, tell: Callable[[Told], None]) -> None:
        """Send what is due until there is no more, or until it is stopped."""
        labels = self._bank.labels(live=True).to_pylist()
        began = time.monotonic()
        try:
            for at, payment in self._bank.payments():
                while labels and labels[0]["arrived_at"] <= at:
                    self._label(labels.pop(0))
                if stop.wait(max(self._due(at) - (time.monotonic() - began), 0.0)):
                    return
                self._decide(payment)
                tell(self.told)
        finally:
            self._gateway.close()
            self._labeller.close()

    def _due(self, at: datetime) -> float:
        return (at - self._bank.begins).total_seconds() / self._speed

    def _decide(self, payment: dict[str, Any]) -> None:
        answer = self._ask(self._gateway, "/v1/decisions", payment)
        if answer is None or not answer.is_success:
            self.told.refused += 1
            return
        action = answer.json()["action"]
        self.told.decided += 1
        self.told.actions[action] = self.told.actions.get(action, 0) + 1

    def _label(self, label: dict[str, Any]) -> None:
        said = {name: label[name] for name in ("event_id", "verdict", "scenario", "episode_id") if label[name]}
        answer = self._ask(self._labeller, "/v1/labels", {**said, "note": f"from the {label['source'] or 'bank'}"})
        self.told.labels += answer is not None and answer.is_success

    def _ask(self, client: httpx2.Client, path: str, body: dict[str, Any]) -> httpx2.Response | None:
        try:
            return client.post(path, json=body)
        except httpx2.TransportError:
            return None


def _client(api: str, key: str) -> httpx2.Client:
    return httpx2.Client(base_url=api, timeout=TIMEOUT_S, headers={"Authorization": f"Bearer {key}"})
