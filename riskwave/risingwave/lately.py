"""What a feed that takes over reads: what is scored from its making on, and nothing before.

A sink that is made of a query is filled from all that the query reads, here from every row that was ever scored: with
400,000 of them it took seven seconds until a ruleset decided. One that is made of a relation by its name need not be.
So such a sink is made first, into a table that keeps its rows for a minute, and the feed over that.
"""

from __future__ import annotations

from collections.abc import Mapping

from riskwave.risingwave.relations import Relation
from riskwave.risingwave.server import Server

#: Begins the names of the tables; a number follows, so that two feeds may each have one.
LATELY = "decisions__lately_"
#: Long enough that a row is passed on before it goes, as none waits for longer than a barrier.
_KEPT_S = 60


def make_lately(server: Server, there: Mapping[str, Relation], scored: str) -> str:
    """A table of the rows of the relation `scored` that come from now on; gives its name."""
    drop_unread(server, there)
    name = next(name for name in (f"{LATELY}{number}" for number in range(1, len(there) + 2)) if name not in there)
    columns = there[scored].columns
    kinds = ", ".join(f"{column} {kind}" for column, kind in columns.items())
    server.run(f"create table {name} ({kinds}) append only with (retention_seconds = {_KEPT_S})")
    server.run(
        f"create sink {name}__feed into {name} ({', '.join(columns)}) from {scored} "
        "with (type = 'append-only', snapshot = 'false')"
    )
    return name


def drop_unread(server: Server, there: Mapping[str, Relation]) -> None:
    """Drop the tables whose feed is gone, and with each of them the sink that fills it."""
    read = {number for relation in there.values() for number in relation.reads}
    for name, relation in there.items():
        if name.startswith(LATELY) and relation.kind == "table" and relation.id not in read:
            server.run(f"drop table {name}")
