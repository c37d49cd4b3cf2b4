"""*Entities* in a real browser: searched, opened, looked at over time."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Browser, Page, expect

from tests.dashboards.running import SCREEN, Running, go, metric, settled


def test_a_card_is_found_by_how_its_token_begins(app: Running, window: Callable[[str], Page]) -> None:
    page = window("analyst")
    with app.client("analyst") as client:
        busiest = client.get("/v1/entities", params={"q": "c00000", "limit": 1}).json()["items"][0]
    go(page, "Entities")
    expect(page.get_by_text("Type how the name begins")).to_be_visible()
    begins = page.get_by_label(re.compile("^A card's token"))
    begins.fill("no-such")
    begins.press("Enter")
    expect(page.get_by_text("Nothing begins with no-such")).to_be_visible()
    begins.fill(busiest["id"])
    begins.press("Enter")
    expect(page.get_by_text("Select a row to open it")).to_be_visible()
    settled(page)
    # By the keyboard: the list takes what is typed.
    choose = page.get_by_role("combobox", name="Open")
    choose.click()
    choose.press("ArrowDown")
    choose.press("Enter")
    expect(page.get_by_role("heading", level=1, name=f"Card {busiest['id']}")).to_be_visible()
    expect(metric(page, "Payments")).to_have_text(f"{busiest['events']:,}")
    page.get_by_text("Features over time", exact=True).click()
    drawn = page.get_by_label("Payments on the card in the last hour over time")
    expect(drawn.locator("canvas, svg").first).to_be_visible()
    page.get_by_text("Links", exact=True).click()
    expect(page.get_by_label(re.compile("^Entities that share")).locator("svg").first).to_be_visible()
    with app.client("admin") as client:
        log = client.get("/v1/audit", params={"subject": f"card:{busiest['id']}", "last": 1000}).json()["items"]
    looks = {row["after"] for row in log if row["author"] == "analyst-ann"}
    assert {f"/v1/entities/card/{{id}}{part}" for part in ("", "/history", "/features", "/links")} <= looks


def test_a_payment_is_found_by_its_id(app: Running, window: Callable[[str], Page]) -> None:
    page = window("analyst")
    with app.client("analyst") as client:
        event = client.get("/v1/decisions", params={"limit": 1}).json()["items"][0]["event_id"]
    go(page, "Entities")
    begins = page.get_by_label(re.compile("^A card's token"))
    begins.fill(event)
    begins.press("Enter")
    page.get_by_role("link", name=re.compile(f"^receipt_long Payment {event}|Payment {event}")).click()
    expect(page.get_by_role("heading", name="The payment")).to_be_visible()
    assert page.url.endswith(f"/payment?event={event}")


def test_an_address_that_was_kept_leads_to_its_page(app: Running, browser: Browser) -> None:
    page = browser.new_context(viewport=SCREEN).new_page()
    page.goto(f"{app.app}/entities?kind=merchant&id=nothing-of-that-name")
    page.get_by_label("API key").fill(app.keys["analyst"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("merchant nothing-of-that-name: was never seen")).to_be_visible()
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    page.context.close()


def test_a_viewer_is_told_what_it_takes(window: Callable[[str], Page]) -> None:
    page = window("viewer")
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Entities").click()
    expect(page.get_by_text("Entities takes the scope look")).to_be_visible()
