"""*Models*: versions and who scores whom, figures, drift, what they look at."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import altair as alt
import streamlit as st

from dashboards.client import ApiError
from dashboards.figures import rows_of, share
from dashboards.jobs import forget, outcome
from dashboards.session import Session
from dashboards.show import is_said, moment, show_empty, show_fault
from dashboards.view import View

LEVELS = {"stable": "#2e9e6b", "moderate": "#e08a1e", "large": "#d64545"}
SHOWN = 15


def render(session: Session) -> None:
    """Draw the page."""
    st.title("Models")
    names = sorted({one["name"] for one in session.api.get("/v1/models")["items"]})
    if not names:
        show_empty(
            "There is no model.",
            "Rules decide alone. Train one with `riskwave models train`, and start the server with "
            "`--models riskwave.models.db` (docs/models.md).",
        )
        return
    done = st.session_state.pop("models_done", None)
    if done:
        st.success(done, icon=":material/check:")
    name = st.selectbox("Model", names) if len(names) > 1 else names[0]
    model = session.api.get(f"/v1/models/{name}")
    _headline(model)
    _versions(model)
    if session.may("approve"):
        _act(session, model)
    else:
        st.caption("Saying which version scores takes the scope approve.")
    _watched(session, model)


def _headline(model: dict[str, Any]) -> None:
    columns = st.columns(4)
    columns[0].metric("Scores now", ", ".join(model["online"]) or "none", border=True)
    columns[1].metric(
        "Canary",
        model["canary"] or "none",
        f"{model['share']:.0%} of the cards" if model["canary"] else None,
        delta_color="off",
        delta_arrow="off",
        border=True,
    )
    columns[2].metric("In the shadow", ", ".join(model["shadows"]) or "none", border=True)
    watch = model["watch"]
    alarms = "not looked at" if watch is None else str(len(watch["alarms"]))
    columns[3].metric("Alarms at the last look", alarms, border=True)


def _versions(model: dict[str, Any]) -> None:
    scored = {row["version"].partition(" ")[2]: row for row in model["scored"]}
    rows = []
    for one in reversed(model["versions"]):
        metrics, own = one["metrics"], scored.get(one["version"])
        rows.append(
            {
                "version": one["version"],
                "does": one["role"],
                "algorithm": one["algorithm"],
                "trained (UTC)": moment(one["created"]),
                "AUC": metrics.get("auc"),
                "precision": share(metrics.get("precision")),
                "recall": share(metrics.get("recall")),
                "false positives": share(metrics.get("false_positive_rate")),
                "attacks caught": f"{metrics.get('attacks_caught', 0)} of {metrics.get('attacks', 0)}",
                "flags from": round(one["threshold"], 3),
                "scored in 7 days": own["events"] if own else 0,
            }
        )
    st.dataframe(rows, hide_index=True, column_config={"AUC": st.column_config.NumberColumn(format="%.3f")})
    st.caption("Figures are of the test window, which no version learned from. Scored: first decisions, last 7 days.")


def _act(session: Session, model: dict[str, Any]) -> None:
    path = f"/v1/models/{model['name']}"
    versions = [one["version"] for one in reversed(model["versions"])]
    offered = (
        "Put it online",
        "Let it score a share (canary)",
        "Let it score beside (shadow)",
        "End its shadow",
        "Roll back to what scored before",
    )
    with st.form("model_act", border=True):
        first, second, third, last = st.columns([2, 1.2, 3, 1], vertical_alignment="bottom")
        chosen = first.selectbox("What to do", offered)
        version = second.selectbox("Version", versions)
        why = third.text_input("Why", max_chars=1_000, placeholder="better on the last month")
        asked = last.form_submit_button("Do it", type="primary", width="stretch")
        part = st.slider("Share of the cards, for a canary", 0, 50, 10, format="%d%%", help="0 ends the canary")
    if not asked or not is_said(why):
        return
    body: dict[str, Any] = {"why": why}
    if chosen != offered[4]:
        body["version"] = version
    if chosen == offered[1]:
        body["share"] = part / 100
    if chosen == offered[3]:
        body["on"] = False
    verb = dict(zip(offered, ("promote", "canary", "shadow", "shadow", "rollback"), strict=True))[chosen]
    try:
        done = session.api.post(f"{path}/{verb}", body)
    except ApiError as fault:
        show_fault(fault)
        return
    canary = f", canary {done['canary']} on {done['share']:.0%} of the cards" if done["canary"] else ""
    st.session_state["models_done"] = f"{', '.join(done['online'])} scores now{canary}"
    st.rerun()


def _watched(session: Session, model: dict[str, Any]) -> None:
    """The last look at it: alarms, distances, figures, what it looks at."""
    head, button = st.columns([4, 1], vertical_alignment="bottom")
    head.subheader("How it is doing")
    watch = model["watch"]
    if session.may("try") and button.button("Look now", icon=":material/visibility:", width="stretch"):
        st.session_state["models_look"] = model["name"]
        forget("watch")
    if st.session_state.get("models_look") == model["name"]:
        found = outcome(session, "watch", {"work": "watch", "model": model["name"]})
        if found is None:
            return
        watch = {**found, "at": watch["at"] if watch else datetime.now(UTC).timestamp()}
    if watch is None:
        show_empty(
            "Nobody has looked at it since the server started.",
            "The server looks every hour; *Look now* does it at once.",
        )
        return
    at = datetime.fromtimestamp(watch["at"], UTC).strftime("%d %b %Y %H:%M")
    st.caption(
        f"Version {watch['version']} on {watch['events']:,} events, {moment(watch['from_'])} to {moment(watch['to'])}, "
        f"looked at {at} UTC. It flags {share(watch['flagged'])}."
    )
    for alarm in watch["alarms"][:8]:
        st.error(f"{alarm['said']} ({moment(alarm['at'])} UTC)", icon=":material/warning:")
    if not watch["alarms"]:
        st.success("No alarm: nothing is beyond its limit.", icon=":material/check:")
    _quality(watch["quality"])
    left, right = st.columns(2)
    with left:
        st.caption(
            "**Drift.** How far the score and columns are from the training window (PSI: 0.1 moderate, 0.25 large)"
        )
        _bars(
            [
                {"name": one["name"], "is": one["psi"], "level": one["level"]}
                for one in watch["distances"]
                if one["events"]
            ],
            "PSI",
        )
    with right:
        st.caption("**What it looks at.** Columns that move its scores most, either way, as a share of all movement")
        if watch["weights"]:
            _bars([{"name": one["column"], "is": one["of"], "level": "stable"} for one in watch["weights"]], "share")
        else:
            st.caption("Not known: it was kept without what explains it.")


def _quality(quality: dict[str, Any] | None) -> None:
    if quality is None:
        st.caption("No event is old enough for its labels to have come: figures follow.")
        return
    metrics = quality["metrics"]
    columns = st.columns(4)
    columns[0].metric("Precision", share(metrics["precision"]), border=True)
    columns[1].metric("Recall", share(metrics["recall"]), border=True)
    columns[2].metric("False positives", share(metrics["false_positive_rate"]), border=True)
    columns[3].metric("Attacks caught", f"{metrics['attacks_caught']} of {metrics['attacks']}", border=True)
    st.caption(
        f"On {metrics['events']:,} events at least {quality['delay_days']:g} days old, by labels that had come "
        f"({metrics['frauds']:,} frauds); those that it learned from are among them, where they are so young."
    )


def _bars(rows: list[dict[str, Any]], title: str) -> None:
    kept = sorted(rows, key=lambda row: -row["is"])[:SHOWN]
    levels = list(LEVELS)
    bars = (
        alt.Chart(rows_of(kept))
        .mark_bar()
        .encode(
            alt.X("is:Q", title=title),
            alt.Y("name:N", title=None, sort=None, axis=alt.Axis(labelLimit=230)),
            alt.Color("level:N", scale=alt.Scale(domain=levels, range=[LEVELS[one] for one in levels]), legend=None),
            tooltip=[alt.Tooltip("name:N"), alt.Tooltip("is:Q", format=".3f", title=title)],
        )
        .properties(height=alt.Step(20))
    )
    st.altair_chart(bars, width="stretch")


VIEW = View("Models", ":material/model_training:", "models", "read", render)
