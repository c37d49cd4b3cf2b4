"""The second and third lines of defence: hourly and daily, what real time missed in a range of a history."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute

from riskwave.batch.history import attach_state, in_folder, whole
from riskwave.insight.clusters import Made, cluster, made_by
from riskwave.insight.drafts import Draft, draft
from riskwave.insight.unusual import find_unusual
from riskwave.scoring.history import History
from riskwave.scoring.scorer import Scorer
from riskwave.scoring.values import Flags, Say

pc: Any = pyarrow.compute
CATALOG = "riskwave_insight"
#: How far back a look goes, by its name.
HOURS = {"hour": 1, "day": 24}
#: Events of a cluster at least; ids shown of each.
LEAST, EXAMPLES = 6, 5


@dataclass(frozen=True)
class Cluster:
    """Events that are unusual in the same way.

    missed: those that real time let pass; unexplained: those that the model flagged and no rule did; frauds: by labels
    that had arrived by the range's end; money: minor units, of those missed.
    """

    events: int
    cards: int
    missed: int
    unexplained: int
    frauds: int
    money: int
    made_by: tuple[Made, ...]
    examples: tuple[str, ...]
    draft: Draft | None


@dataclass(frozen=True)
class Insight:
    """What a look over a range found. unusual: events; projections: in words, with events and those expected."""

    from_: str
    to: str
    events: int
    before: int
    unusual: int
    unexplained: int
    projections: tuple[tuple[str, int, float], ...]
    clusters: tuple[Cluster, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Acted:
    """By event id: whether its first decision was other than allow, and whether a rule fired."""

    stopped: frozenset[str]
    ruled: frozenset[str]


def acted_in(history: Path) -> Acted:
    """What the decisions of a state or of a Parquet folder did; nothing where it has none."""
    with duckdb.connect() as connection:
        decided = None
        if history.is_dir():
            decided = in_folder(history, "decisions")
        elif history.is_file():
            attach_state(connection, history, CATALOG)
            decided = whole(connection, CATALOG, history, "decisions")
        if decided is None:
            return Acted(frozenset(), frozenset())
        names = connection.sql(f"select * from ({decided}) limit 0").columns
        order = "order by version" if "version" in names else "order by event_id"
        rows = connection.execute(
            f"select event_id, action <> 'allow', len(rule_ids) > 0 from ({decided}) "
            f"qualify row_number() over (partition by event_id {order}) = 1"
        ).fetchall()
    return Acted(
        frozenset(event for event, stopped, _ in rows if stopped),
        frozenset(event for event, _, ruled in rows if ruled),
    )


def insight(
    history: History,
    since: np.datetime64,
    until: np.datetime64,
    *,
    acted: Acted | None = None,
    scorer: Scorer | None = None,
    say: Say = lambda words: None,
) -> Insight:
    """Look over the events from `since` on, before `until`; what is usual is learned from those before `since`.

    acted: what real time did, where it is known; scorer: the model whose flags are to be explained. Raises
    RiskwaveError when the range has no events, or too few are before it.
    """
    first = int(np.searchsorted(history.at, since))
    part = history.between(since, until)
    say(f"{len(part):,} events: what is unusual")
    found = find_unusual(history.part(slice(0, first)), part)
    ids = part.events["event_id"].to_pylist()
    acted = acted or Acted(frozenset(), frozenset())
    stopped = np.array([event in acted.stopped for event in ids], np.bool_)
    unexplained: Flags = np.zeros(len(part), np.bool_)
    if scorer is not None:
        ruled = np.array([event in acted.ruled for event in ids], np.bool_)
        unexplained = (scorer.score(part.events) >= scorer.threshold) & ~ruled & ~part.known_frauds(until)
    say("clusters")
    groups = cluster(found, found.rows | unexplained, least=LEAST)
    money = np.asarray(pc.fill_null(part.events["billing_amount_minor"].cast(pa.int64()), 0).to_numpy())
    cards = np.array(part.events["card_id"].to_pylist(), object)
    known = part.known_frauds(until)
    clusters = []
    for number, rows in enumerate(groups, 1):
        made = tuple(made_by(found, rows))
        say(f"cluster {number} of {len(groups)}: a draft rule")
        name = f"insight_{str(since)[:13].replace('-', '').replace('T', '_')}_{number}"
        why = "found by a look back: " + "; ".join(each.said.replace("{", "(").replace("}", ")") for each in made[:2])
        missed = ~stopped[rows]
        clusters.append(
            Cluster(
                events=len(rows),
                cards=len(set(cards[rows])),
                missed=int(missed.sum()),
                unexplained=int(unexplained[rows].sum()),
                frauds=int(known[rows].sum()),
                money=int(money[rows][missed].sum()),
                made_by=made,
                examples=tuple(ids[row] for row in rows[:EXAMPLES]),
                draft=draft(history, rows + first, name, why) if made else None,
            )
        )
    return Insight(
        from_=str(since),
        to=str(until),
        events=len(part),
        before=first,
        unusual=int(found.rows.sum()),
        unexplained=int(unexplained.sum()),
        projections=tuple((" with ".join(each.columns), each.events, each.expected) for each in found.projections),
        clusters=tuple(clusters),
    )


def each_range(since: np.datetime64, until: np.datetime64, hours: int) -> Iterator[tuple[np.datetime64, np.datetime64]]:
    """Ranges of so many hours from `since` on, the last one shorter."""
    step = np.timedelta64(hours, "h")
    while since < until:
        yield since, min(since + step, until)
        since = since + step


def distinct(drafts: list[Draft]) -> list[Draft]:
    """Drafts that differ in more than their name, the first of each."""
    seen: dict[str, Draft] = {}
    for each in drafts:
        seen.setdefault(each.text.split("when:", 1)[1].split("reason:", 1)[0], each)
    return list(seen.values())
