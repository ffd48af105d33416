"""An incident opens as it was: as a page, as JSON, as Markdown; Overview and each alert lead to it."""

from html import unescape
from itertools import takewhile

import pytest

from tests.pages.conftest import Script
from tests.telemetry.waiting import until


def leaks(viewer):
    """Engines of other tests, which live in this process too, may be an incident of their own."""
    return viewer.get("/incidents/?about=default").get_json()["incidents"]


@pytest.fixture
def viewer(make_app):
    """A viewer of a Poolhouse that has seen a leak, which is over."""
    app = make_app(DASHBOARD_OVERDUE_SECONDS="0.2", DASHBOARD_PUBLISH_SECONDS="0.1")
    runtime = app.extensions["poolhouse"]
    runtime.ledger.join()
    viewer = Script(app, "viewer")
    with runtime.databases["default"].engine.connect() as connection:
        connection.exec_driver_sql("select 'a|b <b>'")
        connection.rollback()
        until(lambda: leaks(viewer))
        shown = viewer.get("/", Accept="text/html").text
    assert f'href="/incidents/{leaks(viewer)[0]["number"]}"' in shown
    yield viewer
    runtime.ledger.leave()


def test_a_leak_is_listed_and_opens_as_it_was(viewer):
    (listed,) = leaks(viewer)
    number = listed["number"]
    assert (listed["about"], listed["finding"]) == ("default", "ConnectionLeak")
    assert listed["pictures"] == []
    assert listed in viewer.get("/incidents/").get_json()["incidents"]
    assert viewer.get("/incidents/?about=other").get_json()["incidents"] == []
    one = viewer.get(f"/incidents/{number}").get_json()
    assert one["sentence"] == listed["sentence"]
    (pool,) = one["pictures"][0]["pools"]
    assert [holder["line"] for holder in pool["holders"]] == [listed["line"]]
    page = until(
        lambda: "checked out" in (text := viewer.get(f"/incidents/{number}", Accept="text/html").text) and text
    )
    assert listed["line"] in page
    assert 'data-connection="1-1"' in page
    assert number in [one["number"] for one in viewer.get("/", Accept="application/json").get_json()["incidents"]]
    assert "Leaking" in viewer.get("/incidents/", Accept="text/html").text


def test_it_is_copied_as_markdown(viewer):
    number = leaks(viewer)[0]["number"]
    answer = viewer.get(f"/incidents/{number}/markdown")
    assert answer.content_type == "text/markdown; charset=utf-8"
    lines = answer.text.splitlines()
    assert lines[0].startswith(f"# Incident {number}: Leaking: ")
    assert any(line.startswith("- **ConnectionLeak**: ") for line in lines)
    heads = [place for place, line in enumerate(lines) if line.startswith("| ---")]
    assert len(heads) >= 2
    for place in heads:
        table = list(takewhile(lambda line: line.startswith("|"), lines[place + 1 :]))
        assert table
        assert {row.replace("\\|", "").count("|") for row in table} == {lines[place].count("|")}
    assert "<b>" not in answer.text
    assert answer.text in unescape(viewer.get(f"/incidents/{number}", Accept="text/html").text)


def test_one_that_is_not_there_is_not_found(script):
    viewer = script("viewer")
    for number in ("0", "2", "-1", "9" * 20, "one", "%00"):
        for path in (f"/incidents/{number}", f"/incidents/{number}/markdown"):
            assert viewer.get(path).status_code == 404


def test_signed_out_nobody_sees_one(script):
    for path in ("/incidents/", "/incidents/1", "/incidents/1/markdown"):
        assert script(None).get(path).status_code == 401


def test_each_alert_leads_to_the_incidents_of_what_it_is_about(make_app):
    app = make_app(DASHBOARD_PUBLIC_URL="https://ops.example/pool")
    rules = Script(app, "viewer").get("/monitoring/alerts.yml").text
    link = '"incidents": "https://ops.example/pool/incidents/?about={{ or $labels.pool'
    assert rules.count(link) == rules.count("- alert")
