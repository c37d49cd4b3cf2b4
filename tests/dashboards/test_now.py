"""*Now* in a real browser: figures of the same server, the map, live."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.dashboards.running import Running, go, metric


def test_now_shows_what_the_server_says(app: Running, window: Callable[[str], Page]) -> None:
    page = window("viewer")
    go(page, "Now")
    page.get_by_role("radio", name="30 days").or_(page.get_by_text("30 days", exact=True)).first.click()
    with app.client("viewer") as client:
        lately = client.get("/v1/activity", params={"hours": 720, "buckets": 48}).json()
        events = sum(bucket["events"] for bucket in lately["buckets"])
        flagged = sum(bucket["events"] for bucket in lately["buckets"] if bucket["action"] != "allow")
        counts = client.get("/v1/alerts:counts").json()
    assert flagged
    expect(metric(page, "Payments")).to_have_text(f"{events:,}")
    expect(metric(page, "Flagged")).to_have_text(f"{flagged:,}")
    expect(metric(page, "Open alerts")).to_have_text(f"{counts['open']:,}")
    expect(metric(page, "Latency p99")).to_have_text(re.compile(r"^[1-9][\d,]* ms$"))
    for chart in ("Flagged payments", "Allowed payments", "Map of payments", "Rules by how often", "Payments by model"):
        expect(page.get_by_label(re.compile(f"^{chart}")).locator("canvas, svg").first).to_be_visible()
    # Nobody's token is among it.
    assert not re.search(r"\bc0\d{6}\b", page.get_by_test_id("stMain").inner_text())


def test_now_goes_on_by_itself(app: Running, window: Callable[[str], Page]) -> None:
    page = window("viewer")
    # It need not come to rest: it is drawn every few seconds.
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Now", exact=True).click()
    expect(page.get_by_role("heading", level=1, name="Now")).to_be_visible()
    page.get_by_text("30 days", exact=True).click()
    payments = metric(page, "Payments")
    with app.client("admin") as client:
        span = {"hours": 720, "buckets": 48}
        lately = client.get("/v1/activity", params=span).json()
        expect(payments).to_have_text(f"{sum(bucket['events'] for bucket in lately['buckets']):,}")
        payment = {"event_ts": lately["end"], "card_id": "c-of-the-test", "amount_minor": 990, "currency": "EUR"}
        answer = client.post("/v1/decisions", json={**payment, "event_id": "seen-live", "channel": "ecommerce"})
        assert answer.status_code == 200
        lately = client.get("/v1/activity", params=span).json()
    # Nobody touches the page.
    expect(payments).to_have_text(f"{sum(bucket['events'] for bucket in lately['buckets']):,}")
