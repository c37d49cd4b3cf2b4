"""The tables of an archive: what a row of each is known by, and whose day it is kept under."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """One folder of an archive.

    relation: what RisingWave calls it; day: the column of time (UTC) whose date a row is kept under; key: the columns
    that tell rows apart, all of them where there are none; those that the rows have count. A row with a key that is
    there already is the same row.
    """

    name: str
    relation: str
    day: str
    key: tuple[str, ...] = ()

    def key_of(self, columns: Sequence[str]) -> list[str]:
        """The columns that tell rows with these columns apart."""
        return [name for name in columns if name in self.key or not self.key]


TABLES = {
    table.name: table
    for table in (
        Table("stg_payments", "stg_payments", "event_ts", ("event_id",)),
        Table("decision_input", "decision_input", "event_ts", ("event_id", "version", "revision")),
        Table("decisions", "decisions__log", "event_ts", ("event_id", "version", "revision")),
        Table("labels", "stg_labels", "arrived_at"),
        Table("card_profiles", "stg_card_profiles", "valid_from"),
        Table("devices", "stg_devices", "valid_from"),
    )
}
#: Messages of a topic that are no decisions: kept with their bytes.
REJECTED = Table("rejected_messages", "", "received_at", ("source_partition", "source_offset"))
