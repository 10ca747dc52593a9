"""Alerts and dashboard ask only for what the code tells, and each alert says what to do."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase

from common.observe import metrics
from localrun.binaries import PROMTOOL
from localrun.body import StartError
from localrun.environment import TREE
from localrun.install import provide_program
from localrun.plan import SANDBOX, planned
from platforms.errors import PlatformError
from stats_collector.app.tell_freshness import ENOUGH, FEWEST
from support.labels import strange
from support.monitoring import (
    ALERTS,
    BY_PROMETHEUS,
    DASHBOARD,
    PANELS,
    PROMETHEUS,
    RECORDED,
    RULES,
    queries,
)
from support.promql import asked, registered

CODE = registered(REGISTRY) | RECORDED | BY_PROMETHEUS
RULE_TESTS = sorted(PROMETHEUS.glob("*.tests.yml"))
OURS = sorted(
    family.name
    for one in vars(metrics).values()
    if isinstance(one, MetricWrapperBase)
    for family in one.collect()
)
QUERIES = [(name, query) for name, group in queries().items() for query in group]


@pytest.fixture(scope="session")
def promtool() -> Path:
    """Installed where that is possible; where it is not, the error says what to install."""
    return provide_program(PROMTOOL)


@pytest.mark.parametrize(
    "words",
    [
        ("check", "rules", "clipcast.rules.yml"),
        ("check", "config", "prometheus.yml"),
        *(("test", "rules", file.name) for file in RULE_TESTS),
    ],
    ids=" ".join,
)
def test_promtool_accepts(promtool: Path, words: tuple[str, ...]) -> None:
    done = subprocess.run(
        [promtool, *words], cwd=PROMETHEUS, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_without_promtool_nothing_passes_silently(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")  # neither promtool nor apt-get is found
    with pytest.raises(StartError, match="apt-get install prometheus"):
        provide_program(PROMTOOL)


def test_every_alert_has_a_rule_test_that_fires() -> None:
    tests = [test for file in RULE_TESTS for test in yaml.safe_load(file.read_text())["tests"]]
    cases = [case for test in tests for case in test["alert_rule_test"]]
    assert {case["alertname"] for case in cases if case.get("exp_alerts")} == set(ALERTS)


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_has_a_rule_test_on_both_sides_of_its_threshold(name: str) -> None:
    """Some series for which it fires, and others of the same metrics for which it does not."""
    tests = [test for file in RULE_TESTS for test in yaml.safe_load(file.read_text())["tests"]]
    cases = [case for test in tests for case in test["alert_rule_test"]]
    sides = {bool(case.get("exp_alerts")) for case in cases if case["alertname"] == name}
    assert sides == {True, False}


@pytest.mark.parametrize(("name", "query"), QUERIES)
def test_a_query_asks_only_for_metrics_of_the_code(name: str, query: str) -> None:
    found = asked(query)
    assert found, name
    assert found <= CODE, name


def test_a_metric_that_nobody_registered_would_be_found() -> None:
    query = 'sum by (platform) (rate(no_such_total{result!~"up|b"}[5m])) / on (queue) gone > 0'
    assert asked(query) - CODE == {"no_such_total", "gone"}


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_what_happened_how_bad_it_is_and_what_to_do(name: str) -> None:
    rule = ALERTS[name]
    assert rule["annotations"]["summary"]
    assert rule["labels"]["severity"] in {"warning", "critical"}
    page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    headings = re.findall(r"^## (.+)$", (TREE / page).read_text(), flags=re.MULTILINE)
    assert anchor in {heading.lower() for heading in headings}
    assert anchor == name.lower()


def test_the_runbook_has_a_whole_section_for_each_alert_and_no_other() -> None:
    _, *sections = re.split(r"^## ", (TREE / "docs/runbook.md").read_text(), flags=re.MULTILINE)
    assert [section.split("\n")[0] for section in sections] == list(ALERTS)
    for section in sections:
        for part in ("**Means**", "**Look at**", "**Do**|**do**"):
            assert any(word in section for word in part.split("|")), section.split("\n")[0]


def test_the_runbook_names_only_panels_that_exist() -> None:
    named = re.findall(r"(?<!\*)\*([A-Z][^*]+)\*(?!\*)", (TREE / "docs/runbook.md").read_text())
    assert len(named) > 5
    assert {re.sub(r"\s+", " ", one) for one in named} <= set(PANELS)


def test_the_dashboard_answers_in_order_whether_why_not_and_what_is_broken() -> None:
    rows = [panel["title"] for panel in DASHBOARD["panels"] if panel["type"] == "row"]
    assert rows == ["Do clips go out?", "If not, why?", "Is the machinery well?"]
    assert DASHBOARD["panels"][0]["title"] == rows[0]


@pytest.mark.parametrize("metric", OURS)
def test_every_metric_of_ours_is_asked_for_somewhere(metric: str) -> None:
    parts = {f"{metric}{part}" for part in ("", "_total", "_bucket", "_sum", "_count")}
    assert any(asked(query) & parts for _, query in QUERIES), f"nobody would see {metric}"


def test_a_label_or_a_value_that_nobody_knows_would_be_found() -> None:
    good = {"queue": "publisher.stats", "state": "dead"}
    bad = ({"queue": "amq.gen-1"}, {"user": "1"}, {"state": "01a206b4-d95e-7c7d-9595-464f32f11694"})
    for labels in bad:
        assert strange({("queue_depth", frozenset((good | labels).items())): 1.0})
    assert not strange({("queue_depth", frozenset(good.items())): 1.0})


def test_every_panel_has_a_place_a_query_and_a_source_that_can_be_chosen() -> None:
    variables = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    assert variables == {"datasource"}
    places = [tuple(panel["gridPos"].values()) for panel in DASHBOARD["panels"]]
    assert len(set(places)) == len(places)
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(places)
    for panel in PANELS.values():
        assert panel["targets"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_prometheus_scrapes_every_process_of_the_system() -> None:
    jobs = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["scrape_configs"]
    scraped = {
        (job["job_name"], target.removesuffix(":9000"))
        for job in jobs
        for targets in (
            *(one["targets"] for one in job["static_configs"]),
            *(one["names"] for one in job.get("dns_sd_configs", ())),
        )
        for target in targets
    }
    wanted = {(plan.service, plan.name) for plan in planned() if plan.service != SANDBOX}
    assert scraped == wanted


def test_the_rate_leaves_out_only_codes_that_exist() -> None:
    judged = next(
        rule for rule in RULES if rule.get("record", "").startswith("platform:publications_j")
    )
    left_out = re.search(r"failed_\(([^)]*)\)", judged["expr"])
    assert left_out
    users = set(left_out[1].split("|"))
    assert users < set(metrics.FAILURES)
    ours = set(metrics.FAILURES) - users
    assert ours == {"outcome_unknown", "platform_unavailable", "retries_exhausted"}


def test_the_log_calls_a_platform_stale_where_the_alert_does() -> None:
    expr = ALERTS["StatsStale"]["expr"]
    assert re.findall(r"[<>=]+ ([\d.]+)", expr) == [str(ENOUGH), str(FEWEST)]


def test_every_refusal_of_a_platform_is_counted_from_zero() -> None:
    refusals = [PlatformError]
    for refusal in refusals:
        refusals.extend(refusal.__subclasses__())
    assert {refusal.code for refusal in refusals} <= set(metrics.FAILURES)
