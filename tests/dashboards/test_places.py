"""The map that needs no network."""

from __future__ import annotations

import pytest

from dashboards import places

#: Cities, and places at sea: degrees.
LAND = [(52.5, 13.4), (48.9, 2.4), (51.5, -0.1), (40.7, -74.2), (35.7, 139.6), (-1.3, 36.8), (-33.9, 150.9)]
SEA = [(45.0, -30.0), (0.0, -140.0), (-20.0, 80.0), (57.0, 3.0), (43.0, -5.0 - 10.0)]


def on_land(latitude: float, longitude: float) -> bool:
    return any(
        south <= latitude < south + places.STRIP and west <= longitude < east for south, west, east in places.strips()
    )


def test_cities_are_on_land_and_the_sea_is_not() -> None:
    assert all(on_land(*place) for place in LAND)
    assert not any(on_land(*place) for place in SEA)


@pytest.mark.parametrize(
    "there",
    [
        [],
        [(52.5, 13.4)],
        [(52.5, 13.4), (48.2, 16.4), (41.4, 2.2)],
        [(-33.9, 151.2), (35.7, 139.7), (40.7, -74.0), (64.1, -21.9), (-54.8, -68.3)],
    ],
)
def test_every_place_is_within_the_frame(there: list[tuple[float, float]]) -> None:
    rows = [{"latitude": one, "longitude": two, "events": 3, "flagged": 1} for one, two in there]
    west, east, south, north = places.frame(rows, 1.3)
    assert east - west >= places.LEAST
    assert all(west < two < east and south < one < north for one, two in there)
    chart = places.chart(rows, 430, 330).to_dict()
    assert 0 < chart["height"] <= 330


def test_near_places_are_drawn_as_one_and_flagged_ones_on_top() -> None:
    rows = [
        {"latitude": 52.6, "longitude": 13.4, "events": 3, "flagged": 0},
        {"latitude": 52.7, "longitude": 13.4, "events": 1, "flagged": 1},
        {"latitude": 41.0, "longitude": 2.0, "events": 5, "flagged": 0},
    ]
    found = places.joined(rows, 1.0)
    assert [(each["what"], each["events"]) for each in found] == [("payments", 5), ("payments", 4), ("flagged", 1)]
    assert found[1]["latitude"] == pytest.approx(52.625)
