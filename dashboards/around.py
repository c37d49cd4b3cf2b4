"""What surrounds a payment: its card's timeline, its neighbours, cases like it, what came after."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import streamlit as st

from dashboards import charts, graph, once, words
from dashboards.session import Session
from dashboards.show import moment, money, parsed, show_empty
from dashboards.ways import go

MOST = 150  # payments of a timeline, before and after
AFTER_DAYS = 30
SHORT, TALL = 14, 400  # rows that are shown whole; the height of more, pixels


def timeline(session: Session, found: dict[str, Any]) -> None:
    """The card's payments by time and amount, this one ringed."""
    this = found["decision"]["event_id"]
    items = _history(session, found)
    rows = [
        {
            "at": item["event_ts"],
            "amount": (item["billing_amount_minor"] or 0) / 100,
            "said": money(item["amount_minor"], item["currency"]),
            "where": " ".join(
                filter(None, (item.get("merchant_name") or item["merchant_id"], item["merchant_country"]))
            ),
            "action": item["action"],
            "verdict": item["verdict"] or "no label",
            "event": item["event_id"],
            "this": item["event_id"] == this,
        }
        for item in items
    ]
    st.caption(f"{len(rows)} payments of the card, before and after; the ring is this one.")
    st.altair_chart(charts.timeline(rows), alt="The card's payments by time and amount")
    place = next((at for at, item in enumerate(items) if item["event_id"] == this), 0)
    payments(items[max(place - 6, 0) : place + 7], "around.timeline", this)


def neighbours(session: Session, found: dict[str, Any]) -> None:
    """Devices, addresses and merchants that the card's payments share with others."""
    card, event = found["decision"]["card_id"], found["event"]
    links = once.get(session, f"/v1/entities/card/{card}/links")
    near = {f"{kind}:{event[name]}" for kind, name in graph.FIELDS.items() if event.get(name)}
    graph.render(links, f"card:{card}", near)


def similar(session: Session, found: dict[str, Any]) -> None:
    """Flagged or labelled payments of other cards, the most alike first."""
    items = once.get(session, f"/v1/decisions/{found['decision']['event_id']}/similar", limit=10)["items"]
    if not items:
        show_empty(
            "There is no case like it",
            "Cases are flagged or labelled payments of other cards: the first are still to come.",
        )
        return
    known = [item["verdict"] for item in items if item["verdict"]]
    frauds = known.count("fraud")
    st.caption(
        f"Of the {len(items)} most alike, {len(known)} are labelled: {frauds} fraud, {len(known) - frauds} legitimate."
    )
    payments(
        items,
        "around.similar",
        more=lambda item: {
            "Alike": f"{item['alike']:.0%}",
            "Turned out": " ".join(filter(None, (item["verdict"] or "not known", item.get("scenario")))),
            "Rules on both": ", ".join(item["shared_rules"]),
        },
    )


def following(session: Session, found: dict[str, Any]) -> None:
    """The card's payments after this one."""
    at = parsed(found["decision"]["event_ts"])
    later = [item for item in _history(session, found) if parsed(item["event_ts"]) > at]
    if not later:
        show_empty("The card was not used since", "Draw the page again later.")
        return
    flagged = sum(item["action"] != "allow" for item in later)
    frauds = sum(item["verdict"] == "fraud" for item in later)
    st.caption(f"{len(later)} payments since: {flagged} flagged, {frauds} labelled as fraud.")
    payments(list(reversed(later))[:20], "around.following")


def known(session: Session, found: dict[str, Any]) -> None:
    """Every feature as it was known, with what it says."""
    described = words.features(session)
    wanted = st.text_input("Features that speak of", key="around.known", placeholder="declined").strip().lower()
    st.dataframe(
        [
            {
                "What it says": described[name]["description"],
                "Value": words.said(described, name, value),
                "Feature": name,
            }
            for name, value in found["features"].items()
            if name in described and wanted in f"{name} {described[name]['description']}".lower()
        ],
        height=360,
        hide_index=True,
        alt="Features and their values",
    )


def payments(
    items: list[dict[str, Any]],
    key: str,
    this: str | None = None,
    *,
    more: Any = None,
) -> None:
    """A table of payments; a row that is selected is opened. this: the payment of the page, which is marked."""
    rows = [
        {
            "": "▶" if item["event_id"] == this else "",
            "When (UTC)": moment(item["event_ts"]),
            "Amount": money(item["amount_minor"], item["currency"]),
            "Merchant": item.get("merchant_name") or item["merchant_id"],
            "Country": item["merchant_country"],
            "Channel": item["channel"],
            "Decided": item["action"],
            "Label": item["verdict"] or "",
            "Reasons": "; ".join(item["reasons"]),
        }
        | (more(item) if more else {})
        for item in items
    ]
    if not this:
        for row in rows:
            del row[""]
    names = list(rows[0])
    if more:
        # What is told of cases comes first.
        extra = list(more(items[0]))
        names = [*extra, *(name for name in names if name not in (*extra, "Label"))]
    asked = st.dataframe(
        rows,
        key=key,
        column_order=names,
        on_select="rerun",
        selection_mode="single-row",
        hide_index=True,
        height="content" if len(rows) <= SHORT else TALL,
        alt="Payments; select a row to open it",
    )
    for place in asked["selection"]["rows"]:
        if place < len(items) and items[place]["event_id"] != this:
            go("payment", event=items[place]["event_id"])


def _history(session: Session, found: dict[str, Any]) -> list[dict[str, Any]]:
    """The card's payments before and after, this one among them, the latest first."""
    card, at = found["decision"]["card_id"], parsed(found["decision"]["event_ts"])
    cut = (at + timedelta(microseconds=1)).isoformat()
    until = (at + timedelta(days=AFTER_DAYS)).isoformat()
    after = once.get(session, "/v1/decisions", card=card, from_=cut, to=until, limit=MOST)["items"]
    return [*after, *once.get(session, "/v1/decisions", card=card, to=cut, limit=MOST)["items"]]
