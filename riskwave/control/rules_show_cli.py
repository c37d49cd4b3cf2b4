"""The commands of `riskwave rules` that look: list, show, history, audit, approvals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import typer

from riskwave.control.audit import entries, verify
from riskwave.control.contradiction import contradictions
from riskwave.control.lifecycle import set_approvals, shared
from riskwave.control.options import EMBEDDED, STATE, Author, Json, State, Target, echo_json, opened, show, when
from riskwave.control.rulesets import find_revision, known_rulesets, ruleset_history, stored_ruleset
from riskwave.control.thresholds import live_thresholds
from riskwave.control.warming import WarmingRule, warming_rules
from riskwave.errors import RiskwaveError


def list_command(state: State = STATE, target: Target = EMBEDDED, as_json: Json = False) -> None:
    """List the rulesets: live, canary, shadow, those that wait, those that were.

    Example: riskwave rules list --state bank.duckdb
    """
    with opened(state, read_only=True, target=target) as control:
        found = known_rulesets(control)
    if as_json:
        echo_json(found)
        return
    show(
        ["revision", "state", "rules", "warming", "made (UTC)", "by", "why"],
        [
            (
                one.revision,
                f"{one.state}, waits to be {one.waits_for}" if one.waits_for else shared(one.state, one.share),
                *(one.rules, _warming(one.warming), when(one.created_at), one.author, one.why),
            )
            for one in found
        ],
        empty="nothing is published yet",
    )


def _warming(rules: Sequence[WarmingRule]) -> str:
    """How many rules are warming, and until when (event time)."""
    if not rules:
        return ""
    held = sum(not rule.acts for rule in rules)
    said = f", {held} held" if held else ""
    return f"{len(rules)}{said}, until {max(rule.until for rule in rules):%Y-%m-%d %H:%M}"


def show_command(
    revision: Annotated[str, typer.Argument(help="A revision, or live, canary.")] = "live",
    text: Annotated[bool, typer.Option("--text", help="The whole pack, to be saved to a file.")] = False,
    state: State = STATE,
    target: Target = EMBEDDED,
    as_json: Json = False,
) -> None:
    """Show a ruleset's rules, with the thresholds' values when it is in force.

    Example: riskwave rules show live --state bank.duckdb
    """
    with opened(state, read_only=True, target=target) as control:
        chosen = find_revision(control, revision)
        ruleset = stored_ruleset(control, chosen)
        values = {(t.rule, t.name): t.value for t in live_thresholds(control) if t.revision == chosen}
        warming = {rule.rule: rule for rule in warming_rules(control, chosen)}
        wrong = {rule: why for (of, rule), why in contradictions(control).items() if of == chosen}
    told: list[dict[str, Any]] = [
        {
            "rule": rule.rule,
            "action": rule.action,
            "severity": rule.severity,
            "state": rule.state,
            "when": rule.when,
            "thresholds": {
                name: values.get((rule.rule, name), str(told.value)) for name, told in rule.thresholds.items()
            },
            "owner": rule.owner,
            "warming": warming.get(rule.rule),
            "wrong": wrong.get(rule.rule),
        }
        for rule in ruleset.rules
    ]
    if as_json:
        echo_json({"revision": chosen, "rules": told, "text": ruleset.text})
    elif text:
        typer.echo(ruleset.text, nl=False)
    else:
        typer.echo(chosen)
        show(
            ["rule", "action", "severity", "when", "thresholds"],
            [
                (
                    rule.rule if rule.state == "live" else f"{rule.rule} ({rule.state})",
                    *(rule.action, rule.severity, " ".join(rule.when.split())),
                    ", ".join(f"{name} {value}" for name, value in one["thresholds"].items()),
                )
                for rule, one in zip(ruleset.rules, told, strict=True)
            ],
            empty="no rules",
        )
        for held in warming.values():
            typer.echo(str(held))
        for name, why in wrong.items():
            typer.echo(f"note: {name} {why}")


def history_command(
    revision: Annotated[str | None, typer.Argument(help="One revision's only.")] = None,
    state: State = STATE,
    target: Target = EMBEDDED,
    as_json: Json = False,
) -> None:
    """Every state that rulesets had: from when to when, by whom and why.

    Example: riskwave rules history --state bank.duckdb
    """
    with opened(state, read_only=True, target=target) as control:
        found = ruleset_history(control, revision)
    if as_json:
        echo_json(found)
        return
    show(
        ["revision", "state", "from (UTC)", "to (UTC)", "version", "by", "why"],
        [
            (
                *(one.revision, shared(one.state, one.share), when(one.valid_from), when(one.valid_to)),
                *(one.control_version, one.author, one.why),
            )
            for one in found
        ],
        empty="nothing is published yet",
    )


def audit_command(
    check: Annotated[bool, typer.Option("--verify", help="Hash the log anew; exit 1 when it was changed.")] = False,
    subject: Annotated[str | None, typer.Option(help="A revision, list, rule or rule.threshold.")] = None,
    last: Annotated[int, typer.Option(min=1, help="How many to show.")] = 50,
    state: State = STATE,
    target: Target = EMBEDDED,
    as_json: Json = False,
) -> None:
    """Show who changed what, when and why, or verify that nobody changed the log.

    Example: riskwave rules audit --verify --state bank.duckdb
    """
    with opened(state, read_only=True, target=target) as control, control.reading() as connection:
        if check:
            found = verify(connection)
        else:
            rows = entries(connection, subject=subject, last=last)
    if not check:
        if as_json:
            echo_json(rows)
            return
        show(
            ["#", "time (UTC)", "what", "subject", "before", "after", "by", "why", "version"],
            [
                (
                    *(one.id, when(one.at), one.what, one.subject, one.before, one.after),
                    *(one.author, one.why, one.control_version),
                )
                for one in rows
            ],
            empty="no changes yet",
        )
        return
    if as_json:
        echo_json({"rows": found.rows, "unsealed": found.unsealed, "head": found.head, "broken": found.broken})
    elif found.intact:
        typer.echo(f"{found.rows} rows, {found.unsealed} not sealed yet, head {found.head}: intact")
    if not found.intact:
        raise RiskwaveError(f"audit: row {found.broken} is not as it was written; compare with a backup")


def approvals_command(
    value: Annotated[Literal["off", "required"] | None, typer.Argument(help="Nothing shows what is set.")] = None,
    why: Annotated[str, typer.Option(help="Why, in a few words; kept in the audit.")] = "",
    state: State = STATE,
    target: Target = EMBEDDED,
    author: Author = None,
    as_json: Json = False,
) -> None:
    """Say whether a second identity must approve what is published and promoted.

    Example: riskwave rules approvals required --why "four eyes" --state bank.duckdb
    """
    with opened(state, target=target) as control:
        if value is not None:
            set_approvals(control, value, why=why, author=author)
        now = control.query("select value from settings where name = 'approvals'")[0][0]
    if as_json:
        echo_json({"approvals": now})
    else:
        typer.echo(f"approvals: {now}")
