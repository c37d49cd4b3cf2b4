"""One bank, one server, one app and one browser for all tests of the folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.dashboards.running import (
    Running,
    chromium,
    fill,
    make_keys,
    missing,
    running_app,
    send,
    signed_in,
    train,
)

EVENTS = 3_000


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker has them."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("app"))


@pytest.fixture(scope="package")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The app over a bank with decided events."""
    if reason := missing():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("app")
    state, registry = folder / "bank.duckdb", folder / "models.db"
    bank = fill(state, EVENTS)
    train(state, registry)
    with running_app(state, make_keys(state), "--models", str(registry), "--insight", "0") as running:
        send(bank, running)
        yield running


@pytest.fixture(scope="package")
def browser(app: Running) -> Iterator[Browser]:
    """A Chromium; ended with the package, for others run asyncio."""
    expect.set_options(timeout=30_000)
    with chromium() as started:
        yield started


@pytest.fixture(scope="package")
def window(browser: Browser, app: Running) -> Callable[[str], Page]:
    """A window of somebody with a role who has signed in: opened once, and used by every test that asks."""
    opened: dict[str, Page] = {}

    def of(role: str) -> Page:
        if role not in opened:
            opened[role] = signed_in(browser, app, role)
        return opened[role]

    return of
