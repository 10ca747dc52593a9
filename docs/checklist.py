"""What the product promised to be judged by, line by line, and what shows each.

A name is a test (`path::function`) or a command. docs/generate.py writes it as docs/checklist.md;
tests/unit/test_docs_are_current.py asks whether all of it exists.
"""  # noqa: INP001 - a module beside a script, no package

import ast
from collections.abc import Mapping, Sequence
from pathlib import Path

TREE = Path(__file__).parents[1]
QA = "tests/e2e/test_qa_"
PUBLISHING, OPERATIONS = f"{QA}publishing.py::", f"{QA}operations.py::"
MONITORING, ROLLBACK = f"{QA}monitoring.py::", f"{QA}rollback.py::"
ACCOUNTS = "tests/e2e/test_accounts.py::"
PROMETHEUS = "tests/e2e/test_prometheus.py::"
TRACES = "tests/e2e/test_traces.py::"
RULES = "tests/unit/test_monitoring.py::"
COMPOSE = "tests/unit/test_compose.py::"
KUBERNETES = "tests/unit/test_kubernetes.py::"
VAULT = "services/oauth-gateway/tests/test_vault.py::"
PUBLISHER = "services/publisher/tests/"
STATS = "services/stats-collector/tests/"
PACE = "tests/pace/test_pace_shared.py::"
DOCTOR = "libs/common/tests/doctor/"

JUDGED_BY: Mapping[str, Sequence[str]] = {
    "Connect each platform type": (
        f"{PUBLISHING}test_connect_each_platform_type",
        f"{ACCOUNTS}test_another_account_than_before_is_another_connection_and_never_takes_its_place",
        f"{ACCOUNTS}test_connecting_the_same_account_again_keeps_its_id_and_sends_what_was_held",
        f"{ACCOUNTS}test_a_bot_without_the_right_to_post_is_refused_with_words_that_help",
    ),
    "Publish to each": ("make demo", f"{PUBLISHING}test_publish_to_each"),
    "Schedule and cancel": (
        f"{PUBLISHING}test_schedule",
        f"{PUBLISHING}test_schedule_and_cancel",
        f"{PUBLISHER}test_engine_cancel.py::test_a_cancel_and_a_claim_at_once_agree",
    ),
    "Retry on API failure": (
        f"{PUBLISHING}test_retry_on_api_failure",
        f"{PUBLISHER}test_engine_refusals.py::test_an_unavailable_platform_is_tried_again_after_5_15_and_60_minutes",
    ),
    "Cancel and retry work": (
        f"{PUBLISHING}test_cancel_works_while_it_waits_for_another_try",
        f"{PUBLISHING}test_retry_works_once_the_automatic_ones_ran_out",
    ),
    "Stats collected, Telegram skipped": (
        f"{PUBLISHING}test_stats_collected_telegram_skipped",
        "tests/e2e/test_statistics.py::test_an_access_token_that_died_is_refreshed_for_a_sample",
        f"{STATS}test_month.py::test_a_month_of_a_thousand_publications_misses_no_sample_and_takes_none_twice",
    ),
    "Disconnect cancels pending publications": (
        f"{PUBLISHING}test_disconnect_cancels_pending_publications",
        f"{ACCOUNTS}test_disconnecting_takes_everything_back",
    ),
    "401, timeout and missing file handled": (
        f"{PUBLISHING}test_a_401_is_handled",
        f"{PUBLISHING}test_a_token_refused_for_good_expires_the_connection",
        f"{ACCOUNTS}test_silence_and_nonsense_expire_nothing",
        f"{PUBLISHING}test_a_timeout_is_handled_and_nothing_posted_twice",
        f"{PUBLISHING}test_a_missing_file_is_handled",
    ),
    "Дзен (and VK ID) refresh works": (
        f"{OPERATIONS}test_dzen_refresh_works",
        f"{OPERATIONS}test_vk_id_refresh_works",
        "services/oauth-gateway/tests/test_refresh_race.py::test_v8_fifty_processes_with_a_dead_token_cause_one_refresh",
    ),
    "Free plan no access, start plan VK only": (
        f"{PUBLISHING}test_free_plan_no_access_start_plan_vk_only",
        f"{PUBLISHER}test_http_publish.py::test_a_plan_opens_its_platforms_and_no_other",
    ),
    "Tokens encrypted": (
        f"{OPERATIONS}test_tokens_encrypted",
        f"{VAULT}test_v2_one_flipped_bit_and_it_does_not_open",
        f"{VAULT}test_v1_tokens_of_one_connection_do_not_open_in_another",
        "tests/security/system/test_v7_nothing_leaks.py::test_v7_nothing_secret_is_where_somebody_may_read_it",
    ),
    "Migrations apply on an empty and on a used database": (
        f"{OPERATIONS}test_migrations_apply_on_an_empty_and_on_a_used_database",
        "tests/component/test_migrations.py::test_up_from_empty_again_down_to_nothing_and_up",
        "tests/component/test_migrations.py::test_on_a_used_database_an_upgrade_changes_nothing",
    ),
    "Previous release can be put back": (
        f"{OPERATIONS}test_previous_release_can_be_put_back",
        f"{ROLLBACK}test_an_older_build_works_on_the_newer_database",
        f"{ROLLBACK}test_the_newest_migration_can_be_undone_and_done_with_work_in_flight",
        "tests/e2e/test_rolling.py::test_rolling_restarts_lose_nothing_and_post_nothing_twice",
    ),
    "Dashboards and alerts exist": (
        f"{MONITORING}test_dashboards_and_alerts_exist",
        f"{PROMETHEUS}test_no_rule_and_no_panel_asks_what_prometheus_can_not_answer",
    ),
    "Logs include the workers'": (f"{OPERATIONS}test_logs_include_the_workers",),
}
"""spec.md §9, in its words and its order."""

