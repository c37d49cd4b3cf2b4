"""The investigator's story, and what is done to many alerts at once, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from tests.dashboards.running import Running, go, metric, settled


def top(app: Running) -> dict[str, Any]:
    with app.client("investigator") as client:
        page = client.get("/v1/alerts", params={"status": "open", "order": "urgent", "snoozed": False, "limit": 1})
        found: dict[str, Any] = page.json()["items"][0]
        return found


def test_an_investigator_takes_the_top_alert_understands_it_and_labels_it(
    app: Running, window: Callable[[str], Page]
) -> None:
    page = window("investigator")
    alert = top(app)
    event, card = alert["event_id"], alert["card_id"]
    with app.client("investigator") as client:
        frauds = client.get(f"/v1/entities/card/{card}").json()["frauds"]
        labelled = {label["verdict"] for label in client.get("/v1/labels", params={"event_id": event}).json()["items"]}
        why = client.get(f"/v1/decisions/{event}/explanation").json()

    # Open the app, take the top alert: by the keyboard.
    go(page, "Alerts")
    page.keyboard.press("t")
    expect(page.get_by_role("heading", name="Why")).to_be_visible()
    assert f"event={event}" in page.url
    main = page.get_by_test_id("stMain")
    expect(main.get_by_text("taken, investigator-ann")).to_be_visible()

    # Why: in words, and the rules' values against their thresholds.
    for reason in alert["reasons"]:
        expect(main.get_by_text(reason, exact=True).first).to_be_visible()
    fired = [rule for rule in why["rules"] if rule["fired"]]
    assert fired
    for rule in fired:
        expect(main.get_by_text(rule["rule"]).first).to_be_visible()
    table = main.get_by_test_id("stTable").first
    expect(table.get_by_text("holds").first).to_be_visible()

    # The sidebar leads back to the queue.
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Alerts").click()
    expect(page.get_by_role("button", name="Take the top alert")).to_be_visible()
    page.goto(f"{app.app}/alerts?event={event}")
    expect(page.get_by_role("heading", name="Why")).to_be_visible()

    # What surrounds it.
    expect(main.get_by_label(re.compile("^The card's payments")).locator("canvas, svg").first).to_be_visible()
    main.get_by_text("Neighbours", exact=True).click()
    expect(main.get_by_label(re.compile("^Entities that share")).locator("svg").first).to_be_visible()
    expect(main.get_by_text(f"card {card}").first).to_be_visible()
    main.get_by_text("Similar cases", exact=True).click()
    expect(main.get_by_text(re.compile(r"^Of the 10 most alike"))).to_be_visible()
    main.get_by_text("What happened next", exact=True).click()
    expect(main.get_by_text(re.compile("payments since:|was not used since"))).to_be_visible()

    # Label it, and see the label counted.
    main.get_by_text("Fraud", exact=True).click()
    main.get_by_label("Note").fill("the cardholder called: not theirs")
    main.get_by_role("button", name="Save the label").click()
    counted = frauds if "fraud" in labelled else frauds + 1
    expect(main.get_by_text(f"{counted:,} of this card's payments are labelled as fraud")).to_be_visible()
    expect(main.get_by_text("the cardholder called: not theirs").first).to_be_visible()
    expect(main.get_by_text("fraud, investigator-ann")).to_be_visible()  # the alert is closed by it
    with app.client("investigator") as client:
        labels = client.get("/v1/labels", params={"event_id": event}).json()["items"]
        assert {"fraud"} == {label["verdict"] for label in labels if label.get("author") == "investigator-ann"}
        assert client.get(f"/v1/alerts/{event}").json()["resolution"] == "fraud"
    page.get_by_test_id("stMain").get_by_role("link", name=card).first.click()
    expect(page.get_by_role("heading", level=1, name=f"Card {card}")).to_be_visible()
    expect(metric(page, "Labelled as fraud")).to_have_text(f"{counted:,}")


def test_the_model_says_what_raised_its_score(app: Running) -> None:
    """Over the API, and what the page draws: every payment that the server was sent was scored by the real model."""
    with app.client("investigator") as client:
        scored = client.get("/v1/decisions", params={"min_score": 0.0, "limit": 1}).json()["items"][0]
        why = client.get(f"/v1/decisions/{scored['event_id']}/explanation").json()
        unknown = client.get(f"/v1/decisions/{scored['event_id']}/explanation", params={"model": False}).json()
    assert why["model"]["fault"] is None
    assert why["model"]["model"] == scored["model_version"]
    assert abs(why["model"]["score"] - scored["model_score"]) < 1e-6
    adds = [reason["adds"] for reason in why["model"]["reasons"]]
    assert adds
    assert adds == sorted(adds, reverse=True)
    assert all(reason["said"] for reason in why["model"]["reasons"])
    assert unknown["model"] is None


def test_the_next_alert_is_a_key_away(app: Running, window: Callable[[str], Page]) -> None:
    page = window("investigator")
    go(page, "Alerts")
    page.keyboard.press("t")
    expect(page.get_by_role("heading", name="Why")).to_be_visible()
    settled(page)
    first = page.url
    page.keyboard.press("n")
    expect(page).not_to_have_url(first)
    expect(page.get_by_role("heading", name="Why")).to_be_visible()
    settled(page)
    page.keyboard.press("q")
    expect(page.get_by_role("heading", level=1, name="Alerts")).to_be_visible()


def test_many_alerts_are_snoozed_at_once(app: Running, window: Callable[[str], Page]) -> None:
    page = window("analyst")
    with app.client("analyst") as client:
        before = client.get("/v1/alerts:counts").json()["snoozed"]
    go(page, "Alerts")
    grid = page.get_by_test_id("stDataFrame").locator(".dvn-scroller").first
    for row in (0, 1):  # the boxes of the first two rows
        grid.click(position={"x": 16, "y": 50 + 33 * row})
    page.get_by_role("button", name="Snooze 2").click()
    page.get_by_role("button", name="Snooze", exact=True).click()
    expect(page.get_by_text("snooze: done to 2 of 2 alerts")).to_be_visible()
    expect(page.get_by_text(f"{before + 2} snoozed")).to_be_visible()


def test_alerts_are_handled_that_were_ticked_though_the_queue_moved_on(
    app: Running, window: Callable[[str], Page]
) -> None:
    page = window("analyst")
    go(page, "Now")
    go(page, "Alerts")
    with app.client("analyst") as client:
        asked = {"status": "open", "snoozed": False, "order": "urgent", "limit": 4}
        first, second, third, _ = (one["event_id"] for one in client.get("/v1/alerts", params=asked).json()["items"])
        grid = page.get_by_test_id("stDataFrame").locator(".dvn-scroller").first
        for row in (1, 2):
            grid.click(position={"x": 16, "y": 50 + 33 * row})
        page.get_by_role("button", name="Snooze 2").click()
        # Somebody else takes the first: what is ticked stands a row higher now.
        assert client.post(f"/v1/alerts/{first}/acknowledge", json={}).status_code == 200
        page.get_by_role("button", name="Snooze", exact=True).click()
        expect(page.get_by_text("snooze: done to 2 of 2 alerts")).to_be_visible()
        assert client.get(f"/v1/alerts/{second}").json()["snoozed_until"]
        assert client.get(f"/v1/alerts/{third}").json()["snoozed_until"]
        # Nothing is ticked any more.
        expect(page.get_by_role("button", name="Take", exact=True)).to_be_disabled()


def test_filters_are_told_when_nothing_is_like_that(app: Running, window: Callable[[str], Page]) -> None:
    page = window("analyst")
    go(page, "Alerts")
    page.get_by_text("Mine", exact=True).click()
    expect(page.get_by_text("No alert is like that")).to_be_visible()
    expect(page.get_by_role("button", name="Take the top alert")).to_be_disabled()
    page.get_by_text("Anybody's", exact=True).click()
    expect(page.get_by_role("button", name="Take the top alert")).to_be_enabled()


def test_a_viewer_sees_why_in_words_and_nobody_s_token(app: Running, window: Callable[[str], Page]) -> None:
    alert = top(app)
    page = window("viewer")
    go(page, "Alerts")
    page.get_by_role("button", name="Take the top alert").click()
    expect(page.get_by_role("heading", name="Why")).to_be_visible()
    expect(page.get_by_text("The rules' values are not shown to your key")).to_be_visible()
    expect(page.get_by_role("button", name="Save the label")).to_have_count(0)
    settled(page)
    assert alert["card_id"] not in page.get_by_test_id("stMain").inner_text()
    with app.client("viewer") as client:  # who looks does not take
        assert client.get(f"/v1/alerts/{alert['event_id']}").json()["status"] == "open"
