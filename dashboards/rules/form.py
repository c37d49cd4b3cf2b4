"""A rule for those who write no SQL: fields and conditions; what it makes is the same SQL."""

from __future__ import annotations

from itertools import count
from typing import Any

import streamlit as st

from dashboards.rules.written import KINDS, Condition, operators, rule_text

_ROWS = "form_conditions"


def render(words: list[dict[str, Any]], owner: str) -> str | None:
    """The rule as text, once the form is filled in."""
    columns = {word["name"]: word for word in words if word["kind"] == "column" and word["type"] in KINDS}
    first, second, third = st.columns([2, 1, 1])
    name = first.text_input("Name", "many_payments", help="Lower-case letters, digits and underscores")
    action = second.selectbox("It asks for", ["review", "challenge", "block", "allow"])
    severity = third.selectbox("Severity", ["P2", "P1", "P0"], help="P0 is the most severe")
    rows = st.session_state.setdefault(_ROWS, [0])
    joined = "and"
    if len(rows) > 1:
        joined = st.radio("All of these, or any", ["and", "or"], horizontal=True, format_func=_JOINED.__getitem__)
    conditions: list[Condition | None] = []
    for row in list(rows):
        taken = {one.threshold for one in conditions if one is not None and one.threshold}
        conditions.append(_condition(columns, row, taken, removable=len(rows) > 1))
    if st.button("Add a condition", icon=":material/add:"):
        rows.append(max(rows) + 1)
        st.rerun()
    known = next((one for one in conditions if one is not None), None)
    column = known.column if known else ""
    told = columns[column]["description"].removesuffix(", this one included") if known else ""
    money = ":money" if known and columns[column]["unit"].startswith("minor units") else ""
    reason = st.text_input("Reason, in words", f"{told}: {{{column}{money}}}" if known else "", key=f"reason_{column}")
    st.caption("What is in {braces} is filled in: {card_txn_count_10m}, {amount_minor:money}, {:max_count}.")
    made = [one for one in conditions if one is not None]
    values: dict[str, set[Any]] = {}
    for one in made:
        if one.threshold:
            values.setdefault(one.threshold, set()).add(one.value)
    several = [threshold for threshold, each in values.items() if len(each) > 1]
    if several:
        st.warning(f"{', '.join(several)}: is the name of thresholds with different values; give each its own name.")
        return None
    if not made or not name or not reason:
        st.caption("Give it a name, a condition and a reason.")
        return None
    fields = {"rule": name, "action": action, "severity": severity, "reason": reason, "owner": owner}
    return rule_text(fields, made, joined)


_JOINED = {"and": "all must hold", "or": "one is enough"}


def _condition(columns: dict[str, dict[str, Any]], row: int, taken: set[str], *, removable: bool) -> Condition | None:
    """One row of the form; taken: names of thresholds in the rows before."""
    what, how, value, as_threshold, away = st.columns([3, 1.6, 1.8, 1.8, 0.6], vertical_alignment="bottom")
    names = list(columns)
    column = what.selectbox(
        "What is known",
        names,
        index=names.index("card_txn_count_10m") if "card_txn_count_10m" in names else 0,
        key=f"column_{row}",
        format_func=lambda name: f"{name} ({columns[name]['unit']})",
        help="Type to search",
    )
    told = columns[column]
    allowed = operators(told["type"])
    said = how.selectbox("is", list(allowed), key=f"operator_{row}_{told['type']}")
    operator = allowed[said]
    given, threshold = None, None
    if not operator.startswith("is "):
        given = _value(value, told, operator, row)
        if KINDS[told["type"]] == "number":
            threshold = as_threshold.text_input(
                "Threshold's name",
                _proposed(column, taken),
                key=f"threshold_{row}_{column}",
                help="A named threshold can be changed while payments flow; empty: the value is part of the rule",
            )
    if removable and away.button("", icon=":material/delete:", key=f"remove_{row}", help="Take it away"):
        st.session_state[_ROWS].remove(row)
        st.rerun()
    st.caption(told["description"])
    if given is None and not operator.startswith("is "):
        return None
    return Condition(column, operator, given, threshold or None)


def _value(place: Any, told: dict[str, Any], operator: str, row: int) -> Any:
    key = f"value_{row}_{told['name']}_{operator}"
    if told["values"]:
        if operator == "in":
            return place.multiselect("value", told["values"], key=key) or None
        return place.selectbox("value", told["values"], key=key)
    if told["type"] == "integer":
        return int(place.number_input("value", value=5, step=1, key=key))
    if told["type"] == "number":
        return float(place.number_input("value", value=0.5, key=key))
    text = place.text_input("value", key=key, placeholder="a, b" if operator == "in" else "")
    if operator == "in":
        return [part.strip() for part in text.split(",") if part.strip()] or None
    return text or None


def _proposed(column: str, taken: set[str]) -> str:
    """A threshold's name for a column, that no other has."""
    part = next((part for part in ("count", "sum", "avg", "max", "km", "score", "amount") if part in column), "value")
    name = f"least_{part}"
    return name if name not in taken else next(f"{name}_{n}" for n in count(2) if f"{name}_{n}" not in taken)