OPERATED_BY: Mapping[str, Sequence[str]] = {
    "Log events: the nine by their names, JSON, one line each, with ids and trace id": (
        "tests/e2e/test_log_events.py::test_each_of_the_nine_events_is_told_with_its_ids",
        "tests/e2e/test_log_events.py::test_no_process_says_anything_but_json",
        "libs/common/tests/test_log_lines.py::test_l1_each_event_is_one_line_of_plain_signs",
    ),
    "Metrics: success rate per platform, latency enqueue → published, stats success rate": (
        f"{MONITORING}test_dashboards_and_alerts_exist",
        f"{OPERATIONS}test_every_process_tells_health_and_metrics",
    ),
    "Metrics: queue depth, outbox lag, uncertain count": (
        f"{MONITORING}test_every_queue_is_told_by_one_process_of_its_service",
        f"{MONITORING}test_open_publications_and_the_outbox_are_told_by_who_keeps_them",
        "libs/common/tests/test_gauges.py::test_messages_are_told_by_where_they_are",
        "libs/common/tests/test_gauges.py::test_the_age_of_the_oldest_unsent_row_is_told",
    ),
    "Metrics: token refresh failure rate, schedule lateness, upload bytes, pace waits": (
        f"{RULES}test_every_metric_of_ours_is_asked_for_somewhere",
        f"{MONITORING}test_labels_have_a_few_known_values_and_never_an_id",
        f"{PUBLISHER}test_counts.py::test_every_byte_that_left_is_counted_once_also_of_an_upload_begun_anew",
        "libs/platforms/tests/test_pacing.py::test_a_wait_is_told_by_the_limit_that_takes_longest",
    ),
    "Alerts: success rate < 90 % warn, < 80 % critical": (
        f"{PROMETHEUS}test_publications_that_the_platform_fails_are_told_and_those_of_users_are_not",
        f"{RULES}test_promtool_accepts",
    ),
    "Alerts: queue depth > 100, token refresh failures > 5/hour, lateness, stats older than 6 h": (
        f"{RULES}test_promtool_accepts",
        f"{RULES}test_every_alert_has_a_rule_test_on_both_sides_of_its_threshold",
        f"{STATS}test_freshness_told.py::test_the_running_worker_tells_how_fresh_its_numbers_are",
    ),
    "Alerts: uncertain, dead letters": (
        f"{PROMETHEUS}test_what_waits_for_a_person_is_told_until_somebody_has_seen_to_it",
        f"{RULES}test_promtool_accepts",
    ),
    "Shipped as Prometheus rules with rule tests, and a Grafana dashboard": (
        f"{RULES}test_every_alert_has_a_rule_test_that_fires",
        f"{RULES}test_the_dashboard_answers_in_order_whether_why_not_and_what_is_broken",
        f"{RULES}test_prometheus_scrapes_every_process_of_the_system",
        f"{PROMETHEUS}test_every_process_is_up_as_its_services_job",
        f"{RULES}test_the_runbook_has_a_whole_section_for_each_alert_and_no_other",
    ),
    "Traces: one from the HTTP request through outbox, bus and every platform call to the sample": (
        f"{TRACES}test_a_publication_is_one_connected_tree_from_the_request_to_its_numbers",
        f"{TRACES}test_a_retry_is_linked_with_what_was_tried_before",
        f"{OPERATIONS}test_one_trace_id_follows_a_publication_through_every_service",
    ),
    "Deployment: migrations first, then workers, then gateways": (
        "python -m publisher migrate",
        "python -m publisher topology",
        f"{COMPOSE}test_the_readme_replaces_tasks_then_workers_then_gateways_and_forgets_none",
        f"{KUBERNETES}test_what_is_applied_comes_in_stages_migrations_then_workers_then_gateways",
    ),
    "Deployment: a previous version can be put back (migrations are additive)": (
        f"{ROLLBACK}test_an_older_build_works_on_the_newer_database",
        "tests/component/test_migrations.py::test_a_former_build_leaves_the_tables_of_a_newer_one_alone",
    ),
    "Deployment: publications left in `publishing` are picked up again; connections survive": (
        f"{OPERATIONS}test_previous_release_can_be_put_back",
        f"{PUBLISHER}test_processes_stopping.py::test_when_every_queue_is_lost_the_rows_bring_everything_back",
        "tests/e2e/test_failpoints.py::test_a_worker_that_dies_there_leaves_one_post_and_a_true_end",
        "make chaos",
    ),
    "`doctor` walks the pre-deployment checklist and says what is missing": (
        "make doctor",
        "python -m oauth_gateway doctor --json",
        "tests/e2e/test_doctor.py::test_every_service_of_a_running_system_is_well",
        "tests/e2e/test_doctor.py::test_a_secret_that_does_not_open_what_is_stored_is_told",
        f"{DOCTOR}test_command.py::test_every_wrong_setting_is_told_by_its_name_and_stops_no_other_check",
        f"{DOCTOR}test_stores.py::test_a_migration_that_was_undone_is_told",
        f"{DOCTOR}test_broker.py::test_a_queue_that_is_gone_is_named",
        f"{DOCTOR}test_stores.py::test_redis_that_is_away_is_one_line",
    ),
    "Scale: any number of replicas of any process; publishers per platform": (
        f"{PACE}test_eight_workers_together_keep_the_pace_of_one_and_use_it",
        f"{PUBLISHER}test_due.py::test_two_clocks_share_them_without_starting_any_twice",
        f"{STATS}test_replicas.py::test_two_replicas_never_sample_the_same_post_twice",
        "libs/common/tests/test_relay.py::test_relays_at_once_send_each_row_once",
        f"{COMPOSE}test_each_platform_has_a_queue_and_a_worker_of_its_own",
        f"{KUBERNETES}test_the_workers_of_a_platform_are_scaled_by_its_own_queue_and_due_publications",
        "python -m publisher worker --platform vk",
    ),
}
"""spec.md §8, in short."""

