"""Monitoring: what warns, and by which rules; what Prometheus needs for it; the settings in force."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, request

from ..config import Config
from ..refusal import Refusal
from ..runtime import Runtime, current
from ..telemetry import alerts, grafana
from ..telemetry.findings import Finding, findings
from ..telemetry.long_range import SPANS, LongRange
from ..telemetry.present import Present, present
from ..telemetry.reading import Reading, SwitchedOff
from ..telemetry.rules import RULES
from . import gate
from .charts import Chart, of_prometheus
from .families import Family, families
from .html import page, plain, url


@dataclass(frozen=True)
class ShownRule:
    """holds: how often it holds now. promql: of its alert, by the settings in force."""

    finding: str
    level: str
    promql: str
    remedy: str
    holds: int


@dataclass(frozen=True)
class ShownSetting:
    """value: as text; of a secret only whether it is set. is_default: nobody has said it otherwise."""

    key: str
    value: str
    meaning: str
    is_default: bool = True

    @property
    def words(self) -> str:
        return worded(self.key, self.value)


@dataclass(frozen=True)
class Figures:
    """The metrics as they are now, and what Poolhouse costs by its own count."""

    _reading: Reading = field(default_factory=Reading)

    @cached_property
    def metrics(self) -> tuple[Present, ...]:
        return present(self._reading)

    @property
    def families(self) -> tuple[Family, ...]:
        return families(self.metrics)

    @property
    def series(self) -> int:
        return int(self.metrics[-1].series[0][1].replace(",", ""))

    @property
    def listener_seconds(self) -> float:
        """Of all programs together, since they began."""
        return float(sum(count for name, count in self._reading.own.items() if name.startswith("listener|")))

    @property
    def dropped(self) -> dict[str, float]:
        kinds = ((name.partition("|"), count) for name, count in self._reading.own.items())
        return {kind: count for (what, _, kind), count in kinds if what == "dropped"}

    @property
    def faults(self) -> dict[str, int]:
        return dict(self._reading.faults)

    @property
    def switched_off(self) -> tuple[SwitchedOff, ...]:
        return self._reading.switched_off

    @property
    def age(self) -> float:
        return self._reading.published_age_seconds


@dataclass(frozen=True)
class Monitoring(Figures):
    """downloads: by the file's name its URL."""

    findings: tuple[Finding, ...] = ()
    rules: tuple[ShownRule, ...] = ()
    downloads: Mapping[str, str] = field(default_factory=dict)
    settings: tuple[ShownSetting, ...] = ()
    problem: str | None = None

    @property
    def public(self) -> Mapping[str, Any]:
        more = {"faults": self.faults, "metrics": self.metrics}
        return {name: plain(getattr(self, name)) for name in ("findings", "rules", "downloads", "settings")} | {
            **plain(more),
            "problem": self.problem,
        }


@dataclass(frozen=True)
class LongRangePage:
    """What Prometheus says of all instances. span: one of the spans there are."""

    span: str
    charts: tuple[LongRange, ...]

    @property
    def spans(self) -> tuple[str, ...]:
        return tuple(SPANS)

    @property
    def drawn(self) -> tuple[Chart, ...]:
        return tuple(of_prometheus(one) for one in self.charts)


def blueprint() -> Blueprint:
    monitoring = Blueprint("monitoring", __name__, url_prefix="/monitoring")
    monitoring.add_url_rule("/", "index", index)
    monitoring.add_url_rule("/charts", "charts", charts)
    monitoring.add_url_rule("/grafana.json", "grafana", grafana_dashboard)
    monitoring.add_url_rule("/alerts.yml", "alert_rules", alert_rules)
    monitoring.add_url_rule("/prometheus.yml", "scrape_configuration", scrape_configuration)
    return monitoring


@gate.needs(gate.READ)
def index() -> Response:
    runtime = current()
    reading = runtime.ledger.read()
    found = findings(reading)
    holding = [one.finding for one in found]
    context = Monitoring(
        findings=found,
        rules=tuple(
            ShownRule(rule.finding, rule.level, rule.promql(runtime.config), rule.remedy, holding.count(rule.finding))
            for rule in RULES
        ),
        downloads={
            "alerts.yml": url("monitoring.alert_rules"),
            "prometheus.yml": url("monitoring.scrape_configuration"),
            "grafana.json": url("monitoring.grafana"),
        },
        settings=tuple(
            ShownSetting(*row, is_default=worded(*row[:2]) == worded(*default[:2]))
            for row, default in zip(runtime.config.public_rows(), Config().public_rows(), strict=True)
        ),
        problem=reading.problem,
        _reading=reading,
    )
    return page("monitoring/index.html", context)


def figures(runtime: Runtime, _: str = "") -> Figures:
    return Figures(runtime.ledger.read())


def family(runtime: Runtime, name: str) -> Family:
    """Raises Refusal: not_found."""
    found = next((one for one in figures(runtime).families if one.name == name), None)
    if found is None:
        raise Refusal("not_found", "There is no such family of metrics.")
    return found


def worded(key: str, value: str) -> str:
    """A setting's value as a person says it, with its unit.

    >>> [worded("DASHBOARD_X", value) for value in ("None", "()", "True", "8")]
    ['not set', 'none', 'on', '8']
    >>> worded("DASHBOARD_SIGN_IN_SECONDS", "28800.0"), worded("DASHBOARD_STUCK_SECONDS", "2.0")
    ('28800 s (8 h)', '2 s')
    >>> worded("DASHBOARD_IMPORT_BYTES", "200000000")
    '200000000 bytes (200 MB)'
    """
    if key.endswith("_SECONDS"):
        seconds = float(value)
        return f"{seconds:g} s" + (f" ({_longer(seconds)})" if seconds >= 120 else "")
    if key.endswith("_BYTES"):
        return f"{value} bytes ({int(value) / 1_000_000:g} MB)"
    return {"None": "not set", "": "not set", "{}": "not set", "()": "none", "True": "on", "False": "off"}.get(
        value, value
    )


def _longer(seconds: float) -> str:
    steps = ((86_400, "days"), (3_600, "h"), (60, "min"))
    step, word = next((step, word) for step, word in steps if seconds >= (2 * step if word == "days" else step))
    return f"{seconds / step:.3g} {word}"


@gate.needs(gate.READ, database=True)
def charts() -> Response:
    """Behind the bulkhead: a Prometheus that hangs must not take every thread."""
    prometheus, span = current().prometheus, request.args.get("span", "24h")
    if prometheus is None:
        message = "No Prometheus is known here."
        raise Refusal("unavailable", message, remedy="Set PROMETHEUS_URL to the one that scrapes /metrics.")
    return page("monitoring/charts.html", LongRangePage(span, prometheus.told(span)))


@gate.needs(gate.READ)
def grafana_dashboard() -> Response:
    return Response(grafana.dashboard(), content_type="application/json; charset=utf-8")


@gate.needs(gate.READ)
def alert_rules() -> Response:
    runtime = current()
    return _file(alerts.rules_file(runtime.config, _link(runtime)))


@gate.needs(gate.READ)
def scrape_configuration() -> Response:
    runtime = current()
    where = urlsplit(runtime.config.public_url or request.host_url)
    path, public = url("metrics.index"), runtime.metrics_are_public
    return _file(alerts.scrape_file(where.netloc, where.scheme or "http", path, public=public))


def _link(runtime: Runtime) -> str:
    """Overview at the address that people use; no link where nobody has said it."""
    return runtime.config.public_url.rstrip("/") + "/" if runtime.config.public_url else ""


def _file(text: str) -> Response:
    return Response(text, content_type="application/yaml; charset=utf-8")
