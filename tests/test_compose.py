"""docker-compose.yml: every service is pinned, checked, without privilege, and reachable from this machine only."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from riskwave import __version__
from riskwave.alerts.routes import load_routes
from riskwave.cli import app
from udf.__main__ import options

ROOT = Path(__file__).parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
IMAGE = ROOT / "deploy" / "Dockerfile"
#: Services that end when their work is done.
ONCE = {"kafka-topics", "risingwave-password", "risingwave-models", "riskwave-keys"}
#: Riskwave's own, by its image.
OWN = {"scoring", "risingwave-models", "riskwave-keys", "api", "app", "alerts"}
OTHERS = {"kafka", "kafka-topics", "risingwave", "risingwave-password", "postgres", "prometheus", "grafana"}
#: What a service may have. The engine refuses others too, but not here.
KNOWN = {
    *("image", "build", "command", "entrypoint", "environment", "ports", "volumes", "healthcheck", "depends_on"),
    *("restart", "profiles", "working_dir", "stop_grace_period", "read_only", "tmpfs", "cap_drop", "security_opt"),
}


def test_all_of_it_is_there() -> None:
    assert set(SERVICES) == OWN | OTHERS
    assert {name for name, service in SERVICES.items() if service["image"].startswith("riskwave:")} == OWN


@pytest.mark.parametrize("name", SERVICES)
def test_image_is_pinned_to_a_version(name: str) -> None:
    tag = SERVICES[name]["image"].partition(":")[2]
    assert re.match(r"v?\d", tag), f"{name}: image {SERVICES[name]['image']} has no version"


def test_risingwave_is_the_version_the_models_are_tried_on() -> None:
    assert ":v2.8." in SERVICES["risingwave"]["image"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_says_nothing_that_is_not_known(name: str) -> None:
    assert set(SERVICES[name]) <= KNOWN
    for volume in SERVICES[name].get("volumes", []):
        source = volume.split(":")[0]
        assert (ROOT / source).is_dir() if source.startswith("./") else source in COMPOSE["volumes"], volume


@pytest.mark.parametrize("name", SERVICES)
def test_who_waits_for_another_can_be_told_that_it_is_there(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        healthy = how["condition"] == "service_healthy"
        assert healthy or how["condition"] == "service_completed_successfully"
        assert ("healthcheck" in SERVICES[other]) if healthy else (other in ONCE), f"{name} waits for {other}"


def test_every_named_volume_is_used() -> None:
    used = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert set(COMPOSE["volumes"]) == {name for name in used if not name.startswith(".")}


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_open_on_loopback_only(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert str(port).startswith("127.0.0.1:"), f"{name}: port {port} is open to other machines"


@pytest.mark.parametrize("name", sorted(set(SERVICES) - ONCE))
def test_service_says_when_it_is_ready_and_keeps_its_data(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]
    volumes = [volume.partition(":")[0] for volume in SERVICES[name].get("volumes", [])]
    # The app keeps nothing: it asks the API.
    assert name == "app" or set(volumes) & set(COMPOSE["volumes"]), f"{name}: no named volume"


def test_secrets_have_no_default() -> None:
    found = set()
    for name, service in SERVICES.items():
        for key, value in service.get("environment", {}).items():
            if "PASSWORD" in key or key.endswith("_KEY"):
                found.add(key)
                assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", value), f"{name}: {key} must be required from .env"
    assert found == {"RISINGWAVE_PASSWORD", "POSTGRES_PASSWORD", "RISKWAVE_SCORING_KEY", "GF_SECURITY_ADMIN_PASSWORD"}
    needed = set(re.findall(r"\$\{(\w+):\?", (ROOT / "docker-compose.yml").read_text()))
    guide = (ROOT / "docs" / "compose.md").read_text()
    assert [name for name in sorted(needed) if f"{name}=" not in guide] == []


@pytest.mark.parametrize("name", sorted(ONCE - {"risingwave-models"}))
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
    assert (
        f"--source=kafka://{variables['kafka_bootstrap']}/{variables['payments_topic']}" in SERVICES["api"]["command"]
    )


def test_every_file_in_compose_is_used() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    unused = [file.name for file in (ROOT / "compose").iterdir() if f"/compose/{file.name}" not in text]
    assert unused == []


def test_risingwave_reads_its_settings() -> None:
    [option] = [part for part in SERVICES["risingwave"]["command"] if part.startswith("--config-path=")]
    assert (ROOT / option.partition("=")[2].lstrip("/")).is_file()
    assert "./compose:/compose:ro" in SERVICES["risingwave"]["volumes"]


# -- Riskwave's own services -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(OWN))
def test_riskwaves_own_have_no_privilege(name: str) -> None:
    service = SERVICES[name]
    assert service["image"] == f"riskwave:{__version__}"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", ["api", "app", "alerts"])
def test_commands_are_those_there_are(name: str) -> None:
    whole: Any = typer.main.get_command(app)
    called, *words = SERVICES[name]["command"]
    assert called == "riskwave"
    while hasattr(whole, "commands"):
        whole = whole.commands[words.pop(0)]
    whole.make_context(name, words)


def test_the_scoring_servers_options_are_those_there_are() -> None:
    given = options().parse_args(SERVICES["scoring"]["command"])
    # Flight asks no key: it has no port outside.
    assert given.open_flight
    assert [port.rpartition(":")[2] for port in SERVICES["scoring"]["ports"]] == [given.grpc.rpartition(":")[2]]
    [link] = [part for part in SERVICES["risingwave-models"]["entrypoint"] if "scoring_server" in part]
    assert link == f"scoring_server: http://scoring:{given.listen.rpartition(':')[2]}"


@pytest.mark.parametrize("name", sorted(OWN))
def test_riskwaves_own_are_built_of_the_checkout(name: str) -> None:
    assert (ROOT / SERVICES[name]["build"]["dockerfile"]) == IMAGE


def test_the_image_runs_as_nobody_special_and_has_what_the_services_need() -> None:
    text = IMAGE.read_text()
    [user] = re.findall(r"^USER (\S+)$", text, re.MULTILINE)
    assert int(user.partition(":")[0]) > 0
    [extras] = re.findall(r"-e '\.\[([\w,]+)\]'", text)
    assert {"alerts", "app", "grpc", "scoring", "tracing"} <= set(extras.split(","))
    # Named volumes take over whose the folder in the image is.
    owned = re.search(rf"install --directory --owner {user.partition(':')[0]} \S+ \S+ (.+)", text)
    assert owned
    mounted = {
        volume.split(":")[1]
        for name in OWN
        for volume in SERVICES[name].get("volumes", [])
        if not volume.startswith(".")
    }
    assert mounted == set(owned[1].split())
    let_in = {
        line[1:] for line in (IMAGE.parent / "Dockerfile.dockerignore").read_text().splitlines() if line[0] == "!"
    }
    assert {"models", "macros", "rules", "sql", "udf", "dashboards", "dbt_project.yml", "profiles.yml"} <= let_in


def test_the_alerts_routes_can_be_read() -> None:
    routes = load_routes(ROOT / "compose" / "routes.yml")
    assert routes.route_of("P0", "block", []) is not None
    assert routes.route_of("P2", "challenge", []) is not None


# -- what watches it ---------------------------------------------------------------------------------------------------


def _promtool(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    tool = shutil.which("promtool")
    if tool is None:
        pytest.skip("no promtool: apt-get install prometheus")
    return subprocess.run([tool, *words], cwd=cwd, capture_output=True, text=True, check=False)


def test_prometheus_takes_its_settings_and_rules(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "compose" / "prometheus", tmp_path / "prometheus")
    config = tmp_path / "prometheus" / "prometheus.yml"
    (tmp_path / "key").write_text("rwk_0_0")
    config.write_text(config.read_text().replace("/keys/prometheus", str(tmp_path / "key")))
    done = _promtool("check", "config", "prometheus.yml", cwd=config.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "11 rules found" in done.stdout


def test_prometheus_rules_fire_when_they_should(tmp_path: Path) -> None:
    """Series at literal times, by promtool."""
    cases = {
        "rule_files": [str(ROOT / "compose" / "prometheus" / "rules.yml")],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {"series": 'up{job="riskwave"}', "values": "1 1 0 0 0 0 0"},
                    {"series": 'riskwave_alert_deliveries{receiver="desk",state="dead"}', "values": "0 0 0 2 2 2 2"},
                    {"series": 'riskwave_shed_total{reason="deadline"}', "values": "0 0 0 0 600 1200 1800"},
                    {"series": 'riskwave_shed_total{reason="rate"}', "values": "0+600x6"},
                ],
                "alert_rule_test": [
                    {"eval_time": "2m", "alertname": "RiskwaveAway", "exp_alerts": []},
                    {
                        "eval_time": "4m",
                        "alertname": "RiskwaveAway",
                        "exp_alerts": [
                            {
                                "exp_labels": {"job": "riskwave", "severity": "page"},
                                "exp_annotations": {
                                    "summary": "The API has not answered for a minute; payments are not decided"
                                },
                            }
                        ],
                    },
                    {"eval_time": "2m", "alertname": "RiskwaveDeadLetters", "exp_alerts": []},
                    {
                        "eval_time": "3m",
                        "alertname": "RiskwaveDeadLetters",
                        "exp_alerts": [
                            {
                                "exp_labels": {"receiver": "desk", "severity": "ticket"},
                                "exp_annotations": {
                                    "summary": "Notifications to desk were given up: riskwave alerts deadletters"
                                },
                            }
                        ],
                    },
                    {"eval_time": "3m", "alertname": "RiskwaveSheds", "exp_alerts": []},
                    {
                        "eval_time": "6m",
                        "alertname": "RiskwaveSheds",
                        "exp_alerts": [
                            {
                                "exp_labels": {"reason": "deadline", "severity": "page"},
                                "exp_annotations": {
                                    "summary": "Requests are refused (deadline): more comes than can be decided in time"
                                },
                            }
                        ],
                    },
                ],
            }
        ],
    }
    (tmp_path / "cases.yml").write_text(yaml.safe_dump(cases))
    done = _promtool("test", "rules", "cases.yml", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dashboard_is_provisioned() -> None:
    grafana = ROOT / "compose" / "grafana"
    environment = SERVICES["grafana"]["environment"]
    assert environment["GF_PATHS_PROVISIONING"] == "/compose/grafana"
    home = environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    dashboard = json.loads((ROOT / home.lstrip("/")).read_text())
    [source] = yaml.safe_load((grafana / "datasources" / "prometheus.yml").read_text())["datasources"]
    assert source["url"].rpartition("/")[2].partition(":")[0] in SERVICES
    for panel in dashboard["panels"]:
        assert panel["datasource"]["uid"] == source["uid"], panel["title"]
        assert all(target["expr"] for target in panel["targets"]), panel["title"]
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids)) > 10
