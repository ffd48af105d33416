"""What does Prometheus need, to warn by the same rules? A rules file and a scrape configuration, made of the table.

Every value is written as JSON, which is YAML as well."""

from __future__ import annotations

import json
from typing import Any

from ..config import Config
from .rule import Rule
from .rules import RULES

ABOUT = "{{ or $labels.pool $labels.path $labels.registry | urlquery }}"
"""What an alert is about, as incidents say it: the first of these labels that it has."""


def rules_file(config: Config, link: str) -> str:
    """The alerts of every finding. link: where an alert leads, or nothing."""
    return "groups:\n- name: poolhouse\n  rules:\n" + "".join(_alert(rule, config, link) for rule in RULES)


def _alert(rule: Rule, config: Config, link: str) -> str:
    annotations = {"summary": rule.summary, "description": rule.remedy}
    if link:
        annotations["link"] = link
        annotations["incidents"] = f"{link}incidents/?about={ABOUT}"
    said = (
        ("- alert", rule.finding),
        ("  expr", rule.promql(config)),
        ("  labels", {"severity": rule.level}),
        ("  annotations", annotations),
    )
    return "".join(f"  {key}: {json.dumps(value)}\n" for key, value in said)


def scrape_file(target: str, scheme: str, path: str, *, public: bool) -> str:
    """target: "HOST:PORT". path: of /metrics. public: whether /metrics needs no token."""
    job: dict[str, Any] = {
        "job_name": "poolhouse",
        "scheme": scheme,
        "metrics_path": path,
        "static_configs": [{"targets": [target]}],
    }
    if not public:
        job["authorization"] = {"credentials_file": "poolhouse.token"}
    said = (("global", {"scrape_interval": "15s", "evaluation_interval": "15s"}), ("rule_files", ["alerts.yml"]))
    head = "".join(f"{key}: {json.dumps(value)}\n" for key, value in said)
    hint = "" if public else "# The file poolhouse.token holds what DASHBOARD_METRICS_TOKEN says.\n"
    return f"{hint}{head}scrape_configs:\n- {json.dumps(job)}\n"
