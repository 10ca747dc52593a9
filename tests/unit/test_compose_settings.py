"""Compose gives each process the settings it has, all that it needs, and no other."""

import re

import pytest

from common.neighbours import NeighbourSettings
from localrun.plan import SANDBOX, SERVICES
from sandbox.settings import Settings as SandboxSettings
from support.compose import OURS, PARTS, VARIABLE, asked, sample
from support.own_settings import (
    BUCKET,
    PRIVILEGED,
    TRACES,
    UNREAD,
    fields,
    not_for,
    plausible,
    settings_classes,
)


def service_of(process: str) -> str:
    return next(service for service in SERVICES if process.startswith(f"{service}-"))


@pytest.mark.parametrize("process", sorted(set(OURS) - {SANDBOX}))
def test_a_process_is_given_every_setting_it_has_and_no_other(process: str) -> None:
    service = service_of(process)
    given = set(PARTS[process]["environment"])
    foreign = TRACES | (BUCKET if service == "publisher" else set())
    unread = UNREAD.get(service, set()) | not_for(process)
    assert given - PRIVILEGED == fields(SERVICES[service]) - unread | foreign


def test_only_who_serves_people_is_given_what_can_make_anybody() -> None:
    holders = {name for name, part in OURS.items() if "AUTH_JWT_SECRET" in part["environment"]}
    assert holders == {"connections-http", "publisher-http", "stats-collector-http"}


def test_a_setting_has_the_variable_of_its_own_name_unless_the_file_decides() -> None:
    decided = {
        "DATABASE_URL", "RABBITMQ_URL", "REDIS_URL", "OAUTH_GATEWAY_URL", "SERVICE_TOKENS",
        "HTTP_HOST", "HTTP_PORT", "METRICS_PORT",
    }  # fmt: skip
    for process in set(OURS) - {SANDBOX}:
        for name, value in PARTS[process]["environment"].items():
            if name not in decided | PRIVILEGED | BUCKET:
                assert VARIABLE.sub(r"\1", str(value)) == name


def test_a_secret_may_come_from_a_file_instead_of_the_environment() -> None:
    """`${X:?}` would insist on the variable."""
    required = {name for name, how in asked().items() if how == "?"}
    secrets = {
        name
        for package in SERVICES.values()
        for name in fields(package)
        if name.endswith("_SECRET")
    }
    assert secrets
    assert not secrets & required


FILLED_SECRETS = {
    "AUTH_JWT_SECRET", "PLATFORM_TOKEN_SECRET", "MEDIA_LINK_SECRET", "VK_PUBLISH_CLIENT_SECRET",
}  # fmt: skip
"""Needed, but they may also stand in files."""


def environment_of(process: str) -> dict[str, str]:
    """What compose would hand over: required variables filled in, the others left empty."""

    def value(found: re.Match[str]) -> str:
        name, kind, default = found.groups()
        if kind == "?" or name in FILLED_SECRETS:
            return sample()[name] or plausible(name)
        return default or ""

    given = PARTS[process]["environment"]
    return {
        name: VARIABLE.sub(value, str(text)) for name, text in given.items() if text is not None
    }


@pytest.mark.parametrize("service", SERVICES)
def test_each_process_starts_with_nothing_but_the_required_variables(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment_of(f"{service}-http").items():
        monkeypatch.setenv(name, value)
    for settings in settings_classes(SERVICES[service]):
        found = settings()
        if isinstance(found, NeighbourSettings):
            assert found.people()


def test_traces_are_off_until_a_collector_is_named_and_all_of_them_are_kept_then() -> None:
    for service in SERVICES:
        given = environment_of(f"{service}-http")
        assert {name: given[name] for name in TRACES} == {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "",
            "OTEL_TRACES_SAMPLER": "parentbased_always_on",
            "OTEL_TRACES_SAMPLER_ARG": "1",
        }


def test_the_sandbox_keeps_its_defaults_for_what_is_left_empty(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environment_of(SANDBOX).items():
        monkeypatch.setenv(name, value)
    assert SandboxSettings().yandex_client_id
