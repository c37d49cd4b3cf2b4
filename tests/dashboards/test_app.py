"""Signing in and out, and what is said to those who cannot."""

from __future__ import annotations

from collections.abc import Callable

import httpx2
from playwright.sync_api import Browser, Page, expect

from tests.dashboards.running import SCREEN, Running


def test_signing_in_takes_a_key_that_is_valid(browser: Browser, app: Running) -> None:
    page = browser.new_context(viewport=SCREEN).new_page()
    page.goto(app.app)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("Paste the key first")).to_be_visible()
    field = page.get_by_label("API key")
    field.fill("rwk_000000000000_wrong")
    field.press("Enter")  # by the keyboard alone
    expect(page.get_by_text("no such key")).to_be_visible()
    expect(page.get_by_text("Sign in with a key that is valid")).to_be_visible()
    field.fill(app.keys["viewer"])
    field.press("Enter")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("API key")).to_be_visible()
    page.context.close()


def test_the_app_is_on_loopback_alone_and_tells_nobody(app: Running, window: Callable[[str], Page]) -> None:
    assert httpx2.get(f"{app.app}/_stcore/health").text == "ok"
    page = window("viewer")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    expect(page.get_by_label("API key").or_(page.get_by_role("button", name="Sign out"))).to_be_visible()
    assert asked
    assert [url for url in asked if not url.startswith((app.app, "data:", "blob:"))] == []
