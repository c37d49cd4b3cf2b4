"""An explained score, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from riskwave.scoring.explain import ScoreExplained


def show_score(scored: ScoreExplained, console: Console) -> None:
    """Print what made a score."""
    side = "at or above" if scored.flagged else "below"
    console.print(Text(f"{scored.model} scores it {scored.score:.4f}, {side} its threshold {scored.threshold:.4f}"))
    for reason in scored.reasons:
        console.print(Text(f"  {reason.adds:+.2f}  {reason.said}"))
    for name, adds in scored.members.items():
        console.print(Text(f"  {adds:+.2f}  by {name}"))
