"""Each pod is given the settings it has, all that it needs, and no secret of another's."""

import pytest

from common.neighbours import NeighbourSettings
from localrun.plan import SERVICES
from support.compose import asked
from support.kubernetes import DEPLOYMENTS, FOLDER, JOBS, PODS, SYSTEM, container, service_of
from support.own_settings import (
    BUCKET,
    PRIVILEGED,
    TRACES,
    UNREAD,
    fields,
    not_for,
    plausible,
    secrets,
    settings_classes,
)

ADDRESSES = {
    "DATABASE_URL": "postgresql://service:key@postgres:5432/service",
    "RABBITMQ_URL": "amqp://service:key@rabbitmq:5672/clipcast?heartbeat=10",
    "REDIS_URL": "redis://redis:6379/0",
}


def references(name: str) -> dict[str, tuple[str, bool]]:
    """Variable → the secret that holds it, and whether it may be missing."""
    found = {}
    for one in container(name)["env"]:
        source = one["valueFrom"]["secretKeyRef"]
        assert source["key"] == one["name"]
        found[one["name"]] = (source["name"], source.get("optional", False))
    return found


def configs(name: str) -> list[str]:
    return [one["configMapRef"]["name"] for one in container(name)["envFrom"]]


@pytest.mark.parametrize("name", PODS)
def test_a_pod_reads_what_all_share_and_what_its_service_has(name: str) -> None:
    service = service_of(name)
    assert configs(name) == ["clipcast", service]
    extra = BUCKET if service == "publisher" else set()
    assert set(references(name)) - PRIVILEGED <= fields(SERVICES[service]) | extra


@pytest.mark.parametrize("service", SERVICES)
def test_a_process_is_given_what_http_is_but_for_what_it_does_not_read(service: str) -> None:
    most = references(f"{service}-http")
    own = [name for name in PODS if service_of(name) == service]
    assert len(own) >= 4
    for name in own:
        given = {key: value for key, value in references(name).items() if key not in PRIVILEGED}
        assert given == {key: most[key] for key in most.keys() - not_for(name)}, name


def test_only_who_serves_people_is_given_what_can_make_anybody() -> None:
    holders = {name for name in PODS if "AUTH_JWT_SECRET" in references(name)}
    assert holders == {"connections-http", "publisher-http", "stats-collector-http"}


def test_every_setting_that_is_given_exists() -> None:
    everybody = {name for package in SERVICES.values() for name in fields(package)}
    assert set(SYSTEM.configs) == {"clipcast", *SERVICES}
    for config, given in SYSTEM.configs.items():
        bucket = BUCKET if config == "publisher" else set()
        known = everybody | TRACES if config == "clipcast" else fields(SERVICES[config]) | bucket
        unread = UNREAD.get(config, set())
        assert set(given) <= known - unread, config


@pytest.mark.parametrize("service", SERVICES)
def test_what_compose_insists_on_is_given_here_too(service: str) -> None:
    """Some of it has a default, which suits nobody's site."""
    required = {name for name, how in asked().items() if how == "?"} & fields(SERVICES[service])
    given = SYSTEM.configs[service].keys() | references(f"{service}-http").keys()
    assert required <= given


def test_no_secret_stands_in_a_config() -> None:
    secret = {name for package in SERVICES.values() for name in secrets(package)}
    assert {"DATABASE_URL", "PLATFORM_TOKEN_SECRET", "SERVICE_TOKENS"} <= secret
    for config, given in SYSTEM.configs.items():
        assert not set(given) & (secret | PRIVILEGED), config
    assert not SYSTEM.of("Secret")


@pytest.mark.parametrize("service", SERVICES)
def test_every_secret_that_a_service_reads_is_referred_to(service: str) -> None:
    given = set(references(f"{service}-http"))
    assert secrets(SERVICES[service]) - UNREAD.get(service, set()) <= given


def test_v6_only_the_gateway_is_given_the_key_of_the_tokens() -> None:
    holders = {name for name in PODS if "PLATFORM_TOKEN_SECRET" in references(name)}
    assert holders == {name for name in PODS if service_of(name) == "oauth-gateway"}
    text = {
        file.name for file in FOLDER.rglob("*.yaml") if "PLATFORM_TOKEN_SEC" in file.read_text()
    }
    assert text == {f"oauth-gateway-{one}.yaml" for one in ("http", "worker", "tasks")}


def test_s3_no_service_reads_anothers_secret() -> None:
    for name in DEPLOYMENTS:
        assert {secret for secret, _ in references(name).values()} == {service_of(name)}


def test_only_the_tasks_may_more_than_their_service() -> None:
    given = {
        name: {key: secret for key, (secret, _) in references(name).items() if key in PRIVILEGED}
        for name in PODS
    }
    boss = dict.fromkeys(("RABBITMQ_ADMIN_URL", "RABBITMQ_MANAGEMENT_URL"), "rabbitmq-admin")
    expected: dict[str, dict[str, str]] = {name: {} for name in DEPLOYMENTS}
    for service in SERVICES:
        expected[f"{service}-migrate"] = {"DATABASE_OWNER_URL": f"{service}-owner"}
        expected[f"{service}-topology"] = boss
    assert given == expected
    assert set(JOBS) == set(expected) - set(DEPLOYMENTS)


@pytest.mark.parametrize("service", SERVICES)
def test_a_process_starts_with_what_the_example_gives_it(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = ",".join(f"{one}={plausible('A_TOKEN')}" for one in SERVICES if one != "oauth-gateway")
    values = ADDRESSES | {"SERVICE_TOKENS": tokens}
    name = f"{service}-http"
    for config in configs(name):
        for key, value in SYSTEM.configs[config].items():
            monkeypatch.setenv(key, value)
    for key, (_, optional) in references(name).items():
        if not optional or key == "AUTH_JWT_SECRET":  # or AUTH_JWKS_URL in the config
            monkeypatch.setenv(key, values.get(key) or plausible(key))
    for settings in settings_classes(SERVICES[service]):
        found = settings()
        if isinstance(found, NeighbourSettings):
            assert found.people()


def test_the_readme_tells_how_to_make_every_secret_that_is_referred_to() -> None:
    readme = (FOLDER / "README.md").read_text()
    wanted = {source for name in PODS for source in references(name).values()}
    for secret, _ in wanted:
        assert f"`{secret}`" in readme, secret
    for name in PODS:
        for key, (_, optional) in references(name).items():
            assert optional or key in readme, key
