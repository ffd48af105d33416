"""Which app do the tests of pages ask? The standalone one, in this process, on a copy of the demo's data."""

from __future__ import annotations

import re
import shutil

import pytest
import sqlalchemy as sa

from dashboard.app import DEMO_FILE, create_app
from dashboard.demo.seed import seed


@pytest.fixture(scope="session")
def demo_file(tmp_path_factory):
    file = tmp_path_factory.mktemp("demo") / DEMO_FILE
    engine = sa.create_engine(f"sqlite:///{file}")
    seed(engine)
    engine.dispose()
    return file


@pytest.fixture
def make_app(tmp_path, demo_file):
    """`make_app(DASHBOARD_AUTH="none")`; every app of the test is closed at its end."""
    apps = []

    def make(**settings):
        instance = tmp_path / "instance"
        instance.mkdir(exist_ok=True)
        if not (instance / DEMO_FILE).exists():
            shutil.copy(demo_file, instance / DEMO_FILE)
        app = create_app({"DASHBOARD_INSTANCE": str(instance), "DASHBOARD_DEMO": "off", "TESTING": True, **settings})
        apps.append(app)
        return app

    yield make
    for app in apps:
        close(app)


def close(app):
    runtime = app.extensions["poolhouse"]
    runtime.stop()
    runtime.close()


@pytest.fixture
def app(make_app):
    return make_app()


@pytest.fixture
def runtime(app):
    return app.extensions["poolhouse"]


@pytest.fixture
def published(runtime):
    """This process is in the ledger, as one that serves is."""
    runtime.ledger.join()
    yield
    runtime.ledger.leave()


class Script:
    """A client with a bearer token, which asks for JSON."""

    def __init__(self, app, role):
        self.client = app.test_client()
        self.headers = {"Accept": "application/json"}
        if role:
            token = app.extensions["poolhouse"].accounts.new_token(f"test-{role}", role)
            self.headers["Authorization"] = f"Bearer {token}"

    def get(self, path, **more):
        return self.client.get(path, headers=self.headers | more)

    def post(self, path, data=None, **more):
        return self.client.post(path, json={} if data is None else data, headers=self.headers | more)


class Browser:
    """A client with a cookie, signed in by a link, which sends forms with their token."""

    def __init__(self, app):
        self.client = app.test_client()
        link = "/link/" + app.extensions["poolhouse"].accounts.new_link()
        self.csrf = token_in(self.client.get(link).text)
        self.client.post(link, data={"csrf": self.csrf})
        self.csrf = token_in(self.client.get("/workspaces/").text)

    def get(self, path, **headers):
        return self.client.get(path, headers=headers)

    def post(self, path, headers=None, **fields):
        return self.client.post(path, data={"csrf": self.csrf, **fields}, headers=headers)


def token_in(html):
    found = re.search(r'name="csrf" value="([^"]+)"', html)
    assert found, html
    return found.group(1)


@pytest.fixture
def script(app):
    """`script("editor")`: a client with a token of that role; `script(None)`: one without any."""
    return lambda role: Script(app, role)


@pytest.fixture
def browser_client(app):
    return Browser(app)
