"""Look-ups of a stream: each event meets the thresholds and list entries that are there as it comes, by equality.

Process-time temporal joins over append-only rows keep nothing and never look back: an edit touches the events that come
after it. They join by equality only, so a network of addresses stands in `list_blocks` as blocks of four lengths
(controlled prefix expansion: V. Srinivasan, G. Varghese, ACM TOCS 17(1), 1999), and an address looks up its own four.

What is edited together takes force together, at the update of one row: an entry that changes holds what it is and what
it will be from a `control_version` on, and the version is in the thresholds' row. Of two feeds that read the same rows,
a row is decided by the one that the one row of `feeds_in_force` names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from riskwave.rules.emit import NEVER, Dialect, text

#: The lengths of blocks: `list_blocks.block` is the length times 2^32, plus the first so many bits of the address.
BLOCK_BITS = (8, 16, 24, 32)
#: A temporal join of RisingWave; DuckDB looks up in what is there.
AS_IT_COMES = " for system_time as of proctime()"


@dataclass(frozen=True)
class StreamLookups:
    """The look-ups of one statement.

    pack: the name of the row of `rule_thresholds` (column ruleset); looked_up: (list, column) pairs; addresses: the
    columns that hold addresses; feed: what `feeds_in_force` must say for a row to pass, None lets all pass.
    """

    dialect: Dialect
    pack: str
    looked_up: Sequence[tuple[str, str]]
    addresses: Sequence[str]
    feed: str | None = None

    def joined(self, columns: Sequence[str]) -> str:
        """What rows are selected from: `d` has the columns of `decision_input`, `t` the thresholds."""
        numbers = [f", {ip_number(column, self.dialect)} as _n_{column}" for column in self.addresses]
        passed = dict.fromkeys([*columns, *(["known_by"] if self.feed else [])])
        rows = f"select {', '.join(passed)}{''.join(numbers)} from decision_input"
        # What a row is joined by stands in a column of its own: a constant is no equality to the engine.
        keys = [f", {text(self.pack)} as _pack"]
        keys += [f", {text(name)} as _list_{name}" for name in dict.fromkeys(name for name, _ in self.looked_up)]
        keys += [
            f", {bits * 2**32} + (a._n_{column} >> {32 - bits}) as _b{bits}_{column}"
            for column in self.addresses
            for bits in BLOCK_BITS
        ]
        joins = [f"(select a.*{''.join(keys)} from ({rows}) as a) as d"]
        for place, (name, column) in enumerate(self.looked_up):
            of_list = f".list_name = d._list_{name} and "
            at = f"e{place}"
            joins.append(self._join("left join list_entries", at, f"{at}{of_list}{at}.value = d.{column}"))
            for bits in BLOCK_BITS if column in self.addresses else ():
                at = f"b{place}_{bits}"
                joins.append(self._join("left join list_blocks", at, f"{at}{of_list}{at}.block = d._b{bits}_{column}"))
        # Last: their many columns then cross no other join.
        if self.feed:
            joins.append(self._join("left join feeds_in_force", "f", "f.ruleset = d._pack"))
        joins.append(self._join("join rule_thresholds", "t", "t.ruleset = d._pack"))
        if self.feed:
            # What nobody says who knew it of, or where nobody says who knows now, is decided.
            joins.append(f"where coalesce(f.feed, '') = {text(self.feed)} and coalesce(d.known_by = f.known_by, true)")
        return " ".join(joins)

    def until(self, place: int) -> str:
        """Until when the list of that pair holds the column's value, NULL where it does not."""
        now = f"case when e{place}.value is not null then coalesce(e{place}.expires_at, {NEVER}) end"
        exact = self._as_of_version(f"e{place}", now)
        if self.looked_up[place][1] not in self.addresses:
            return exact
        blocks = [f"b{place}_{bits}" for bits in BLOCK_BITS]
        return f"greatest({', '.join([exact, *(self._as_of_version(at, f'{at}.expires_at') for at in blocks)])})"

    def _as_of_version(self, alias: str, now: str) -> str:
        later = f"t.control_version >= {alias}.next_version"
        return f"case when {later} then {alias}.next_expires_at else {now} end"

    def _join(self, relation: str, alias: str, on: str) -> str:
        return f"{relation}{AS_IT_COMES if self.dialect == 'risingwave' else ''} as {alias} on {on}"


def ip_number(address: str, dialect: Dialect) -> str:
    """A text's IPv4 address as a number in SQL, as `lists.ip_number` has it."""
    parts = [f"cast(split_part({address}, '.', {place}) as bigint)" for place in range(1, 5)]
    whole = " + ".join(f"{part} * {256 ** (3 - place)}" for place, part in enumerate(parts))
    most = " and ".join(f"{part} <= 255" for part in parts)
    pattern = "'^[0-9]{1,3}[.][0-9]{1,3}[.][0-9]{1,3}[.][0-9]{1,3}$'"
    matches = f"regexp_matches({address}, {pattern})" if dialect == "duckdb" else f"{address} ~ {pattern}"
    # The cast stands behind the test: other texts are no numbers.
    return f"case when {matches} then case when {most} then {whole} end end"
