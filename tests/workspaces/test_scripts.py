"""Does a copied tape, run by itself on a copy of the database, end in the same states?"""

from __future__ import annotations

import json
import os
import runpy
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard.records.models import Database, Models
from dashboard.refusal import Refusal
from dashboard.workspaces.shape import shown
from tests.parts import ROOT
from tests.workspaces.desk import Desk

WALKS = {
    "a new one, committed": [
        ("make", "User", {"name": "Di", "email": "di@x", "settings": {"json": {"a": 1}}}, True),
        ("do", "flush"),
        ("set", 0, {"points": 5}),
        ("do", "commit"),
        ("do", "refresh", 0),
    ],
    "the life of one": [
        ("make", "Author", {"name": "A"}, False),
        ("do", "add", 0),
        ("do", "commit"),
        ("read", 0, "name"),
        ("do", "expunge", 0),
        ("read", 0, "books"),
        ("do", "add", 0),
        ("do", "delete", 0),
        ("do", "flush"),
    ],
    "what comes along": [
        ("load", "Book", 2),
        ("read", 0, "author"),
        ("read", 0, "tags"),
        ("set", "Author:2", {"name": "Changed"}),
        ("do", "delete", "Tag:1"),
        ("do", "expire-all"),
    ],
    "sets and relationships": [
        ("load", "Node", 1),
        ("make", "Node", {"name": "n"}, True),
        ("set", 0, {"children": [1]}),
        ("do", "flush"),
        ("load", "Book", 1),
        ("set", 2, {"tags": ["1"], "author": "1"}),
        ("do", "commit"),
    ],
    "rolled back": [
        ("load", "Author", 1),
        ("set", 0, {"name": "x"}),
        ("make", "Tag", {"name": "t"}, True),
        ("do", "flush"),
        ("do", "delete", 1),
        ("do", "rollback"),
    ],
    "merged and made transient": [
        ("load", "Author", 1),
        ("do", "expunge", 0),
        ("set", 0, {"name": "y"}),
        ("do", "merge", 0),
        ("do", "make-transient", 0),
        ("do", "expunge-all"),
    ],
    "what failed is left out": [
        ("make", "Tag", {"name": "old"}, True),
        ("do", "flush"),
        ("set", 0, {"name": "fresh"}),
        ("do", "flush"),
        ("make", "User", {"name": "only"}, True),
        ("do", "commit"),
    ],
    "savepoints": [
        ("make", "Tag", {"name": "a"}, True),
        ("do", "savepoint"),
        ("make", "Tag", {"name": "b"}, True),
        ("do", "flush"),
        ("do", "rollback-to-savepoint"),
    ],
    "undone and done again": [
        ("load", "Author", 1),
        ("set", 0, {"name": "x"}),
        ("set", 0, {"name": "y"}),
        ("do", "undo"),
        ("do", "undo"),
        ("do", "redo"),
        ("make", "Tag", {"name": "u"}, True),
        ("do", "flush"),
        ("do", "undo"),
    ],
    "settings, and a long text": [
        ("do", "settings", None, {"autoflush": "on", "expire_on_commit": "off"}),
        ("make", "Book", {"title": 'a "quoted"\ntitle \\', "author": "1", "summary": "x" * 9_000}, True),
        ("load", "Author", 2),
        ("do", "commit"),
        ("do", "close"),
    ],
}


