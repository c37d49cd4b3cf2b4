"""Backtests, sweeps, replays, comparisons and explanations on the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from riskwave.backtest.backtest import Backtest, Moved
from riskwave.backtest.explain import Explanation, RuleExplained
from riskwave.backtest.replay import Replay
from riskwave.backtest.shadow import LIVE, Compared
from riskwave.backtest.sweep import Sweep
from riskwave.backtest.terms import Term
from riskwave.backtest.words import POINT_HEAD, RULE_HEAD, headline, money, moved, notes, point_row, rule_row, verdict

SHOWN_IDS = 10
SHOWN_PAIRS = 8
SHORT_CELL = 16  # characters of a first column that is not folded
#: Columns from which on all figures of a table are shown.
WIDE = 160
RULE_NARROW = ("rule", "fired", "precision", "recall", "a day", "adds frauds")
POINT_NARROW = ("value", "flagged", "precision", "recall", "false positives", "a day", "money saved")
_MARKS = {True: "true", False: "false", None: "unknown"}
_COLOURS = {True: "green", False: "dim", None: "yellow"}


def show_backtest(result: Backtest, console: Console) -> None:
    """Print the figures of the ruleset, of each rule, and what is new against another."""
    period = f"{result.start:%Y-%m-%d %H:%M} to {result.end:%Y-%m-%d %H:%M} UTC"
    console.print(Text(f"{result.history}: {result.events:,} events, {period}"))
    for note in notes(result):
        console.print(Text(f"note: {note}", style="yellow"))
    mine = headline(result.side)
    if result.against is None:
        _table(console, ("", result.side.name), mine)
    else:
        theirs = dict(headline(result.against))
        _table(console, ("", result.side.name, f"against {result.against.name}"), [(k, v, theirs[k]) for k, v in mine])
    _table(
        console,
        ("scenario", "attacks", "caught"),
        [(s.scenario, f"{s.attacks:,}", f"{s.caught:,} ({s.caught / s.attacks:.0%})") for s in result.side.scenarios],
    )
    _wide(console, RULE_HEAD, RULE_NARROW, [rule_row(rule) for rule in result.rules if rule.counted.flagged])
    _table(
        console,
        ("fire together", "and", "events", "share of the rarer"),
        [(o.one, o.two, f"{o.events:,}", f"{o.share:.0%}") for o in result.overlaps[:SHOWN_PAIRS]],
    )
    for what, events in (("newly flagged", result.caught), ("newly released", result.released)):
        if events is not None:
            _moved(console, events, what)


def show_sweep(result: Sweep, console: Console) -> None:
    """Print the figures at each value."""
    unit = f" {result.unit}" if result.unit else ""
    console.print(
        Text(
            f"{result.rule}.{result.threshold} (now {result.now:g}{unit}) of {result.revision} over {result.events:,} "
            f"events of {result.history}; money at stake {money(result.at_stake)} in {result.attacks:,} attacks"
        )
    )
    best = result.best
    rows = [
        (f"{'>' if point is best else ' '} {row[0]}{' (now)' if point.value == result.now else ''}", *row[1:])
        for point in result.points
        for row in [point_row(point)]
    ]
    _wide(console, POINT_HEAD, POINT_NARROW, rows)
    if said := verdict(result):
        console.print(Text(said))


def show_replay(result: Replay, console: Console) -> None:
    """Print whether a replay gave what was recorded."""
    left_out = f" ({result.unnamed:,} name none, and are left out)" if result.unnamed else ""
    console.print(
        Text(
            f"{result.state}: {result.decisions:,} decisions under {result.control_versions:,} control versions "
            f"replayed{left_out}: {result.differing:,} differ"
        )
    )
    _table(
        console,
        ("event", "version", "control version", "column", "recorded", "replayed"),
        [
            (e.event_id, str(e.version), str(e.control_version), e.column, str(e.recorded), str(e.replayed))
            for e in result.examples
        ],
    )


def show_compared(results: Sequence[Compared], console: Console) -> None:
    """Print what shadows would have done otherwise."""
    for each in results:
        who = "the shadow rules of what is live" if each.ruleset == LIVE else each.ruleset
        console.print(
            Text(
                f"{who}, over {each.events:,} events: would flag {each.flagged:,}, flagged were {each.live_flagged:,}; "
                f"{each.more:,} more ({each.more_frauds:,} known frauds), {each.less:,} fewer "
                f"({each.less_frauds:,} known frauds), {each.other_action:,} with another action"
            )
        )
        for what, ids in (("more, such as", each.more_examples), ("fewer, such as", each.less_examples)):
            if ids:
                console.print(Text(f"  {what} {', '.join(ids)}"))
        _table(
            console,
            ("rule", "fires", "newly", "frauds", "no more", "frauds", "such as"),
            [
                (
                    r.rule,
                    f"{r.fired:,}",
                    f"{r.added:,}",
                    f"{r.added_frauds:,}",
                    f"{r.dropped:,}",
                    f"{r.dropped_frauds:,}",
                    ", ".join(r.examples),
                )
                for r in sorted(each.rules.values(), key=lambda rule: -rule.added - rule.dropped)
                if r.added or r.dropped
            ],
        )


def show_explanation(result: Explanation, console: Console, *, everything: bool) -> None:
    """Print a decision with its rules; everything: those that did not fire, and all features, too."""
    d = result.decision
    console.print(
        Text(
            f"{result.event_id}: {d['action']} by {d['ruleset_revision']}, channel {d.get('ruleset_channel')}, "
            f"control version {d['control_version']}, decision {result.version} of {result.versions}"
        )
    )
    if not result.agrees:
        console.print(Text("evaluated anew it comes out differently: riskwave backtest --as-of decision", style="red"))
    if d.get("model_score") is not None:
        console.print(Text(f"model {d.get('model_version') or 'unknown'}: score {d['model_score']:.4f}"))
    if result.changed:
        console.print(Text(f"it supersedes decision {result.version - 1}, since what was known changed"))
        rows = [(name, value_text(then), value_text(now)) for name, (then, now) in result.changed.items()]
        _table(console, ("feature", "before", "now"), rows)
    fired = [rule for rule in result.rules if rule.fired]
    if not fired:
        console.print(Text("no rule fired"))
    warming = sum(rule.warming is not None for rule in result.rules)
    if warming:
        since = f"the history began at {value_text(d.get('history_from'))}"
        console.print(Text(f"{warming} of {len(result.rules)} rules were warming: {since}", style="yellow"))
    for rule in result.rules if everything else fired:
        _rule(console, rule)
    others = len(result.rules) - len(fired)
    if others and not everything:
        console.print(Text(f"{others} rules did not fire (--all shows them)", style="dim"))
    read = {name for rule in fired for said in _said(rule) for name in result.features if name in said}
    shown = {n: v for n, v in result.features.items() if v is not None and (everything or n in read)}
    _table(console, ("feature", "value"), [(name, value_text(value)) for name, value in shown.items()])
    if result.changes:
        console.print(Text("it would have passed with"))
        for way in result.changes:
            console.print(Text(f"  {' and '.join(str(change) for change in way)}"))
    elif d["action"] != "allow":
        console.print(Text("no change of one or two values would have let it pass"))


def value_text(value: Any) -> str:
    """A value for people."""
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return f"{value:,.6g}" if isinstance(value, float) else f"{value}"


def _rule(console: Console, rule: RuleExplained) -> None:
    told = "fired" if rule.fired else "not in this channel" if not rule.in_channel else _not_fired(rule)
    state = " (warming, recorded)" if rule.held else "" if rule.state == "live" else f" ({rule.state})"
    console.print(
        Text(f"{rule.rule}{state}, {rule.action} {rule.severity}: {told}", style="bold" if rule.fired else "")
    )
    if rule.reason:
        console.print(Text(f"  {rule.reason}"))
    if rule.warming:
        console.print(Text(f"  {rule.warming}", style="yellow"))
    for term in rule.terms:
        console.print(Text(f"  {'  ' * term.depth}{_term(term)}", style=_COLOURS[term.truth]))
        for part in term.parts:
            console.print(Text(f"    {'  ' * term.depth}{value_text(part.value)} for {part.said}"))


def _said(rule: RuleExplained) -> list[str]:
    return [said for term in rule.terms for said in (term.said, *(part.said for part in term.parts))]


def _not_fired(rule: RuleExplained) -> str:
    return "not known" if rule.truth is None else "draft" if rule.truth else "not fired"


def _term(term: Term) -> str:
    joined = f"{term.joined} " if term.depth else ""
    beside = ""
    if term.operator:
        beside = f" ({value_text(term.value)} {term.operator} {value_text(term.against)})"
    elif term.value is not None:
        beside = f" ({value_text(term.value)})"
    return f"{joined}{term.said}{beside}: {_MARKS[term.truth]}"


def _moved(console: Console, events: Moved, what: str) -> None:
    more = " …" if events.events > SHOWN_IDS else ""
    ids = f": {', '.join(events.ids[:SHOWN_IDS])}{more}" if events.ids else ""
    console.print(Text(f"{moved(events, what)}{ids}"))


def _wide(console: Console, head: Sequence[str], narrow: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table whole where there is room for it, else the columns that matter most."""
    places = [place for place, name in enumerate(head) if console.width >= WIDE or name in narrow]
    _table(console, [head[place] for place in places], [[row[place] for place in places] for row in rows], len(places))


def _table(console: Console, head: Sequence[str], rows: Iterable[Sequence[str]], whole: int = 0) -> None:
    table = Table(header_style="bold")
    rows = list(rows)
    for place, name in enumerate(head):
        # A number that goes on in the next line is another number.
        short = place > 0 or all(len(row[0]) <= SHORT_CELL for row in rows)
        wrapped = not (short and place < whole)
        table.add_column(name, justify="left" if place == 0 else "right", overflow="fold", no_wrap=not wrapped)
    for row in rows:
        table.add_row(*map(Text, row))
    if table.row_count:
        console.print(table)
