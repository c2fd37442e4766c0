"""The deployment files, as far as they can be checked without a container engine or a cluster."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import kubernetes_validate
import pytest
import yaml

from serving.gateway.settings import PREFIX, GatewaySettings, read_settings

DEPLOY: Final = Path(__file__).parents[3] / "serving" / "deploy"
KUBERNETES: Final = DEPLOY / "kubernetes"
COMPOSE: Final = DEPLOY / "compose.yaml"
VERSIONS: Final = ("1.29", "1.33")

Document = dict[str, Any]


def documents() -> Iterator[tuple[str, Document]]:
    for path in sorted(KUBERNETES.glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            yield (
                f"{path.stem}: {document['kind']} {document.get('metadata', {}).get('name')}",
                document,
            )


DOCUMENTS: Final = dict(documents())
OBJECTS: Final = {n: d for n, d in DOCUMENTS.items() if d["kind"] != "Kustomization"}
DEPLOYMENTS: Final = {n: d for n, d in OBJECTS.items() if d["kind"] == "Deployment"}


def of_kind(kind: str) -> list[Document]:
    found = [document for document in OBJECTS.values() if document["kind"] == kind]
    assert found, kind
    return found


def containers(deployment: Document) -> list[Document]:
    return list(deployment["spec"]["template"]["spec"]["containers"])


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", OBJECTS)
def test_every_object_is_one_of_its_kind(name: str, version: str) -> None:
    kubernetes_validate.validate(OBJECTS[name], version, strict=True)


def test_the_schemas_refuse_what_is_misspelt() -> None:
    broken = yaml.safe_load(yaml.safe_dump(next(iter(DEPLOYMENTS.values()))))
    broken["spec"]["replica"] = 2
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, VERSIONS[0], strict=True)


def test_kustomize_lists_every_file() -> None:
    listed = DOCUMENTS["kustomization: Kustomization None"]["resources"]
    assert sorted(listed) == sorted(
        path.name for path in KUBERNETES.glob("*.yaml") if path.name != "kustomization.yaml"
    )


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_containers_are_nobody_and_can_change_nothing(name: str) -> None:
    spec = DEPLOYMENTS[name]["spec"]["template"]["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in containers(DEPLOYMENTS[name]):
        security = container["securityContext"]
        assert security["allowPrivilegeEscalation"] is False
        assert security["readOnlyRootFilesystem"] is True
        assert security["capabilities"] == {"drop": ["ALL"]}
        out = [mount for mount in container["volumeMounts"] if mount["mountPath"] == "/out"]
        assert [mount["readOnly"] for mount in out] == [True]


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_containers_are_probed_and_bounded(name: str) -> None:
    for container in containers(DEPLOYMENTS[name]):
        assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container)
        assert set(container["resources"]["requests"]) == {"cpu", "memory"}
        assert "memory" in container["resources"]["limits"]
        image, _, tag = container["image"].rpartition(":")
        assert image
        assert tag not in ("", "latest")
        ports = {port["name"] for port in container["ports"]}
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            how = container[probe].get("httpGet") or container[probe]["tcpSocket"]
            assert how["port"] in ports


def test_services_budgets_scalers_and_policies_mean_a_deployment() -> None:
    labels = {
        each["metadata"]["name"]: each["spec"]["template"]["metadata"]["labels"]
        for each in DEPLOYMENTS.values()
    }
    for each in DEPLOYMENTS.values():
        assert each["spec"]["selector"]["matchLabels"] == labels[each["metadata"]["name"]]
    for service in of_kind("Service"):
        assert service["spec"]["selector"] == labels[service["metadata"]["name"]]
        (deployment,) = [d for d in DEPLOYMENTS.values() if d["metadata"] == service["metadata"]]
        ports = {port["name"] for c in containers(deployment) for port in c["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports
    for scaler in of_kind("HorizontalPodAutoscaler"):
        assert scaler["spec"]["scaleTargetRef"]["name"] in labels
    for budget in of_kind("PodDisruptionBudget"):
        assert budget["spec"]["selector"]["matchLabels"] == labels[budget["metadata"]["name"]]
    policies = of_kind("NetworkPolicy")
    assert {each["metadata"]["name"] for each in policies} == set(labels)
    for policy in policies:
        assert policy["spec"]["podSelector"]["matchLabels"] == labels[policy["metadata"]["name"]]
        assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]


def test_the_gateway_reaches_the_model_server_by_its_service_and_through_both_policies() -> None:
    (gateway,) = [c for d in DEPLOYMENTS.values() for c in containers(d) if c["name"] == "gateway"]
    given = {entry["name"]: entry.get("value") for entry in gateway["env"]}
    host, port = given["GOALPATH_MODEL_SERVER"].split(":")
    (service,) = [s for s in of_kind("Service") if s["metadata"]["name"] == host]
    assert int(port) in {each["port"] for each in service["spec"]["ports"]}
    policy = {each["metadata"]["name"]: each["spec"] for each in of_kind("NetworkPolicy")}
    out = [p["port"] for rule in policy["goalpath-gateway"]["egress"] for p in rule["ports"]]
    into = [p["port"] for p in policy["goalpath-model-server"]["ingress"][0]["ports"]]
    assert int(port) in out
    assert int(port) in into
    assert policy["goalpath-model-server"]["egress"] == []


def settings_in(environment: dict[str, Any]) -> dict[str, Any]:
    names = {name.removeprefix(PREFIX).lower(): value for name, value in environment.items()}
    assert set(names) <= set(GatewaySettings.model_fields), names
    return names


def test_the_gateway_takes_the_settings_of_the_manifest() -> None:
    (gateway,) = [c for d in DEPLOYMENTS.values() for c in containers(d) if c["name"] == "gateway"]
    given = settings_in({entry["name"]: entry.get("value") for entry in gateway["env"]})
    secret = {"api_keys": "crm:0123456789abcdef", "store_url": "postgresql://db/goalpath"}
    assert {name for name, value in given.items() if value is None} == set(secret)
    settings = read_settings(**{**given, **secret})
    (port,) = [each["containerPort"] for each in gateway["ports"]]
    assert (settings.host, settings.port) == ("0.0.0.0", port)
    assert settings.folder == Path("/work")
    assert gateway["command"] == ["python", "-m", "serving.gateway"]


def test_tensorflow_serving_keeps_two_versions_of_the_folder_that_is_mounted() -> None:
    from google.protobuf import text_format
    from tensorflow_serving.config import model_server_config_pb2

    (document,) = of_kind("ConfigMap")
    config = model_server_config_pb2.ModelServerConfig()
    text_format.Parse(document["data"]["models.config"], config)
    (model,) = config.model_config_list.config
    assert (model.name, model.base_path) == ("goalpath", "/out/serving/goalpath")
    assert model.model_version_policy.latest.num_versions == 2


@pytest.fixture(name="services")
def _services() -> dict[str, Document]:
    services: dict[str, Document] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
    return services


def test_composed_containers_are_nobody_and_can_change_nothing(
    services: dict[str, Document],
) -> None:
    for service in services.values():
        assert not service["user"].startswith("0")
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}
        assert any(volume.endswith(":/out:ro") for volume in service["volumes"])


def test_the_composed_gateway_is_asked_by_this_machine_alone_and_takes_its_settings(
    services: dict[str, Document],
) -> None:
    gateway = services["gateway"]
    assert all(port.startswith("127.0.0.1:") for port in gateway["ports"])
    assert "healthcheck" in gateway
    given = settings_in(gateway["environment"])
    keys = {"api_keys": "crm:0123456789abcdef", "requests_a_minute": "600"}
    settings = read_settings(**{**given, **keys})
    assert settings.model_config_file == Path("/config/models.config")
    (flag,) = [f for f in services["model-server"]["command"] if "config_file=" in f]
    assert flag == f"--model_config_file={settings.model_config_file}"
    assert settings.model_server == "model-server:8500"
    assert "ports" not in services["model-server"]


def test_compose_reads_the_file() -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], check=False).returncode:
        pytest.skip("no docker compose: it has NOT read serving/deploy/compose.yaml")
    done = subprocess.run(
        [docker, "compose", "--file", str(COMPOSE), "config", "--quiet"],
        env={
            **os.environ,
            "GOALPATH_IMAGE": "goalpath:1",
            "GOALPATH_OUT": "/srv/out",
            "GOALPATH_API_KEYS": "crm:0123456789abcdef",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
