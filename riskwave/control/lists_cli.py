"""`riskwave lists`: block, allow and watch lists that rules look up with in_list()."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from riskwave.contracts import Transaction, json_schema
from riskwave.control.audit import entries
from riskwave.control.lists import add_entry, list_entries, parse_end, remove_entry
from riskwave.control.options import EMBEDDED, STATE, Author, Json, State, Target, Why, echo_json, opened, show, when

lists_app = typer.Typer(
    no_args_is_help=True,
    help="Lists that rules look up: in_list('block_ip', ip).\n\nExample: riskwave lists show block_ip",
)

Name = Annotated[str, typer.Argument(help="The list, such as block_ip.", metavar="LIST")]


@lists_app.command("add")
def add_command(
    list_name: Name,
    value: Annotated[str, typer.Argument(help="A card, device, merchant, country, address or network.")],
    reason: Annotated[str, typer.Option("--reason", "--why", help="Why; it stands beside the entry.")],
    expires: Annotated[str | None, typer.Option(help="A span (7d, 12h) or a UTC time (2026-12-31).")] = None,
    state: State = STATE,
    target: Target = EMBEDDED,
    author: Author = None,
    as_json: Json = False,
) -> None:
    """Put a value on a list, or give an entry another reason and end.

    Example: riskwave lists add block_ip 203.0.113.0/24 --reason "card testing" --expires 7d --state bank.duckdb
    """
    end = None if expires is None else parse_end(expires)
    with opened(state, target=target) as control:
        version = add_entry(control, list_name, value, reason=reason, expires_at=end, author=author)
        live = control.snapshot().live
    read = live is not None and f"'{list_name}'" in live.text
    if as_json:
        echo_json({"list_name": list_name, "value": value, "control_version": version, "read_by_live_rules": read})
        return
    typer.echo(f"{list_name}: {value.strip()} added, control_version {version}")
    if not read:
        typer.echo(f"note: no live rule reads the list {list_name}", err=True)
    for column, pattern in _unlike(list_name, value.strip(), live.text if live else ""):
        typer.echo(f"note: a {column} is written like {pattern}: {value.strip()} may never be one", err=True)


def _unlike(list_name: str, value: str, rules: str) -> list[tuple[str, str]]:
    """Columns that the rules look up in a list, with the contract's pattern that a value is not like."""
    fields = json_schema(Transaction)["properties"]
    found = []
    for column in dict.fromkeys(re.findall(rf"in_list\('{re.escape(list_name)}', *(\w+)\)", rules)):
        told = fields.get(column, {})
        for each in (told, *told.get("anyOf", ())):
            if "pattern" in each and not re.search(each["pattern"], value):
                found.append((column, each["pattern"]))
    return found


@lists_app.command("remove")
def remove_command(
    list_name: Name,
    value: Annotated[str, typer.Argument(help="The value, as `riskwave lists show` has it.")],
    why: Why,
    state: State = STATE,
    target: Target = EMBEDDED,
    author: Author = None,
    as_json: Json = False,
) -> None:
    """Take a value off a list.

    Example: riskwave lists remove block_ip 203.0.113.0/24 --why "the attack is over" --state bank.duckdb
    """
    with opened(state, target=target) as control:
        version = remove_entry(control, list_name, value, why=why, author=author)
    if as_json:
        echo_json({"list_name": list_name, "value": value, "control_version": version})
    else:
        typer.echo(f"{list_name}: {value} removed, control_version {version}")


@lists_app.command("show")
def show_command(
    list_name: Annotated[str | None, typer.Argument(help="One list only.", metavar="[LIST]")] = None,
    state: State = STATE,
    target: Target = EMBEDDED,
    as_json: Json = False,
) -> None:
    """Show the entries of a list, or of all.

    Example: riskwave lists show block_ip --state bank.duckdb
    """
    with opened(state, read_only=True, target=target) as control:
        found = list_entries(control, list_name)
    if as_json:
        echo_json(found)
        return
    show(
        ["list", "value", "reason", "expires (UTC)", "since (UTC)", "by"],
        [
            (
                *(one.list_name, one.value, one.reason),
                f"{when(one.expires_at)}, over" if one.expired else when(one.expires_at),
                *(when(one.since), one.author),
            )
            for one in found
        ],
        empty="no entries",
    )


@lists_app.command("history")
def history_command(
    list_name: Annotated[str | None, typer.Argument(help="One list only.", metavar="[LIST]")] = None,
    state: State = STATE,
    target: Target = EMBEDDED,
    as_json: Json = False,
) -> None:
    """Every entry added, edited and removed: by whom and why.

    Example: riskwave lists history block_ip --state bank.duckdb
    """
    with opened(state, read_only=True, target=target) as control, control.reading() as connection:
        found = entries(connection, subject=list_name, what=("list.add", "list.edit", "list.remove"))
    if as_json:
        echo_json(found)
        return
    show(
        ["time (UTC)", "list", "what", "before", "after", "by", "why", "version"],
        [
            (
                *(when(one.at), one.subject, one.what.removeprefix("list."), one.before, one.after),
                *(one.author, one.why, one.control_version),
            )
            for one in found
        ],
        empty="no entries yet",
    )
