"""Where payments come from: topics, files, growing logs, standard input, the simulator."""

from __future__ import annotations

import re

from riskwave.errors import RiskwaveError
from riskwave.sources.base import Source
from riskwave.sources.batch import RAW_SCHEMA
from riskwave.sources.files import FileSource
from riskwave.sources.follow import FollowSource
from riskwave.sources.kafka import KafkaSource
from riskwave.sources.kafka_uri import parse_kafka_uri
from riskwave.sources.mapped import Mapped
from riskwave.sources.mapping import Mapping, load_mapping
from riskwave.sources.shape import AsNamed, Shape
from riskwave.sources.stdin import StdinSource
from riskwave.sources.table import read_labels, read_table

__all__ = [
    "RAW_SCHEMA",
    "Mapping",
    "Source",
    "load_mapping",
    "open_source",
    "read_labels",
    "read_table",
]

_SCHEME = re.compile(r"(sim(?=:)|[a-z][a-z0-9+.-]*(?=://))", re.IGNORECASE)


def open_source(uri: str, *, mapping: Mapping | None = None, follow: bool = False) -> Source:
    """The source at a URI, ready to be polled.

    `uri` is a file or folder (with `follow`: one file that grows), - for standard input,
    kafka://host:port/topic, or sim:…. `mapping` makes foreign columns into the contract's. Raises
    RiskwaveError when there is nothing to read there: no such file, no broker, no topic, no such column.
    """
    shape: Shape = AsNamed() if mapping is None else Mapped(mapping.fields, mapping.where)
    if uri == "-":
        return StdinSource(shape)
    scheme = _SCHEME.match(uri)
    if scheme is None:
        return FollowSource(uri, shape) if follow else FileSource(uri, shape)
    if scheme[1].lower() == "kafka":
        return KafkaSource(parse_kafka_uri(uri), shape)
    if scheme[1].lower() == "sim":
        from riskwave.simulator.source import SimulatorSource

        return SimulatorSource(uri)
    raise RiskwaveError(
        f"{uri.partition('?')[0]}: cannot read from {scheme[1]}:; expected a file, a folder, "
        "- (standard input), kafka://host:port/topic or sim:"
    )
