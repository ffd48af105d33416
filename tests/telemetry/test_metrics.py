"""Is the exposition exactly the catalogue: names, types, labels, buckets, and one number for each?"""

from __future__ import annotations

import json
import subprocess
import sys
from math import inf
from pathlib import Path

import pytest
import sqlalchemy as sa
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse

from dashboard.telemetry import unwatch, watch, watch_sessions
from dashboard.telemetry.exposition import number
from dashboard.telemetry.ledger import Ledger
from dashboard.telemetry.metrics import METRICS, Collector, named, render

from .catalogue import AGES, CATALOGUE, COUNTS, LONG, OTEL, SHORT
from .conftest import User

ROOT = Path(__file__).parent.parent.parent
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


@pytest.fixture
def told(engine, maker, name):
    """The families of the exposition, by the names of the catalogue, after a little of everything."""
    watch_sessions(maker, registry=name)
    with maker() as session:
        session.add(User(name="ada"))
        session.commit()
        with pytest.raises(sa.exc.OperationalError):
            session.execute(sa.text("select * from nowhere"))

    def now():
        body, _ = render()
        return {family.name + "_total" * (family.type == "counter"): family for family in parse(body.decode())}

    yield now
    unwatch(maker)


def buckets_of(metric):
    return " ".join(number(bound) for bound in (*metric.buckets, inf)) if metric.buckets else ""


def samples(family, name):
    return [sample for sample in family.samples if name in (sample.labels.get("pool"), sample.labels.get("registry"))]


def test_the_list_is_the_catalogue():
    listed = {m.name: (m.type, m.labels, m.merge, buckets_of(m)) for m in METRICS}
    assert listed == CATALOGUE
    assert len(listed) == len(METRICS)
    assert all(metric.help and metric.source for metric in METRICS)


def test_the_list_of_opentelemetry_is_the_catalogue_too():
    assert {m.name: (m.type, m.labels, buckets_of(m)) for m in named("both")[len(METRICS) - 1 : -1]} == OTEL


def test_the_exposition_has_exactly_the_names_types_and_labels_of_the_list(told, name):
    families = told()
    assert {family: families[family].type for family in families} == {n: kind for n, (kind, *_) in CATALOGUE.items()}
    for metric, (_, labels, *_) in CATALOGUE.items():
        for sample in families[metric].samples:
            assert set(sample.labels) - {"le"} == set(labels), metric


def test_every_pool_and_registry_tells_its_zeros_too(told, name):
    families = told()
    expected = {
        "sqlalchemy_pool_connections": 4,
        "sqlalchemy_pool_limit_connections": 3,
        "sqlalchemy_connections_closed_total": 7,
        "sqlalchemy_connection_errors_total": 6,
        "sqlalchemy_transactions_total": 4,
        "sqlalchemy_statement_cache_total": 3,
        "sqlalchemy_pool_timeouts_total": 1,
        "sqlalchemy_sessions": 3,
        "sqlalchemy_session_transactions_total": 3,
        "sqlalchemy_session_flushed_objects_total": 3,
        "sqlalchemy_object_transitions_total": 12,
    }
    assert {metric: len(samples(families[metric], name)) for metric in expected} == expected


@pytest.mark.parametrize(
    "metric, buckets",
    [
        ("sqlalchemy_pool_wait_seconds", LONG),
        ("sqlalchemy_connection_hold_seconds", LONG),
        ("sqlalchemy_connection_create_seconds", LONG),
        ("sqlalchemy_transaction_seconds", LONG),
        ("sqlalchemy_session_flush_seconds", LONG),
        ("sqlalchemy_statement_seconds", SHORT),
        ("sqlalchemy_connection_age_seconds", AGES),
        ("sqlalchemy_request_statements", COUNTS),
        ("sqlalchemy_request_database_seconds", LONG),
    ],
)
def test_buckets_are_cumulative_and_those_of_the_catalogue(told, name, metric, buckets):
    series = {}
    for sample in samples(told()[metric], name):
        rest = tuple(sorted((key, value) for key, value in sample.labels.items() if key != "le"))
        series.setdefault(rest, []).append(sample)
    assert series
    for found in series.values():
        rising = [sample for sample in found if sample.name.endswith("_bucket")]
        assert " ".join(sample.labels["le"] for sample in rising) == buckets
        values = [sample.value for sample in rising]
        assert values == sorted(values)
        (count,) = (sample.value for sample in found if sample.name.endswith("_count"))
        assert values[-1] == count


