"""The files of deploy/monitoring, read."""

import json
from typing import Any

import yaml

from localrun.environment import TREE

FOLDER = TREE / "deploy/monitoring"
PROMETHEUS = FOLDER / "prometheus"
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((PROMETHEUS / "clipcast.rules.yml").read_text())["groups"]
    for rule in group["rules"]
]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
RECORDED = {rule["record"] for rule in RULES if "record" in rule}
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "grafana/clipcast.json").read_text())
PANELS = {panel["title"]: panel for panel in DASHBOARD["panels"] if panel["type"] != "row"}
BY_PROMETHEUS = {"up"}
"""Prometheus itself makes these."""


def queries() -> dict[str, list[str]]:
    """Every query, by the name of its rule or the title of its panel."""
    rules = {rule.get("alert") or rule["record"]: [rule["expr"]] for rule in RULES}
    shown = {name: [one["expr"] for one in panel["targets"]] for name, panel in PANELS.items()}
    return rules | shown
