"""`riskwave rules`: check, test and publish rule packs; approve, promote, roll back, retire."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from riskwave.control.checked import checked_pack, failed_cases
from riskwave.control.diff import Difference, differences
from riskwave.control.lifecycle import Move, approve, promote, publish, retire, rollback, shared
from riskwave.control.options import EMBEDDED, STATE, Author, Json, State, Target, Why, echo_json, opened
from riskwave.control.rules_show_cli import (
    approvals_command,
    audit_command,
    history_command,
    list_command,
    show_command,
)
from riskwave.control.rulesets import stored_ruleset
from riskwave.control.store import Control
from riskwave.control.warming import WarmingRule, warming_rules
from riskwave.errors import RiskwaveError
from riskwave.rules.check import problems
from riskwave.rules.pack import Ruleset, load_rules

rules_app = typer.Typer(
    no_args_is_help=True,
    help="Rule packs: check, test, publish, approve, promote, roll back.\n\nExample: riskwave rules check rules/card",
)
rules_app.command("list")(list_command)
rules_app.command("show")(show_command)
rules_app.command("history")(history_command)
rules_app.command("audit")(audit_command)
rules_app.command("approvals")(approvals_command)

PackPath = Annotated[Path, typer.Argument(help="A rule file, or a folder of them.", metavar="PATH")]


@rules_app.command("check")
def check_command(path: PackPath, as_json: Json = False) -> None:
    """Read a pack and compile it for both engines, without publishing it.

    Example: riskwave rules check rules/card
    """
    found = problems(path)
    if found and as_json:
        echo_json({"problems": found})
    if found:
        for said in found[:-1] if not as_json else []:
            typer.echo(said, err=True)
        raise RiskwaveError(found[-1])
    pack = checked_pack(path, cases=False)
    thresholds = sum(len(rule.thresholds) for rule in pack.rules)
    revision = pack.ruleset.revision
    if as_json:
        echo_json({"revision": revision, "rules": len(pack.rules), "thresholds": thresholds, "problems": []})
    else:
        typer.echo(f"{path}: {len(pack.rules)} rules, {thresholds} thresholds, revision {revision}: sound")


@rules_app.command("test")
def test_command(
    path: PackPath,
    rule: Annotated[str | None, typer.Option(help="One rule's cases only.")] = None,
    as_json: Json = False,
) -> None:
    """Run the cases that stand beside the rules.

    Example: riskwave rules test rules/card --rule card_velocity
    """
    pack = checked_pack(path, cases=False)
    if rule is not None and pack.ruleset.rule(rule) is None:
        raise RiskwaveError(f"{path}: has no rule {rule}")
    chosen = [one for one in pack.rules if rule in (None, one.rule.rule)]
    cases = sum(len(one.rule.cases) for one in chosen)
    failed = [said for one in chosen for said in failed_cases(one)]
    untested = [one.rule.rule for one in chosen if not one.rule.cases]
    if as_json:
        echo_json({"cases": cases, "failed": failed, "without_cases": untested})
    else:
        for said in failed:
            typer.echo(said)
        typer.echo(f"{path}: {cases} cases of {len(chosen)} rules, {len(failed)} failed")
        if untested:
            typer.echo(f"without cases: {', '.join(untested)}")
    if failed:
        raise typer.Exit(1)


@rules_app.command("diff")
def diff_command(
    before: Annotated[str, typer.Argument(help="A pack's path, a revision, or live, canary.")],
    after: Annotated[str, typer.Argument(help="Likewise.")] = "live",
    state: State = STATE,
    target: Target = EMBEDDED,
    as_json: Json = False,
) -> None:
    """Say what differs between two rulesets: rules and thresholds added, removed, changed.

    Example: riskwave rules diff live rules/card --state bank.duckdb
    """
    found = differences(_ruleset(before, state, target), _ruleset(after, state, target))
    if as_json:
        echo_json(found)
    else:
        _tell(found)


@rules_app.command("publish")
def publish_command(
    path: PackPath,
    why: Why,
    shadow: Annotated[bool, typer.Option("--shadow", help="Evaluated and recorded; acts on nothing.")] = False,
    canary: Annotated[str | None, typer.Option(help="Decides this share of the cards, such as 10%.")] = None,
    live: Annotated[bool, typer.Option("--live", help="Decides everything, from the next batch on (default).")] = False,
    state: State = STATE,
    target: Target = EMBEDDED,
    author: Author = None,
    as_json: Json = False,
) -> None:
    """Check a pack, run its cases, and give it a state in one step; a running engine takes it up by itself.

    Example: riskwave rules publish rules/card --canary 10% --why "stricter on new devices" --state bank.duckdb
    """
    if shadow + live + (canary is not None) > 1:
        raise RiskwaveError("--shadow, --canary, --live: a ruleset has one state; give one of them")
    pack = checked_pack(path)
    if target != EMBEDDED:
        from riskwave.risingwave.rules import need_name

        need_name(pack.ruleset.revision)
    share = None if canary is None else _share(canary)
    becomes = "shadow" if shadow else "live" if share is None else "canary"
    with opened(state, make=True, decides=True, target=target) as control:
        before = control.snapshot().live
        move = publish(control, pack, why=why, author=author, state=becomes, share=share)
        warming = warming_rules(control, move.revision)
    found = differences(before.ruleset, pack.ruleset) if before else []
    if as_json:
        echo_json({**_figures(move), "differences": found, "warming": warming})
        return
    if before:
        typer.echo(f"against live {before.revision}:")
        _tell(found)
    _report(move, warming)


@rules_app.command("approve")
def approve_command(
    revision: Annotated[str, typer.Argument(help="The revision that waits.")],
    why: Annotated[str | None, typer.Option(help="Why; else what its author said.")] = None,
    state: State = STATE,
    target: Target = EMBEDDED,
    author: Author = None,
    as_json: Json = False,
) -> None:
    """Approve what another asked for; it takes effect at once.

    Example: riskwave rules approve card-0123456789ab --author ben --state bank.duckdb
    """
    with opened(state, decides=True, target=target) as control:
        _done(control, approve(control, revision, why=why, author=author), as_json=as_json)


@rules_app.command("promote")
def promote_command(
    why: Why,
    revision: Annotated[str | None, typer.Argument(help="A shadow; else the canary.")] = None,
    state: State = STATE,
    target: Target = EMBEDDED,
    author: Author = None,
    as_json: Json = False,
) -> None:
    """Make the canary live.

    Example: riskwave rules promote --why "no more alerts than before" --state bank.duckdb
    """
    with opened(state, decides=True, target=target) as control:
        _done(control, promote(control, revision, why=why, author=author), as_json=as_json)


@rules_app.command("rollback")
def rollback_command(
    why: Why,
    to: Annotated[str | None, typer.Option(help="Another revision that was live once.")] = None,
    state: State = STATE,
    target: Target = EMBEDDED,
    author: Author = None,
    as_json: Json = False,
) -> None:
    """Make the revision that was live before live again, with the thresholds it had. Needs no approval.

    Example: riskwave rules rollback --why "challenges half of Spain" --state bank.duckdb
    """
    with opened(state, target=target) as control:
        _done(control, rollback(control, why=why, author=author, to=to), as_json=as_json)
        left = control.snapshot().canary
    if left is not None and not as_json:
        typer.echo(f"note: {left.revision} is still {shared(left.state, left.share)}; riskwave rules retire ends it")


@rules_app.command("retire")
def retire_command(
    revision: Annotated[str, typer.Argument(help="A canary, a shadow, or a draft that waits.")],
    why: Why,
    state: State = STATE,
    target: Target = EMBEDDED,
    author: Author = None,
    as_json: Json = False,
) -> None:
    """End a canary or shadow, or withdraw what waits for approval.

    Example: riskwave rules retire card-0123456789ab --why "it catches nothing new" --state bank.duckdb
    """
    with opened(state, target=target) as control:
        _done(control, retire(control, revision, why=why, author=author), as_json=as_json)


def _ruleset(named: str, state: Path, target: str) -> Ruleset:
    """The ruleset of a path, a revision, or a state's name."""
    if Path(named).exists():
        return load_rules(Path(named))
    with opened(state, read_only=True, target=target) as control:
        return stored_ruleset(control, named)


