"""The compose file is whole: checked without a Docker daemon, against the tree and the settings."""

import re
from importlib import import_module
from secrets import token_hex
from typing import Any

import pytest
import yaml
from pydantic_settings import BaseSettings

from common.durations import parse
from common.settings import Privileged
from localrun.environment import TREE
from localrun.plan import SANDBOX, SERVICES, planned
from localrun.postgres import STATEMENT_TIMEOUT
from publisher.settings import PublisherSettings
from sandbox.settings import Settings as SandboxSettings

FOLDER = TREE / "deploy/compose"
VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)(?::([-?])([^}]*))?\}")
COMPOSE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text())
PARTS: dict[str, dict[str, Any]] = COMPOSE["services"]
SERVERS = {"postgres", "rabbitmq", "redis"}
OURS = {name: part for name, part in PARTS.items() if name not in SERVERS}
UNREAD = {"oauth-gateway": {"AUTH_JWT_SECRET", "AUTH_JWKS_URL", "AUTH_JWT_ISSUER", "CORS_ORIGINS"}}
"""The gateway serves no people."""
PRIVILEGED = {name.upper() for name in Privileged.model_fields}
TASKS = {f"{service}-{task}" for service in SERVICES for task in ("migrate", "topology")}


def sample() -> dict[str, str]:
    """The lines of .env.example, as they stand."""
    lines = (TREE / ".env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def test_every_process_of_the_system_is_there_with_its_command() -> None:
    wanted = {plan.name: list(plan.words) for plan in planned()}
    tasks = {name: part["command"] for name, part in OURS.items() if name in TASKS}
    assert {name: part["command"] for name, part in OURS.items() if name not in TASKS} == wanted
    assert tasks == {
        f"{service}-{task}": [package, task]
        for service, package in SERVICES.items()
        for task in ("migrate", "topology")
    }


@pytest.mark.parametrize("package", [*SERVICES.values(), SANDBOX])
def test_every_command_names_a_package_that_can_be_run(package: str) -> None:
    assert list(TREE.glob(f"services/*/src/{package}/__main__.py"))


def test_an_old_docker_compose_accepts_the_top_level() -> None:
    assert "name" not in COMPOSE  # refused by Debian's docker-compose 1.29
    assert {key for key in COMPOSE if not key.startswith("x-")} == {"services", "volumes"}


def test_every_file_it_mentions_exists() -> None:
    for part in PARTS.values():
        if build := part.get("build"):
            context = (FOLDER / build["context"]).resolve()
            assert context == TREE
            assert (context / build["dockerfile"]).is_file()
        for volume in part.get("volumes", ()):
            source = volume.split(":")[0]
            assert (FOLDER / source).is_file() if source[0] == "." else source in COMPOSE["volumes"]


def test_the_image_copies_only_what_exists_and_puts_every_source_on_the_path() -> None:
    text = (FOLDER / "Dockerfile").read_text()
    copied = re.findall(r"^COPY (\S+)", text, re.MULTILINE)
    assert all((TREE / source).exists() for source in copied)
    on_path = set(re.findall(r"/app/((?:libs|services)/[\w/-]+)", text))
    tree = {str(path.relative_to(TREE)) for path in TREE.glob("*/*/src")}
    assert on_path == {path for path in tree if path.startswith(("libs/", "services/"))}
    assert "--require-hashes" in text
    assert re.findall(r"^USER (\w+)", text, re.MULTILINE) == ["clipcast"]
    built = {part["build"]["target"] for part in OURS.values()}
    assert built <= set(re.findall(r"AS (\w+)", text))


def test_only_the_sandbox_is_left_out_by_default() -> None:
    assert {name for name, part in PARTS.items() if "profiles" in part} == {SANDBOX}


@pytest.mark.parametrize("name", sorted(set(PARTS) - TASKS))
def test_everything_that_stays_up_has_a_health_check_and_comes_back(name: str) -> None:
    assert PARTS[name]["healthcheck"]["test"]
    assert PARTS[name]["restart"] == "unless-stopped"


def test_a_stopping_worker_is_given_longer_than_it_takes_to_drain() -> None:
    given = parse(PARTS["publisher-vk"]["stop_grace_period"])
    assert given > PublisherSettings.model_fields["drain"].default


def test_a_process_waits_for_its_own_migrations_and_topology() -> None:
    for plan in planned():
        if plan.service != SANDBOX:
            waits = PARTS[plan.name]["depends_on"]
            for task in ("migrate", "topology"):
                condition = waits[f"{plan.service}-{task}"]["condition"]
                assert condition == "service_completed_successfully"


def test_nothing_listens_beyond_the_loopback_of_the_host() -> None:
    published = [port for part in PARTS.values() for port in part.get("ports", ())]
    assert len(published) == len(SERVICES) + 1
    assert all(port.startswith("127.0.0.1:") for port in published)
    assert not any("ports" in PARTS[server] for server in SERVERS)


def test_the_example_holds_exactly_the_variables_the_file_asks_for() -> None:
    asked = {found[1] for found in VARIABLE.finditer((FOLDER / "compose.yaml").read_text())}
    assert asked == set(sample())


def test_v6_the_publisher_and_all_but_the_gateway_are_not_given_the_key_of_the_tokens() -> None:
    holders = [
        part["command"][0]
        for part in OURS.values()
        if "PLATFORM_TOKEN_SECRET" in part["environment"]
    ]
    assert set(holders) == {"oauth_gateway"}


def test_s3_each_service_works_as_a_role_that_owns_nothing() -> None:
    text = (FOLDER / "init.sql").read_text()
    given = PARTS["postgres"]["environment"]
    for service, package in SERVICES.items():
        working = f"{package.upper()}_DATABASE_PASSWORD"
        owning = f"{package.upper()}_OWNER_PASSWORD"
        assert f"CREATE DATABASE {package} OWNER {package}_owner;" in text
        assert f"ALTER ROLE {package} SET statement_timeout = '{STATEMENT_TIMEOUT}';" in text
        for role, variable in ((package, working), (f"{package}_owner", owning)):
            assert f"CREATE ROLE {role} LOGIN PASSWORD :'{role}_password';" in text
            assert f"\\getenv {role}_password {variable}\n" in text
            assert given[variable] == f"${{{variable}:?}}"
        task = PARTS[f"{service}-migrate"]["environment"]
        where = f"@postgres:5432/{package}"
        assert task["DATABASE_URL"] == f"postgresql://{package}:${{{working}:?}}{where}"
        assert task["DATABASE_OWNER_URL"] == f"postgresql://{package}_owner:${{{owning}:?}}{where}"


def test_s2_each_service_is_a_user_of_its_own_on_the_broker() -> None:
    admin = PARTS["rabbitmq"]["environment"]
    for service, package in SERVICES.items():
        task = PARTS[f"{service}-topology"]["environment"]
        login = f"{package}:${{{package.upper()}_RABBITMQ_PASSWORD:?}}"
        assert task["RABBITMQ_URL"] == f"amqp://{login}@rabbitmq:5672/clipcast?heartbeat=10"
        boss = f"{admin['RABBITMQ_DEFAULT_USER']}:{admin['RABBITMQ_DEFAULT_PASS']}"
        assert task["RABBITMQ_ADMIN_URL"] == f"amqp://{boss}@rabbitmq:5672/clipcast"


def test_only_the_tasks_may_more_than_their_service() -> None:
    holders = {
        name: found
        for name, part in PARTS.items()
        if (found := PRIVILEGED & set(part.get("environment", ())))
    }
    assert holders == {
        f"{service}-{task}": given
        for service in SERVICES
        for task, given in (
            ("migrate", {"DATABASE_OWNER_URL"}),
            ("topology", {"RABBITMQ_ADMIN_URL", "RABBITMQ_MANAGEMENT_URL"}),
        )
    }


def service_of(process: str) -> str:
    return next(service for service in SERVICES if process.startswith(f"{service}-"))


@pytest.mark.parametrize("process", sorted(set(OURS) - {SANDBOX}))
def test_a_process_is_given_every_setting_it_has_and_no_other(process: str) -> None:
    service = service_of(process)
    fields = {
        name.upper()
        for settings in settings_classes(SERVICES[service])
        for name in settings.model_fields
    }
    given = set(PARTS[process]["environment"])
    assert given - PRIVILEGED == fields - UNREAD.get(service, set())


def test_a_setting_has_the_variable_of_its_own_name_unless_the_file_decides() -> None:
    decided = {
        "DATABASE_URL", "RABBITMQ_URL", "REDIS_URL", "OAUTH_GATEWAY_URL", "SERVICE_TOKENS",
        "HTTP_HOST", "HTTP_PORT", "METRICS_PORT",
    }  # fmt: skip
    for process in set(OURS) - {SANDBOX}:
        for name, value in PARTS[process]["environment"].items():
            assert name in decided | PRIVILEGED or VARIABLE.sub(r"\1", str(value)) == name


def test_a_secret_may_come_from_a_file_instead_of_the_environment() -> None:
    """`${X:?}` would insist on the variable."""
    asked = VARIABLE.finditer((FOLDER / "compose.yaml").read_text())
    required = {found[1] for found in asked if found[2] == "?"}
    secrets = {
        name.upper()
        for package in SERVICES.values()
        for settings in settings_classes(package)
        for name in settings.model_fields
        if name.endswith("_secret")
    }
    assert secrets
    assert not secrets & required


def filled(name: str) -> str:
    """What a careful operator would write for one variable of .env.example."""
    if value := sample()[name]:
        return value
    if name.endswith(("_SECRET", "_TOKEN", "_PASSWORD")):
        return token_hex(32)
    return "https://example.org/somewhere" if name.endswith(("_URL", "_URI")) else "51000001"


FILLED_SECRETS = {
    "AUTH_JWT_SECRET", "PLATFORM_TOKEN_SECRET", "MEDIA_LINK_SECRET", "VK_PUBLISH_CLIENT_SECRET",
}  # fmt: skip
"""Needed, but they may also stand in files."""


def environment_of(process: str) -> dict[str, str]:
    """What compose would hand over: required variables filled in, the others left empty."""

    def value(found: re.Match[str]) -> str:
        name, kind, default = found.groups()
        return filled(name) if kind == "?" or name in FILLED_SECRETS else default or ""

    given = PARTS[process]["environment"]
    return {name: VARIABLE.sub(value, str(text)) for name, text in given.items()}


def settings_classes(package: str) -> list[type[BaseSettings]]:
    """The settings classes that the service's own modules name, not the bases of others."""
    wiring = import_module(f"{package}.wiring")
    own = import_module(f"{package}.settings")
    named = [*vars(own).values(), *vars(wiring).values()]
    found = {one for one in named if isinstance(one, type) and issubclass(one, BaseSettings)}
    return [one for one in found if not any(sub in found for sub in one.__subclasses__())]


@pytest.mark.parametrize("service", SERVICES)
def test_each_process_starts_with_nothing_but_the_required_variables(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment_of(f"{service}-http").items():
        monkeypatch.setenv(name, value)
    for settings in settings_classes(SERVICES[service]):
        settings()


def test_the_sandbox_keeps_its_defaults_for_what_is_left_empty(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environment_of(SANDBOX).items():
        monkeypatch.setenv(name, value)
    assert SandboxSettings().yandex_client_id
