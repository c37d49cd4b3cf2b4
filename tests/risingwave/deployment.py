"""The project deployed by dbt into a schema of its own, over topics of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pyarrow as pa
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

from tests.support.processes import wait_until

ROOT = Path(__file__).parents[2]
Row = dict[str, Any]
#: Topics that RisingWave writes.
SENT = ("decisions", "alerts")


@dataclass(frozen=True)
class Deployment:
    """One schema on the server and its topics; messages go in by `send`, rows come out by `rows`.

    scoring_server: of the function risk_score; empty for none.
    """

    dsn: str
    kafka: str
    schema: str
    scratch: Path
    scoring_server: str = ""

    @property
    def variables(self) -> dict[str, str]:
        """What `dbt --vars` is given."""
        topics = ("payments", "labels", "card_profiles", "devices", "decisions", "alerts")
        named = {f"{name.removeprefix('card_')}_topic": self.topic(name) for name in topics}
        return {"kafka_bootstrap": self.kafka, "scoring_server": self.scoring_server, **named}

    @property
    def target(self) -> str:
        """The server's DSN with the schema: what commands are given as `--target`."""
        return f"{self.dsn}{'&' if '?' in self.dsn else '?'}schema={self.schema}"

    def topic(self, name: str) -> str:
        """The topic behind a landing model."""
        return f"{self.schema}-{name}"

    def create_topics(self, partitions: int = 1) -> None:
        """Make the topics; payments have `partitions`."""
        admin = AdminClient({"bootstrap.servers": self.kafka, "log_level": 0})
        topics = [NewTopic(self.topic("payments"), partitions, 1)]
        topics += [NewTopic(self.topic(name), 1, 1) for name in ("labels", "card_profiles", "devices", *SENT)]
        for made in admin.create_topics(topics).values():
            made.result(20)

    def dbt(self, *arguments: str) -> str:
        """Run dbt on the risingwave target; gives what it printed, fails with it."""
        where = conninfo_to_dict(self.dsn)
        environment = {
            **os.environ,
            "RISINGWAVE_HOST": str(where.get("host", "127.0.0.1")),
            "RISINGWAVE_PORT": str(where.get("port", 4566)),
            "RISINGWAVE_USER": str(where.get("user", "root")),
            "RISINGWAVE_PASSWORD": str(where.get("password", "")),
            "RISINGWAVE_DATABASE": str(where.get("dbname", "dev")),
            "RISINGWAVE_SCHEMA": self.schema,
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        }
        command = [sys.executable, "-m", "dbt.cli.main", *arguments, "--target", "risingwave"]
        command += [
            "--vars",
            json.dumps(self.variables),
            "--project-dir",
            str(ROOT),
            "--profiles-dir",
            str(ROOT),
        ]
        command += ["--target-path", str(self.scratch / "target"), "--log-path", str(self.scratch / "logs")]
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, env=environment, timeout=500, cwd=ROOT
        )
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
        return done.stdout

    def send(self, name: str, messages: Sequence[bytes | None], *, partition: int = 0) -> None:
        """Append messages to a landing model's topic, in order, and wait until the broker has them."""
        producer = Producer({"bootstrap.servers": self.kafka, "linger.ms": 5, "message.max.bytes": 4_000_000})
        for message in messages:
            while True:
                try:
                    producer.produce(self.topic(name), message, partition=partition)
                    break
                except BufferError:
                    producer.poll(0.1)
        assert producer.flush(60) == 0

    def send_table(self, name: str, table: pa.Table) -> None:
        """Append a table's rows as JSON objects, instants as ISO 8601."""
        self.send(name, [orjson.dumps(row) for row in table.to_pylist()])

    def read(self, name: str, *, until: set[str], limit_s: float = 60) -> list[Row]:
        """The JSON messages of a topic that RisingWave writes, up to the last of these events."""
        options = {"bootstrap.servers": self.kafka, "group.id": self.schema, "auto.offset.reset": "earliest"}
        consumer = Consumer({**options, "enable.auto.commit": False})
        consumer.subscribe([self.topic(name)])
        found: list[Row] = []

        def complete() -> bool:
            message = consumer.poll(1.0)
            if message is not None and message.error() is None:
                found.append(orjson.loads(message.value() or b"{}"))
            return {str(row.get("event_id")) for row in found} >= until

        try:
            wait_until(complete, limit_s=limit_s, what=f"all events on {self.topic(name)}")
        finally:
            consumer.close()
        return found

    def rows(self, query: str) -> list[Row]:
        """A query's rows, in the deployment's schema."""
        with psycopg.connect(self.dsn, autocommit=True, row_factory=dict_row) as connection:
            connection.execute(f'set search_path to "{self.schema}"')
            return connection.execute(query.encode()).fetchall()

    def change(self, statement: str) -> None:
        """Run a statement that changes rows; what comes after it meets what it did."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(f'set search_path to "{self.schema}"'.encode())
            connection.execute(statement.encode())
            connection.execute("flush")

    def count(self, relation: str) -> int:
        """How many rows a relation has."""
        return int(self.rows(f"select count(*) as n from {relation}")[0]["n"])

    def wait_for_rows(self, relation: str, expected: int, limit_s: float = 120) -> None:
        """Return once a relation has that many rows; what reads it is then as far, by the same barrier."""
        wait_until(lambda: self.count(relation) >= expected, limit_s=limit_s, what=f"{expected} rows in {relation}")
        assert self.count(relation) == expected

    def drop(self) -> None:
        """Remove the schema and all in it."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            for kind, relation in self._relations():
                connection.execute(f'drop {kind} if exists "{self.schema}"."{relation}" cascade'.encode())
            connection.execute(f'drop schema if exists "{self.schema}" cascade'.encode())

    def _relations(self) -> list[tuple[str, str]]:
        found = self.rows(
            "select relation_type, r.name from rw_relations r join rw_schemas s on r.schema_id = s.id "
            f"where s.name = '{self.schema}'"
        )
        order = ["sink", "view", "materialized view", "table", "source"]
        wanted = [(row["relation_type"], row["name"]) for row in found if row["relation_type"] in order]
        return sorted(wanted, key=lambda pair: order.index(pair[0]))
