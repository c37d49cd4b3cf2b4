"""deploy/kubernetes: what the Kubernetes API would take, and what is promised of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

import kubernetes_validate
import pytest
import typer
import yaml
from pydantic import BaseModel, ConfigDict

from riskwave.alerts.routes import load_routes
from riskwave.cli import app
from udf.__main__ import options

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
KUBERNETES = "1.37"
KUSTOMIZATION = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
OBJECTS: list[dict[str, Any]] = [
    each
    for file in sorted(FOLDER.glob("*.yaml"))
    if file.name != "kustomization.yaml"
    for each in yaml.safe_load_all(file.read_text())
]
RISINGWAVE = "risingwave.risingwavelabs.com/v1alpha1"


def named(each: dict[str, Any]) -> str:
    return f"{each['kind']} {each['metadata']['name']}"


def of_kind(*kinds: str) -> list[dict[str, Any]]:
    return [each for each in OBJECTS if each["kind"] in kinds]


def pods() -> list[dict[str, Any]]:
    return [each["spec"]["template"] for each in of_kind("Deployment", "Job")]


# -- what the API takes -----------------------------------------------------------------------------------------------


class Strict(BaseModel):
    """Of the operator's resource, the part that is used: what is not named here is a mistake."""

    model_config = ConfigDict(extra="forbid")


class Credentials(Strict):
    secretName: str  # noqa: N815
    usernameKeyRef: str | None = None  # noqa: N815
    passwordKeyRef: str | None = None  # noqa: N815
    accessKeyRef: str | None = None  # noqa: N815
    secretAccessKeyRef: str | None = None  # noqa: N815


class PostgreSql(Strict):
    host: str
    port: int
    database: str
    credentials: Credentials


class MetaStore(Strict):
    postgresql: PostgreSql


class Bucket(Strict):
    bucket: str
    region: str
    credentials: Credentials


class StateStore(Strict):
    dataDirectory: str  # noqa: N815
    s3: Bucket


class PodSpec(Strict):
    podSecurityContext: dict[str, Any]  # noqa: N815
    securityContext: dict[str, Any]  # noqa: N815
    resources: dict[str, Any]


class Template(Strict):
    spec: PodSpec


class NodeGroup(Strict):
    name: str
    replicas: int
    template: Template


class Component(Strict):
    nodeGroups: list[NodeGroup]  # noqa: N815


class Components(Strict):
    meta: Component
    frontend: Component
    compute: Component
    compactor: Component


class RisingWaveSpec(Strict):
    image: str
    metaStore: MetaStore  # noqa: N815
    stateStore: StateStore  # noqa: N815
    components: Components


class RisingWave(Strict):
    apiVersion: Literal["risingwave.risingwavelabs.com/v1alpha1"]  # noqa: N815
    kind: Literal["RisingWave"]
    metadata: dict[str, Any]
    spec: RisingWaveSpec


@pytest.mark.parametrize("each", [each for each in OBJECTS if each["apiVersion"] != RISINGWAVE], ids=named)
def test_kubernetes_would_take_it(each: dict[str, Any]) -> None:
    kubernetes_validate.validate(each, KUBERNETES, strict=True)


def test_a_mistake_would_be_seen() -> None:
    each = yaml.safe_load((FOLDER / "namespace.yaml").read_text())
    with pytest.raises(kubernetes_validate.ValidationError, match="specs"):
        kubernetes_validate.validate({**each, "specs": {}}, KUBERNETES, strict=True)


def test_the_operator_would_take_it() -> None:
    [found] = of_kind("RisingWave")
    RisingWave.model_validate(found)


def test_every_file_is_applied_but_the_one_that_is_for_once() -> None:
    files = {file.name for file in FOLDER.glob("*.yaml")} - {"kustomization.yaml"}
    assert set(KUSTOMIZATION["resources"]) == files - {"first-key.yaml"}
    assert {each["metadata"].get("namespace", "riskwave") for each in OBJECTS} == {"riskwave"}


def test_commands_are_such_as_there_are() -> None:
    """Each option of `riskwave` and of the scoring server is one that they have."""
    for pod in pods():
        program, *arguments = pod["spec"]["containers"][0]["command"]
        if program == "python":
            assert arguments[:2] == ["-m", "udf"]
            options().parse_args(arguments[2:])
            continue
        command: Any = typer.main.get_command(app)
        while hasattr(command, "commands"):
            command = command.commands[arguments.pop(0)]
        known = {name for parameter in command.params for name in parameter.opts}
        assert {each.partition("=")[0] for each in arguments if each.startswith("--")} <= known


