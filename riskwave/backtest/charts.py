"""Charts as inline SVG: what a page shows without a network and without scripts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 640, 180
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 12, 26
Said = Callable[[float], str]


@dataclass(frozen=True)
class Line:
    """A series of a chart. mark: its colour, 1 to 3; values: None leaves a gap."""

    name: str
    values: Sequence[float | None]
    mark: int = 1


def lines(
    title: str,
    labels: Sequence[str],
    series: Sequence[Line],
    said: Said,
    *,
    at: int | None = None,
    best: int | None = None,
) -> str:
    """Lines over labels in order, from zero up. at, best: places that are marked: the value now, and the one found."""
    known = [value for line in series for value in line.values if value is not None]
    top = max(known, default=0.0) or 1.0
    step = (WIDTH - _LEFT - _RIGHT) / max(len(labels) - 1, 1)

    def x(place: int) -> float:
        return _LEFT + step * place

    def y(value: float) -> float:
        return HEIGHT - _BOTTOM - value / top * (HEIGHT - _TOP - _BOTTOM)

    parts = [_axes(top, said)]
    every = max(1, -(-len(labels) // 8))
    for place in range(0, len(labels), every):
        parts.append(_text(x(place), HEIGHT - 8, labels[place], "middle"))
    for marked, kind in ((at, "now"), (best, "best")):
        if marked is not None:
            parts.append(
                f'<line class="{kind}" x1="{x(marked):.1f}" x2="{x(marked):.1f}" y1="{_TOP}" y2="{y(0):.1f}"/>'
            )
    for line in series:
        for run in _runs(line.values):
            points = " ".join(f"{x(place):.1f},{y(value):.1f}" for place, value in run)
            parts.append(f'<polyline class="line m{line.mark}" points="{points}"/>')
        for place, value in enumerate(line.values):
            if value is not None:
                tip = f"{line.name}, {labels[place]}: {said(value)}"
                parts.append(
                    f'<circle class="dot m{line.mark}" cx="{x(place):.1f}" cy="{y(value):.1f}" r="2.5">'
                    f"<title>{escape(tip)}</title></circle>"
                )
    return _figure(title, series, WIDTH, HEIGHT, parts)


def bars(title: str, rows: Sequence[tuple[str, float, float]], names: tuple[str, str], said: Said) -> str:
    """A bar a row, of two parts."""
    height, left = 18, 230
    most = max((one + two for _, one, two in rows), default=0.0) or 1.0
    scale = (WIDTH - left - 70) / most
    parts = []
    for place, (name, one, two) in enumerate(rows):
        y = place * height
        parts.append(_text(left - 6, y + 13, name, "end"))
        at = float(left)
        for mark, (what, value) in enumerate(zip(names, (one, two), strict=True), 1):
            tip = escape(f"{name}, {what}: {said(value)}")
            parts.append(
                f'<rect class="bar m{mark}" x="{at:.1f}" y="{y + 3}" width="{value * scale:.1f}" height="{height - 5}">'
                f"<title>{tip}</title></rect>"
            )
            at += value * scale
        parts.append(_text(at + 5, y + 13, said(one + two), "start"))
    key = [Line(name, (), mark) for mark, name in enumerate(names, 1)]
    return _figure(title, key, WIDTH, len(rows) * height + 4, parts)


def heat(title: str, names: Sequence[str], share: Callable[[int, int], float]) -> str:
    """A square a pair, the darker the higher its share (0 to 1)."""
    cell, left = 16, 230
    parts = []
    for row, name in enumerate(names):
        parts.append(_text(left - 6, row * cell + 12, name, "end"))
        for column in range(row):
            value = share(row, column)
            tip = escape(f"{name} and {names[column]}: {value:.0%}")
            parts.append(
                f'<rect class="cell" x="{left + column * cell}" y="{row * cell + 1}" width="{cell - 1}" '
                f'height="{cell - 1}" fill-opacity="{max(value, 0.04):.2f}"><title>{tip}</title></rect>'
            )
    return _figure(title, (), WIDTH, len(names) * cell + 4, parts)


def _axes(top: float, said: Said) -> str:
    parts = []
    for share in (0.0, 0.5, 1.0):
        y = HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(_text(_LEFT - 6, y + 4, said(top * share), "end"))
    return "".join(parts)


def _runs(values: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    """The places and values between gaps."""
    runs: list[list[tuple[int, float]]] = [[]]
    for place, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((place, value))
    return [run for run in runs if run]


def _text(x: float, y: float, said: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(said)}</text>'


def _figure(title: str, key: Sequence[Line], width: int, height: int, parts: Sequence[str]) -> str:
    names = "".join(f'<span class="key m{line.mark}">{escape(line.name)}</span>' for line in key)
    return (
        f'<figure><figcaption>{escape(title)}{names}</figcaption><svg viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escape(title)}">{"".join(parts)}</svg></figure>'
    )
