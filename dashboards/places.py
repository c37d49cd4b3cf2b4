"""The map of where payments were made, without anything from the network: strips of land, and places on them.

`land.csv` has the land in strips half a degree high, from 78° north to 56° south, sampled from GLOBE, NOAA's elevation
model of the earth at 1 km, which is in the public domain.
"""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import altair as alt

from dashboards.charts import FRAUD, QUIET

STRIP = 0.5  # degrees
SOUTH, NORTH = -56.0, 78.0  # where there is land
LEAST = 12.0  # degrees of longitude that are shown at least
CELLS = 60  # places nearer than the width over this are drawn as one


def chart(places: Sequence[dict[str, Any]], width: int, height: int) -> alt.LayerChart:
    """Places as dots by how many payments were made there, and in them how many of those were flagged.

    places: rows of latitude, longitude (degrees), events, flagged; width, height: on the screen at most, pixels.
    """
    west, east, south, north = frame(places, width / height)
    middle = math.cos(math.radians((south + north) / 2))
    height = round(min(height, width * (north - south) / ((east - west) * middle)))
    x = alt.X("longitude:Q", scale=alt.Scale(domain=[west, east], nice=False), axis=None)
    y = alt.Y("latitude:Q", scale=alt.Scale(domain=[south, north], nice=False), axis=None)
    land = [
        {
            "latitude": max(at, south),
            "north": min(at + STRIP, north),
            "longitude": max(one, west),
            "east": min(two, east),
        }
        for at, one, two in strips()
        if at < north and at + STRIP > south and one < east and two > west
    ]
    ground = alt.Chart(alt.InlineData(values=land)).mark_rect(color=QUIET, opacity=0.28)
    dots = alt.Chart(alt.InlineData(values=joined(places, (east - west) / CELLS)))
    return (
        ground.encode(x=x, x2="east:Q", y=y, y2="north:Q")
        + dots.mark_circle(clip=True, opacity=0.75).encode(
            x=x,
            y=y,
            size=alt.Size("events:Q", scale=alt.Scale(type="sqrt", range=[15, 900]), legend=None),
            color=alt.Color(
                "what:N",
                scale=alt.Scale(domain=["payments", "flagged"], range=["#3d7fd1", FRAUD]),
                legend=alt.Legend(title=None, orient="top"),
            ),
            tooltip=[
                alt.Tooltip("what:N", title=" "),
                alt.Tooltip("events:Q", format=",", title="how many"),
                alt.Tooltip("latitude:Q", format=".1f"),
                alt.Tooltip("longitude:Q", format=".1f"),
            ],
        )
    ).properties(height=height)


def joined(places: Sequence[dict[str, Any]], apart: float) -> list[dict[str, Any]]:
    """Places of one square as one, at their middle: all payments first, then the flagged among them. apart: degrees."""
    squares: dict[tuple[int, int], list[dict[str, Any]]] = defaultdict(list)
    for place in places:
        squares[round(place["latitude"] / apart), round(place["longitude"] / apart)].append(place)
    found = []
    for several in squares.values():
        events = sum(place["events"] for place in several)
        middle = {
            name: sum(place[name] * place["events"] for place in several) / events for name in ("latitude", "longitude")
        }
        found.append({**middle, "what": "payments", "events": events})
        if flagged := sum(place["flagged"] for place in several):
            found.append({**middle, "what": "flagged", "events": flagged})
    return sorted(found, key=lambda place: (place["what"] == "flagged", -place["events"]))


def frame(places: Sequence[dict[str, Any]], ratio: float) -> tuple[float, float, float, float]:
    """West, east, south and north of a map that has all places in it and is true in its middle. ratio: its shape."""
    latitudes = [place["latitude"] for place in places] or [SOUTH, NORTH]
    longitudes = [place["longitude"] for place in places] or [-120.0, 120.0]
    middle = (min(latitudes) + max(latitudes)) / 2, (min(longitudes) + max(longitudes)) / 2
    narrow = math.cos(math.radians(middle[0]))
    wide = max((max(longitudes) - min(longitudes)) * 1.12, LEAST)
    high = max((max(latitudes) - min(latitudes)) * 1.12, wide * narrow / ratio)
    wide = min(max(wide, high * ratio / narrow), 360.0)
    south, north = max(middle[0] - high / 2, SOUTH), min(middle[0] + high / 2, NORTH)
    return middle[1] - wide / 2, middle[1] + wide / 2, south, north


@cache
def strips() -> tuple[tuple[float, float, float], ...]:
    """Southern edge, west and east of each strip of land, degrees."""
    with Path(__file__).with_name("land.csv").open() as file:
        return tuple((float(row["south"]), float(row["west"]), float(row["east"])) for row in csv.DictReader(file))
