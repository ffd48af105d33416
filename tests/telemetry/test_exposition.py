"""Is what we write ourselves what prometheus_client would write, and are its examples those of slow observations?"""

from __future__ import annotations

import subprocess
import threading
import time
from math import inf, nan

import pytest
import sqlalchemy as sa
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse
from prometheus_client.utils import floatToGoString

from dashboard.config import Config
from dashboard.telemetry import scope, watch
from dashboard.telemetry.exposition import number
from dashboard.telemetry.merging import alone
from dashboard.telemetry.metrics import METRICS, _Once, families, named, render
from dashboard.telemetry.otel import OTEL, REPLACED
from dashboard.telemetry.reading import KeptCounts
from dashboard.telemetry.snapshot import own

from .full import fill, fill_own

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
ODD = 'a "quoted" back\\slash\nand a new line, ünïcödé'


@pytest.fixture
def full(engine, name):
    """A reading with something in every metric, and label values that need escaping."""
    fill(name)
    fill_own()
    with scope(ODD):
        engine.connect().close()
    said = own(Config())
    said["pools"][name]["exemplars"].append(["hold", 9, 0.5, 1_700_000_000.25, ODD * 9])
    said["engines"] = {"0123456789ab": 2}
    return alone(said, Config(), 0.0, None).with_kept(KeptCounts(3, 1, {"pending": 4, "deleted": 0}))


@pytest.mark.parametrize("names", ["native", "otel", "both"])
def test_the_bytes_are_those_of_the_library(full, names):
    assert render("", full, names)[0] == generate_latest(_Once(full, names))
    assert render(OPENMETRICS, full, names)[0] == generate_openmetrics(_Once(full, names))


@pytest.mark.parametrize("value", [0, 1, -1, 3, 999_999, 1_000_000, 1_234_567, 10**22, 0.1, 1e-9, 1e7, inf, -inf, nan])
def test_numbers_are_written_as_the_library_does(value):
    assert number(value) == floatToGoString(value)


@pytest.mark.parametrize("escaping", ["dots", "values"])
def test_another_spelling_of_names_is_left_to_the_library(full, escaping):
    accept = f"{OPENMETRICS}; escaping={escaping}"
    body, content_type = render(accept, full)
    assert content_type.endswith(escaping)
    assert b"sqlalchemy__pool" in body


