import time
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from riskwave.errors import RiskwaveError
from riskwave.sources import Source, load_mapping, open_source
from riskwave.sources import kafka as kafka_module
from riskwave.sources.batch import MAX_ROW_BYTES
from riskwave.sources.kafka_uri import parse_kafka_uri
from tests.sources.tables import column, json_lines, payment, read_all
from tests.support.kafka_server import KafkaBroker, running_broker
from tests.support.processes import free_port, wait_until

MESSAGES = json_lines([payment(i) for i in range(30)]).splitlines()


def uri(broker: KafkaBroker, topic: str, options: str = "") -> str:
    return f"kafka://{broker.address}/{topic}{options}"


def read_rows(source: Source, rows: int) -> pa.Table:
    """At least that many rows of a source without an end."""
    tables: list[pa.Table] = []

    def enough() -> bool:
        table = source.poll(10, 0.2)
        assert table is not None
        tables.append(table)
        return sum(len(t) for t in tables) >= rows

    wait_until(enough, limit_s=20, what=f"{rows} messages")
    return pa.concat_tables(tables)


def test_all_partitions_are_read_with_offsets_and_append_times(kafka_broker: KafkaBroker) -> None:
    topic = kafka_broker.create_topic(partitions=3)
    for partition in range(3):
        kafka_broker.send(topic, MESSAGES[partition::3], partition=partition)
    with closing(open_source(uri(kafka_broker, topic))) as source:
        assert not source.bounded
        assert source.lag() == 30
        source.seek({})
        table = read_rows(source, 30)
        assert source.lag() == 0
    assert sorted(column(table, "event_id")) == sorted(f"e{i}" for i in range(30))
    assert set(column(table, "source")) == {uri(kafka_broker, topic)}
    for row in table.to_pylist():
        number = int(row["event_id"][1:])
        assert (row["source_partition"], row["source_offset"]) == (number % 3, number // 3)
        assert row["raw"] == MESSAGES[number]
        assert row["decode_error"] is None
        age = datetime.now(UTC).replace(tzinfo=None) - row["received_at"]
        assert timedelta(0) <= age < timedelta(minutes=1)


def test_reading_goes_on_at_the_states_offsets(kafka_broker: KafkaBroker) -> None:
    topic = kafka_broker.create_topic(partitions=2)
    kafka_broker.send(topic, MESSAGES[:10], partition=0)
    kafka_broker.send(topic, MESSAGES[10:20], partition=1)
    with closing(open_source(uri(kafka_broker, topic, "?until=end"))) as source:
        assert source.bounded
        source.seek({0: 7})
        table = read_all(source, max_rows=4)
    assert sorted(column(table, "event_id")) == sorted(f"e{i}" for i in [7, 8, 9, *range(10, 20)])


def test_a_bounded_read_ends_where_the_topic_did(kafka_broker: KafkaBroker) -> None:
    topic = kafka_broker.create_topic(partitions=3)  # two partitions stay empty
    kafka_broker.send(topic, MESSAGES, partition=1)
    assert read_all(open_source(uri(kafka_broker, topic, "?until=end")), max_rows=7).num_rows == 30


def test_from_latest_reads_only_what_comes_later(kafka_broker: KafkaBroker) -> None:
    topic = kafka_broker.create_topic()
    kafka_broker.send(topic, MESSAGES[:5])
    with closing(open_source(uri(kafka_broker, topic, "?from=latest"))) as source:
        source.seek({})
        seen: list[str | None] = []
        sent = 5

        def arrived() -> bool:
            nonlocal sent
            table = source.poll(10, 0.2)
            assert table is not None
            seen.extend(column(table, "event_id"))
            if not seen and sent < len(MESSAGES):  # until the position at the end is taken
                kafka_broker.send(topic, [MESSAGES[sent]])
                sent += 1
            return bool(seen)

        wait_until(arrived, limit_s=20, what="a new message")
    assert not set(seen) & {"e0", "e1", "e2", "e3", "e4"}


def test_a_poll_returns_as_soon_as_there_is_something(kafka_broker: KafkaBroker) -> None:
    topic = kafka_broker.create_topic()
    kafka_broker.send(topic, MESSAGES[:1])
    with closing(open_source(uri(kafka_broker, topic))) as source:
        source.seek({})
        read_rows(source, 1)
        kafka_broker.send(topic, MESSAGES[1:2])
        start = time.monotonic()
        table = source.poll(1000, 30)
        assert table is not None
        assert table.num_rows == 1
        assert time.monotonic() - start < 5


def test_bad_messages_are_rows(kafka_broker: KafkaBroker) -> None:
    long = b'{"event_id": "' + b"x" * (2 * MAX_ROW_BYTES) + b'"}'
    messages: Sequence[bytes | None] = [MESSAGES[0], b"oops", None, b"\xff\xfe", b"[]", long, MESSAGES[1]]
    topic = kafka_broker.create_topic(max_message_bytes="4000000")
    kafka_broker.send(topic, messages)
    table = read_all(open_source(uri(kafka_broker, topic, "?until=end")))
    assert [e and e.split(":")[0] for e in column(table, "decode_error")] == [
        None,
        "not valid JSON",
        "empty message",
        "not valid UTF-8",
        "not a JSON object",
        f"longer than {MAX_ROW_BYTES} bytes",
        None,
    ]
    assert column(table, "raw") == [MESSAGES[0], b"oops", b"", b"\xff\xfe", b"[]", long[:MAX_ROW_BYTES], MESSAGES[1]]


def test_new_partitions_are_found(kafka_broker: KafkaBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_module, "REFRESH_S", 0.2)
    topic = kafka_broker.create_topic()
    kafka_broker.send(topic, MESSAGES[:3])
    with closing(open_source(uri(kafka_broker, topic))) as source:
        source.seek({})
        assert read_rows(source, 3).num_rows == 3
        kafka_broker.add_partitions(topic, 2)
        kafka_broker.send(topic, MESSAGES[3:6], partition=1)
        table = read_rows(source, 3)
    assert column(table, "source_partition") == [1, 1, 1]
    assert column(table, "event_id") == ["e3", "e4", "e5"]


def test_messages_that_retention_took_are_not_passed_over_in_silence(kafka_broker: KafkaBroker) -> None:
    topic = kafka_broker.create_topic()
    kafka_broker.send(topic, MESSAGES[:10])
    kafka_broker.delete_records(topic, before=8)
    with closing(open_source(uri(kafka_broker, topic))) as source:
        source.seek({0: 5})
        with pytest.raises(RiskwaveError, match=r"partition 0 does not have offset 5.*start with a new state"):
            read_rows(source, 1)
    assert column(read_all(open_source(uri(kafka_broker, topic, "?until=end"))), "event_id") == ["e8", "e9"]


@pytest.mark.parametrize("options", ["", "?until=end"])
def test_a_topic_made_anew_is_told(options: str, kafka_broker: KafkaBroker) -> None:
    topic = kafka_broker.create_topic()
    kafka_broker.send(topic, MESSAGES[:3])
    with closing(open_source(uri(kafka_broker, topic, options))) as source:
        source.seek({0: 20})
        with pytest.raises(RiskwaveError, match="partition 0 does not have offset 20"):
            read_rows(source, 1)


def test_a_topic_that_is_deleted_is_told(kafka_broker: KafkaBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_module, "REFRESH_S", 0.2)
    topic = kafka_broker.create_topic()
    kafka_broker.send(topic, MESSAGES[:3])
    with closing(open_source(uri(kafka_broker, topic))) as source:
        assert read_rows(source, 3).num_rows == 3
        kafka_broker.delete_topic(topic)
        with pytest.raises(RiskwaveError, match=r"has no topic 'payments-|the topic is gone"):
            read_rows(source, 1)


def test_a_broker_that_restarts_is_waited_for(tmp_path: Path, kafka_broker: KafkaBroker) -> None:
    del kafka_broker  # only so that this test is skipped, or grouped, with the others
    with running_broker(tmp_path) as broker:
        topic = broker.create_topic()
        broker.send(topic, MESSAGES[:5])
        with closing(open_source(uri(broker, topic))) as source:
            source.seek({})
            assert read_rows(source, 5).num_rows == 5
            broker.stop()
            while_away = source.poll(10, 0.5)
            assert while_away is not None
            assert while_away.num_rows == 0
            broker.start()
            broker.send(topic, MESSAGES[5:10])
            table = read_rows(source, 5)
    assert column(table, "event_id") == [f"e{i}" for i in range(5, 10)]
    assert column(table, "source_offset") == list(range(5, 10))


def test_foreign_messages_are_mapped(kafka_broker: KafkaBroker, tmp_path: Path) -> None:
    path = tmp_path / "bank.yml"
    path.write_text(
        "fields: {event_id: id, event_ts: at, card_id: {from: pan, prefix: card-},"
        " amount_minor: {from: sum, unit: major}, currency: {constant: EUR}}"
    )
    topic = kafka_broker.create_topic()
    kafka_broker.send(topic, [b'{"id": 7, "at": "2026-03-01", "pan": "x", "sum": 12.5}'])
    row = read_all(open_source(uri(kafka_broker, topic, "?until=end"), mapping=load_mapping(path))).to_pylist()[0]
    assert [row[n] for n in ("event_id", "card_id", "amount_minor", "currency")] == ["7", "card-x", "1250", "EUR"]


def test_no_broker_and_no_topic_are_one_line(kafka_broker: KafkaBroker) -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    start = time.monotonic()
    with pytest.raises(RiskwaveError, match=f"no Kafka broker answers at {nowhere}.*refused") as error:
        open_source(f"kafka://{nowhere}/payments")
    assert time.monotonic() - start < 10
    assert "\n" not in str(error.value)
    with pytest.raises(RiskwaveError, match=f"the Kafka broker at {kafka_broker.address} has no topic 'nothing'"):
        open_source(uri(kafka_broker, "nothing"))


def test_a_state_with_partitions_that_the_topic_lacks(kafka_broker: KafkaBroker) -> None:
    topic = kafka_broker.create_topic()
    with (
        closing(open_source(uri(kafka_broker, topic))) as source,
        pytest.raises(RiskwaveError, match="the state has read partition 4, which the topic lacks"),
    ):
        source.seek({0: 1, 4: 2})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("kafka://localhost:9092", r"kafka://localhost:9092: expected kafka://host:port"),
        ("kafka:///topic", r"expected kafka://host:port"),
        ("kafka://localhost/topic", r"'localhost' is not host:port"),
        ("kafka://a:1,b:x/topic", r"'b:x' is not host:port"),
        ("kafka://a:99999/topic", r"'a:99999' is not host:port"),
        ("kafka://a:1/topic?from=noon", r"option from=noon: expected earliest or latest"),
        ("kafka://a:1/topic?nonsense=1", r'No such configuration property: "nonsense"'),
        ("kafka://a:1/topic?fetch.min.bytes=x", r"fetch\.min\.bytes"),
    ],
)
def test_a_wrong_address_is_told(given: str, message: str) -> None:
    with pytest.raises(RiskwaveError, match=message):
        open_source(given)


def test_options_are_no_part_of_the_name() -> None:
    address = parse_kafka_uri("kafka://a:1,b:2/t?sasl.username=me&sasl.password=secret&until=end")
    assert address.name == "kafka://a:1,b:2/t"
    assert address.settings == {"sasl.username": "me", "sasl.password": "secret"}
    assert address.until_end
