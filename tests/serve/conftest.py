"""A server in this process, over a state of its own with a month of a simulated bank in it."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from riskwave.engine.engine import Engine
from riskwave.serve.app import create_app
from riskwave.serve.service import Service
from riskwave.serve.settings import Settings
from riskwave.simulator.bank import simulate

#: Long enough for a machine that does a dozen other things.
PATIENT = Settings(deadline_ms=30_000, rate=1e6, burst=1e6, job_s=600)
HISTORY = 1_500


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state with decided events, never served: to be copied."""
    state = tmp_path_factory.mktemp("filled") / "bank.duckdb"
    bank = simulate(HISTORY, 5, malformed=0.005)
    engine = Engine(state)
    engine.add_facts("card_profiles", bank.profiles)
    engine.add_facts("devices", bank.devices)
    engine.process(bank.arrivals.rows(0, len(bank.arrivals)), labels=bank.labels)
    engine.close()
    return state


def copied(filled: Path, folder: Path) -> Path:
    """A state of one's own."""
    for path in filled.parent.glob(f"{filled.name}*"):
        if path.is_file():
            shutil.copy(path, folder / path.name)
    return folder / filled.name


class Served:
    """A running service and clients of it with keys of any scopes."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.app = create_app(service)

    def token(self, *scopes: str, role: str | None = None, owner: str = "somebody") -> str:
        return self.service.keys.create(f"key-{uuid4().hex}", owner=owner, role=role, scopes=scopes)[1]

    def client(self, *scopes: str, role: str | None = None, owner: str = "somebody") -> TestClient:
        """A client with a key of a role or scopes; without either, without a key. It is not closed with the app."""
        client = TestClient(self.app, raise_server_exceptions=False)
        if scopes or role:
            client.headers["Authorization"] = f"Bearer {self.token(*scopes, role=role, owner=owner)}"
        return client


@pytest.fixture(scope="session")
def serving() -> Iterator[Callable[..., Served]]:
    """Serves states until the session ends."""
    services: list[Service] = []

    def serve(state: Path, settings: Settings = PATIENT, **more: Any) -> Served:
        service = Service(state, settings, **more)
        service.decider.start()
        services.append(service)
        return Served(service)

    yield serve
    for service in services:
        service.close()


@pytest.fixture(scope="session")
def served(filled: Path, serving: Callable[..., Served]) -> Served:
    """A server over `filled`, which tests add to."""
    return serving(filled)


_events = itertools.count()


@pytest.fixture
def payment() -> Callable[..., dict[str, Any]]:
    """Makes payments that were never made before."""

    def make(**fields: Any) -> dict[str, Any]:
        return {
            "event_id": f"pay-{next(_events)}",
            "event_ts": "2026-03-01T12:00:00Z",
            "card_id": "c-one",
            "amount_minor": 4_990,
            "currency": "EUR",
            "channel": "ecommerce",
            **fields,
        }

    return make