class Trail:
    """Walks on a desk, and copies of its tape on a copy of its database."""

    def __init__(self, folder, desk):
        self.folder, self.desk, self.refs = folder, desk, []
        shutil.copy(folder / "shop.db", self.database)

    def step(self, step):
        kind, desk = step[0], self.desk
        with suppress(Refusal):
            if kind == "make":
                self.refs.append(desk.make(step[1], add=step[3], **step[2]))
            elif kind == "load":
                self.refs.append(desk.load(step[1], step[2]))
            elif kind == "set":
                desk.set(self.ref(step[1]), **{name: self.values(value) for name, value in step[2].items()})
            elif kind == "read":
                desk.do("read", self.ref(step[1]), attribute=step[2])
            else:
                ref = None if len(step) < 3 or step[2] is None else self.ref(step[2])
                desk.do(step[1], ref, **(step[3] if len(step) > 3 else {}))

    def ref(self, number):
        return self.refs[number] if isinstance(number, int) else number

    def values(self, value):
        return [self.ref(each) for each in value] if isinstance(value, list) else value

    @property
    def database(self):
        return self.folder / "copy.db"

    @property
    def url(self):
        return f"sqlite:///{self.database}"

    def copy(self, file):
        path = self.folder / file
        path.write_text(self.desk.workspaces.copied("w", file))
        return path

    def found(self, models):
        """States and loaded values after the script."""
        made = runpy.run_path(str(self.copy("tape.py")))
        engine = made["engine_of"](self.url)
        made["map_tables"](engine)
        row = self.desk.workspaces._finder.row("w")
        kept = {name: row.settings[name] for name in ("autoflush", "expire_on_commit")}
        try:
            start = {"autoflush": False, "expire_on_commit": True} if "session.autoflush" in self.tape() else kept
            with made["Session"](engine, **start) as session:
                objects = made["replay"](session)
                return {
                    ref: (made["state"](obj), values_of(models.find(ref.partition(":")[0]), obj))
                    for ref, obj in objects.items()
                }
        finally:
            engine.dispose()

    def tape(self):
        return "\n".join(entry["python"] for entry in self.desk.view().tape)

    def wanted(self):
        return {each["ref"]: (each["state"], each["values"]) for each in self.desk.view().objects}


def values_of(model, obj):
    loaded = sa.inspect(obj).dict
    return {column.name: shown(column, loaded[column.name]) for column in model.columns if column.name in loaded}


@pytest.fixture
def trail(tmp_path):
    with Desk(f"sqlite:///{tmp_path / 'shop.db'}", f"sqlite:///{tmp_path / 'store.db'}") as desk:
        desk.open()
        yield Trail(tmp_path, desk)


@pytest.mark.parametrize("walk", WALKS)
def test_the_script_ends_in_the_same_states_and_values(trail, walk):
    for step in WALKS[walk]:
        trail.step(step)
    assert trail.wanted()
    assert trail.found(trail.desk.databases["default"].models) == trail.wanted()


def test_it_runs_alone_and_the_pytest_test_passes(trail):
    for step in WALKS["the life of one"]:
        trail.step(step)
    script, test = trail.copy("tape.py"), trail.copy("test_tape.py")
    shutil.copy(trail.database, trail.folder / "second.db")
    place = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, script, trail.url]
    done = subprocess.run(command, capture_output=True, text=True, env=place, cwd=trail.folder)
    assert done.returncode == 0, done.stderr
    assert dict(line.split() for line in done.stdout.splitlines()) == {r: s for r, (s, _) in trail.wanted().items()}
    place["DATABASE_URL"] = f"sqlite:///{trail.folder / 'second.db'}"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test]
    done = subprocess.run(command, capture_output=True, text=True, env=place, cwd=trail.folder)
    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout


def test_the_sql_makes_the_same_rows(trail):
    for step in (*WALKS["sets and relationships"], ("make", "Tag", {"name": "it's"}, True), ("do", "commit")):
        trail.step(step)
    with closing(sqlite3.connect(trail.database, isolation_level=None)) as client:  # as a person's own client
        client.executescript(trail.desk.workspaces.copied("w", "tape.sql"))
        for table in ("node", "book", "book_tag", "tag"):
            query = f"select * from {table} order by 1, 2"
            assert client.execute(query).fetchall() == trail.desk.rows(query)


def test_the_sql_takes_back_what_was_rolled_back(trail):
    for step in (("make", "Tag", {"name": "gone"}, True), ("do", "flush"), ("do", "rollback")):
        trail.step(step)
    with closing(sqlite3.connect(trail.database, isolation_level=None)) as client:
        client.executescript(trail.desk.workspaces.copied("w", "tape.sql"))
        assert not client.execute("select * from tag where name = 'gone'").fetchall()


