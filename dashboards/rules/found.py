"""What looking back found that real time missed, and the rules it proposes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import streamlit as st

from dashboards.figures import share, whole_money
from dashboards.jobs import forget, outcome
from dashboards.rules.draft import as_text
from dashboards.session import Session
from dashboards.show import moment, show_empty
from dashboards.ways import links

RANGES = {"The last day": "day", "The last hour": "hour"}


def render(session: Session) -> None:
    """The last look back, or one made now."""
    if not session.may("try"):
        show_empty("Looking back takes the scope try.", "Analysts and approvers have it: ask for such a key.")
        return
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    chosen = left.segmented_control("Look over", list(RANGES), default="The last day", key="found_range")
    last = RANGES[chosen or "The last day"]
    if right.button("Look now", icon=":material/history:", width="stretch"):
        st.session_state["found_look"] = last
        forget("insight")
    look = session.api.get("/v1/insights")[last]
    if st.session_state.get("found_look") == last:
        done = outcome(session, "insight", {"work": "insight", "last": last, "model": _online(session)})
        if done is None:
            return
        look = look or {**done, "at": datetime.now(UTC).timestamp()}
    if look is None:
        show_empty(
            "Nobody has looked back since the server started.",
            "The server looks over the last hour every hour, and over the last day every day; *Look now* does it at "
            "once. It takes 500 events before the range.",
        )
        return
    _look(look)


def _online(session: Session) -> str | None:
    """The model whose flags are to be explained, where it is online."""
    models = session.api.get("/v1/models")["items"]
    return next((one["name"] for one in models if (one["name"], one["state"]) == ("card", "online")), None)


def _look(look: dict[str, Any]) -> None:
    at = datetime.fromtimestamp(look["at"], UTC).strftime("%d %b %Y %H:%M")
    st.caption(
        f"{moment(look['from_'])} to {moment(look['to'])}: {look['events']:,} events against {look['before']:,} "
        f"before, {look['unusual']:,} unusual, {look['unexplained']:,} flagged by the model alone. Looked at {at} UTC."
    )
    if not look["clusters"]:
        st.success("Nothing goes together that is new.", icon=":material/check:")
    for number, part in enumerate(look["clusters"], 1):
        _cluster(number, part)
    if look["projections"]:
        with st.expander("Columns that go together anew"):
            rows = [
                {"columns": said, "events": events, "expected": expected}
                for said, events, expected in look["projections"]
            ]
            column = st.column_config.NumberColumn(format="%.1f")
            st.dataframe(rows, hide_index=True, column_config={"expected": column})


def _cluster(number: int, part: dict[str, Any]) -> None:
    with st.container(border=True):
        st.markdown(
            f"**{part['events']:,} events of {part['cards']:,} cards.** {part['missed']:,} were let pass, of "
            f"{whole_money(part['money'])}; {part['frauds']:,} are known frauds. For example:"
        )
        links(part["examples"][:3])
        for made in part["made_by"]:
            st.markdown(f"- {made['said']}")
        draft = part["draft"]
        if draft is None:
            st.caption("No few conditions set them apart: there is no rule to propose.")
            return
        st.caption(
            f"The rule proposed flags {draft['flagged']:,} events of the whole history, {draft['of_cluster']:,} of "
            f"them these. Precision {share(draft['precision'])}, recall {share(draft['recall'])}, false positives "
            f"{share(draft['false_positive_rate'])}, by all labels so far."
        )
        st.code(draft["text"], language="yaml")
        st.button(
            "Go on with it as a new rule",
            key=f"found_{number}",
            icon=":material/edit_note:",
            on_click=_take,
            args=(draft["text"],),
        )


def _take(text: str) -> None:
    as_text(text)
    st.session_state["rules_part"] = "New rule"
