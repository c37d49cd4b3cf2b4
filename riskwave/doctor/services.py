"""Programs and servers beside Riskwave: brokers, databases, containers."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import psycopg
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from riskwave.doctor.finding import Finding

LIMIT_S = 3
RISINGWAVE = "2.8"


def said(*command: str) -> str | None:
    """The first line a command prints, or None when it is missing or fails."""
    if shutil.which(command[0]) is None:
        return None
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=LIMIT_S)
    except (OSError, subprocess.TimeoutExpired):
        return None
    plain = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
    lines = [line.strip() for line in plain.splitlines() if line.strip()]
    return lines[0] if done.returncode == 0 and lines else None


def broker(address: str | None) -> Finding:
    """The Kafka broker at host:port, required when it was asked for."""
    enables = "payments from Kafka topics"
    if address is None:
        return Finding("Kafka", "broker", "", False, False, enables, "not looked for: give --kafka host:port")
    client = AdminClient({"bootstrap.servers": address, "log_level": 0, "socket.timeout.ms": LIMIT_S * 1000})
    try:
        topics = [name for name in client.list_topics(timeout=LIMIT_S).topics if not name.startswith("__")]
    except KafkaException as error:
        hint = f"no answer ({error.args[0].str()}): check host, port and advertised.listeners"
        return Finding("Kafka", f"broker {address}", "", False, True, enables, hint)
    return Finding("Kafka", f"broker {address}", f"answers, {len(topics)} topics", True, True, enables)


def broker_tools() -> list[Finding]:
    """What tests start a broker of their own with."""
    enables = "tests with a real Kafka broker"
    return [
        _program("Kafka", "java", said("java", "-version"), enables, "install a Java runtime, 17 or later"),
        _program("Kafka", "mvn", said("mvn", "-v"), enables, "install maven"),
    ]


def _program(group: str, name: str, version: str | None, enables: str, hint: str) -> Finding:
    return Finding(group, name, version or "", version is not None, False, enables, "" if version else hint)


def risingwave() -> Finding:
    """A RisingWave that RISINGWAVE_DSN names (required then), or the program on PATH."""
    enables = "dbt run --target risingwave; its tests"
    dsn = os.environ.get("RISINGWAVE_DSN")
    if dsn:
        return _server(dsn, enables)
    version = said("risingwave", "--version")
    if version and RISINGWAVE not in version:
        hint = f"Riskwave is tested with {RISINGWAVE}"
        return Finding("RisingWave", "risingwave", version, False, False, enables, hint)
    hint = f"put risingwave {RISINGWAVE} on PATH, set RISINGWAVE_DSN, or docker compose up (docs/risingwave.md)"
    return _program("RisingWave", "risingwave", version, enables, hint)


def _server(dsn: str, enables: str) -> Finding:
    name = "server of RISINGWAVE_DSN"
    try:
        with psycopg.connect(dsn, connect_timeout=LIMIT_S, autocommit=True) as connection:
            row = connection.execute("select version()").fetchone()
    except psycopg.Error as error:
        hint = f"no answer ({str(error).splitlines()[0]}): check RISINGWAVE_DSN"
        return Finding("RisingWave", name, "", False, True, enables, hint)
    text = str(row[0]) if row else ""
    told = re.search(r"RisingWave-(\S+)", text)
    if told is None:
        return Finding("RisingWave", name, text, False, True, enables, "RISINGWAVE_DSN names a server of another kind")
    fits = told.group(1).startswith(RISINGWAVE)
    return Finding(
        "RisingWave", name, told.group(1), fits, True, enables, "" if fits else f"Riskwave is tested with {RISINGWAVE}"
    )


def postgres() -> Finding:
    """PostgreSQL's server binaries, where distributions put them or on PATH."""
    folders = [*Path("/usr/lib/postgresql").glob("*/bin"), *map(Path, os.environ.get("PATH", "").split(os.pathsep))]
    server = next((folder / "postgres" for folder in folders if _both(folder)), None)
    version = said(str(server), "--version") if server else None
    enables = "tests that read tables from a real PostgreSQL"
    return _program("PostgreSQL", "postgres, initdb", version, enables, "install postgresql")


def _both(folder: Path) -> bool:
    return (folder / "postgres").is_file() and (folder / "initdb").is_file()


def compose() -> Finding:
    """Docker Compose."""
    enables = "Kafka, RisingWave and PostgreSQL by docker-compose.yml"
    hint = "install Docker with its compose plugin"
    return _program("Containers", "docker compose", said("docker", "compose", "version"), enables, hint)
