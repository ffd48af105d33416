"""Is the line that took a connection the program's own, however deep SQLAlchemy lies below it?"""

from __future__ import annotations

import contextlib
import inspect
import subprocess
import sys
import threading

import pytest
import sqlalchemy as sa
from sqlalchemy import orm as sa_orm

from dashboard.telemetry import set_stacks
from dashboard.telemetry.lines import stack_of
from dashboard.telemetry.watches import CODE, OFFSET

from .conftest import User
from .programs import ROOT


def line_above() -> str:
    frame = inspect.currentframe().f_back
    return f"tests/telemetry/test_lines.py:{frame.f_lineno - 1} in {frame.f_code.co_qualname}"


@contextlib.contextmanager
def shops_own_session(maker):
    with maker() as session:
        yield session


@pytest.mark.parametrize("once_more", [False, True])  # the second time, the depth is remembered
def test_each_way_to_a_connection_names_the_line_that_went_it(engine, maker, pool, once_more):
    def lines():
        return [holder.line for holder in pool().holders]

    with maker.begin() as session:
        session.add(User(name=f"ada {once_more}"))
        session.flush()
        assert lines() == [line_above()]
    with maker() as session:
        session.get(User, 1)
        assert lines() == [line_above()]
        session.commit()
        session.scalars(sa.select(User)).all()
        assert lines() == [line_above()]
        session.commit()
        session.query(User).all()
        assert lines() == [line_above()]
        session.commit()
        session.connection()
        assert lines() == [line_above()]
        session.commit()
        user = session.scalars(sa.select(User).order_by(User.id.desc())).first()
        session.commit()
        assert user.name == f"ada {once_more}"
        assert lines() == [line_above()]
    with engine.connect():
        assert lines() == [line_above()]
    with engine.begin():
        assert lines() == [line_above()]
    connection = engine.raw_connection()
    assert lines() == [line_above()]
    connection.close()
    connection = engine.pool.connect()
    assert lines() == [line_above()]
    connection.close()
    with shops_own_session(maker) as session:
        session.execute(sa.text("select 1"))
        assert lines() == [line_above()]


def test_a_listener_of_the_program_that_takes_a_connection_is_named_the_first_time(engine, maker, pool):
    found = []

    def look(session, context, instances):
        with engine.connect():
            found.append((pool().holders[-1].line, line_above()))

    sa.event.listen(maker, "before_flush", look)
    with maker() as session:
        session.add(User(name="ada"))
        session.flush()
    assert found[0][0] == found[0][1]


def test_a_thread_that_takes_a_connection_at_its_very_beginning_is_named(engine, pool):
    taken = []
    thread = threading.Thread(target=lambda: taken.append(engine.connect()))
    thread.start()
    thread.join()
    assert "<lambda>" in pool().holders[0].line
    taken[0].close()


@pytest.mark.parametrize("how, lines", [("off", 0), ("line", 1)])
def test_what_is_kept_of_the_stack_can_be_set(engine, pool, how, lines):
    set_stacks(how)
    try:
        with engine.connect():
            assert (pool().holders[0].line is not None) == bool(lines)
    finally:
        set_stacks("line")


def test_a_whole_stack_is_kept_when_that_is_wanted(engine, pool):
    set_stacks("full")
    try:
        with engine.connect():
            (holder,) = engine.pool.__dict__["_poolhouse"].held.values()
            assert holder[OFFSET] == 0
            assert stack_of(holder[CODE])[0] == pool().holders[0].line
            assert len(stack_of(holder[CODE])) > 5
    finally:
        set_stacks("line")


def test_a_session_on_another_bind_is_named_too(engine, pool):
    with sa_orm.Session(engine) as session:
        session.execute(sa.text("select 1"))
        assert [holder.line for holder in pool().holders] == [line_above()]


PROGRAM = """
import sqlalchemy as sa
from dashboard.telemetry import watch
from dashboard.config import Config
from dashboard.telemetry.merging import alone
from dashboard.telemetry.snapshot import own
engine = sa.create_engine("sqlite://", poolclass=sa.QueuePool)
watch(engine)
connection = engine.connect()
print(alone(own(Config()), Config(), 0.0, None).pools[0].holders[0].line)
connection.close()
engine.dispose()
"""


def test_a_program_without_a_file_is_named_too():
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "<string>:9 in <module>"


def test_a_program_whose_folder_was_taken_away_while_it_runs_is_named_all_the_same(engine, pool, tmp_path, monkeypatch):
    release = tmp_path / "release"
    release.mkdir()
    monkeypatch.chdir(release)
    release.rmdir()
    with engine.connect():
        assert [holder.line for holder in pool().holders] == [line_above()]
