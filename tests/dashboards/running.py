"""The real app: a bank's state, `riskwave serve` over it, `riskwave app` over that, and a Chromium that opens it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from riskwave.engine.engine import Engine
from riskwave.scoring.history import read_history
from riskwave.scoring.registry import Registry
from riskwave.scoring.rollout import Rollout
from riskwave.scoring.train import Plan, fit, prepare
from riskwave.serve.keys import Keys, keys_path
from riskwave.serve.scopes import ROLES
from riskwave.simulator.bank import SimulatedBank, simulate
from tests.support.processes import free_port, wait_until

LIMIT_S = 120.0
SEED, FRAUDS = 5, 0.06
LATER = 300
#: A laptop's.
SCREEN = {"width": 1366, "height": 768}
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]


@dataclass(frozen=True)
class Running:
    """Where the app and the API are, and a key of each role."""

    app: str
    api: str
    keys: dict[str, str]
    state: Path

    def client(self, role: str) -> httpx2.Client:
        """The API, asked with the key of a role."""
        return httpx2.Client(base_url=self.api, timeout=60, headers={"Authorization": f"Bearer {self.keys[role]}"})


def missing() -> str | None:
    """Why there is no browser; None where there is one."""
    if shutil.which("chromium") is None:
        return "no chromium on PATH: the app's pages are not tested"
    return None


def fill(state: Path, events: int) -> SimulatedBank:
    """Decide a simulated bank's events into a state, all but the last LATER, which are for the server."""
    bank = simulate(events, SEED, fraud_share=FRAUDS)
    engine = Engine(state)
    engine.add_facts("card_profiles", bank.profiles)
    engine.add_facts("devices", bank.devices)
    engine.process(bank.arrivals.rows(0, len(bank.arrivals) - LATER), labels=bank.labels)
    engine.close()
    return bank


def send(bank: SimulatedBank, running: Running) -> None:
    """Ask for the decisions of the bank's last events, as a payment system does."""
    rows = bank.arrivals.rows(len(bank.arrivals) - LATER, LATER)
    with running.client("admin") as client:
        events = [json.loads(raw) for raw in rows["raw"].to_pylist()]
        answer = client.post("/v1/decisions:batch", json={"events": events})
        assert answer.status_code == 200, answer.text


def make_keys(state: Path) -> dict[str, str]:
    """A key of each role, the owner's name after it."""
    keys = Keys(keys_path(state))
    made = {role: keys.create(role, owner=f"{role}-ann", role=role)[1] for role in ROLES}
    keys.close()
    return made


def train(state: Path, registry: Path) -> None:
    """A small model of a state's history, online, and a version of it that does nothing yet."""
    plan = Plan("boosting", params={"rounds": 30})
    prepared = prepare(read_history([str(state)]), plan)
    rollout = Rollout(Registry(str(registry)))
    fitted = fit(prepared, plan)
    first, second = (rollout.registry.add(fitted).version for _ in range(2))
    for version in (first, second):
        rollout.registry.publish("card", version)
    rollout.promote("card", first)


@contextmanager
def running_app(state: Path, keys: dict[str, str], *more: str) -> Iterator[Running]:
    """A server over a state and the app over it, each a process of its own. more: options of `riskwave serve`."""
    ports = free_port(), free_port()
    api, app = (f"http://127.0.0.1:{port}" for port in ports)
    log = state.with_suffix(".log")
    quiet = {name: value for name, value in os.environ.items() if name not in ("RISKWAVE_APP_KEY", "RISKWAVE_API")}
    commands = (
        ["serve", "--quiet", "--state", str(state), "--port", str(ports[0]), "--deadline-ms", "30000", *more],
        ["app", "--api", api, "--port", str(ports[1])],
    )
    with log.open("ab") as written:
        processes = [
            subprocess.Popen(
                [sys.executable, "-m", "riskwave", *command],
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=written,
                env=quiet,
            )
            for command in commands
        ]
        try:
            for process, where in zip(processes, (f"{api}/readyz", f"{app}/_stcore/health"), strict=True):
                wait_until(lambda p=process, w=where: _answers(p, w, log), limit_s=LIMIT_S, what=where)
            yield Running(app, api, keys, state)
        finally:
            # Asked to, the server ends what it started itself: what is tried on history runs beside it.
            for process in processes:
                process.terminate()
            for process in processes:
                try:
                    process.wait(LIMIT_S)
                finally:
                    process.kill()


def _answers(process: subprocess.Popen[bytes], where: str, log: Path) -> bool:
    assert process.poll() is None, log.read_text()
    try:
        return httpx2.get(where).status_code == 200
    except httpx2.TransportError:
        return False


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium of this machine. One thread has it: no asyncio.run beside it."""
    with sync_playwright() as playwright, tempfile.TemporaryDirectory(prefix="riskwave-chromium-") as profile:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=FLAGS,
            env={**os.environ, "HOME": profile, "XDG_CONFIG_HOME": profile, "XDG_CACHE_HOME": profile},
        )
        yield browser
        browser.close()


def signed_in(browser: Browser, running: Running, role: str, *, dark: bool = False, path: str = "") -> Page:
    """A new window in which somebody of a role has signed in."""
    context = browser.new_context(viewport=SCREEN, color_scheme="dark" if dark else "light")  # type: ignore[arg-type]
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.goto(f"{running.app}/{path}")
    page.get_by_label("API key").fill(running.keys[role])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    settled(page)
    return page


def settled(page: Page) -> None:
    """Wait until the page is drawn."""
    expect(page.locator("[data-testid=stApp]")).to_have_attribute("data-test-script-state", "notRunning")


def go(page: Page, title: str) -> None:
    """To another page, by the navigation."""
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=title, exact=True).click()
    expect(page.get_by_role("heading", level=1, name=title)).to_be_visible()
    settled(page)


def metric(page: Page, name: str) -> Locator:
    """The value of a figure as it is drawn now: while a page is drawn anew its last drawing is there too, as stale."""
    drawn = page.locator("[data-testid=stElementContainer][data-stale=false]").get_by_test_id("stMetric")
    box = drawn.filter(has=page.get_by_text(name, exact=True))
    return box.get_by_test_id("stMetricValue")
