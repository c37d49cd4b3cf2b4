"""Where payments come from: topics, files, growing logs, standard input, the simulator."""

from __future__ import annotations

import re

from riskwave.errors import RiskwaveError
from riskwave.sources.base import Source
from riskwave.sources.batch import RAW_SCHEMA
from riskwave.sources.files import FileSource
from riskwave.sources.kafka import KafkaSource
from riskwave.sources.kafka_uri import parse_kafka_uri
from riskwave.sources.shape import AsNamed, Shape

__all__ = ["RAW_SCHEMA", "Source", "open_source"]

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+):", re.IGNORECASE)


def open_source(uri: str, *, follow: bool = False) -> Source:
    """The source at a URI, ready to be polled.

    `uri` is a file or folder, kafka://host:port/topic or sim:…. Raises RiskwaveError
    when there is nothing to read there: no such file, no broker, no topic.
    """
    shape: Shape = AsNamed()
    scheme = _SCHEME.match(uri)
    if scheme is None:
        return FileSource(uri, shape)
    if scheme[1].lower() == "kafka":
        return KafkaSource(parse_kafka_uri(uri), shape)
    raise RiskwaveError(
        f"{uri.partition('?')[0]}: cannot read from {scheme[1]}:; expected a file, a folder, "
        "- (standard input), kafka://host:port/topic or sim:"
    )