def test_what_no_line_does_by_itself_is_refused_and_not_left_out(trail):
    trail.desk.do("load-many", model="Tag", limit="1")
    with pytest.raises(Refusal, match="load-many"):
        trail.desk.workspaces.copied("w", "tape.py")


def test_of_reflected_tables_too(trail):
    desk = trail.desk
    desk.databases["default"] = Database("default", desk.engine, desk.maker, Models.reflected(desk.engine))
    desk.workspaces = desk.worker()
    for step in (
        ("load", "book", 1),
        ("read", 0, "author"),
        ("set", 0, {"title": "T"}),
        ("make", "tag", {"name": "r"}, True),
        ("do", "flush"),
        ("do", "delete", 1),
        ("do", "commit"),
    ):
        trail.step(step)
    assert trail.found(trail.desk.databases["default"].models) == trail.wanted()


def test_a_column_that_is_called_like_a_line_of_python_makes_no_script(trail):
    desk = trail.desk
    with desk.engine.begin() as connection:
        connection.exec_driver_sql('CREATE TABLE odd (id INTEGER PRIMARY KEY, "a; boom()" TEXT)')
    desk.databases["default"] = Database("default", desk.engine, desk.maker, Models.reflected(desk.engine))
    desk.workspaces = desk.worker()
    desk.do("objects", model="odd", values={"a; boom()": "x"})
    for file in ("tape.py", "test_tape.py"):
        with pytest.raises(Refusal, match="boom"):
            desk.workspaces.copied("w", file)
    assert "boom" in desk.workspaces.copied("w", "tape.sql")


def test_a_tape_whose_beginning_is_gone_is_no_script(trail):
    trail.desk.workspaces._kept._tape = 2
    for number in range(4):
        trail.step(("make", "Tag", {"name": str(number)}, True))
    with pytest.raises(Refusal) as refused:
        trail.desk.workspaces.copied("w", "tape.py")
    assert refused.value.code == "wrong_state"


MODELS = {"Author": 2, "Book": 2, "Tag": 2, "User": 2}
MADE = [
    ("Author", {"name": "n"}),
    ("Tag", {"name": "t"}),
    ("Tag", {"name": "old"}),
    ("User", {"name": "u", "email": "u@x"}),
]
SETS = {"Author": {"name": "m"}, "Book": {"title": "t"}, "Tag": {"name": "g"}, "User": {"points": 3}}
ONE = ("add", "expire", "refresh", "expunge", "delete", "merge", "make-transient")
ALL = ("flush", "flush", "commit", "rollback", "expire-all", "expunge-all", "close")
STEPS = st.one_of(
    st.sampled_from([("make", *made, add) for made in MADE for add in (True, False)]),
    st.sampled_from([("load", model, key) for model, most in MODELS.items() for key in range(1, most + 1)]),
    st.tuples(st.just("one"), st.sampled_from(ONE), st.integers(0, 3)),
    st.tuples(st.just("change"), st.integers(0, 3)),
    st.sampled_from([("do", verb) for verb in ALL]),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, min_size=2, max_size=14))
def test_whatever_was_done_the_script_does_the_same(tmp_path, steps):
    for name in ("shop.db", "store.db"):
        (tmp_path / name).unlink(missing_ok=True)
    with Desk(f"sqlite:///{tmp_path / 'shop.db'}", f"sqlite:///{tmp_path / 'store.db'}") as desk:
        desk.open()
        trail = Trail(tmp_path, desk)
        for step in steps:
            if step[0] == "one" and trail.refs:
                trail.step(("do", step[1], trail.refs[step[2] % len(trail.refs)]))
            elif step[0] == "change" and trail.refs:
                ref = trail.refs[step[1] % len(trail.refs)]
                trail.step(("set", ref, SETS[ref.partition(":")[0]]))
            elif step[0] not in ("one", "change"):
                trail.step(step)
        assert trail.found(desk.databases["default"].models) == trail.wanted(), json.dumps(steps)
