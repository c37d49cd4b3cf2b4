"""Pictures of the app for its guide, from the app as it runs: `python -m tests.dashboards.pictures` writes docs/img."""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.dashboards.running import (
    Running,
    chromium,
    fill,
    go,
    make_keys,
    missing,
    running_app,
    send,
    settled,
    signed_in,
    train,
)
from tests.support.kafka_server import ROOT

EVENTS = 6_000
COLOURS = 96
FOLDER = ROOT / "docs" / "img"


def main(folder: Path = FOLDER) -> None:
    """Write every picture, in light and the queue in dark too."""
    if reason := missing():
        sys.exit(reason)
    with tempfile.TemporaryDirectory(prefix="riskwave-pictures-") as scratch:
        state, registry = Path(scratch) / "bank.duckdb", Path(scratch) / "models.db"
        bank = fill(state, EVENTS)
        train(state, registry)
        with running_app(state, make_keys(state), "--models", str(registry)) as running, chromium() as browser:
            send(bank, running)
            for dark in (True, False):
                _pictures(browser, running, folder, dark=dark)


def _pictures(browser: Browser, running: Running, folder: Path, *, dark: bool) -> None:
    page = signed_in(browser, running, "investigator", dark=dark)
    page.get_by_text("30 days", exact=True).click()
    page.get_by_text("Live", exact=True).click()  # it would be drawn anew
    expect(page.get_by_role("switch", name="Live")).not_to_be_checked()
    settled(page)
    _save(page, folder / "app-now.png", dark=dark)
    go(page, "Alerts")
    _save(page, folder / "app-alerts.png", dark=dark)
    page.get_by_role("button", name="Take the top alert").click()
    expect(page.get_by_role("heading", name="Why")).to_be_visible()
    settled(page)
    _save(page, folder / "app-why.png", dark=dark)
    surrounds = page.get_by_text("What surrounds it")
    for part, name, last in (
        ("Neighbours", "neighbours", "Red: payments"),
        ("Similar cases", "similar", "most alike"),
        ("Timeline", "timeline", "before and after"),
    ):
        page.get_by_text(part, exact=True).click()
        expect(page.get_by_text(last)).to_be_visible()
        settled(page)
        expect(page.locator("[data-stale=true]")).to_have_count(0)
        surrounds.evaluate("element => element.scrollIntoView()")
        _save(page, folder / f"app-{name}.png", dark=dark)
    page.get_by_test_id("stPageLink-NavLink").first.click()
    expect(page.get_by_text("What is known of it")).to_be_visible()
    page.get_by_text("Features over time", exact=True).click()
    expect(page.get_by_text("All of them, as of the last payment")).to_be_visible()
    settled(page)
    _save(page, folder / "app-entity.png", dark=dark)
    page.context.close()


def _save(page: Page, path: Path, *, dark: bool) -> None:
    """Once charts have come to rest; in few colours, to be small."""
    expect(page.locator("[data-stale=true]")).to_have_count(0)
    page.mouse.move(2, 760)
    page.wait_for_function("document.fonts.status === 'loaded'")
    taken = page.screenshot(animations="disabled")
    while (again := page.screenshot(animations="disabled")) != taken:
        taken = again
    picture = Image.open(io.BytesIO(taken)).convert("RGB").quantize(COLOURS)
    picture.save(path.with_stem(f"{path.stem}-dark") if dark else path, optimize=True)


if __name__ == "__main__":
    main(*(Path(name) for name in sys.argv[1:2]))
