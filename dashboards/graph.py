"""Entities that share payments, as a graph."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboards.charts import FRAUD, QUIET
from dashboards.show import ink, show_empty
from dashboards.ways import link

#: Fields of a payment that name what its card shares with others, by kind; and those of all entities.
FIELDS = {"device": "device_id", "ip": "ip", "merchant": "merchant_id"}
ENTITIES = {"card": "card_id", **FIELDS}
SHAPES = {"card": "box", "device": "ellipse", "ip": "hexagon", "merchant": "house"}
ICONS = {
    "card": ":material/credit_card:",
    "device": ":material/smartphone:",
    "ip": ":material/lan:",
    "merchant": ":material/storefront:",
}
MOST = {"card": 12, "device": 6, "ip": 6, "merchant": 5}  # nodes of a kind


def render(links: dict[str, Any], root: str, near: set[str]) -> None:
    """Draw it. links: of GET …/links; root: whom it is about; near: those of the payment that is looked at; kind:id."""
    edges = chosen(links["edges"], root, near)
    if not edges:
        show_empty("It shares nothing with anybody", "Its payments name no device, address or merchant.")
        return
    st.graphviz_chart(dot(edges, root, near, ink()), alt="Entities that share payments")
    frauds = "Red: payments labelled as fraud. Bold: of this payment. " if near else "Red: payments labelled as fraud. "
    left = len(links["edges"]) - len(edges)
    st.caption(frauds + (f"{left} more links are not drawn: open an entity to see its own." if left else ""))
    with st.container(horizontal=True):
        for name in sorted({end for edge in edges for end in (edge["from"], edge["to"])} - {root}):
            kind, _, identity = name.partition(":")
            link("entity", identity, icon=ICONS[kind], kind=kind, id=identity)


def chosen(edges: list[dict[str, Any]], root: str, near: set[str]) -> list[dict[str, Any]]:
    """The edges that are drawn: frauds and those of the payment first, then the busiest, up to MOST nodes of a kind."""
    ranked = sorted(
        edges, key=lambda edge: (edge["from"] != root, edge["to"] not in near, -edge["frauds"], -edge["events"])
    )
    there, kept = {root}, []
    room = dict(MOST)
    for edge in ranked:
        end = edge["to"]
        kind = end.partition(":")[0]
        if edge["from"] not in there or end == root:
            continue
        if end not in there:
            if not room[kind]:
                continue
            room[kind] -= 1
            there.add(end)
        kept.append(edge)
    return kept


def dot(edges: list[dict[str, Any]], root: str, near: set[str], ink: str) -> str:
    """The graph in Graphviz's language; ink: the colour of words."""
    lines = [
        "digraph {",
        'rankdir=LR; bgcolor="transparent"; nodesep=0.12; ranksep=1.1;',
        f'node [fontname="sans-serif" fontsize=11 fontcolor="{ink}" color="{QUIET}" margin="0.08,0.04" height=0.3];',
        f'edge [fontname="sans-serif" fontsize=9 fontcolor="{ink}" color="{QUIET}" arrowhead=none];',
    ]
    for name in dict.fromkeys([root, *(end for edge in edges for end in (edge["from"], edge["to"]))]):
        kind, _, identity = name.partition(":")
        bold = ' penwidth=2.5 color="#3d7fd1"' if name in near or name == root else ""
        lines.append(f"{_quoted(name)} [label={_quoted(f'{kind} {identity}')} shape={SHAPES[kind]}{bold}];")
    for edge in edges:
        red = f' color="{FRAUD}" fontcolor="{FRAUD}" penwidth=2' if edge["frauds"] else ""
        said = f"{edge['events']}" + (f", {edge['frauds']} fraud" if edge["frauds"] else "")
        lines.append(f"{_quoted(edge['from'])} -> {_quoted(edge['to'])} [label={_quoted(said)}{red}];")
    return "\n".join([*lines, "}"])


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
