"""`riskwave models`: which versions score whom."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from riskwave.control.options import EMBEDDED, Target
from riskwave.errors import RiskwaveError
from riskwave.scoring.options import (
    DEFAULT_REGISTRY,
    ArtifactsOption,
    JsonOption,
    NameOption,
    RegistryOption,
    VersionArgument,
    open_registry,
)

if TYPE_CHECKING:
    from riskwave.scoring.registry import Version
    from riskwave.scoring.rollout import Rollout
    from riskwave.scoring.routes import Routes

OnlineOption = Annotated[
    Path | None,
    typer.Option(
        "--online", envvar="RISKWAVE_MODELS", help="Folder that everything scores from; beside the registry by default."
    ),
]
EndOption = Annotated[bool, typer.Option("--end", help="End it.")]


def publish_command(
    version: VersionArgument = "latest",
    *,
    name: NameOption = "card",
    registry: RegistryOption = DEFAULT_REGISTRY,
    artifacts: ArtifactsOption = None,
    target: Target = EMBEDDED,
    as_json: JsonOption = False,
) -> None:
    """Put a version of state dev into test: checked to load and to match the catalogue.

    Example: riskwave models publish 1.2.0
    """
    _moved(open_registry(registry, artifacts).publish(name, version), target, as_json=as_json)


def canary_command(
    share: Annotated[str, typer.Argument(help="Of the cards: 10% or 0.1; 0 ends it.")],
    version: VersionArgument = "latest",
    *,
    name: NameOption = "card",
    registry: RegistryOption = DEFAULT_REGISTRY,
    artifacts: ArtifactsOption = None,
    online: OnlineOption = None,
    target: Target = EMBEDDED,
    as_json: JsonOption = False,
) -> None:
    """Let a version of state test score a share of the cards, each card always by the same version.

    Example: riskwave models canary 10%

    Example: riskwave models canary 25% 1.3.0
    """
    _routed(_rollout(registry, artifacts, online).canary(name, version, share_of(share)), target, as_json=as_json)


def shadow_command(
    version: VersionArgument = "latest",
    *,
    end: EndOption = False,
    name: NameOption = "card",
    registry: RegistryOption = DEFAULT_REGISTRY,
    artifacts: ArtifactsOption = None,
    online: OnlineOption = None,
    target: Target = EMBEDDED,
    as_json: JsonOption = False,
) -> None:
    """Let a version score every event beside the one online; recorded in shadow_scores, it acts on nothing.

    Example: riskwave models shadow 1.3.0

    Example: riskwave models shadow 1.3.0 --end
    """
    rollout = _rollout(registry, artifacts, online)
    _routed(rollout.shadow(name, version, on=not end), target, as_json=as_json)


def vote_command(
    versions: Annotated[list[str] | None, typer.Argument(help="Two versions or more.")] = None,
    *,
    weight: Annotated[list[float] | None, typer.Option(help="Of each version; equal by default.")] = None,
    end: EndOption = False,
    name: NameOption = "card",
    registry: RegistryOption = DEFAULT_REGISTRY,
    artifacts: ArtifactsOption = None,
    online: OnlineOption = None,
    target: Target = EMBEDDED,
    as_json: JsonOption = False,
) -> None:
    """Let several versions score together: the weighted mean of their scores.

    Example: riskwave models vote 1.2.0 1.3.0 --weight 2 --weight 1

    Example: riskwave models vote --end
    """
    named = [] if end else list(versions or [])
    if not end and len(named) < 2:
        raise RiskwaveError("a vote needs two versions or more; --end lets the version online score alone")
    _routed(_rollout(registry, artifacts, online).vote(name, named, weight or ()), target, as_json=as_json)


def promote_command(
    version: VersionArgument = "latest",
    *,
    name: NameOption = "card",
    registry: RegistryOption = DEFAULT_REGISTRY,
    artifacts: ArtifactsOption = None,
    online: OnlineOption = None,
    target: Target = EMBEDDED,
    as_json: JsonOption = False,
) -> None:
    """Put a version of state test online for all cards; the one that was is retired, a canary or vote ends.

    Example: riskwave models promote 1.2.0
    """
    _moved(_rollout(registry, artifacts, online).promote(name, version), target, as_json=as_json)


def rollback_command(
    *,
    name: NameOption = "card",
    registry: RegistryOption = DEFAULT_REGISTRY,
    artifacts: ArtifactsOption = None,
    online: OnlineOption = None,
    target: Target = EMBEDDED,
    as_json: JsonOption = False,
) -> None:
    """End a canary or a vote; where there is none, put the version online that was online before.

    Example: riskwave models rollback --name card
    """
    _moved(_rollout(registry, artifacts, online).rollback(name), target, as_json=as_json)


def retire_command(
    version: VersionArgument,
    *,
    name: NameOption = "card",
    registry: RegistryOption = DEFAULT_REGISTRY,
    artifacts: ArtifactsOption = None,
    online: OnlineOption = None,
    target: Target = EMBEDDED,
    as_json: JsonOption = False,
) -> None:
    """Retire a version that scores nothing: neither online, nor a canary, nor in a vote or the shadow.

    Example: riskwave models retire 1.1.0
    """
    _moved(_rollout(registry, artifacts, online).retire(name, version), target, as_json=as_json)


def deploy_command(
    *,
    name: NameOption = "card",
    registry: RegistryOption = DEFAULT_REGISTRY,
    artifacts: ArtifactsOption = None,
    online: OnlineOption = None,
    target: Target = EMBEDDED,
    as_json: JsonOption = False,
) -> None:
    """Put what the registry says is online into the folder that everything scores from: on another machine, or again.

    Example: riskwave models deploy --online models/online
    """
    _routed(_rollout(registry, artifacts, online).deploy(name), target, as_json=as_json)


def share_of(text: str) -> float:
    """A share as people write it: 10% or 0.1. Raises RiskwaveError for what is none."""
    try:
        share = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError as error:
        raise RiskwaveError(f"{text}: expected a share such as 10% or 0.1") from error
    if not 0 <= share < 1:
        raise RiskwaveError(f"{text}: expected a share from 0% to less than 100%; `promote` is for all cards")
    return share


def _rollout(registry: str, artifacts: Path | None, online: Path | None) -> Rollout:
    store = open_registry(registry, artifacts)
    from riskwave.scoring.rollout import Rollout

    return Rollout(store, online)


def _say_there(target: str) -> None:
    """The folder is what scores everywhere; of a deployment, ask what it is scored by now."""
    if target != EMBEDDED:
        from riskwave.risingwave.scoring import say_scored_by

        say_scored_by(target)


def _moved(version: Version, target: str, *, as_json: bool) -> None:
    _say_there(target)
    if as_json:
        typer.echo(json.dumps(version.as_dict(), indent=2))
    else:
        typer.echo(f"{version.name} {version.version} is {version.state}")


def _routed(routes: Routes, target: str, *, as_json: bool) -> None:
    _say_there(target)
    from dataclasses import asdict

    if as_json:
        typer.echo(json.dumps(asdict(routes), indent=2))
        return
    table = Table(box=None, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    table.add_row("online", routes.label if routes.online else "nothing")
    if len(routes.online) > 1:
        table.add_row("weights", ", ".join(f"{weight:g}" for weight in routes.weights))
    if routes.canary:
        table.add_row("canary", f"{routes.canary_label} for {routes.share:.1%} of the cards")
    if routes.shadows:
        table.add_row("shadow", ", ".join(routes.shadows))
    table.add_row("revision", str(routes.revision))
    Console().print(table)
