from __future__ import annotations

from pathlib import Path

import pytest

from riskwave.doctor import services
from tests.support.kafka_server import KafkaBroker
from tests.support.processes import free_port


def test_said_is_the_first_line_printed() -> None:
    assert services.said("sh", "-c", "printf '\\n\\033[1mone\\033[m\\ntwo\\n'") == "one"


@pytest.mark.parametrize("command", [("no-such-program",), ("sh", "-c", "echo broken; exit 3"), ("true",)])
def test_said_is_nothing_of_a_command_that_fails(command: tuple[str, ...]) -> None:
    assert services.said(*command) is None


def test_a_broker_is_not_required_unless_asked_for() -> None:
    finding = services.broker(None)
    assert not finding.ok
    assert not finding.required


def test_a_broker_that_does_not_answer_is_required_and_missing() -> None:
    address = f"127.0.0.1:{free_port()}"
    finding = services.broker(address)
    assert finding.name == f"broker {address}"
    assert not finding.ok
    assert finding.required
    assert "no answer" in finding.hint


def test_a_broker_that_answers(kafka_broker: KafkaBroker) -> None:
    kafka_broker.create_topic()
    finding = services.broker(kafka_broker.address)
    assert finding.ok
    assert finding.found.startswith("answers, ")


def test_risingwave_that_the_environment_names_must_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RISINGWAVE_DSN", f"postgresql://root@127.0.0.1:{free_port()}/dev")
    finding = services.risingwave()
    assert not finding.ok
    assert finding.required
    assert "check RISINGWAVE_DSN" in finding.hint


def test_another_server_is_not_taken_for_risingwave(postgres_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RISINGWAVE_DSN", postgres_server)
    finding = services.risingwave()
    assert not finding.ok
    assert finding.found.startswith("PostgreSQL")
    assert finding.hint == "RISINGWAVE_DSN names a server of another kind"


def test_risingwave_of_another_version_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "risingwave"
    program.write_text("#!/bin/sh\necho risingwave 1.9.0\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.delenv("RISINGWAVE_DSN", raising=False)
    finding = services.risingwave()
    assert (finding.found, finding.ok, finding.required) == ("risingwave 1.9.0", False, False)
    assert "2.8" in finding.hint


def test_what_is_not_on_the_path_is_missing_and_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("RISINGWAVE_DSN", raising=False)
    for finding in (services.risingwave(), services.compose(), *services.broker_tools()):
        assert not finding.ok, finding.name
        assert not finding.required, finding.name
        assert finding.hint, finding.name
