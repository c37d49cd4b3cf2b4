"""*Now*: what comes in, what is decided, how quickly, and where."""

from __future__ import annotations

from collections import deque
from datetime import timedelta
from typing import Any

import streamlit as st

from dashboards import charts, places
from dashboards.client import ApiError
from dashboards.session import Session
from dashboards.show import faults_shown, moment, money, parsed, show_empty
from dashboards.view import View

SPANS = {"1 h": 1, "6 h": 6, "24 h": 24, "7 days": 168, "30 days": 720}
EVERY_S = 5
SPANS_OF = 48  # bars
FLAGGED = ("challenge", "review", "block")
_SEEN = "now.seen"


def render(session: Session) -> None:
    """Draw the page."""
    title, span, live = st.columns([3, 3, 1], vertical_alignment="bottom")
    title.title("Now")
    chosen = span.segmented_control(
        "Up to the latest event", list(SPANS), default="24 h", required=True, key="now.span"
    )
    on = live.toggle("Live", value=True, key="now.live", help=f"Drawn anew every {EVERY_S} seconds")
    with st.container(key="live"):
        st.fragment(_figures, run_every=EVERY_S if on else None)(session, SPANS[chosen])


def _figures(session: Session, hours: int) -> None:
    with faults_shown():
        status = session.api.get("/v1/status")
        lately = session.api.get("/v1/activity", hours=hours, buckets=SPANS_OF)
        _warn(status)
        if lately["end"] is None:
            show_empty(
                "Nothing was decided yet",
                "Start the server with a source (`riskwave serve --source …`), or send payments to POST /v1/decisions.",
            )
            return
        _numbers(session, status, lately)
        _charts(lately)


def _warn(status: dict[str, Any]) -> None:
    if status["state"] != "deciding":
        st.error("**The engine has stopped: nothing is decided.** The server's log says why; start it again.")
    if status["source"]:
        st.warning(
            f"**The source is read no more:** {status['source']}. Requests are still decided; start the server again "
            "to go on where it was."
        )


def _numbers(session: Session, status: dict[str, Any], lately: dict[str, Any]) -> None:
    counted = dict.fromkeys(("allow", *FLAGGED), 0)
    held = 0
    for bucket in lately["buckets"]:
        counted[bucket["action"]] += bucket["events"]
        held += bucket["amount_minor"] or 0 if bucket["action"] != "allow" else 0
    events, flagged = sum(counted.values()), sum(counted[action] for action in FLAGGED)
    seen = st.session_state.setdefault(_SEEN, deque(maxlen=40))
    seen.append((status["now"], status["events"], status["waiting"]))
    rates = [
        max(after[1] - before[1], 0) / max(after[0] - before[0], 0.1)
        for before, after in zip(seen, list(seen)[1:], strict=False)
    ]
    cells = st.columns(6)
    cells[0].metric(
        "Payments", f"{events:,}", border=True, help=f"In the span. {status['events']:,} since the server started"
    )
    cells[1].metric(
        "Flagged", f"{flagged:,}", border=True, help=f"{flagged / max(events, 1):.2%} of all; {money(held)} at stake"
    )
    cells[2].metric("Open alerts", _alerts(session), border=True, help="Nobody has taken them")
    cells[3].metric(
        "Per second",
        f"{rates[-1]:,.1f}" if rates else "…",
        border=True,
        help="Payments as they came in since this page was drawn before",
    )
    cells[4].metric(
        "Latency p99",
        f"{status['latency_p99_ms']:,.0f} ms",
        border=True,
        help=f"From receipt to the committed decision; p50 {status['latency_p50_ms']:,.0f} ms",
    )
    cells[5].metric(
        "Waiting",
        f"{status['waiting']:,}",
        border=True,
        help=f"Lag: payments received and not decided yet. {status['rejected']:,} could not be used, "
        f"{status['degraded']:,} were decided without the model, since the server started",
    )


def _alerts(session: Session) -> str:
    try:
        return f"{session.api.get('/v1/alerts:counts')['open']:,}"
    except ApiError:
        return "none"


def _charts(lately: dict[str, Any]) -> None:
    width = timedelta(seconds=max(int((parsed(lately["end"]) - parsed(lately["start"])).total_seconds() / SPANS_OF), 1))
    left, right = st.columns([3, 2])
    with left:
        st.subheader("Flagged, by time")
        if any(bucket["action"] != "allow" for bucket in lately["buckets"]):
            st.altair_chart(
                charts.by_time(lately["buckets"], FLAGGED, width, 190), alt="Flagged payments by time and action"
            )
        else:
            show_empty("Nothing was flagged in this span", "Choose a longer one above.")
        st.subheader("Allowed, by time")
        st.altair_chart(charts.by_time(lately["buckets"], ("allow",), width, 120), alt="Allowed payments by time")
    with right:
        st.subheader("Where")
        if lately["places"]:
            st.altair_chart(places.chart(lately["places"], 430, 330), alt="Map of payments, and of the flagged ones")
        else:
            show_empty("No payment says where it was made", "latitude and longitude of the contract are empty.")
    left, right = st.columns([3, 2])
    with left:
        st.subheader("Rules that fired")
        if lately["rules"]:
            st.altair_chart(charts.rule_bars(lately["rules"]), alt="Rules by how often they fired")
            st.caption("Red: labelled as fraud since.")
        else:
            show_empty("No rule fired in this span", "Choose a longer one above.")
    with right:
        st.subheader("Model scores")
        if lately["scores"]:
            st.altair_chart(charts.histogram(lately["scores"]), alt="Payments by model score")
        else:
            show_empty(
                "No model scored these payments",
                "`riskwave models train` makes one, `riskwave models promote` puts it online.",
            )
    st.caption(f"{moment(lately['start'])} to {moment(lately['end'])} UTC, by the payments' own time.")


VIEW = View("Now", ":material/monitoring:", "now", "read", render)
