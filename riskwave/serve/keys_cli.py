"""`riskwave keys`: create, list, rotate and revoke API keys."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from riskwave.control.identity import identity
from riskwave.control.options import STATE, Json, State, echo_json, show
from riskwave.errors import RiskwaveError
from riskwave.serve.keys import Key, Keys, keys_path

keys_app = typer.Typer(
    no_args_is_help=True,
    help="API keys of `riskwave serve`.\n\nExample: riskwave keys create ann --role analyst --state bank.duckdb",
)
_SPAN = re.compile(r"(\d{1,5})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
Name = Annotated[str, typer.Argument(help="The key's name or id.")]
For = Annotated[str, typer.Option("--for", help="How long it is valid, such as 12h, 90d.")]


@keys_app.command("create")
def create_command(
    name: Annotated[str, typer.Argument(help="What the key is called.")],
    role: Annotated[
        str | None, typer.Option(help="viewer, investigator, analyst, approver or admin.", show_default=False)
    ] = None,
    scope: Annotated[
        list[str] | None, typer.Option(help="Only this scope of the role, or alone: decide for a payment system.")
    ] = None,
    owner: Annotated[str | None, typer.Option(help="Who acts by it; else the key's name.")] = None,
    valid_for: For = "90d",
    rate: Annotated[float | None, typer.Option(help="Requests a second; else the server's limit.")] = None,
    state: State = STATE,
    as_json: Json = False,
) -> None:
    """Make a key and print its token, once.

    Example: riskwave keys create gateway --scope decide --state bank.duckdb

    Example: riskwave keys create ann --role analyst --for 30d --state bank.duckdb
    """
    keys = Keys(keys_path(state))
    who = identity(owner or name)
    key, token = keys.create(
        name, owner=who, role=role, scopes=tuple(scope or ()), valid_for=_span(valid_for, "--for"), rate=rate
    )
    _told(key, token, as_json=as_json)


@keys_app.command("list")
def list_command(state: State = STATE, as_json: Json = False) -> None:
    """List the keys, the ended ones included.

    Example: riskwave keys list --state bank.duckdb
    """
    now = datetime.now(UTC).replace(tzinfo=None)
    found = Keys(keys_path(state)).all()
    if as_json:
        echo_json([_figures(key, now) for key in found])
        return
    show(
        ["id", "name", "owner", "role", "scopes", "state", "until (UTC)"],
        [
            (
                *(key.id, key.name, key.owner, key.role or "", ", ".join(sorted(key.scopes))),
                *(key.state(now), f"{key.expires_at:%Y-%m-%d %H:%M}"),
            )
            for key in found
        ],
        empty="no keys yet: riskwave keys create NAME --role viewer",
    )


@keys_app.command("rotate")
def rotate_command(
    name: Name,
    grace: Annotated[str, typer.Option(help="How long the token before stays valid, such as 1h.")] = "24h",
    valid_for: For = "90d",
    state: State = STATE,
    as_json: Json = False,
) -> None:
    """Give a key another token; the one before ends after a while.

    Example: riskwave keys rotate gateway --grace 1h --state bank.duckdb
    """
    key, token = Keys(keys_path(state)).rotate(name, grace=_span(grace, "--grace"), valid_for=_span(valid_for, "--for"))
    _told(key, token, as_json=as_json)


@keys_app.command("revoke")
def revoke_command(name: Name, state: State = STATE, as_json: Json = False) -> None:
    """End a key's tokens at once.

    Example: riskwave keys revoke gateway --state bank.duckdb
    """
    ended = Keys(keys_path(state)).revoke(name)
    now = datetime.now(UTC).replace(tzinfo=None)
    if as_json:
        echo_json([_figures(key, now) for key in ended])
    else:
        typer.echo(f"{name}: revoked")


def _told(key: Key, token: str, *, as_json: bool) -> None:
    now = datetime.now(UTC).replace(tzinfo=None)
    if as_json:
        echo_json({**_figures(key, now), "token": token})
        return
    typer.echo(token)
    typer.echo(
        f"{key.name} ({', '.join(sorted(key.scopes))}), until {key.expires_at:%Y-%m-%d %H:%M} UTC; "
        "the token is shown this once",
        err=True,
    )


def _figures(key: Key, now: datetime) -> dict[str, Any]:
    return {**asdict(key), "scopes": sorted(key.scopes), "state": key.state(now)}


def _span(text: str, option: str) -> timedelta:
    found = _SPAN.fullmatch(text.strip())
    if found is None or (int(found[1]) == 0 and option == "--for"):
        raise RiskwaveError(f"{option} {text}: expected a span such as 90d or 12h")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
