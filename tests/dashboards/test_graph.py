"""Which links are drawn, and how."""

from __future__ import annotations

from typing import Any

from dashboards.graph import MOST, chosen, dot


def edge(one: str, two: str, events: int = 1, frauds: int = 0) -> dict[str, Any]:
    return {"from": one, "to": two, "events": events, "frauds": frauds}


def test_those_of_the_payment_and_frauds_come_first_and_room_is_kept() -> None:
    many = [edge("card:c1", f"merchant:m{n}", events=100 - n) for n in range(50)]
    rare = edge("card:c1", "merchant:rare")
    shared = [edge("card:c1", "device:d1"), edge("device:d1", "card:c2", 2, 1), edge("device:d9", "card:c3")]
    kept = chosen([*many, rare, *shared], "card:c1", {"merchant:rare"})
    drawn = {one["to"] for one in kept}
    assert {"merchant:rare", "device:d1", "card:c2"} <= drawn
    assert "card:c3" not in drawn, "nothing leads to its device"
    assert sum(name.startswith("merchant:") for name in drawn) == MOST["merchant"]
    assert chosen([], "card:c1", set()) == []


def test_names_cannot_break_out_of_the_graph() -> None:
    text = dot([edge("card:c1", 'device:d"]; evil [label="x')], "card:c1", set(), "#000000")
    assert '"device:d\\"]; evil [label=\\"x"' in text
    assert text.count("\n") == 7


def test_frauds_are_red_and_said() -> None:
    text = dot([edge("card:c1", "device:d1", 4, 2)], "card:c1", {"device:d1"}, "#ffffff")
    assert 'label="4, 2 fraud"' in text
    assert "penwidth=2.5" in text
