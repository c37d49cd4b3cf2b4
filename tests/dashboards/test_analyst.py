"""The analyst's day in a real browser: a threshold changed with its curve, a rule drafted and published by two, SQL."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from playwright.sync_api import Page, expect

from tests.dashboards.running import Running, go, metric, settled

LONG_MS = 240_000
WRONG = """rules:
  - rule: large_at_night
    when: hour(event_ts) < 5 and amount_minr > 10000
    action: review
    severity: P2
    reason: "{amount_minor:money} at night"
    owner: ann
"""


def _part(page: Page, name: str) -> None:
    page.get_by_role("radio", name=name, exact=True).click()
    settled(page)


def test_a_threshold_is_changed_with_its_curve_and_live(app: Running, window: Callable[[str], Page]) -> None:
    page = window("analyst")
    go(page, "Rules")
    expect(page.get_by_test_id("stMetric").filter(has_text="Alerts a day")).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(3)
    expect(page.get_by_text("as now")).to_have_count(5)
    expect(page.get_by_role("button", name="Set to 6")).to_be_disabled()
    for _ in range(3):
        page.get_by_role("slider").press("ArrowLeft")
    settled(page)
    expect(page.get_by_role("button", name="Set to 3")).to_be_enabled()
    # The curve was drawn once: moving along it asks for nothing.
    with app.client("analyst") as client:
        assert [one["work"] for one in client.get("/v1/jobs").json()["items"]].count("sweep") == 1
    page.get_by_placeholder("fewer alerts on weekends").fill("card testing since Monday")
    page.get_by_role("button", name="Set to 3").click()
    expect(page.get_by_text("card_velocity.max_count is 3 instead of 6, live from the next payment on")).to_be_visible()
    with app.client("admin") as client:
        value = next(
            one["value"]
            for one in client.get("/v1/thresholds").json()["items"]
            if (one["rule"], one["name"]) == ("card_velocity", "max_count")
        )
        assert value == "3"
        event = {"event_ts": "2026-01-30T12:00:00Z", "card_id": "c-analyst", "amount_minor": 100, "currency": "EUR"}
        decision = client.post("/v1/decisions", json={"event_id": uuid4().hex, **event}).json()
        last = client.get("/v1/audit", params={"what": "threshold", "last": 1}).json()["items"][0]
    assert decision["control_version"] == last["control_version"]
    assert (last["author"], last["why"]) == ("analyst-ann", "card testing since Monday")


def test_a_merchant_is_put_on_a_list_and_taken_off(app: Running, window: Callable[[str], Page]) -> None:
    page = window("analyst")
    go(page, "Rules")
    _part(page, "Lists")
    chosen = page.get_by_role("combobox", name="List")
    chosen.click()
    chosen.fill("block_merchant")
    chosen.press("Enter")
    expect(page.get_by_text("looks merchant_id up")).to_be_visible()
    expect(page.get_by_text("Nothing is on it")).to_be_visible()
    page.get_by_label("A merchant", exact=True).fill("m-bust-out")
    page.get_by_placeholder("card testing from here").fill("a shop that vanished")
    page.get_by_role("button", name="Put on the list").click()
    expect(page.get_by_text("m-bust-out is on block_merchant, live from the next payment on")).to_be_visible()
    event = {"event_ts": "2026-01-30T12:00:00Z", "card_id": "c-lists", "amount_minor": 100, "currency": "EUR"}
    with app.client("admin") as client:
        blocked = client.post("/v1/decisions", json={"event_id": uuid4().hex, "merchant_id": "m-bust-out", **event})
        assert blocked.json()["action"] == "block"
    which = page.get_by_role("combobox", name="Which")
    which.click()
    which.press("Enter")
    page.get_by_placeholder("the cardholder called").fill("it is another shop")
    page.get_by_role("button", name="Take off the list").click()
    expect(page.get_by_text("m-bust-out is off block_merchant")).to_be_visible()
    with app.client("admin") as client:
        assert client.get("/v1/lists", params={"name": "block_merchant"}).json()["items"] == []


def test_a_rule_is_drafted_with_help_and_published_by_two(app: Running, window: Callable[[str], Page]) -> None:
    page = window("analyst")
    go(page, "Rules")
    _part(page, "New rule")
    expect(page.get_by_text("It is sound, and the cases that it has hold")).to_be_visible()
    _part(page, "As text")
    editor = page.get_by_label("Rules as text")
    editor.fill(WRONG)
    expect(page.get_by_text("amount_minr: no such column")).to_be_visible()
    expect(page.get_by_text("Line 3 (large_at_night, when)")).to_be_visible()
    editor.fill(WRONG.replace("amount_minr", "amount_m"))
    editor.evaluate("area => area.setSelectionRange(...Array(2).fill(area.value.indexOf('amount_m ') + 8))")
    editor.press("i")
    expect(page.get_by_role("option").first).to_contain_text("amount_minor")
    editor.press("Tab")
    expect(page.get_by_text("It is sound, and the cases that it has hold")).to_be_visible()
    page.get_by_placeholder("card testing since Monday").fill("a pattern at night")
    page.get_by_role("button", name="Keep as draft").click()
    expect(page.get_by_text("is a draft. Publish gives it a state")).to_be_visible()
    _part(page, "Publish")
    expect(page.get_by_text("Beside what decides now")).to_be_visible()
    page.get_by_placeholder("what made you sure").fill("watch it first")
    page.get_by_role("button", name="Do it").click()
    expect(page.get_by_text("waits to be shadow: another person approves it")).to_be_visible()
    other = window("approver")
    go(other, "Rules")
    _part(other, "Publish")
    other.get_by_placeholder("what made you sure").fill("it acts on nothing")
    other.get_by_role("button", name="Do it").click()
    expect(other.get_by_text("is shadow, from the next payment on")).to_be_visible()
    with app.client("viewer") as client:
        states = [one["state"] for one in client.get("/v1/rulesets").json()["items"]]
    assert states.count("shadow") == 1


def test_what_looking_back_found_becomes_a_new_rule(window: Callable[[str], Page]) -> None:
    page = window("analyst")
    go(page, "Rules")
    _part(page, "Found")
    expect(page.get_by_text("Nobody has looked back since the server started")).to_be_visible()
    page.get_by_role("button", name="Look now").click()
    expect(page.get_by_text("events against")).to_be_visible(timeout=LONG_MS)
    page.get_by_role("button", name="Go on with it as a new rule").first.click()
    settled(page)
    expect(page.get_by_label("Rules as text")).to_have_value(re.compile("rule: insight_"))
    expect(page.get_by_text("It is sound, and the cases that it has hold")).to_be_visible()


def test_a_question_is_answered_drawn_and_taken_along(window: Callable[[str], Page], tmp_path: Path) -> None:
    page = window("analyst")
    go(page, "SQL")
    page.get_by_role("button", name="Run").click()
    with page.expect_download() as taken:
        page.get_by_role("button", name="Download CSV").click()
    taken.value.save_as(tmp_path / "answer.csv")
    rows = list(csv.DictReader((tmp_path / "answer.csv").read_text("utf-8").splitlines()))
    assert {row["action"] for row in rows} >= {"allow"}
    assert sum(int(row["payments"]) for row in rows) >= 3_000
    page.get_by_role("tab", name="Chart").click()
    expect(page.get_by_test_id("stVegaLiteChart")).to_be_visible()
    page.get_by_label("One SELECT").fill("delete from decisions")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_text("expected one SELECT")).to_be_visible()


def test_models_are_shown_with_who_scores_and_who_may_change_it(window: Callable[[str], Page]) -> None:
    page = window("analyst")
    go(page, "Models")
    expect(metric(page, "Scores now")).to_have_text("1.0.0")
    expect(page.get_by_text("Figures are of the test window")).to_be_visible()
    expect(page.get_by_text("Saying which version scores takes the scope approve")).to_be_visible()


def test_an_approver_tries_a_version_puts_it_online_and_rolls_back(window: Callable[[str], Page], app: Running) -> None:
    page = window("approver")
    go(page, "Models")

    def act(what: str, why: str) -> None:
        page.get_by_label("What to do").click()
        page.get_by_role("option", name=what).click()
        page.get_by_label("Why").fill(why)
        page.get_by_role("button", name="Do it").click()
        settled(page)

    act("Let it score a share (canary)", "")
    expect(page.get_by_text("Say in a few words why")).to_be_visible()
    act("Let it score a share (canary)", "better on the last month")
    expect(metric(page, "Canary")).to_have_text("1.0.1")
    expect(page.get_by_text("10% of the cards").first).to_be_visible()
    act("Put it online", "it held for a week")
    expect(metric(page, "Scores now")).to_have_text("1.0.1")
    expect(metric(page, "Canary")).to_have_text("none")
    act("Roll back to what scored before", "it stops too many")
    expect(metric(page, "Scores now")).to_have_text("1.0.0")
    with app.client("admin") as client:
        noted = [one["why"] for one in client.get("/v1/audit", params={"limit": 50}).json()["items"]]
    assert {"better on the last month", "it held for a week", "it stops too many"} <= set(noted)