def test_the_values_are_those_of_the_reading(told, pool, name):
    families, reading = told(), pool()

    def value(metric, **labels):
        (found,) = (s.value for s in samples(families[metric], name) if labels.items() <= s.labels.items())
        return found

    assert value("sqlalchemy_pool_checkouts_total") == reading.totals["checkouts"]
    assert value("sqlalchemy_transactions_total", outcome="commit") == reading.totals["commits"] == 2
    assert value("sqlalchemy_pool_connections", state="idle") == reading.counts.idle
    assert value("sqlalchemy_pool_limit_connections", kind="total") == 3
    assert value("sqlalchemy_statement_errors_total", error="OperationalError") == 1
    assert value("sqlalchemy_object_transitions_total", **{"from": "pending", "to": "persistent"}) == 1
    assert value("sqlalchemy_pool_worst_worker_used_ratio") == 0


def test_an_unlimited_pool_has_an_infinite_limit(make_engine, name, told):
    watch(make_engine(max_overflow=-1), name="unlimited")
    limits = {s.labels["kind"]: s.value for s in samples(told()["sqlalchemy_pool_limit_connections"], "unlimited")}
    assert limits == {"size": 5, "max_overflow": inf, "total": inf}


def test_what_a_pool_class_does_not_have_is_not_told(make_engine, driver, told):
    engine = make_engine(poolclass=sa.NullPool)
    watch(engine, name="null")
    engine.connect().close()
    families = told()
    for metric in ("pool_limit_connections", "pool_waiters", "pool_wait_seconds", "pool_timeouts_total"):
        assert samples(families[f"sqlalchemy_{metric}"], "null") == []
    states = [sample.labels["state"] for sample in samples(families["sqlalchemy_pool_connections"], "null")]
    assert states == ["used", "detached"]


@pytest.mark.parametrize(
    "accept, content_type",
    [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/html", "text/plain; version=0.0.4; charset=utf-8"),
        (OPENMETRICS, "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        (OPENMETRICS + ",text/plain;version=0.0.4;q=0.5", "application/openmetrics-text; version=1.0.0; charset=utf-8"),
    ],
)
def test_the_format_is_what_the_asker_accepts(told, accept, content_type):
    body, answered = render(accept)
    assert answered.startswith(content_type)
    families = list((parse_openmetrics if "openmetrics" in answered else parse)(body.decode()))
    assert len(families) == len(METRICS)


def test_openmetrics_has_a_unit_where_the_name_ends_in_it(told):
    body, _ = render(OPENMETRICS)
    for family in parse_openmetrics(body.decode()):
        assert family.unit == next((unit for unit in ("seconds", "ratio") if family.name.endswith(unit)), "")


def test_promtool_has_nothing_to_say(told, promtool):
    body, _ = render()
    done = subprocess.run([promtool, "check", "metrics"], input=body, capture_output=True, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_the_collector_goes_into_the_programs_own_registry(engine, name, tmp_path):
    ledger = Ledger(tmp_path / "ledger")
    ledger.join()
    engine.connect().close()
    registry = CollectorRegistry()
    registry.register(Collector(ledger))
    with pytest.raises(ValueError, match="Duplicated"):
        registry.register(Collector(ledger))
    assert registry.get_sample_value("sqlalchemy_pool_checkouts_total", {"pool": name}) == 1
    assert registry.get_sample_value("poolhouse_workers", {"state": "live"}) == 1
    assert f'sqlalchemy_pool_checkouts_total{{pool="{name}"}} 1' in render()[0].decode()  # by the ledger joined
    ledger.leave()
    ledger._member.rows.close()


def test_the_counts_of_a_pool_that_nobody_has_any_more_stay_and_its_gauges_go(engine, name, told):
    engine.connect().close()
    (before,) = samples(told()["sqlalchemy_pool_checkouts_total"], name)
    unwatch(engine)
    families = told()
    (after,) = samples(families["sqlalchemy_pool_checkouts_total"], name)
    assert after.value == before.value >= 1
    assert samples(families["sqlalchemy_pool_connections"], name) == []


@pytest.mark.parametrize(
    "module", ["dashboard.telemetry", "dashboard.telemetry.watching", "dashboard.telemetry.ledger"]
)
def test_importing_telemetry_loads_neither_the_web_nor_the_metrics_library(module):
    code = f"import sys, json, {module}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {"flask", "werkzeug", "jinja2", "prometheus_client"}.isdisjoint(json.loads(done.stdout))
