"""A real Apache Kafka broker on loopback: KRaft, one node, jars from Maven Central."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions, NewTopic

from tests.support.processes import end, free_port, wait_until

ROOT = Path(__file__).parents[2]
POM = Path(__file__).parent / "kafka" / "pom.xml"
CACHE = ROOT / ".cache" / "kafka"


def missing() -> str | None:
    """What a broker needs and this machine lacks, or None."""
    lacking = [tool for tool in ("java", "mvn") if shutil.which(tool) is None]
    return f"a Kafka broker needs {' and '.join(lacking)}" if lacking else None


def jars() -> Path:
    """The folder of the broker's jars, downloaded once and kept in .cache/kafka."""
    libs = CACHE / "libs"
    done = CACHE / "complete"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists() or done.read_text() != POM.read_text():
            shutil.rmtree(libs, ignore_errors=True)
            command = ["mvn", "-q", "-B", "-f", str(POM), "dependency:copy-dependencies"]
            options = ["-DincludeScope=runtime", f"-DoutputDirectory={libs}"]
            subprocess.run([*command, *options], check=True, timeout=540)
            done.write_text(POM.read_text())
    return libs


class KafkaBroker:
    """A running broker; `address` is host:port."""

    def __init__(self, folder: Path) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        self._folder = folder
        self._config = folder / "server.properties"
        self._process: subprocess.Popen[bytes] | None = None
        # It must outlive the futures that it gives.
        self._admin = AdminClient({"bootstrap.servers": self.address, "log_level": 0})
        controller = f"127.0.0.1:{free_port()}"
        self._config.write_text(
            "process.roles=broker,controller\n"
            "node.id=1\n"
            f"controller.quorum.voters=1@{controller}\n"
            f"listeners=PLAINTEXT://{self.address},CONTROLLER://{controller}\n"
            f"advertised.listeners=PLAINTEXT://{self.address}\n"
            "controller.listener.names=CONTROLLER\n"
            "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT\n"
            f"log.dirs={folder / 'log'}\n"
            "auto.create.topics.enable=false\n"
            "offsets.topic.replication.factor=1\n"
            "offsets.topic.num.partitions=1\n"
            "transaction.state.log.replication.factor=1\n"
            "transaction.state.log.min.isr=1\n"
            "transaction.state.log.num.partitions=1\n"
            "log.retention.check.interval.ms=500\n"
            "log.message.timestamp.type=LogAppendTime\n"
        )
        cluster = ["--cluster-id", "cml3a3dhdmVrYWZrYXRlc3Q", "--config", str(self._config)]
        self._java("kafka.tools.StorageTool", "format", *cluster)

    def start(self) -> None:
        """Start (again) and wait until it answers."""
        command = [*self._command(), "kafka.Kafka", str(self._config)]
        with (self._folder / "broker.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_until(self._answers, limit_s=60, what="the Kafka broker")

    def stop(self) -> None:
        """Stop the process; its data stay."""
        if self._process is not None:
            end(self._process)
            self._process = None

    def create_topic(self, name: str | None = None, *, partitions: int = 1, **config: str) -> str:
        """Make a topic, by default of a new name; returns its name."""
        topic = name or f"payments-{uuid.uuid4().hex[:8]}"
        settings = {key.replace("_", "."): value for key, value in config.items()}
        self._admin.create_topics([NewTopic(topic, partitions, 1, config=settings)])[topic].result(20)
        return topic

    def add_partitions(self, topic: str, total: int) -> None:
        """Raise the number of a topic's partitions."""
        self._admin.create_partitions([NewPartitions(topic, total)])[topic].result(20)

    def delete_topic(self, topic: str) -> None:
        """Remove a topic."""
        self._admin.delete_topics([topic])[topic].result(20)

    def topics(self) -> list[str]:
        """The topics there are."""
        return list(self._admin.list_topics(timeout=10).topics)

    def delete_records(self, topic: str, *, before: int) -> None:
        """Do to partition 0 what retention does in time."""
        where = TopicPartition(topic, 0, before)
        self._admin.delete_records([where])[where].result(20)

    def send(self, topic: str, messages: Sequence[bytes | None], *, partition: int | None = None) -> None:
        """Append messages, in order, and wait until the broker has them."""
        producer = Producer({"bootstrap.servers": self.address, "linger.ms": 5, "message.max.bytes": 4_000_000})
        where = -1 if partition is None else partition  # -1: the client spreads them
        for message in messages:
            while True:
                try:
                    producer.produce(topic, message, partition=where)
                    break
                except BufferError:
                    producer.poll(0.1)
        assert producer.flush(60) == 0

    def _answers(self) -> bool:
        assert self._process is not None
        log = self._folder / "broker.log"
        assert self._process.poll() is None, f"the Kafka broker stopped: {log.read_text()[-2000:]}"
        try:
            return bool(self._admin.list_topics(timeout=1).brokers)
        except Exception:
            return False

    def _command(self) -> list[str]:
        memory = ["-Xmx384m", "-Xms128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        return ["java", *memory, f"-Dkafka.logs.dir={self._folder}", "-cp", f"{jars()}/*"]

    def _java(self, *arguments: str) -> None:
        command = [*self._command(), *arguments]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def running_broker(folder: Path) -> Iterator[KafkaBroker]:
    """A broker with its data in the folder, stopped at the end."""
    broker = KafkaBroker(folder)
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()
