"""kafka://host:port[,host:port]/topic[?option=value&…]."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from riskwave.errors import RiskwaveError

_FORM = "kafka://host:port[,host:port]/topic[?option=value]"


@dataclass(frozen=True)
class KafkaAddress:
    """Where a topic is and how it is read."""

    brokers: str
    topic: str
    from_latest: bool  # partitions without an offset start at their end
    until_end: bool  # stop where the topic ended when reading began
    settings: dict[str, str]  # any other option is librdkafka's own: security.protocol, sasl.username, …

    @property
    def name(self) -> str:
        """Brokers and topic without the options: these may hold a password."""
        return f"kafka://{self.brokers}/{self.topic}"


def parse_kafka_uri(uri: str) -> KafkaAddress:
    """The address in a URI. RiskwaveError for another form, port or value."""
    parts = urlsplit(uri)
    topic = parts.path.strip("/")
    if not parts.netloc or not topic or "/" in topic:
        raise RiskwaveError(f"{parts.scheme}://{parts.netloc}{parts.path}: expected {_FORM}")
    for broker in parts.netloc.split(","):
        _, colon, port = broker.rpartition(":")
        if not colon or not port.isdigit() or not 0 < int(port) < 65536:
            raise RiskwaveError(f"{broker!r} is not host:port; expected {_FORM}")
    settings = dict(parse_qsl(parts.query, keep_blank_values=True))
    start = _one_of(settings.pop("from", "earliest"), "from", ("earliest", "latest"))
    until = _one_of(settings.pop("until", "never"), "until", ("never", "end"))
    return KafkaAddress(parts.netloc, topic, start == "latest", until == "end", settings)


def _one_of(value: str, option: str, values: tuple[str, ...]) -> str:
    if value not in values:
        raise RiskwaveError(f"option {option}={value}: expected {' or '.join(values)}")
    return value
