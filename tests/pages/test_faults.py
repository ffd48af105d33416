"""The switches of the demo's faults: who may turn them, what is told, and where there are none."""

from dashboard.demo.faults import FAULTS
from tests.pages.conftest import Script


def faults_of(answer):
    return {fault["name"]: fault["on"] for fault in answer.get_json()["faults"]}


def test_an_admin_switches_a_fault_on_and_off_and_a_viewer_sees_it(make_app):
    app = make_app(DASHBOARD_DEMO="on")
    admin, viewer = Script(app, "admin"), Script(app, "viewer")
    assert faults_of(viewer.get("/demo/faults/")) == {fault.name: False for fault in FAULTS}
    assert faults_of(admin.post("/demo/faults/leaked-connection", {"on": True}))["leaked-connection"] is True
    assert faults_of(viewer.get("/demo/faults/"))["leaked-connection"] is True
    assert faults_of(admin.post("/demo/faults/leaked-connection", {"on": "off"}))["leaked-connection"] is False
    assert viewer.post("/demo/faults/leaked-connection", {"on": True}).status_code == 403
    assert Script(app, "editor").post("/demo/faults/leaked-connection", {"on": True}).status_code == 403
    assert admin.post("/demo/faults/leaked-connection", {}).status_code == 400
    assert admin.post("/demo/faults/leaked-connection", {"on": "perhaps"}).status_code == 400
    assert admin.post("/demo/faults/no-such-fault", {"on": True}).status_code == 404
    page = viewer.get("/demo/faults/", Accept="text/html").text
    assert all(fault.name in page for fault in FAULTS)


def test_who_switched_a_fault_is_in_the_audit(make_app):
    app = make_app(DASHBOARD_DEMO="on")
    admin = Script(app, "admin")
    admin.post("/demo/faults/survivors", {"on": True})
    admin.post("/demo/faults/no-such-fault", {"on": True})
    Script(app, "viewer").post("/demo/faults/survivors", {"on": False})
    (deed,) = app.extensions["poolhouse"].audit.newest(most=10, act="fault.")
    assert (deed.who, deed.role, deed.address) == ("test-admin", "admin", "127.0.0.1")
    assert (deed.act, deed.subject, deed.details) == ("fault.switch", "survivors", {"on": True, "token": "test-admin"})


def test_without_the_demo_there_are_no_faults(script):
    assert script("admin").get("/demo/faults/").status_code == 404
