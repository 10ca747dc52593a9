"""The compose file is whole: checked without a Docker daemon, against the tree."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from common.contracts.words import Platform
from common.durations import parse
from common.process import END_SECONDS, REQUEST_SECONDS
from localrun.environment import TREE
from localrun.plan import SANDBOX, SERVICES, planned
from localrun.postgres import STATEMENT_TIMEOUT
from publisher.bus.subscriptions import WORK
from publisher.settings import PublisherSettings
from support.compose import COMPOSE, FOLDER, OURS, PARTS, TASKS, asked, sample
from support.own_settings import BUCKET, PRIVILEGED
from support.strict_yaml import pairs, read, read_all

SERVERS = {"postgres", "rabbitmq", "redis"}
WATCHING = {"otel-collector", "tempo", "prometheus", "alertmanager", "grafana"}
WITHOUT_SHELL = {"otel-collector", "tempo"}
"""Nothing in these images could ask for their health."""


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


@pytest.mark.parametrize(
    "file", sorted(TREE.glob("deploy/**/*.y*ml")), ids=lambda file: str(file.relative_to(TREE))
)
def test_no_key_stands_in_one_mapping_twice(file: Path) -> None:
    """Compose and Kubernetes refuse such a file, where PyYAML takes the last."""
    assert list(read_all(file.read_text()))


@pytest.mark.parametrize(
    "text", ["a: 1\na: 1", "a: {b: 1, b: 2}", "x: &x {a: 1}\ny: {<<: *x, <<: *x}"]
)
def test_a_key_that_is_repeated_would_be_found(text: str) -> None:
    with pytest.raises(ValueError, match="twice"):
        read(text)
    with pytest.raises(ValueError, match="A stands there twice"):
        pairs("A=1\nB=2\n# A=\nA=")
    assert read("x: &x {a: 1}\ny: {<<: *x, a: 2}")["y"] == {"a": 2}


def test_every_file_it_mentions_exists() -> None:
    for part in PARTS.values():
        if build := part.get("build"):
            context = (FOLDER / build["context"]).resolve()
            assert context == TREE
            assert (context / build["dockerfile"]).is_file()
        for volume in part.get("volumes", ()):
            source = volume.split(":")[0]
            assert (FOLDER / source).exists() if source[0] == "." else source in COMPOSE["volumes"]


def test_only_the_sandbox_and_what_watches_are_left_out_by_default() -> None:
    profiles = {name: part["profiles"] for name, part in PARTS.items() if "profiles" in part}
    watching = {name: ["observability"] for name in WATCHING}
    assert profiles == {SANDBOX: ["sandbox"], **watching}
    assert set(PARTS) == set(OURS) | SERVERS | WATCHING


@pytest.mark.parametrize("name", sorted(set(PARTS) - TASKS))
def test_everything_that_stays_up_has_a_health_check_and_comes_back(name: str) -> None:
    assert PARTS[name]["restart"] == "unless-stopped"
    assert ("healthcheck" in PARTS[name]) == (name not in WITHOUT_SHELL)


@pytest.mark.parametrize("name", PARTS)
def test_no_container_takes_more_than_it_is_given(name: str) -> None:
    part = PARTS[name]
    assert part["mem_limit"]
    assert part["cpus"] > 0
    assert part["pids_limit"] > 0
    assert part["cap_drop"] == ["ALL"]
    assert part["security_opt"] == ["no-new-privileges:true"]
    assert set(part["logging"]["options"]) == {"max-size", "max-file"}
    assert "privileged" not in part
    assert part.get("read_only") is (None if name == "rabbitmq" else True)
    assert ("user" in part) == (name in SERVERS)  # the images of the others are nobody's or ours


@pytest.mark.parametrize("name", sorted(set(PARTS) - set(OURS)))
def test_a_foreign_image_is_pinned_by_its_version(name: str) -> None:
    assert re.fullmatch(r"[a-z/-]+:v?\d[\w.-]*", PARTS[name]["image"])


def test_the_processes_behind_a_queue_can_be_scaled() -> None:
    """A name or a port of the host can be taken only once."""
    assert not any("container_name" in part for part in PARTS.values())
    scaled = [plan.name for plan in planned() if not plan.front and plan.service != SANDBOX]
    assert len(scaled) == 8
    assert not any("ports" in PARTS[name] for name in scaled)


def test_each_of_them_stays_scaled_over_the_next_up() -> None:
    """`up` goes back to what the file says, which `--scale` alone does not change."""
    told = {name: part["scale"] for name, part in PARTS.items() if "scale" in part}
    scaled = [plan.name for plan in planned() if not plan.front and plan.service != SANDBOX]
    assert told == {name: f"${{{name.upper().replace('-', '_')}_REPLICAS:-1}}" for name in scaled}


@pytest.mark.parametrize("platform", Platform)
def test_each_platform_has_a_queue_and_a_worker_of_its_own(platform: Platform) -> None:
    command = PARTS[f"publisher-{platform}"]["command"]
    assert command == ["publisher", "worker", "--platform", platform]
    assert WORK[platform].purpose == f"publish.{platform}"


def test_a_stopping_process_is_given_longer_than_it_takes() -> None:
    given = parse(PARTS["publisher-vk"]["stop_grace_period"])
    assert given > PublisherSettings.model_fields["drain"].default
    assert parse(PARTS["publisher-http"]["stop_grace_period"]) > timedelta(
        seconds=REQUEST_SECONDS + END_SECONDS
    )


def test_a_process_waits_for_its_own_migrations_and_topology() -> None:
    for plan in planned():
        if plan.service != SANDBOX:
            waits = PARTS[plan.name]["depends_on"]
            for task in ("migrate", "topology"):
                condition = waits[f"{plan.service}-{task}"]["condition"]
                assert condition == "service_completed_successfully"


def test_nothing_listens_beyond_the_loopback_of_the_host() -> None:
    published = [port for part in PARTS.values() for port in part.get("ports", ())]
    assert len(published) == len(set(published)) == len(SERVICES) + 1 + 4
    assert all(port.startswith("127.0.0.1:") for port in published)
    assert not any("ports" in PARTS[server] for server in SERVERS)


def test_the_example_holds_exactly_the_variables_the_file_asks_for() -> None:
    assert set(asked()) == set(sample())


def test_what_is_handed_on_only_when_it_is_set_is_in_the_example_as_a_comment() -> None:
    """An empty line there would hand on an empty value."""
    handed = {
        name
        for part in PARTS.values()
        for name, value in part.get("environment", {}).items()
        if value is None
    }
    lines = (TREE / ".env.example").read_text()
    assert handed == BUCKET == set(re.findall(r"^# ([A-Z_]+)=$", lines, re.MULTILINE))


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


def test_the_readme_replaces_tasks_then_workers_then_gateways_and_forgets_none() -> None:
    text = (FOLDER / "README.md").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if " up " in line and "--no-deps" in line]
    told = [set(re.findall(r"(?<=\s)[a-z]+(?:-[a-z]+)+", line)) for line in lines]
    fronts = {f"{service}-http" for service in SERVICES}
    workers = set(OURS) - TASKS - fronts - {SANDBOX}
    assert told == [TASKS, workers, fronts]
