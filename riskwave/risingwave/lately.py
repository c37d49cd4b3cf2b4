"""What a feed that takes over reads: what is scored as it comes, and nothing of what was before.

A sink that is made of a query is filled from all that the query reads, here from every row that was ever scored: with
400,000 of them it took seven seconds until a ruleset decided. One that is made of a relation by its name need not be.
So such a sink is made first, into a table that keeps its rows for a moment, and the feed over that.
"""

from __future__ import annotations

from collections.abc import Mapping

from riskwave.risingwave.changes import SCORED
from riskwave.risingwave.relations import Relation
from riskwave.risingwave.server import Server

#: Begins the names of the tables; a number follows, so that two feeds may each have one.
LATELY = "decisions__lately_"
_FEED = "__feed"
#: A feed is made of what comes; what it is filled with are the rows of this time, which it has no need of.
_KEPT_S = 10


def lately(server: Server, there: Mapping[str, Relation]) -> str:
    """The name of a table of what is scored, which is made where there is none. there: the deployment's relations."""
    for name, relation in there.items():
        if name.startswith(LATELY) and relation.kind == "sink" and there[SCORED].id in relation.reads:
            return name.removesuffix(_FEED)
    name = next(name for name in (f"{LATELY}{number}" for number in range(1, len(there) + 2)) if name not in there)
    columns = there[SCORED].columns
    kinds = ", ".join(f"{column} {kind}" for column, kind in columns.items())
    server.run(f"create table {name} ({kinds}) append only with (retention_seconds = {_KEPT_S})")
    server.run(
        f"create sink {name}{_FEED} into {name} ({', '.join(columns)}) from {SCORED} "
        "with (type = 'append-only', snapshot = 'false')"
    )
    return name


def drop_unread(server: Server, there: Mapping[str, Relation]) -> None:
    """Drop the tables whose feeds are gone, and with each of them the sink that fills it."""
    read = {number for relation in there.values() for number in relation.reads}
    for name, relation in there.items():
        if name.startswith(LATELY) and relation.kind == "table" and relation.id not in read:
            server.run(f"drop table {name}")
