"""What watches the system is wired to it: collector, traces, alerts and dashboards, on paper."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support import strict_yaml
from support.compose import FOLDER, PARTS, sample

OBSERVABILITY = FOLDER / "observability"
FILES = sorted([*OBSERVABILITY.rglob("*.yaml"), *OBSERVABILITY.rglob("*.yml")])


def read(name: str) -> Any:
    return strict_yaml.read((OBSERVABILITY / name).read_text())


def mounted(name: str) -> dict[str, Path]:
    """Paths in a container, and what of the tree lies there."""
    pairs = [volume.split(":") for volume in PARTS[name].get("volumes", ())]
    return {pair[1]: (FOLDER / pair[0]).resolve() for pair in pairs if pair[0].startswith(".")}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_file_is_yaml_that_says_why_it_is_there(file: Path) -> None:
    assert isinstance(strict_yaml.read(file.read_text()), dict)
    assert file.read_text().startswith("# ")


def test_every_file_is_mounted() -> None:
    places = [place for name in PARTS for place in mounted(name).values()]
    for file in OBSERVABILITY.rglob("*.*"):
        assert any(file.is_relative_to(place) for place in places), file


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("otel-collector", "--config="),
        ("tempo", "-config.file="),
        ("prometheus", "--config.file="),
    ],
)
def test_each_reads_the_file_that_is_mounted_for_it(name: str, argument: str) -> None:
    (word,) = [one for one in PARTS[name]["command"] if one.startswith(argument)]
    wanted = Path(word.removeprefix(argument))
    assert any(
        wanted == Path(inside) or (wanted.parent == Path(inside) and (place / wanted.name).exists())
        for inside, place in mounted(name).items()
    )


def test_spans_go_from_the_processes_through_the_collector_to_the_store() -> None:
    collector, tempo = read("otel-collector.yaml"), read("tempo.yaml")
    endpoint = collector["receivers"]["otlp"]["protocols"]["http"]["endpoint"]
    port = endpoint.rpartition(":")[2]
    assert f"http://otel-collector:{port}" in (FOLDER.parents[1] / ".env.example").read_text()
    assert sample()["OTEL_EXPORTER_OTLP_ENDPOINT"] == ""
    pipeline = collector["service"]["pipelines"]["traces"]
    for kind in ("receivers", "processors", "exporters"):
        assert set(pipeline[kind]) == set(collector[kind])
    store = tempo["distributor"]["receivers"]["otlp"]["protocols"]["grpc"]["endpoint"]
    assert collector["exporters"]["otlp"]["endpoint"] == f"tempo:{store.rpartition(':')[2]}"
    kept = tempo["storage"]["trace"]
    for place in (kept["wal"]["path"], kept["local"]["path"]):
        assert place.startswith("/var/tempo/")
    assert "tempo:/var/tempo" in PARTS["tempo"]["volumes"]


def test_grafana_finds_numbers_traces_and_the_dashboards() -> None:
    sources = read("grafana/datasources/clipcast.yaml")["datasources"]
    tempo = read("tempo.yaml")["server"]["http_listen_port"]
    assert {one["type"]: one["url"] for one in sources} == {
        "prometheus": "http://prometheus:9090",
        "tempo": f"http://tempo:{tempo}",
        "alertmanager": "http://alertmanager:9093",
    }
    assert {one["url"].split("/")[2].split(":")[0] for one in sources} <= set(PARTS)
    assert [one["type"] for one in sources if one.get("isDefault")] == ["prometheus"]
    (provider,) = read("grafana/dashboards/clipcast.yaml")["providers"]
    shown = list(mounted("grafana")[provider["options"]["path"]].glob("*.json"))
    assert shown
    assert all(json.loads(file.read_text())["panels"] for file in shown)


def test_grafana_does_not_start_with_a_password_that_everybody_knows() -> None:
    shell, option, script = PARTS["grafana"]["entrypoint"]
    words = [shell, option, script.replace("$$", "$").replace("/run.sh", "echo started")]
    for password, code in (("", 2), ("s3cret", 0)):
        done = subprocess.run(
            words,
            env={"GF_SECURITY_ADMIN_PASSWORD": password, "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code
        assert ("started" in done.stdout) == (code == 0)
        assert ("GRAFANA_PASSWORD" in done.stderr) == (code != 0)


def test_prometheus_tells_alertmanager() -> None:
    inside = mounted("prometheus")["/etc/prometheus"]
    config = strict_yaml.read((inside / "prometheus.yml").read_text())
    (group,) = config["alerting"]["alertmanagers"]
    assert group["static_configs"] == [{"targets": ["alertmanager:9093"]}]
    assert all((inside / rules).is_file() for rules in config["rule_files"])


@pytest.mark.parametrize(
    ("url", "receiver"), [("", "nobody"), ("https://hooks.example.org/?a=1&b", "webhook")]
)
def test_alerts_go_where_the_setting_says_and_nowhere_without_it(
    url: str, receiver: str, tmp_path: Path
) -> None:
    program = tmp_path / "alertmanager"
    program.write_text('#!/bin/sh\necho "$1"\n')
    program.chmod(0o755)
    shell, script = PARTS["alertmanager"]["entrypoint"]
    done = subprocess.run(
        [shell, mounted("alertmanager")[script]],
        env={
            "ALERT_WEBHOOK_URL": url,
            "TMPDIR": str(tmp_path),
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    made = Path(done.stdout.strip().removeprefix("--config.file="))
    config = strict_yaml.read(made.read_text())
    assert config["route"]["receiver"] == receiver
    known = {one["name"]: one for one in config["receivers"]}
    address = tmp_path / "webhook_url"
    assert (address.read_text() if url else address.exists()) == (url or False)
    (hook,) = known["webhook"]["webhook_configs"]
    assert Path(hook["url_file"]).name == address.name
    assert known["nobody"] == {"name": "nobody"}


def test_an_alert_silences_another_only_about_the_same_thing() -> None:
    """Without `equal` one unrelated process would mute what is said about dead publishers."""
    rules = read("alertmanager.yml")["inhibit_rules"]
    assert rules
    assert all(rule.get("equal") for rule in rules)


def test_alerts_that_silence_others_exist() -> None:
    rules = (FOLDER.parent / "monitoring/prometheus/clipcast.rules.yml").read_text()
    for rule in read("alertmanager.yml")["inhibit_rules"]:
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            for name in matcher.split('"')[1].split("|"):
                assert f"alert: {name}\n" in rules
