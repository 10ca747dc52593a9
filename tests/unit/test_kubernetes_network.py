"""Who may talk to whom in the cluster, worked out from the policies as it would be."""

import pytest

from localrun.plan import SERVICES
from support.kubernetes import DEPLOYMENTS, JOBS, PODS, SYSTEM, Doc, labels, matches, service_of

POLICIES = [one["spec"] for one in SYSTEM.of("NetworkPolicy").values()]
NODE_LOCAL = {"cidr": "169.254.20.10/32"}
"""NodeLocal DNSCache."""
CALLERS = {"connections", "publisher", "stats-collector"}
"""Whom oauth-gateway knows: SERVICE_TOKENS."""


def rules(name: str, direction: str) -> list[Doc]:
    """What a pod is allowed in one direction."""
    return [
        rule
        for policy in POLICIES
        if matches(policy["podSelector"], labels(name))
        for rule in policy.get(direction.lower(), ())
    ]


def ports(rule: Doc) -> set[int | str]:
    return {one["port"] for one in rule["ports"]}


def namespaces(name: str, port: str) -> set[str]:
    """Other namespaces from which a port of a pod is reached."""
    return {
        one["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
        for rule in rules(name, "Ingress")
        if port in ports(rule)
        for one in rule["from"]
        if "namespaceSelector" in one
    }


def let_in(name: str) -> set[str]:
    """Pods of ours that a pod lets in."""
    inside = [
        one["podSelector"]
        for rule in rules(name, "Ingress")
        for one in rule["from"]
        if "podSelector" in one
    ]
    return {pod for pod in PODS if any(matches(one, labels(pod)) for one in inside)}


def let_out(name: str) -> set[str]:
    """Pods of ours that are let out to a pod by its labels."""
    return {
        pod
        for pod in PODS
        for rule in rules(pod, "Egress")
        for one in rule.get("to", ())
        if "podSelector" in one and matches(one["podSelector"], labels(name))
    }


def test_what_has_no_rule_of_its_own_is_let_nowhere() -> None:
    nobody = SYSTEM.of("NetworkPolicy")["nobody"]["spec"]
    assert nobody == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@pytest.mark.parametrize("name", PODS)
@pytest.mark.parametrize("direction", ["Ingress", "Egress"])
def test_nothing_is_allowed_that_is_not_said(name: str, direction: str) -> None:
    assert any(
        direction in policy["policyTypes"] and matches(policy["podSelector"], labels(name))
        for policy in POLICIES
    )
    for rule in rules(name, direction):
        assert rule["ports"]
        assert direction == "Egress" or rule["from"]


def test_only_the_three_callers_reach_the_gateway_that_lends_tokens() -> None:
    found = let_in("oauth-gateway-http")
    assert found == let_out("oauth-gateway-http")
    assert {service_of(name) for name in found} == CALLERS
    assert not found & set(JOBS)
    assert not {name for name in found if name.endswith("-clock")}


@pytest.mark.parametrize("name", sorted(set(PODS) - {"oauth-gateway-http"}))
def test_no_other_process_is_called_by_another(name: str) -> None:
    assert let_in(name) == let_out(name) == set()


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_frontends_reach_gateways_and_prometheus_the_metrics_of_all(name: str) -> None:
    front = {"ingress-nginx"} if name.endswith("-http") else set()
    assert namespaces(name, "http") == front
    assert namespaces(name, "metrics") == {"monitoring"}
    assert len(rules(name, "Ingress")) == 1 + len(front) + (name == "oauth-gateway-http")


def test_only_those_who_call_platforms_or_fetch_clips_reach_the_internet() -> None:
    reaching = {name for name in PODS if any(443 in ports(rule) for rule in rules(name, "Egress"))}
    assert reaching == {
        "oauth-gateway-http", "oauth-gateway-worker", "publisher-http", "publisher-vk",
        "publisher-rutube", "publisher-dzen", "publisher-telegram", "stats-collector-worker",
    }  # fmt: skip


def test_m1_the_internet_has_no_address_of_the_cluster_or_the_cloud() -> None:
    blocks = [
        one["ipBlock"]
        for name in PODS
        for rule in rules(name, "Egress")
        for one in rule.get("to", ())
        if "ipBlock" in one
    ]
    wide = [block for block in blocks if block != NODE_LOCAL]
    assert {block["cidr"] for block in wide} == {"0.0.0.0/0", "::/0"}
    kept = {one for block in wide for one in block["except"]}
    assert {"10.0.0.0/8", "169.254.0.0/16", "192.168.0.0/16", "fc00::/7", "fe80::/10"} <= kept


def test_names_are_asked_of_the_cluster_or_the_cache_of_the_node_and_of_nobody_else() -> None:
    for name in PODS:
        [rule] = [rule for rule in rules(name, "Egress") if 53 in ports(rule)]
        assert ports(rule) == {53}
        system = {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}
        assert rule["to"] == [{"namespaceSelector": system}, {"ipBlock": NODE_LOCAL}]
        others = [one for one in rules(name, "Egress") if one != rule]
        assert {"ipBlock": NODE_LOCAL} not in [to for one in others for to in one.get("to", ())]


def test_only_the_topology_reaches_the_management_of_the_broker() -> None:
    found = {name for name in PODS if any(15672 in ports(rule) for rule in rules(name, "Egress"))}
    assert found == {f"{service}-topology" for service in SERVICES}


@pytest.mark.parametrize("name", PODS)
def test_everybody_reaches_the_servers(name: str) -> None:
    open_ports = {port for rule in rules(name, "Egress") for port in ports(rule)}
    assert {53, 5432, 5672, 6379, 4318} <= open_ports