def test_promtool_has_nothing_to_say_about_a_full_exposition(full, promtool):
    done = subprocess.run([promtool, "check", "metrics"], input=render("", full)[0], capture_output=True, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def exemplars(name, metric, **labels):
    """By `le`, the exemplars of one histogram of this process."""
    body, _ = render(OPENMETRICS)
    (family,) = [family for family in parse_openmetrics(body.decode()) if family.name == metric]
    wanted = {"pool": name, **labels}
    return {s.labels["le"]: s.exemplar for s in family.samples if s.exemplar and wanted.items() <= s.labels.items()}


def test_exemplars_of_openmetrics_are_short_enough_and_within_their_bucket(full, name):
    body, _ = render(OPENMETRICS, full)
    found = [s for family in parse_openmetrics(body.decode()) for s in family.samples if s.exemplar]
    assert {s.name for s in found} == {
        "sqlalchemy_connection_hold_seconds_bucket",
        "sqlalchemy_pool_wait_seconds_bucket",
        "sqlalchemy_request_database_seconds_bucket",
        "sqlalchemy_statement_seconds_bucket",
    }
    for sample in found:
        assert sum(len(k) + len(v) for k, v in sample.exemplar.labels.items()) <= 128
        assert sample.exemplar.value <= float(sample.labels["le"])
    assert b" # {" not in render("", full)[0]


def test_a_slow_hold_statement_and_request_are_examples_of_their_buckets(engine, name):
    engine.connect().close()
    with scope("shop.slow"), engine.connect() as connection:
        connection.connection.dbapi_connection.create_function("slow", 0, lambda: time.sleep(0.12))
        connection.exec_driver_sql("select slow()")
    for metric, labels in (
        ("sqlalchemy_connection_hold_seconds", {}),
        ("sqlalchemy_statement_seconds", {"operation": "select"}),
        ("sqlalchemy_request_database_seconds", {}),
    ):
        found = exemplars(name, metric, **labels)
        assert len(found) == 1, metric
        ((le, example),) = found.items()
        assert (example.labels["endpoint"], example.labels["worker"]) == ("shop.slow", "1")
        assert 0.12 <= example.value <= float(le)
        assert abs(float(example.timestamp) - time.time()) < 60


def test_a_slow_wait_is_an_example(make_engine, name):
    engine = make_engine(pool_size=1, max_overflow=0, pool_timeout=0.15)
    watch(engine, name=name)
    with engine.connect():

        def wait() -> None:
            with scope("shop.waits"), pytest.raises(sa.exc.TimeoutError):
                engine.connect()

        thread = threading.Thread(target=wait)
        thread.start()
        thread.join()
    (example,) = exemplars(name, "sqlalchemy_pool_wait_seconds", outcome="timeout").values()
    assert example.labels["endpoint"] == "shop.waits"


def test_the_names_of_opentelemetry_replace_ours_or_stand_beside_them():
    ours, otel = {metric.name for metric in METRICS}, {metric.name for metric in OTEL}
    assert {metric.name for metric in named("native")} == ours
    assert {metric.name for metric in named("both")} == ours | otel
    assert {metric.name for metric in named("otel")} == (ours - REPLACED) | otel
    assert ours > REPLACED


def test_both_names_tell_the_same_numbers(full, name):
    found = {family.name: family for family in parse(render("", full, "both")[0].decode())}

    def values(metric, label, **labels):
        wanted = {label: name, **labels}
        return [s.value for s in found[metric].samples if wanted.items() <= s.labels.items()]

    other = "db_client_connection_pool_name"
    for theirs, mine in (
        ("db_client_connection_use_time_seconds", "sqlalchemy_connection_hold_seconds"),
        ("db_client_connection_pending_requests", "sqlalchemy_pool_waiters"),
        ("db_client_connection_timeouts", "sqlalchemy_pool_timeouts"),
        ("db_client_operation_duration_seconds", "sqlalchemy_statement_seconds"),
    ):
        assert values(theirs, other) == values(mine, "pool") != []
    assert values("db_client_connection_wait_time_seconds", other) == values(
        "sqlalchemy_pool_wait_seconds", "pool", outcome="ok"
    )
    assert values("db_client_connection_count", other, db_client_connection_state="used") == [0]


def test_workspaces_are_live_pinned_or_parked(full):
    (family,) = [family for family in families(full) if family.name == "poolhouse_workspaces"]
    assert {sample.labels["state"]: sample.value for sample in family.samples} == {"live": 0, "parked": 2, "pinned": 1}


def test_without_a_store_workspaces_are_absent_and_not_zero(full):
    absent = {"poolhouse_workspaces", "poolhouse_workspace_objects"}
    found = {family.name for family in families(full.with_kept(None)) if not family.samples}
    assert absent <= found


def test_the_listeners_tell_their_time_from_a_sample(engine, name):
    def seconds():
        samples = (s for family in families(alone(own(Config()), Config(), 0.0, None)) for s in family.samples)
        return {s.labels["room"]: s.value for s in samples if s.name == "poolhouse_listener_seconds_total"}

    before = seconds()
    with engine.connect() as connection:
        for _ in range(1_100):
            connection.exec_driver_sql("select 1")
    for _ in range(1_100):
        engine.raw_connection().close()
    after = seconds()
    assert set(after) == {"pools", "statements", "sessions"}
    assert 0 < after["pools"] - before["pools"] < 60
    assert 0 < after["statements"] - before["statements"] < 60