def _done(control: Control, move: Move, *, as_json: bool) -> None:
    warming = warming_rules(control, move.revision)
    if as_json:
        echo_json({**_figures(move), "warming": warming})
    else:
        _report(move, warming)


def _report(move: Move, warming: Sequence[WarmingRule]) -> None:
    told = [carried for carried in move.thresholds if carried.told]
    # Of a first pack every threshold is new.
    if told and len(told) == len(move.thresholds) and all(carried.how == "new" for carried in told):
        typer.echo(f"  {len(told)} thresholds, all new")
        told = []
    for carried in told:
        typer.echo(f"  {carried}")
    if told and len(told) < len(move.thresholds):
        typer.echo(f"  {len(move.thresholds) - len(told)} thresholds as they were")
    if move.pending:
        typer.echo(f"{move.revision}: waits to be {shared(move.state, move.share)}; another identity approves it:")
        typer.echo(f"  riskwave rules approve {move.revision}")
        return
    instead = f", in place of {move.replaced}" if move.replaced not in (None, move.revision) else ""
    if move.before == "canary" and move.state == "shadow":
        instead = "; it was the canary, whose cards are decided by what is live again"
    typer.echo(f"{move.revision}: {shared(move.state, move.share)}{instead}, control_version {move.control_version}")
    for rule in warming:
        if not rule.acts:
            typer.echo(f"  {rule}")
    acting = [rule.until for rule in warming if rule.acts]
    if acting:
        until = f"{max(acting):%Y-%m-%d %H:%M}"
        typer.echo(f"  {len(acting)} rules are warming until {until} (event time), as they were; rules show has them")


def _figures(move: Move) -> dict[str, object]:
    return {
        "revision": move.revision,
        "state": move.state,
        "share": move.share,
        "before": move.before,
        "replaced": move.replaced,
        "pending": move.pending,
        "control_version": move.control_version,
        "thresholds": [
            {"rule": c.spec.rule, "name": c.spec.name, "value": c.value, "how": c.how, "before": c.before}
            for c in move.thresholds
        ],
    }


def _tell(found: list[Difference]) -> None:
    for difference in found:
        typer.echo(f"  {difference}")
    if not found:
        typer.echo("  no difference")


def _share(text: str) -> float:
    try:
        share = float(text.removesuffix("%")) / 100 if text.endswith("%") else float(text)
    except ValueError:
        share = 0.0
    if not 0 < share < 1:
        raise RiskwaveError(
            f"--canary {text}: expected more than 0% and less than 100%, such as 10%; for all use --live"
        )
    return share
