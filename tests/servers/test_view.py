"""Does the page name who blocks whom, another program too, and does one click free those who wait? On real servers."""

from __future__ import annotations

import threading
import time

import pytest
import sqlalchemy as sa

from dashboard.refusal import Refusal
from dashboard.servers import acts, view
from dashboard.servers.aside import aside
from dashboard.servers.session import MYSQL, STANDARD, without_values
from tests.telemetry.waiting import until

SECONDS = 5.0
NUMBER = {"postgresql": "SELECT pg_backend_pid()", "mariadb": "SELECT connection_id()"}


@pytest.fixture(params=["postgresql", "mariadb"])
def engine(request, new_database):
    """The host's engine, on a database with one row."""
    engine = sa.create_engine(new_database(request.param), pool_size=5)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE book (id INTEGER PRIMARY KEY, title VARCHAR(20))")
        connection.exec_driver_sql("INSERT INTO book VALUES (1, 'Emma')")
    yield engine
    engine.dispose()


@pytest.fixture
def psql(engine):
    """Another program's session, which has locked the row; its number on the server."""
    other = sa.create_engine(engine.url, poolclass=sa.NullPool)
    connection = other.connect()
    number = connection.exec_driver_sql(NUMBER[engine.dialect.name]).scalar()
    connection.exec_driver_sql("UPDATE book SET title = 'locked' WHERE id = 1")
    yield number
    connection.invalidate()
    connection.close()
    other.dispose()


class Waiter(threading.Thread):
    """One of ours, which wants the row."""

    def __init__(self, engine):
        super().__init__(daemon=True)
        self.engine, self.number, self.error = engine, None, None
        self.start()

    def run(self):
        with self.engine.connect() as connection:
            self.number = connection.exec_driver_sql(NUMBER[self.engine.dialect.name]).scalar()
            try:
                connection.exec_driver_sql("UPDATE book SET title = 'ours' WHERE id = 1")
                connection.commit()
            except sa.exc.DBAPIError as error:
                self.error = error


def seen_waiting(engine, waiters, by):
    def look():
        time.sleep(0.05)
        view.forget(engine)
        seen = view.look(engine, [waiter.number for waiter in waiters if waiter.number], SECONDS)
        waiting = [one for one in seen.sessions if one.blocked_by]
        return seen if len(waiting) == len(waiters) and any(one.process == by for one in seen.sessions) else None

    return until(look, seconds=20)


def test_two_wait_for_another_program_which_is_named_and_one_act_frees_them(engine, psql):
    waiters = [Waiter(engine), Waiter(engine)]
    seen = seen_waiting(engine, waiters, psql)
    blocker = next(one for one in seen.sessions if one.process == psql)
    assert blocker.blocked_by == ()
    assert "in transaction" in blocker.state
    assert any(psql in one.blocked_by for one in seen.sessions)
    waiting = [one for one in seen.sessions if one.process in {waiter.number for waiter in waiters}]
    assert len(waiting) == 2
    assert all("lock" in one.wait.lower() for one in waiting)
    assert {one.statement for one in waiting} == {"UPDATE book SET title = # WHERE id = #"}
    assert 3 <= seen.connections < seen.limit
    acts.end(engine, psql, blocker.started, SECONDS)
    for waiter in waiters:
        waiter.join(10)
        assert (waiter.is_alive(), waiter.error) == (False, None)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT title FROM book").scalar() == "ours"


def test_a_cancelled_statement_fails_in_its_program_and_the_session_stays(engine, psql):
    waiter = Waiter(engine)
    seen = seen_waiting(engine, [waiter], psql)
    one = next(one for one in seen.sessions if one.process == waiter.number)
    acts.cancel(engine, one.process, one.started, SECONDS)
    waiter.join(10)
    assert waiter.error is not None
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM book").scalar() == 1


