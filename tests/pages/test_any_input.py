"""Whatever is sent to a workspace gets an answer of the contract; what succeeds is what a plain Session does."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import tempfile
import uuid
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from dashboard.app import DEMO_FILE, create_app
from dashboard.refusal import STATUS_OF_CODE
from dashboard.workspaces.tape import PARAMETER_SETS_KEPT
from dashboard.workspaces.tape import plain as as_on_tape
from tests.pages.conftest import Script, close
from tests.pages.inputs import CLASSES, Chooser, identity
from tests.workspaces.comparison import Both
from tests.workspaces.plain import Plain

pytestmark = [
    pytest.mark.soak,
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning"),  # of calls like merge() of a pending object
]

SOAK = bool(os.environ.get("SOAK"))
EXAMPLES = 500 if SOAK else 8
CALLS = 40 if SOAK else 25
CLOCK = ("seconds", "ends_in", "ends_at")
MOMENT, NUMBER = datetime(2026, 1, 2, tzinfo=UTC), uuid.UUID(int=7)


@pytest.fixture(autouse=True)
def same_defaults_on_both_sides(monkeypatch):
    """The demo's clock and its UUIDs stand still, so that two databases can be equal."""
    mappers = [sa.inspect(class_) for class_ in CLASSES.values()]
    columns = [column for mapper in mappers for column in mapper.columns if column.default is not None]
    for column in columns:
        if column.default.is_callable:
            fixed = NUMBER if isinstance(column.type, sa.Uuid) else MOMENT
            monkeypatch.setattr(column.default, "arg", lambda context, fixed=fixed: fixed)
    _forget_defaults(columns)
    yield
    monkeypatch.undo()
    _forget_defaults(columns)


def _forget_defaults(columns):
    """SQLAlchemy keeps a column's default from the first INSERT on, which another test may have sent."""
    for column in columns:
        vars(column).pop("_default_description_tuple", None)


class PlainDemo(Plain):
    classes = CLASSES

    def lay(self):
        """The demo's file is there already."""

    def identity(self, key):
        return identity(str(key))

    def _sent(self, connection, cursor, statement, parameters, context, executemany):
        super()._sent(connection, cursor, statement, parameters, context, executemany)
        sql, sets = self.statements[-1]
        self.statements[-1] = (sql, _sets([[as_on_tape(value, 4_000) for value in each] for each in sets]))


class HttpDesk:
    """The workspace `w` of an app, as a script sees it."""

    def __init__(self, app):
        self.app, self.script = app, Script(app, "editor")
        self.databases = app.extensions["poolhouse"].databases
        self.engine = self.databases["default"].engine

    def get(self):
        answer = self.script.get("/workspaces/w/")
        assert answer.status_code == 200, answer.text
        return answer.json

    def view(self):
        view = SimpleNamespace(**self.get())
        for statement in (each for entry in view.tape for each in entry["statements"]):
            statement["parameters"] = _sets(statement["parameters"])
        return view

    def send(self, call):
        path = "/workspaces/w/" + quote(call.path, safe="/:~,-%")
        headers = self.script.headers
        if call.raw is not None:
            return self.script.client.post(path, data=call.raw, headers={**headers, "Content-Type": "application/json"})
        if call.body is None:
            return self.script.client.post(path, data=call.form, headers=headers)
        return self.script.client.post(
            path, data=json.dumps(call.body), headers={**headers, "Content-Type": "application/json"}
        )

    def __exit__(self, *error):
        close(self.app)


