"""A pod may do nothing that it needs not, ends in peace, and is looked after."""

from itertools import chain

import pytest

from common.durations import parse
from common.process import END_SECONDS, REQUEST_SECONDS
from localrun.plan import SERVICES
from publisher.settings import PublisherSettings
from support.compose import FOLDER, PARTS
from support.kubernetes import DEPLOYMENTS, PODS, SYSTEM, container, labels, matches, service_of

MARGIN = 30
PUBLISHERS = {name for name in DEPLOYMENTS if "--platform" in container(name)["args"]}


@pytest.mark.parametrize("name", PODS)
def test_a_container_has_no_rights_that_it_does_not_need(name: str) -> None:
    spec = PODS[name]["spec"]
    assert container(name)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    context = spec["securityContext"]
    assert context["runAsNonRoot"] is True
    assert context["runAsUser"] == context["runAsGroup"] == 10001
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False  # they would look like settings
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)


def test_the_image_runs_as_the_user_that_the_pods_name() -> None:
    image = (FOLDER / "Dockerfile").read_text()
    assert "USER 10001:10001\n" in image


@pytest.mark.parametrize("name", PODS)
def test_a_container_takes_no_more_than_it_is_given(name: str) -> None:
    resources = container(name)["resources"]
    assert set(resources["requests"]) == set(resources["limits"]) == {"cpu", "memory"}
    for volume in PODS[name]["spec"]["volumes"]:
        assert "emptyDir" not in volume or volume["emptyDir"]["sizeLimit"]


@pytest.mark.parametrize("name", PODS)
def test_what_is_mounted_is_what_compose_mounts(name: str) -> None:
    """The media store, for those who read or write clips, and a folder for temporary files."""
    mounts = {one["name"]: one["mountPath"] for one in container(name)["volumeMounts"]}
    volumes = {one["name"]: one for one in PODS[name]["spec"]["volumes"]}
    assert set(mounts) == set(volumes)
    stores = [one.split(":")[1] for one in PARTS[name].get("volumes", ())]
    assert mounts.pop("tmp") == "/tmp"  # noqa: S108 - a path inside
    assert list(mounts.values()) == stores
    if stores:
        claim = volumes["media"]["persistentVolumeClaim"]["claimName"]
        assert SYSTEM.of("PersistentVolumeClaim")[claim]["spec"]["accessModes"] == ["ReadWriteMany"]
        assert PODS[name]["spec"]["securityContext"]["fsGroup"] == 10001


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_a_process_is_asked_whether_it_lives_and_can_work(name: str) -> None:
    found = container(name)
    ports = {one["name"]: one["containerPort"] for one in found["ports"]}
    config = SYSTEM.configs["clipcast"] | SYSTEM.configs[service_of(name)]
    expected = {"metrics": int(config["METRICS_PORT"])}
    if name.endswith("-http"):
        expected["http"] = int(config["HTTP_PORT"])
    assert ports == expected
    asked = "http" if name.endswith("-http") else "metrics"  # workers have but one port
    for probe, path in (
        ("startup", "/healthz"),
        ("liveness", "/healthz"),
        ("readiness", "/readyz"),
    ):
        assert found[f"{probe}Probe"]["httpGet"] == {"path": path, "port": asked}


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_a_process_is_given_longer_than_it_takes_to_end(name: str) -> None:
    grace = PODS[name]["spec"]["terminationGracePeriodSeconds"]
    drain = PublisherSettings.model_fields["drain"].default.total_seconds()
    takes = drain if name in PUBLISHERS else REQUEST_SECONDS + END_SECONDS
    assert grace >= takes + MARGIN
    assert len(PUBLISHERS) == 4
    if name in PUBLISHERS:
        assert grace == parse(PARTS[name]["stop_grace_period"]).total_seconds()


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_no_two_replicas_are_sent_away_at_once_and_they_are_spread(name: str) -> None:
    budget = SYSTEM.of("PodDisruptionBudget")[name]["spec"]
    [spread] = PODS[name]["spec"]["topologySpreadConstraints"]
    selector = DEPLOYMENTS[name]["spec"]["selector"]
    for one in (budget["selector"], spread["labelSelector"]):
        assert [pod for pod in PODS if matches(one, labels(pod))] == [name]
        assert one == selector
    assert budget["maxUnavailable"] == 1
    assert name in PUBLISHERS or DEPLOYMENTS[name]["spec"]["replicas"] >= 2


def test_metrics_of_every_process_are_scraped_under_the_name_of_its_service() -> None:
    spec = SYSTEM.of("PodMonitor")["clipcast"]["spec"]
    found = {pod for pod in PODS if matches(spec["selector"], labels(pod))}
    assert found >= set(DEPLOYMENTS)
    assert {labels(pod)[spec["jobLabel"]] for pod in found} == set(SERVICES)
    [endpoint] = spec["podMetricsEndpoints"]
    ports = chain.from_iterable(container(name)["ports"] for name in DEPLOYMENTS)
    assert endpoint["port"] in {one["name"] for one in ports}