@pytest.mark.parametrize(
    "statement, kind",
    [
        ("SELECT 'secret'", STANDARD),
        ("SELECT 'it''s secret', 'secret", STANDARD),
        ("SELECT E'it''s secret' /* secret", STANDARD),
        (r"SELECT 'C:\', 'secret'", STANDARD),
        ("SELECT $x$it's secret$x$, $$secret", STANDARD),
        (r"SELECT 'it\'s secret', 'secret'", MYSQL),
        ('SELECT "secret", "it""s secret', MYSQL),
        (r'SELECT "a\"secret" # secret', MYSQL),
        (r"SELECT E'it\'s secret', LIKE'C:\', 'secret", STANDARD),
        ("SELECT E'it\\'s secret\\", STANDARD),
        ("SELECT 'it\\'s secret\\", MYSQL),
    ],
)
def test_no_value_of_a_statement_is_shown(statement, kind):
    shown = without_values(statement, kind)
    assert shown.startswith("SELECT #")
    assert "secret" not in shown


@pytest.mark.parametrize(
    "statement, kind, shown",
    [
        ("""SELECT "o'clock" FROM t WHERE a = 'secret'""", STANDARD, 'SELECT "o\'clock" FROM t WHERE a = #'),
        ("SELECT `o'clock` FROM t WHERE a = 'secret'", MYSQL, "SELECT `o'clock` FROM t WHERE a = #"),
        (
            "UPDATE t1 SET a = 12.75e0, b = 0xDEAD, c = -1e+16, d = .75",
            MYSQL,
            "UPDATE t1 SET a = #, b = #, c = -#, d = #",
        ),
        (
            "SELECT t2.x FROM t2 WHERE a = $1 AND b = 7 LIMIT 10",
            STANDARD,
            "SELECT t2.x FROM t2 WHERE a = $1 AND b = # LIMIT #",
        ),
    ],
)
def test_names_are_shown_and_each_number_is_a_value_as_a_whole(statement, kind, shown):
    assert without_values(statement, kind) == shown


def test_a_session_that_is_gone_is_not_found(engine):
    view.look(engine, [], SECONDS)
    for act in (acts.cancel, acts.end):
        with pytest.raises(Refusal) as refused:
            act(engine, 999_999, "1.5", SECONDS)
        assert refused.value.code == "not_found"


def test_looking_takes_no_connection_of_the_pool_and_leaves_none_open(engine):
    with engine.connect():
        before = engine.pool.status()
        first = view.look(engine, [], SECONDS)
        view.forget(engine)
        assert view.look(engine, [], SECONDS).connections == first.connections
        assert engine.pool.status() == before


def test_a_server_that_does_not_answer_in_time_is_away_and_is_not_asked_twice(engine):
    sleep = {"postgresql": "SELECT pg_sleep(1.2)", "mariadb": "SELECT sleep(1.2)"}[engine.dialect.name]
    let_go = threading.Event()

    def hang(connection):
        let_go.wait(10)
        return connection.exec_driver_sql(sleep)

    for _ in range(2):
        begun = time.monotonic()
        with pytest.raises(Refusal) as refused:
            aside(engine, hang, 0.3)
        assert refused.value.code == "database_away"
        assert time.monotonic() - begun < 1.0
    assert sum(thread.name == "poolhouse-aside" for thread in threading.enumerate()) == 1
    let_go.set()
    until(lambda: not any(thread.name == "poolhouse-aside" for thread in threading.enumerate()))


def test_an_engine_that_has_never_connected_can_ask_as_well(engine):
    fresh = sa.create_engine(engine.url)
    assert view.look(fresh, [], SECONDS).limit
    with fresh.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM book")) == 1
    fresh.dispose()


def test_a_glance_never_waits_for_the_server_and_tells_what_it_said_as_soon_as_it_has(engine):
    may_answer = threading.Event()
    held = threading.Thread(target=aside, args=(engine, lambda _: may_answer.wait(10), SECONDS))
    held.start()
    with engine.connect() as connection:
        number = connection.exec_driver_sql(NUMBER[engine.dialect.name]).scalar()
        begun = time.monotonic()
        assert view.glance(engine, [number], SECONDS) is None
        assert time.monotonic() - begun < 1
        may_answer.set()
        seen = until(lambda: view.glance(engine, [number], SECONDS))
    assert [session.process for session in seen.sessions] == [number]
    held.join()
