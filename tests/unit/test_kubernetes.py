"""The manifests are whole: valid for Kubernetes, and one for every process that the code knows."""

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest

from common.bus.subscription import queues
from common.contracts.words import Platform
from common.observe.metrics import PUBLICATIONS_DUE
from localrun.plan import SANDBOX, SERVICES, planned
from publisher.bus.subscriptions import SUBSCRIPTIONS
from publisher.settings import PublisherSettings
from security.test_routes import ROUTES
from support.kubernetes import (
    DEPLOYMENTS,
    EXAMPLE,
    FOLDER,
    JOBS,
    PODS,
    SYSTEM,
    container,
    documents,
)
from support.promql import asked

OLDEST, NEWEST = "1.30", "1.37"
FILES = sorted(FOLDER.rglob("*.yaml"))
MANIFESTS = [file for file in FILES if file.name != "kustomization.yaml"]
FOREIGN = {
    ("keda.sh/v1alpha1", "ScaledObject"),
    ("keda.sh/v1alpha1", "TriggerAuthentication"),
    ("monitoring.coreos.com/v1", "PodMonitor"),
}
"""Kinds of what a cluster may have installed; Kubernetes itself knows nothing of them."""
SCALED = SYSTEM.of("ScaledObject")


def shown(file: Path) -> str:
    return str(file.relative_to(FOLDER))


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("file", MANIFESTS, ids=shown)
def test_a_manifest_is_valid(file: Path, version: str) -> None:
    for one in documents(file):
        if (one["apiVersion"], one["kind"]) not in FOREIGN:
            kubernetes_validate.validate(one, version, strict=True)


