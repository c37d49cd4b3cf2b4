"""Work on history that a page waits for: begun once for what is asked, shown while it runs, ended by a button."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import streamlit as st

from dashboards.client import ApiError
from dashboards.session import Session
from dashboards.show import show_fault

EVERY_S = 1.0


def outcome(session: Session, place: str, body: dict[str, Any]) -> dict[str, Any] | None:
    """What came of a job with this body, once it has; until then its progress is drawn, and None given.

    place: of the page; another body there ends the job before it.
    """
    asked = json.dumps(body, sort_keys=True)
    key = f"job:{place}"
    kept = st.session_state.get(key)
    if kept is None or kept["asked"] != asked:
        if kept is not None and kept["result"] is None:
            _cancel(session, kept["id"])
        begun = session.api.post("/v1/jobs", body)
        kept = st.session_state[key] = {"asked": asked, "id": begun["id"], "result": None, "problem": None}
    if kept["result"] is not None:
        found: dict[str, Any] = kept["result"]
        return found
    if kept["problem"] is None:
        _progress(session, key)
    if kept["problem"] is not None:
        st.warning(kept["problem"], icon=":material/error:")
        if st.button("Try again", key=f"{key}:again", icon=":material/refresh:"):
            forget(place)
            st.rerun()
    return None


def forget(place: str) -> None:
    """Have the next look begin the work anew."""
    st.session_state.pop(f"job:{place}", None)


@st.fragment(run_every=EVERY_S)
def _progress(session: Session, key: str) -> None:
    kept = st.session_state.get(key)
    if kept is None:
        return
    try:
        job = session.api.get(f"/v1/jobs/{kept['id']}")
    except ApiError as fault:
        if fault.status == 404:
            kept["problem"] = "The server was started anew meanwhile."
            st.rerun()
        show_fault(fault)
        return
    if job["state"] == "done":
        kept["result"] = job["result"]
        st.rerun()
    if job["state"] in ("failed", "cancelled"):
        kept["problem"] = job["problem"] or "It was cancelled."
        st.rerun()
    words, button = st.columns([4, 1], vertical_alignment="center")
    seconds = f", {job['seconds']:.0f} s" if job["seconds"] else ""
    words.info(f"{job['said'].capitalize()}{seconds}", icon=":material/hourglass_top:")
    if button.button("Cancel", key=f"{key}:cancel", width="stretch"):
        _cancel(session, kept["id"])
        kept["problem"] = "It was cancelled."
        st.rerun()


def _cancel(session: Session, id_: str) -> None:
    with suppress(ApiError):  # it is over, or the server was started anew
        session.api.delete(f"/v1/jobs/{id_}")
