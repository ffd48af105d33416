"""Monitoring tells the rules and the settings, never a secret; promtool takes its files, and each alert fires."""

import json
import subprocess

import pytest

from dashboard.pages.families import families
from dashboard.telemetry.metrics import METRICS
from dashboard.telemetry.present import Present
from dashboard.telemetry.rules import RULES
from tests.pages.conftest import Script

POOL = '{pool="shop"}'
NOT_THE_DEMOS = {
    "DASHBOARD_OVERDUE_SECONDS": "300",
    "DASHBOARD_IDLE_IN_TRANSACTION_SECONDS": "60",
    "DASHBOARD_STUCK_SECONDS": "10",
}
ENDED = "sqlalchemy_session_transactions_total"


def buckets(name, labels, slow):
    """A histogram of one observation a minute, all of them above 1 s, or all of them fast."""
    low = "0+0x60" if slow else "0+60x60"
    return {f'{name}{{{labels},le="{le}"}}': low if float(le) <= 10 else "0+60x60" for le in ("0.001", "10", "60")} | {
        f'{name}{{{labels},le="+Inf"}}': "0+60x60"
    }


LEAKS = 'sqlalchemy_connection_leaks_total{pool="shop",kind="%s"}'
REFRESH = 'sqlalchemy_orm_loads_total{kind="refresh",path=""}'
COMMIT, ROLLBACK = (f'{ENDED}{{registry="default",outcome="{outcome}"}}' for outcome in ("commit", "rollback"))
LIMIT = {'sqlalchemy_pool_limit_connections{pool="shop",kind="total"}': "15x60"}
TIMEOUT = {"sqlalchemy_pool_timeout_seconds" + POOL: "30x60"}
CASES = {
    "DatabaseAway": [
        {f'sqlalchemy_connection_errors_total{{pool="shop",phase="{phase}",disconnect="true"}}': "0+1x60"}
        for phase in ("connect", "execute")
    ],
    "DatabaseFlapping": [
        {f'sqlalchemy_connection_invalidations_total{{pool="shop",kind="{kind}"}}': "0+2x60"}
        for kind in ("hard", "soft")
    ],
    "ForkSharing": [{LEAKS % "foreign_process": "0+1x60"}, {LEAKS % "foreign_process": "5x60"}],
    "ConnectionLeak": [
        {"sqlalchemy_connection_oldest_hold_seconds" + POOL: "0+60x60"},
        {'sqlalchemy_connection_oldest_hold_seconds{pool="workspaces"}': "0+60x60", LEAKS % "overdue": "3x60"},
    ],
    "StatementStuck": [{"sqlalchemy_oldest_running_statement_seconds" + POOL: f"{s}x60"} for s in (11, 9)],
    "IdleInTransaction": [{"sqlalchemy_oldest_idle_in_transaction_seconds" + POOL: f"{s}x60"} for s in (61, 59)],
    "SlowStatements": [
        buckets("sqlalchemy_statement_seconds_bucket", 'pool="shop",operation="select"', slow) for slow in (True, False)
    ],
    "PoolSaturated": [{"sqlalchemy_pool_waiters" + POOL: "1x60"}, {"sqlalchemy_pool_waiters" + POOL: "0x60"}],
    "PoolTimeouts": [{"sqlalchemy_pool_timeouts_total" + POOL: s} for s in ("0+1x60", "7x60")],
    "PoolWaitNearTimeout": [
        TIMEOUT | buckets("sqlalchemy_pool_wait_seconds_bucket", 'pool="shop",outcome="ok"', slow)
        for slow in (True, False)
    ],
    "PoolUndersized": [
        LIMIT | {"sqlalchemy_connection_hold_seconds_sum" + POOL: f"0+{60 * busy}x60"} for busy in (13, 11)
    ],
    "RollbackRatio": [
        {COMMIT: "0+6x60", ROLLBACK: "0+3x60"},
        {COMMIT: "0+30x60", ROLLBACK: "0+3x60", ROLLBACK.replace("default", "records.other-2"): "0+60x60"},
    ],
    "SessionSurvivors": [{'sqlalchemy_session_survivors_total{registry="default"}': s} for s in ("0+1x60", "4x60")],
    "DetachedErrors": [
        {f'sqlalchemy_orm_errors_total{{error="{error}"}}': "0+1x60"} for error in ("detached", "stale_data")
    ],
    "ExporterBlind": [{}, {"poolhouse_info": "1x60"}],
    "ListenerOff": [
        {f'poolhouse_findings{{finding="{finding}",level="warning"}}': "1x60"} for finding in ("ListenerOff", "Other")
    ],
    "NPlusOne": [{'sqlalchemy_n_plus_one_total{path="Author.books"}': f"0+{n}x60"} for n in (12, 3)],
    "RefreshStorm": [{REFRESH: f"0+{n}x60", COMMIT: "0+60x60"} for n in (600, 240)],
    "ConnectionChurn": [
        {'sqlalchemy_connections_closed_total{pool="shop",reason="overflow"}': f"0+{n}x60"} for n in (90, 30)
    ],
    "PoolHeadroomLow": [{"sqlalchemy_pool_worst_worker_used_ratio" + POOL: f"{n}x60"} for n in ("0.95", "0.85")],
    "TwoEngines": [{'sqlalchemy_engines{database="abc"}': f"{n}x60"} for n in (2, 1)],
}