def test_an_unknown_field_would_be_found() -> None:
    wrong = documents(FOLDER / "base/publisher-vk.yaml")[0]
    wrong["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, NEWEST, strict=True)


@pytest.mark.parametrize("file", FILES, ids=shown)
def test_every_file_says_why_it_is_there(file: Path) -> None:
    assert file.read_text().startswith("# ")


def test_every_manifest_is_used_once() -> None:
    """`render` opened every file that a kustomization lists."""
    names = Counter((one["kind"], one["metadata"]["name"]) for one in SYSTEM.objects)
    assert set(names.values()) == {1}
    assert len(SYSTEM.objects) == sum(len(documents(file)) for file in MANIFESTS)
    used = {env for folder in (FOLDER / "base", EXAMPLE) for env in folder.glob("config/*.env")}
    listed = [
        (file.parent / env).resolve()
        for file in FILES
        if file.name == "kustomization.yaml"
        for one in documents(file)[0].get("configMapGenerator", ())
        for env in one["envs"]
    ]
    assert sorted(listed) == sorted(used)


def test_every_process_has_a_deployment_and_every_service_its_tasks() -> None:
    wanted = {plan.name: list(plan.words) for plan in planned() if plan.service != SANDBOX}
    assert {name: container(name)["args"] for name in DEPLOYMENTS} == wanted
    assert {name: container(name)["args"] for name in JOBS} == {
        f"{service}-{task}": [package, task]
        for service, package in SERVICES.items()
        for task in ("migrate", "topology")
    }


def test_what_is_applied_comes_in_stages_migrations_then_workers_then_gateways() -> None:
    stages = {
        (one["kind"], one["metadata"]["name"]): one["metadata"]["labels"]["clipcast/stage"]
        for one in SYSTEM.objects
    }
    for name in DEPLOYMENTS:
        assert stages["Deployment", name] == ("gateway" if name.endswith("-http") else "worker")
        assert stages["PodDisruptionBudget", name] == stages["Deployment", name]
    assert {stages["Job", name] for name in JOBS} == {"task"}
    for (kind, name), stage in stages.items():
        if kind in {"Namespace", "NetworkPolicy", "PersistentVolumeClaim"}:
            assert stage == "config", name
    [base] = documents(FOLDER / "base/kustomization.yaml")
    assert base["generatorOptions"]["labels"] == {"clipcast/stage": "config"}
    readme = (FOLDER / "README.md").read_text()
    order = ("config", "task", "worker", "gateway")
    places = [readme.index(f"apply -k $SITE -l clipcast/stage={one}") for one in order]
    assert places == sorted(places)


def test_the_image_is_pinned_by_its_tag() -> None:
    assert {container(name)["image"] for name in PODS} == set(SYSTEM.images)
    for image in SYSTEM.images.values():
        assert image.rpartition(":")[2][0].isdigit()


def test_a_gateway_is_never_without_a_replica_while_it_is_replaced() -> None:
    for name, one in DEPLOYMENTS.items():
        if name.endswith("-http"):
            assert one["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
            assert container(name)["lifecycle"]["preStop"]["sleep"]["seconds"] > 0


@pytest.mark.parametrize("platform", Platform)
def test_the_workers_of_a_platform_are_scaled_by_its_own_queue_and_due_publications(
    platform: Platform,
) -> None:
    name = f"publisher-{platform}"
    assert "replicas" not in DEPLOYMENTS[name]["spec"]  # KEDA's, whenever this is applied
    spec = SCALED[name]["spec"]
    assert spec["scaleTargetRef"] == {"name": name}
    assert 1 <= spec["minReplicaCount"] < spec["maxReplicaCount"]
    assert set(spec["fallback"]) == {"failureThreshold", "replicas", "behavior"}
    queue, due = (one["metadata"] for one in spec["triggers"])
    declared = {one.name for one in queues("publisher", SUBSCRIPTIONS, ())}
    assert queue["queueName"] == f"publisher.publish.{platform}"
    assert queue["queueName"] in declared
    assert asked(due["query"]) == {one.name for one in PUBLICATIONS_DUE.describe()}
    assert f'platform="{platform}"' in due["query"]
    slots = str(PublisherSettings.model_fields["slots"].default)
    assert queue["value"] == due["threshold"] == slots


def test_every_scaled_object_has_the_shape_that_keda_documents() -> None:
    """Values of a trigger's metadata are strings; names of secrets lead to an authentication."""
    keys: dict[str, set[str]] = {
        "rabbitmq": {"protocol", "queueName", "mode", "value"},
        "prometheus": {"serverAddress", "query", "threshold", "ignoreNullValues"},
    }
    known = SYSTEM.of("TriggerAuthentication")
    assert set(SCALED) == {f"publisher-{platform}" for platform in Platform}
    for one in SCALED.values():
        spec: dict[str, Any] = one["spec"]
        assert set(spec) == {
            "scaleTargetRef", "minReplicaCount", "maxReplicaCount", "fallback", "advanced",
            "triggers",
        }  # fmt: skip
        assert {trigger["type"] for trigger in spec["triggers"]} == set(keys)
        for trigger in spec["triggers"]:
            assert set(trigger["metadata"]) == keys[trigger["type"]]
            assert all(isinstance(value, str) for value in trigger["metadata"].values())
            if trigger["type"] == "rabbitmq":
                assert trigger["metadata"]["mode"] == "QueueLength"
                assert trigger["authenticationRef"]["name"] in known


def test_workers_leave_no_faster_than_their_uploads_end() -> None:
    drain = PublisherSettings.model_fields["drain"].default
    for one in SCALED.values():
        down = one["spec"]["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDown"]
        [policy] = down["policies"]
        assert policy["type"] == "Pods"
        assert timedelta(seconds=policy["periodSeconds"]) >= drain
        assert timedelta(seconds=down["stabilizationWindowSeconds"]) >= drain


def test_what_scales_sends_nobody_away_because_it_can_not_count() -> None:
    """A fallback is set at once, past what slows scaling down; an empty answer is no zero."""
    for one in SCALED.values():
        assert one["spec"]["fallback"]["behavior"] == "currentReplicasIfHigher"
        _, due = (trigger["metadata"] for trigger in one["spec"]["triggers"])
        assert due["ignoreNullValues"] == "false"


def test_the_ingress_leads_to_what_people_and_platforms_use_and_nowhere_else() -> None:
    [rule] = SYSTEM.of("Ingress")["clipcast"]["spec"]["rules"]
    led = [
        (one["path"], one["backend"]["service"]["name"], one["pathType"])
        for one in rule["http"]["paths"]
    ]
    public = {
        (service, path)
        for service, routes in ROUTES.items()
        for _, path in routes
        if not path.startswith("/internal")
    }
    for service, path in public:
        assert [to for start, to, _ in led if f"{path}/".startswith(f"{start}/")] == [service], path
    for start, service, kind in led:
        assert kind == "Prefix"
        assert any(path.startswith(start) for of, path in public if of == service), start


def test_a_service_leads_to_the_pods_of_its_gateway() -> None:
    for name, one in SYSTEM.of("Service").items():
        found = [
            pod
            for pod in PODS
            if one["spec"]["selector"].items() <= PODS[pod]["metadata"]["labels"].items()
        ]
        assert found == [f"{name}-http"]
        [port] = one["spec"]["ports"]
        assert port["port"] == int(SYSTEM.configs[name]["HTTP_PORT"])
    assert set(SYSTEM.of("Service")) == set(SERVICES)
