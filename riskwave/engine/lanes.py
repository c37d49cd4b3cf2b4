"""Which of a batch's statements run beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet


def in_lanes(needs: Sequence[AbstractSet[int]]) -> tuple[list[int], list[int]]:
    """The steps 0 to n - 1 in two lanes, by the earlier steps that each needs; each lane in an order that works.

    Those with the longest way to the end come first, each where it can start first (list scheduling by level, Adam,
    Chandy and Dickson 1974), every step taken to last as long as the others.
    """
    levels = [1] * len(needs)
    for step in reversed(range(len(needs))):
        for needed in needs[step]:
            levels[needed] = max(levels[needed], levels[step] + 1)
    lanes: tuple[list[int], list[int]] = ([], [])
    free = [0, 0]
    ends: dict[int, int] = {}
    for step in sorted(range(len(needs)), key=lambda step: (-levels[step], step)):
        ready = max((ends[needed] for needed in needs[step]), default=0)
        # Of two lanes that are free, that of a step it needs.
        chosen = min((0, 1), key=lambda lane: (max(free[lane], ready), needs[step].isdisjoint(lanes[lane])))
        lanes[chosen].append(step)
        ends[step] = free[chosen] = max(free[chosen], ready) + 1
    return lanes