@pytest.fixture
def viewer(script):
    return script("viewer")


def checked(promtool, *arguments):
    done = subprocess.run([str(promtool), *map(str, arguments)], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_promtool_takes_the_rules_and_each_alert_fires_and_keeps_silent(make_app, promtool, tmp_path):
    app = make_app(**NOT_THE_DEMOS)
    (tmp_path / "alerts.yml").write_text(Script(app, "viewer").get("/monitoring/alerts.yml").text)
    code, said = checked(promtool, "check", "rules", tmp_path / "alerts.yml")
    assert code == 0, said
    assert f"{len(RULES)} rules found" in said
    (tmp_path / "tests.yml").write_text(json.dumps(trials_for(tmp_path / "alerts.yml")))
    code, said = checked(promtool, "test", "rules", tmp_path / "tests.yml")
    assert code == 0, said


def trials_for(rules_file):
    """One firing and one silent test for each alert: the expression, as its alert counts, at 30 minutes."""
    tests = []
    for finding, cases in CASES.items():
        for fires, series in zip((1, 0), cases, strict=True):
            expression = f'count(ALERTS{{alertname="{finding}",alertstate="firing"}})'
            samples = [{"labels": "{}", "value": 1}] if fires else []
            tests.append(
                {
                    "interval": "1m",
                    "input_series": [{"series": name, "values": values} for name, values in series.items()],
                    "promql_expr_test": [{"expr": expression, "eval_time": "30m", "exp_samples": samples}],
                }
            )
    return {"rule_files": [str(rules_file)], "evaluation_interval": "1m", "tests": tests}


def test_every_rule_has_its_two_cases():
    assert set(CASES) == {rule.finding for rule in RULES}


def test_the_rules_carry_the_thresholds_of_the_settings_and_a_link(make_app):
    app = make_app(DASHBOARD_OVERDUE_SECONDS="77", DASHBOARD_PUBLIC_URL="https://ops.example/pool")
    rules = Script(app, "viewer").get("/monitoring/alerts.yml").text
    assert "> 77 or" in rules
    assert '"link": "https://ops.example/pool/"' in rules


def test_promtool_takes_the_scrape_configuration(viewer, promtool, tmp_path):
    (tmp_path / "prometheus.yml").write_text(viewer.get("/monitoring/prometheus.yml").text)
    (tmp_path / "alerts.yml").write_text(viewer.get("/monitoring/alerts.yml").text)
    code, said = checked(promtool, "check", "config", tmp_path / "prometheus.yml")
    assert code == 0, said


def test_the_page_has_the_settings_in_force_and_no_secret(make_app):
    secret = "nobody may read this"
    app = make_app(DASHBOARD_METRICS_TOKEN=secret, DASHBOARD_STUCK_SECONDS="7")
    viewer = Script(app, "viewer")
    shown = viewer.get("/monitoring/").get_json()
    settings = {row["key"]: row["value"] for row in shown["settings"]}
    assert settings["DASHBOARD_METRICS_TOKEN"] == "(set)"
    assert settings["DASHBOARD_STUCK_SECONDS"] == "7.0"
    assert {rule["finding"] for rule in shown["rules"]} == set(CASES)
    page = viewer.get("/monitoring/", Accept="text/html").text
    assert secret not in page
    assert "DASHBOARD_STUCK_SECONDS" in page
    assert '<code title="7.0">7 s</code>' in page.split("that nobody has set")[0]
    for href in shown["downloads"].values():
        assert viewer.get(href).status_code == 200


def test_signed_out_nothing_is_told(script):
    for path in ("/monitoring/", "/monitoring/alerts.yml", "/monitoring/prometheus.yml"):
        assert script(None).get(path).status_code == 401


def test_every_metric_stands_in_the_family_of_its_subject():
    metrics = [Present(metric.name, metric.type, metric.help, ()) for metric in METRICS]
    told = families(metrics)
    assert sorted(metric.name for family in told for metric in family.metrics) == sorted(m.name for m in metrics)
    assert all(family.metrics for family in told)
    assert {m.name.partition("_")[0] for m in told[-1].metrics} == {"poolhouse"}
