"""*Entities*: a card, device, address or merchant found, and what it did, on a page that `?kind=card&id=…` names."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboards import around, charts, graph, once, words
from dashboards.client import ApiError
from dashboards.session import Session
from dashboards.show import moment, money, show_empty
from dashboards.view import View
from dashboards.ways import asked, go, link

KINDS = {"card": "Card", "device": "Device", "ip": "Address", "merchant": "Merchant"}
ROWS = 60  # payments of a history
#: What is drawn over time at first, where the entity has it.
FIRST = {
    "card": ["card_txn_count_1h", "card_amount_sum_24h"],
    "device": ["device_card_count_24h", "device_txn_count_24h"],
    "ip": ["ip_txn_count_1h", "ip_card_count_1h"],
    "merchant": ["merchant_txn_count_1h", "merchant_amount_sum_1h"],
}


def render(session: Session) -> None:
    """Draw the search; an address that was kept leads to the entity."""
    kind, name = asked("kind"), asked("id")
    if kind in KINDS and name:
        go("entity", kind=kind, id=name)
    st.title("Entities")
    begins = st.text_input(
        "A card's token, a device, an address, a merchant, or a payment's whole id",
        placeholder="How it begins, such as c00000 or 203.0.113.",
        key="entities.begins",
        persist_state="session",
    ).strip()
    if not begins:
        show_empty(
            "Type how the name begins, then press Enter",
            "Card numbers are never kept: look for the token that the payments name. Each look is in the audit log.",
        )
        return
    once.about(f"search:{begins}")
    found = once.get(session, "/v1/entities", q=begins, limit=50)["items"]
    payment = _payment(session, begins)
    if payment:
        link("payment", f"Payment {begins}: {payment}", icon=":material/receipt_long:", event=begins)
        if not found:
            return
    if not found:
        show_empty(f"Nothing begins with {begins}", "Names are told apart by capitals; fewer letters find more.")
        return
    shown = st.dataframe(
        [
            {
                "Kind": KINDS[item["kind"]],
                "Name": item["id"],
                "Payments": item["events"],
                "Last seen (UTC)": moment(item["last_seen"]),
            }
            for item in found
        ],
        key=f"entities.found.{begins}",
        on_select="rerun",
        selection_mode="single-row",
        hide_index=True,
        alt="Entities; select a row to open it",
    )
    st.caption("Select a row to open it, or choose it here.")
    names = {f"{KINDS[item['kind']]} {item['id']}": item for item in found}
    chosen = st.selectbox("Open", list(names), index=None, placeholder="Choose or type", key=f"entities.open.{begins}")
    rows = [found[row] for row in shown["selection"]["rows"] if row < len(found)]
    opened = names[chosen] if chosen else rows[0] if rows else None
    if opened:
        go("entity", kind=opened["kind"], id=opened["id"])


def _payment(session: Session, event_id: str) -> str | None:
    """What a payment of that id is; None where there is none."""
    try:
        found = once.get(session, f"/v1/decisions/{event_id}")
    except ApiError as fault:
        if fault.status == 404:
            return None
        raise
    if found.get("status") == "pending":
        return "waits to be decided"
    event, decision = found["event"], found["decision"]
    amount = money(event.get("amount_minor"), event.get("currency"))
    return f"{amount}, {moment(decision['event_ts'])} UTC, {decision['action']}"


def render_one(session: Session) -> None:
    """Draw one, as the address names it."""
    kind, name = asked("kind"), asked("id")
    if kind not in KINDS or not name:
        show_empty("No card, device, address or merchant is named", "Look for one.")
        link("entities", "Entities", icon=":material/hub:")
        return
    once.about(f"{kind}:{name}")
    where = f"/v1/entities/{kind}/{name}"
    found = once.get(session, where)
    back, title = st.columns([1.3, 8.7], vertical_alignment="center")
    if back.button("Search", icon=":material/arrow_back:", shortcut="q"):
        go("entities")
    title.title(f"{KINDS[kind]} {name}")
    flagged = found["challenged"] + found["reviewed"] + found["blocked"]
    cells = st.columns(5)
    cells[0].metric("Payments", f"{found['events']:,}", border=True, help=f"{money(found['amount_minor'])} in all")
    cells[1].metric(
        "Flagged",
        f"{flagged:,}",
        border=True,
        help=f"challenge {found['challenged']:,}, review {found['reviewed']:,}, block {found['blocked']:,}",
    )
    cells[2].metric("Labelled as fraud", f"{found['frauds']:,}", border=True)
    cells[3].metric("First seen", moment(found["first_seen"])[:11], border=True, help=moment(found["first_seen"]))
    cells[4].metric("Last seen", moment(found["last_seen"])[:11], border=True, help=moment(found["last_seen"]))
    part = st.segmented_control(
        "What is known of it",
        ["History", "Features over time", "Links"],
        default="History",
        required=True,
        key="entities.part",
        persist_state="session",
    )
    if part == "History":
        around.payments(once.get(session, f"{where}/history", limit=ROWS)["items"], "entities.history")
        st.caption(f"The last {ROWS} payments at most, the latest first; select one to open it.")
    elif part == "Features over time":
        _features(session, kind, where, found["features"])
    else:
        graph.render(once.get(session, f"{where}/links"), f"{kind}:{name}", set())


def _features(session: Session, kind: str, where: str, last: dict[str, Any]) -> None:
    known = words.features(session)
    numbers = [name for name, value in last.items() if isinstance(value, int | float) and name in known]
    first = [name for name in FIRST[kind] if name in numbers] or numbers[:2]
    chosen = st.multiselect(
        "Features",
        numbers,
        default=first,
        max_selections=6,
        key=f"entities.features.{kind}",
        format_func=lambda name: words.title(known, name),
    )
    if chosen:
        series = once.get(session, f"{where}/features", names=",".join(chosen), limit=500)
        for place, name in enumerate(chosen):
            rows = [
                {"at": point["event_ts"], "feature": name, "value": float(point["values"][place])}
                for point in series["points"]
                if point["values"][place] is not None
            ]
            said = words.title(known, name)
            st.markdown(f"**{said}**: {words.said(known, name, last[name])} at the last payment :gray[`{name}`]")
            if rows:
                st.altair_chart(charts.lines(rows), alt=f"{said} over time")
            else:
                show_empty("It was never known", "Choose another feature.")
    with st.expander("All of them, as of the last payment"):
        st.dataframe(
            [
                {"What it says": words.title(known, name), "Value": words.said(known, name, value), "Feature": name}
                for name, value in last.items()
            ],
            hide_index=True,
            alt="Features as of the last payment",
        )


ONE = View("Entity", ":material/hub:", "entity", "look", render_one, listed=False)
VIEW = View("Entities", ":material/hub:", "entities", "look", render)
