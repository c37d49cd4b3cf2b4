"""docker-compose.yml: every service is pinned, checked and reachable from this machine only."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
#: Services that end when their work is done.
ONCE = {"kafka-topics", "risingwave-password"}


def test_has_what_the_risingwave_target_needs() -> None:
    assert {"kafka", "risingwave", "postgres"} | ONCE == set(SERVICES)


@pytest.mark.parametrize("name", SERVICES)
def test_image_is_pinned_to_a_version(name: str) -> None:
    tag = SERVICES[name]["image"].partition(":")[2]
    assert re.match(r"v?\d", tag), f"{name}: image {SERVICES[name]['image']} has no version"


def test_risingwave_is_the_version_the_models_are_tried_on() -> None:
    assert ":v2.8." in SERVICES["risingwave"]["image"]


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_open_on_loopback_only(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert str(port).startswith("127.0.0.1:"), f"{name}: port {port} is open to other machines"


@pytest.mark.parametrize("name", sorted(set(SERVICES) - ONCE))
def test_service_says_when_it_is_ready_and_keeps_its_data(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]
    volumes = [volume.partition(":")[0] for volume in SERVICES[name]["volumes"]]
    assert set(volumes) & set(COMPOSE["volumes"]), f"{name}: no named volume"


def test_passwords_have_no_default() -> None:
    found = 0
    for name, service in SERVICES.items():
        for key, value in service.get("environment", {}).items():
            if "PASSWORD" in key:
                found += 1
                assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", value), f"{name}: {key} must be required from .env"
    assert found == 2


@pytest.mark.parametrize("name", sorted(ONCE))
def test_scripts_are_there_and_can_run(name: str) -> None:
    scripts = [part for part in SERVICES[name]["entrypoint"] if part.startswith("/compose/")]
    assert scripts
    for script in scripts:
        file = ROOT / script.lstrip("/")
        assert file.stat().st_mode & 0o111, f"{file.name} is not executable"


def test_topics_are_those_the_sources_read() -> None:
    variables = yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"]
    read = {value for key, value in variables.items() if key.endswith("_topic")}
    script = (ROOT / "compose" / "create-topics.sh").read_text()
    created = re.search(r"for topic in ([^;]+);", script)
    assert created
    assert {topic.partition(":")[0] for topic in created[1].split()} == read
    assert variables["kafka_bootstrap"] in SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]


def test_every_file_in_compose_is_used() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    unused = [file.name for file in (ROOT / "compose").iterdir() if f"/compose/{file.name}" not in text]
    assert unused == []


def test_risingwave_reads_its_settings() -> None:
    [option] = [part for part in SERVICES["risingwave"]["command"] if part.startswith("--config-path=")]
    assert (ROOT / option.partition("=")[2].lstrip("/")).is_file()
    assert "./compose:/compose:ro" in SERVICES["risingwave"]["volumes"]
