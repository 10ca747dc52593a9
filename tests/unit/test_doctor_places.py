"""The doctor is run where it can look at all that it asks: on a healthy system it is green."""

import re
from pathlib import Path

import pytest

from localrun.plan import SERVICES
from support import compose, kubernetes
from support.kubernetes import Doc, labels, matches

COMPOSE = re.compile(r"^docker compose run --rm --no-deps (\S+) (\S+) doctor\b", re.MULTILINE)
KUBECTL = re.compile(r"^kubectl exec deploy/(\S+) -- python -m (\S+) doctor$", re.MULTILINE)


def told(folder: Path, line: re.Pattern[str]) -> dict[str, str]:
    """Package → where its doctor runs."""
    return {package: name for name, package in line.findall((folder / "README.md").read_text())}


PODS = told(kubernetes.FOLDER, KUBECTL)


def let_out(name: str) -> list[Doc]:
    policies = [one["spec"] for one in kubernetes.SYSTEM.of("NetworkPolicy").values()]
    found = [one for one in policies if matches(one["podSelector"], labels(name))]
    return [rule for one in found for rule in one.get("egress", ())]


def test_both_ways_to_deploy_name_a_place_for_each_service() -> None:
    for found in (PODS, told(compose.FOLDER, COMPOSE)):
        assert {package: name.rpartition("-")[0] for package, name in found.items()} == {
            package: service for service, package in SERVICES.items()
        }


def test_the_publishers_has_the_store_of_clips() -> None:
    mounts = kubernetes.container(PODS["publisher"])["volumeMounts"]
    assert "/media/store" in [one["mountPath"] for one in mounts]
    volumes = compose.PARTS[told(compose.FOLDER, COMPOSE)["publisher"]]["volumes"]
    assert "media:/media/store" in volumes


@pytest.mark.parametrize("package", sorted(set(SERVICES.values()) - {"oauth_gateway"}))
def test_who_borrows_tokens_may_ask_the_gateway_from_there(package: str) -> None:
    assert labels(PODS[package])["clipcast/asks"] == "oauth-gateway"


@pytest.mark.parametrize("package", ["oauth_gateway", "publisher"])
def test_who_asks_for_public_addresses_reaches_them_from_there(package: str) -> None:
    ports = {one["port"] for rule in let_out(PODS[package]) for one in rule["ports"]}
    assert 443 in ports