def test_the_alerts_routes_can_be_read(tmp_path: Path) -> None:
    [config] = of_kind("ConfigMap")
    (pod,) = (pod for pod in pods() if pod["metadata"]["labels"]["app.kubernetes.io/name"] == "alerts")
    [volume] = [volume for volume in pod["spec"]["volumes"] if volume["name"] == "routes"]
    assert volume["configMap"]["name"] == config["metadata"]["name"]
    file = tmp_path / "routes.yml"
    file.write_text(config["data"][file.name])
    routes = load_routes(file)
    assert routes.route_of("P0", "block", []) is not None
    assert routes.route_of("P2", "challenge", []) is not None


# -- what is promised -------------------------------------------------------------------------------------------------


def test_scoring_is_scaled_by_processor_memory_and_requests() -> None:
    [scaler] = of_kind("HorizontalPodAutoscaler")
    spec = scaler["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (3, 20)
    assert {
        metric[metric["type"].lower()].get("name", metric["type"]): next(
            value for name, value in metric[metric["type"].lower()]["target"].items() if name != "type"
        )
        for metric in spec["metrics"]
    } == {"cpu": 70, "memory": 60, "Pods": "200"}
    [scaled] = [each for each in of_kind("Deployment") if each["metadata"]["name"] == spec["scaleTargetRef"]["name"]]
    assert "replicas" not in scaled["spec"]
    assert set(scaled["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]) == {"cpu", "memory"}


@pytest.mark.parametrize("pod", pods(), ids=lambda pod: pod["metadata"]["labels"]["app.kubernetes.io/name"])
def test_a_pod_may_do_little(pod: dict[str, Any]) -> None:
    spec = pod["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in spec["containers"]:
        may = container["securityContext"]
        assert may["readOnlyRootFilesystem"] is True
        assert may["allowPrivilegeEscalation"] is False
        assert may["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"]["memory"]
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        assert mounted == {volume["name"] for volume in spec["volumes"]}


def test_risingwave_runs_without_root() -> None:
    [found] = of_kind("RisingWave")
    for component in found["spec"]["components"].values():
        for group in component["nodeGroups"]:
            assert group["template"]["spec"]["podSecurityContext"]["runAsNonRoot"] is True
            assert group["template"]["spec"]["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_images_have_versions() -> None:
    [found] = of_kind("RisingWave")
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    assert found["spec"]["image"] == compose["services"]["risingwave"]["image"]
    [ours] = KUSTOMIZATION["images"]
    for pod in pods():
        for container in pod["spec"]["containers"]:
            assert container["image"] in (ours["name"], f"{ours['newName']}:{ours['newTag']}")
    assert re.fullmatch(r"\d+\.\d+\.\d+", ours["newTag"])


def test_secrets_are_named_and_never_written() -> None:
    assert of_kind("Secret") == []
    for pod in pods():
        for container in pod["spec"]["containers"]:
            for variable in container.get("env", []):
                secret = re.search("KEY|PASSWORD|SECRET|TOKEN|SOURCE", variable["name"])
                assert secret is None or "secretKeyRef" in variable["valueFrom"]
            assert not any("://" in part and "@" in part for part in container["command"])


def test_a_service_has_pods_and_their_ports() -> None:
    labels = {pod["metadata"]["labels"]["app.kubernetes.io/name"]: pod for pod in pods()}
    for service in of_kind("Service"):
        pod = labels[service["spec"]["selector"]["app.kubernetes.io/name"]]
        ports = {port["name"]: port["containerPort"] for port in pod["spec"]["containers"][0]["ports"]}
        for port in service["spec"]["ports"]:
            assert ports[port["targetPort"]] == port["port"]


def test_who_is_let_in_is_there() -> None:
    """Every deployment is named by a policy, every policy's pods are there, and nothing else is let through."""
    there = {pod["metadata"]["labels"]["app.kubernetes.io/name"] for pod in pods()}
    policies = {each["metadata"]["name"]: each["spec"] for each in of_kind("NetworkPolicy")}
    assert policies["nothing"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    chosen = {
        spec["podSelector"]["matchLabels"].get("app.kubernetes.io/name")
        for name, spec in policies.items()
        if name not in ("nothing", "names")
    }
    assert chosen == there - {"first-key"} | {None}
    for spec in policies.values():
        for rule in [*spec.get("ingress", []), *spec.get("egress", [])]:
            assert rule
            for peer in [*rule.get("from", []), *rule.get("to", [])]:
                name = peer.get("podSelector", {}).get("matchLabels", {}).get("app.kubernetes.io/name")
                assert name is None or name in there | {"deploy"}