SECTIONS = {"What it is judged by": JUDGED_BY, "How it is operated": OPERATED_BY}
INTRO = """\
Each line of the specification's checklist (§9) and of its chapter on operations (§8), and what
shows it. The tests run with `make test`; *full* ones, which take long, with `make test-full`.
Commands `python -m …` are of a container or pod; for `make up` they are
`.venv/bin/python deploy/local/stack.py run <service> …`.
"""


def page() -> str:
    """Everything of this module, for people."""
    parts = [f"# The checklist\n\n{INTRO}"]
    for title, lines in SECTIONS.items():
        rows = [f"| {line} | {'<br>'.join(map(_shown, by))} |" for line, by in lines.items()]
        parts.append("\n".join((f"## {title}\n", "| line | shown by |", "|---|---|", *rows, "")))
    return "\n".join(parts)


def named() -> list[str]:
    """All that shows something."""
    return [one for lines in SECTIONS.values() for by in lines.values() for one in by]


def tests_of(path: str) -> dict[str, bool]:
    """The tests of a file, and which of them take long."""
    tree = ast.parse((TREE / path).read_text())
    all_full = any(_says_full(node) for node in tree.body if isinstance(node, ast.Assign))
    return {
        node.name: all_full or any(map(_says_full, node.decorator_list))
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def _says_full(node: ast.AST) -> bool:
    return "pytest.mark.full" in ast.unparse(node)


def _shown(name: str) -> str:
    path, _, test = name.partition("::")
    if not test:
        return f"`{name}`"
    known = tests_of(path)
    if test not in known:
        raise SystemExit(f"docs/checklist.py names {name}, and there is no such test")
    return f"[`{test}`](../{path}){' *full*' if known[test] else ''}"
