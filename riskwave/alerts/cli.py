"""`riskwave alerts`: the queue on the command line."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, get_args

import typer

from riskwave.alerts import moments
from riskwave.alerts.acts import DONE, Act, Resolution, act
from riskwave.alerts.deliver import dead_letters, resend
from riskwave.alerts.finding import Sought, find, one
from riskwave.alerts.run_cli import run_command, try_command
from riskwave.alerts.store import AlertStore, alerts_path
from riskwave.control.identity import identity
from riskwave.control.options import STATE, Author, Json, echo_json, show, when
from riskwave.control.store import Control, control_path
from riskwave.errors import RiskwaveError
from riskwave.serve.pan import holds_pan
from riskwave.serve.trail import write_all

alerts_app = typer.Typer(
    no_args_is_help=True,
    help="Alerts: flagged decisions, and whom they are told.\n\nExample: riskwave alerts list --state bank.duckdb",
)
alerts_app.command("run")(run_command)
alerts_app.command("test")(try_command)
State = Annotated[Path, typer.Option(help="The state file beside which the alerts are.")]
Events = Annotated[list[str], typer.Argument(help="The events that raised them.")]
Note = Annotated[str | None, typer.Option(help="For those who read it later; kept in the audit.")]
At = Annotated[str | None, typer.Option("--at", help="Act as of this time (UTC); else now.", hidden=True)]


@alerts_app.command("list")
def list_command(
    status: Annotated[str | None, typer.Option(help="open, acknowledged or closed.")] = None,
    severity: Annotated[str | None, typer.Option(help="P0, P1 or P2.")] = None,
    rule: Annotated[str | None, typer.Option(help="A rule that fired.")] = None,
    card: Annotated[str | None, typer.Option(help="The card's token.")] = None,
    assignee: Annotated[str | None, typer.Option(help="Whose they are.")] = None,
    last: Annotated[int, typer.Option(min=1, max=500, help="How many.")] = 50,
    state: State = STATE,
    as_json: Json = False,
) -> None:
    """List alerts, the most severe first.

    Example: riskwave alerts list --status open --severity P0 --state bank.duckdb
    """
    for name, given, known in (("status", status, DONE_STATES), ("severity", severity, ("P0", "P1", "P2"))):
        if given is not None and given not in known:
            raise RiskwaveError(f"--{name} {given}: expected one of {', '.join(known)}")
    sought = Sought(status=status, severity=severity, rule=rule, card=card, assignee=assignee, order="urgent")
    items, following = find(_opened(state), sought, moments.now(), limit=last)
    if as_json:
        echo_json(items)
        return
    show(
        ["event", "severity", "action", "time (UTC)", "card", "status", "whose", "told", "why"],
        [
            (
                *(item["event_id"], item["severity"], item["action"], when(item["event_ts"]), item["card_id"]),
                *(item["status"], item["assignee"], item["notice"], "; ".join(item["reasons"])),
            )
            for item in items
        ],
        empty="no such alerts",
    )
    if following is not None:
        typer.echo(f"the first {last}; --last 500 shows more, and the API and the app all of them")


@alerts_app.command("show")
def show_command(
    event_id: Annotated[str, typer.Argument(help="The event that raised it.")],
    state: State = STATE,
    as_json: Json = False,
) -> None:
    """Show an alert, what was done about it, and whom it was told.

    Example: riskwave alerts show e0000001 --state bank.duckdb
    """
    found = one(_opened(state), event_id, moments.now())
    if found is None:
        raise RiskwaveError(f"{event_id}: no alert was raised by that event")
    if as_json:
        echo_json(found)
        return
    facts = {name: value for name, value in found.items() if value is not None and not isinstance(value, list)}
    facts |= {"rules": ", ".join(found["rule_ids"]), "reasons": "; ".join(found["reasons"])}
    show(["", ""], list(facts.items()), empty="")
    show(
        ["time (UTC)", "who", "what", "note"],
        [(when(deed["at"]), deed["who"], deed["what"], deed["note"]) for deed in found["history"]],
        empty="nothing was done",
    )
    show(
        ["notification", "kind", "receiver", "state", "attempts", "fault"],
        [
            (told["id"], told["kind"], told["receiver"], told["state"], told["attempts"], told["fault"])
            for told in found["notifications"]
        ],
        empty="nobody was told",
    )


@alerts_app.command("ack")
def ack_command(
    events: Events, note: Note = None, author: Author = None, state: State = STATE, as_json: Json = False
) -> None:
    """Take alerts: they are yours unless they are somebody's, and nobody is told of them any more.

    Example: riskwave alerts ack e0000001 e0000002 --note "calling the cardholder" --state bank.duckdb
    """
    _act(events, Act("acknowledge", note), author, state, as_json=as_json)


@alerts_app.command("assign")
def assign_command(
    events: Events,
    to: Annotated[str, typer.Option(help="Whom to; nobody: no longer anybody's.")],
    note: Note = None,
    author: Author = None,
    state: State = STATE,
    as_json: Json = False,
) -> None:
    """Give alerts to somebody; they are escalated unless that person takes them.

    Example: riskwave alerts assign e0000001 --to ben --state bank.duckdb
    """
    _act(events, Act("assign", note, to=None if to == "nobody" else to), author, state, as_json=as_json)


@alerts_app.command("close")
def close_command(
    events: Events,
    resolution: Annotated[str | None, typer.Option("--as", help="fraud, legitimate, unsure or duplicate.")] = None,
    note: Note = None,
    author: Author = None,
    state: State = STATE,
    as_json: Json = False,
) -> None:
    """Be done with alerts.

    Example: riskwave alerts close e0000001 --as legitimate --note "the cardholder confirms" --state bank.duckdb
    """
    known: dict[str | None, Resolution] = {name: name for name in get_args(Resolution)}
    if resolution is not None and resolution not in known:
        raise RiskwaveError(f"--as {resolution}: expected one of {', '.join(map(str, known))}")
    _act(events, Act("close", note, resolution=known.get(resolution)), author, state, as_json=as_json)


@alerts_app.command("snooze")
def snooze_command(
    events: Events,
    until: Annotated[str, typer.Option(help="When it ends, such as 2026-03-02T08:00 (UTC) or with an offset.")],
    note: Note = None,
    author: Author = None,
    state: State = STATE,
    as_json: Json = False,
) -> None:
    """Have nobody told of alerts until a time; then they are told of again.

    Example: riskwave alerts snooze e0000001 --until 2100-01-01T08:00 --state bank.duckdb
    """
    try:
        moment = datetime.fromisoformat(until)
    except ValueError:
        raise RiskwaveError(f"--until {until}: no time; expected one such as 2026-03-02T08:00") from None
    plain = moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
    _act(events, Act("snooze", note, until=plain), author, state, as_json=as_json)


@alerts_app.command("reopen")
def reopen_command(
    events: Events, note: Note = None, author: Author = None, state: State = STATE, as_json: Json = False
) -> None:
    """Open closed alerts again.

    Example: riskwave alerts reopen e0000001 --state bank.duckdb
    """
    _act(events, Act("reopen", note), author, state, as_json=as_json)


@alerts_app.command("deadletters")
def deadletters_command(state: State = STATE, as_json: Json = False) -> None:
    """List notifications that were given up, with what went wrong.

    Example: riskwave alerts deadletters --state bank.duckdb
    """
    found = dead_letters(_opened(state))
    if as_json:
        echo_json(found)
        return
    names = ("id", "notification", "kind", "route", "receiver", "alerts", "attempts", "fault")
    show([*names, "since (UTC)"], [(*(row[name] for name in names), when(row["since"])) for row in found], empty="none")


@alerts_app.command("resend")
def resend_command(
    ids: Annotated[list[int] | None, typer.Argument(help="Numbers of dead letters.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    state: State = STATE,
    as_json: Json = False,
) -> None:
    """Put dead letters on their way again; `riskwave alerts run` sends them.

    Example: riskwave alerts resend --all --state bank.duckdb
    """
    if bool(ids) == everything:
        raise RiskwaveError("name dead letters by their numbers, or --all; `riskwave alerts deadletters` lists them")
    sent = resend(_opened(state), None if everything else ids, moments.now())
    if as_json:
        echo_json({"resent": sent})
    else:
        typer.echo(f"{sent} on their way again")


DONE_STATES = ("open", "acknowledged", "closed")


def _act(events: list[str], what: Act, author: str | None, state: Path, *, as_json: bool) -> None:
    """Do it, write it to the audit log where there is one, and say what became of each; exit 1 unless all were done."""
    if what.note and holds_pan(what.note):
        raise RiskwaveError("--note: holds what may be a card number; write its token, or its last four digits")
    who = identity(author)
    results = act(_opened(state), events, what, who=who, now=moments.now())
    done = [result.event_id for result in results if result.status == "done"]
    if done and control_path(state).is_file():
        with Control.open(control_path(state)) as control:
            why = what.note or f"{DONE[what.deed]} the alert"
            after = what.to or what.resolution or what.deed
            write_all(control, who=who, what=f"alert.{what.deed}", subjects=done, after=after, why=why)
    if as_json:
        echo_json(results)
    else:
        for result in results:
            typer.echo(result.fault or f"{result.event_id}: {DONE[what.deed]}")
    if len(done) < len(results):
        raise typer.Exit(1)


def _opened(state: Path) -> AlertStore:
    """The alerts of a state that has some. Raises RiskwaveError when there are none."""
    path = alerts_path(state)
    if not path.is_file():
        raise RiskwaveError(
            f"{path}: no alerts there; `riskwave serve`, `riskwave run --alerts` and `riskwave alerts run` take them in"
        )
    return AlertStore(path)