class Beside(Both):
    """The app and a plain Session, each on its own copy of the demo's data."""

    def __init__(self, folder, demo_file, **options):
        (folder / "instance").mkdir()
        shutil.copy(demo_file, folder / "instance" / DEMO_FILE)
        shutil.copy(demo_file, folder / "plain.db")
        app = create_app({"DASHBOARD_INSTANCE": str(folder / "instance"), "DASHBOARD_DEMO": "off", "TESTING": True})
        self.desk, self.autoflush = HttpDesk(app), options["autoflush"]
        self.deleted = set()
        self.plain = PlainDemo(f"sqlite:///{folder / 'plain.db'}", **options)
        answer = self.desk.script.post("/workspaces/", {"name": "w", **options})
        assert answer.status_code == 201, answer.text
        self.files = folder / "instance" / DEMO_FILE, folder / "plain.db"

    def __exit__(self, *error):
        super().__exit__(*error)
        if error[0] is None:
            ours, theirs = map(_rows, self.files)
            assert ours == theirs

    def do(self, call):
        """Sends the call, and holds the answer to the contract. Answers its status, and whether to go on."""
        before = self.desk.view()
        answer = self.desk.send(call)
        assert call.status in (None, answer.status_code), (call, answer.text)
        if answer.status_code < 300:
            self._succeeded(call, answer)
            return answer.status_code, True
        after = self.desk.view()
        _hold_to_the_contract(answer)
        if before.transaction is not None and after.version != before.version:
            lost = [notice["code"] for notice in after.notices] == ["transaction_lost"]
            assert lost or self.autoflush, call  # an autoflush in an open transaction cannot be taken back by itself
            return answer.status_code, False
        _assert_unchanged(before, after)
        return answer.status_code, True

    def _succeeded(self, call, answer):
        assert answer.status_code == (201 if call.path == "objects/" else 200)
        assert call.plain is not None, f"{call} succeeded: {answer.text[:300]}"
        verb, ref, arguments = call.plain
        said = dict(answer.json)
        answered = said.pop("merged", None) or said.get("ref")
        said.pop("ref", None)
        assert _without_clock(said) == _without_clock(self.desk.get())
        made = self.plain.do(verb, ref, **arguments)
        if made is not None and answered is not None:
            self.plain.objects[answered] = made
        self.compare("flush" if self.autoflush else verb)  # with autoflush any verb may flush


def _rows(file):
    """What was committed, by table."""
    with closing(sqlite3.connect(file)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {table: sorted(connection.execute(f'SELECT * FROM "{table}"'), key=repr) for table in tables}


def _sets(sets):
    """The tape keeps the first of very many rows, and the unit of work does not say which those are."""
    return sets if len(sets) < PARAMETER_SETS_KEPT else [["many"]]


def _without_clock(view):
    """Whatever is told of it, an open transaction has all its time again."""
    transaction = view["transaction"]
    return {**view, "transaction": transaction and {**transaction, **dict.fromkeys(CLOCK)}}


def _hold_to_the_contract(answer):
    error = answer.json["error"]
    assert list(answer.json) == ["error"]
    assert {"code", "message", "fields", "remedy"} <= set(error)
    assert STATUS_OF_CODE[error["code"]] == answer.status_code < 500, answer.text
    assert 0 < len(error["message"]) < 1_000
    assert all(isinstance(message, str) and message for message in error["fields"].values())


def _assert_unchanged(before, after):
    assert after.tape[: len(before.tape)] == before.tape
    added = after.tape[len(before.tape) :]
    assert len(added) <= 1
    assert all(entry["error"] and not entry["transitions"] for entry in added)
    assert _without_clock({**vars(after), "tape": None}) == _without_clock({**vars(before), "tape": None})


def test_no_input_is_a_fault_and_what_succeeds_is_what_a_plain_session_does(demo_file):
    answers = Counter()

    @settings(
        max_examples=EXAMPLES,
        derandomize=not SOAK,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(st.data(), st.sampled_from([False, False, True]), st.booleans())
    def walk(data, autoflush, expire_on_commit):
        chooser = Chooser(data)
        options = {"autoflush": autoflush, "expire_on_commit": expire_on_commit}
        with tempfile.TemporaryDirectory() as folder, Beside(Path(folder), demo_file, **options) as both:
            for _ in range(CALLS):
                status, goes_on = both.do(chooser.call(both.desk.view()))
                answers[status] += 1
                if not goes_on:
                    return

    walk()
    succeeded = sum(count for status, count in answers.items() if status < 300)
    assert succeeded >= 0.3 * answers.total(), answers
    assert {200, 201, 400, 404, 409, 422} <= set(answers), answers
