"""What a comparison found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text


@dataclass(frozen=True)
class Example:
    """One value that differs."""

    event_id: str
    left: Any
    right: Any


@dataclass(frozen=True)
class Column:
    """A column that both sides have: how many events differ in it, and some of them."""

    relation: str
    name: str
    differing: int
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True)
class OneSided:
    """Events, or columns, of a relation that only one side has: how many, and the names of some."""

    relation: str
    kind: str
    count: int
    names: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """The outcome of `compare`.

    events: events on both sides; columns: every column compared, by relation; only_left, only_right: what the other
    side lacks; skipped: sentences on what was not compared.
    """

    left: str
    right: str
    events: int
    columns: tuple[Column, ...]
    only_left: tuple[OneSided, ...] = ()
    only_right: tuple[OneSided, ...] = ()
    skipped: tuple[str, ...] = ()

    @property
    def equal(self) -> bool:
        """Whether every event and every column agrees."""
        return not (self.differing or self.only_left or self.only_right)

    @property
    def differing(self) -> tuple[Column, ...]:
        """The columns with events that differ, those with the most first."""
        return tuple(sorted((column for column in self.columns if column.differing), key=lambda c: -c.differing))

    @property
    def line(self) -> str:
        """The one line that is said when all agree."""
        skipped = "".join(f"; {sentence}" for sentence in self.skipped)
        return f"equal: {self.events:,} events, {len(self.columns):,} columns{skipped}"

    def as_dict(self) -> dict[str, Any]:
        """Everything, for JSON; of the columns only those that differ."""
        return {
            "equal": self.equal,
            "left": self.left,
            "right": self.right,
            "events": self.events,
            "columns_compared": len(self.columns),
            "differing": [asdict(column) for column in self.differing],
            "only_left": [asdict(part) for part in self.only_left],
            "only_right": [asdict(part) for part in self.only_right],
            "skipped": list(self.skipped),
        }


def draw(console: Console, report: Report) -> None:
    """Print what differs: columns with examples, then what one side lacks."""
    for relation in dict.fromkeys(column.relation for column in report.columns):
        differing = [column for column in report.differing if column.relation == relation]
        compared = [column for column in report.columns if column.relation == relation]
        if differing:
            _draw_columns(console, f"{relation}: {len(differing)} of {len(compared)} columns differ", differing)
    for side, parts in ((report.left, report.only_left), (report.right, report.only_right)):
        for part in parts:
            more = ", ..." if part.count > len(part.names) else ""
            console.print(
                f"only in {side}, {part.relation}: {part.count:,} {part.kind}: {', '.join(part.names)}{more}",
                highlight=False,
                markup=False,
            )
    console.print(f"differ: {report.events:,} events on both sides, {len(report.columns):,} columns compared")
    for sentence in report.skipped:
        console.print(sentence, highlight=False, markup=False)


def _draw_columns(console: Console, title: str, columns: list[Column]) -> None:
    table = Table(title=title, title_justify="left")
    table.add_column("column", no_wrap=True)
    table.add_column("events", justify="right", no_wrap=True)
    for heading in ("event_id", "left", "right"):
        table.add_column(heading, overflow="fold")
    for column in columns:
        if not column.examples:
            table.add_row(column.name, f"{column.differing:,}")
        for place, example in enumerate(column.examples):
            head = (column.name, f"{column.differing:,}") if place == 0 else ("", "")
            # Values are shown as they are: a text with brackets is no mark-up.
            table.add_row(*head, *(Text(_shown(value)) for value in (example.event_id, example.left, example.right)))
    console.print(table)


def _shown(value: Any) -> str:
    return "NULL" if value is None else str(value)
