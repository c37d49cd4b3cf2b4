"""Signing in and out, and what is said to those who cannot."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect
from typer.testing import CliRunner

from riskwave.cli import app as command
from riskwave.errors import RiskwaveError
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


def test_a_reload_and_another_tab_do_not_ask_again(browser: Browser, app: Running) -> None:
    context = browser.new_context(viewport=SCREEN)
    page = context.new_page()
    page.goto(app.app)
    page.get_by_label("API key").fill(app.keys["viewer"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.wait_for_function("document.cookie.includes('riskwave_')")
    [cookie] = [each for each in context.cookies() if each.get("name", "").startswith("riskwave_")]
    assert cookie.get("sameSite") == "Strict"
    assert cookie.get("value") not in ("", app.keys["viewer"])
    page.reload()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    other = context.new_page()
    other.goto(f"{app.app}/alerts")
    expect(other.get_by_role("button", name="Sign out")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("API key")).to_be_visible()
    page.wait_for_function("!document.cookie.includes('riskwave_')")
    page.reload()
    expect(page.get_by_label("API key")).to_be_visible()
    # Who kept the cookie has nothing by it.
    context.add_cookies([{"name": cookie["name"], "value": cookie["value"], "url": app.app}])  # type: ignore[typeddict-item]
    page.reload()
    expect(page.get_by_label("API key")).to_be_visible()
    context.close()


def test_nothing_is_loaded_from_elsewhere(browser: Browser, app: Running) -> None:
    context = browser.new_context(viewport=SCREEN)
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    page.goto(app.app)
    page.get_by_label("API key").fill(app.keys["viewer"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_label(re.compile("^Map of payments")).locator("canvas, svg").first).to_be_visible()
    assert asked
    assert [url for url in asked if not url.startswith((app.app, "data:", "blob:"))] == []
    context.close()


def test_a_key_for_everybody_is_refused_beyond_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RISKWAVE_APP_KEY", "rwk_x")
    told = CliRunner().invoke(command, ["app", "--host", "0.0.0.0"])  # noqa: S104 - that it is refused
    assert isinstance(told.exception, RiskwaveError)
    assert "RISKWAVE_APP_KEY" in str(told.exception)
