"""`riskwave features`: the catalogue on the terminal, as JSON, or as the docs page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.padding import Padding

from riskwave.catalogue import ENTITIES, Feature, load_catalogue, of_entity, write_docs


def features_command(
    entity: Annotated[str | None, typer.Option(help=f"One entity: {', '.join(ENTITIES)}.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print them as one JSON list.")] = False,
    docs: Annotated[Path | None, typer.Option(help="Write all as a page to this file.")] = None,
) -> None:
    """List every feature: type, unit, entity, window, and the source columns it is made of.

    Example: riskwave features --entity card
    """
    everything = load_catalogue()
    features = everything if entity is None else of_entity(everything, entity)
    if docs is not None:
        write_docs(everything, docs)
        typer.echo(f"{docs}: {len(everything)} features")
    elif as_json:
        typer.echo(json.dumps([feature.as_dict() for feature in features], indent=2))
    else:
        _print(features)


def _print(features: list[Feature]) -> None:
    console = Console(highlight=False)
    for entity, about in ENTITIES.items():
        own = [feature for feature in features if feature.entity == entity]
        if own:
            console.print(f"[bold]{entity}[/bold]: {about}\n")
        for feature in own:
            over = f", over {feature.window}" if feature.window else ""
            console.print(f"[bold cyan]{feature.name}[/bold cyan]  {feature.type}, {feature.unit}{over}")
            console.print(Padding(feature.description, (0, 0, 0, 4)))
            console.print(Padding(f"[dim]from {', '.join(feature.lineage)}[/dim]", (0, 0, 1, 4)))
    console.print(f"{len(features)} features")
