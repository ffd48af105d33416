"""Are transactions and statements what the driver was sent, also when they fail?"""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import sqlalchemy as sa
from sqlalchemy import orm as sa_orm

from dashboard.telemetry import unwatch, watch
from dashboard.telemetry.tables import operation_of
from dashboard.telemetry.transactions import RELEASING

from .conftest import User


@pytest.mark.parametrize(
    "statement, operation",
    [
        ("SELECT 1", "select"),
        ("  -- a comment\n/* and another; DROP */ (select 1)", "select"),
        ("insert into t values (1)", "insert"),
        ("REPLACE INTO t VALUES (1)", "insert"),
        ("Update t set a = 'delete'", "update"),
        ("DELETE FROM t", "delete"),
        ("WITH RECURSIVE t(n) AS (SELECT 1 UNION SELECT n + 1 FROM t) SELECT n FROM t", "select"),
        ("WITH gone AS (DELETE FROM t RETURNING *) INSERT INTO u SELECT * FROM gone", "insert"),
        ('with "select" as (values (1)) update t set a = 1', "update"),
        ("VALUES (1)", "select"),
        ("CREATE TABLE t (a)", "ddl"),
        ("TRUNCATE t", "ddl"),
        ("PRAGMA foreign_keys", "other"),
        ("SAVEPOINT s", "other"),
        ("EXPLAIN SELECT 1", "other"),
        ("", "other"),
        ("?", "other"),
    ],
)
def test_the_operation_is_told_by_the_statements_verb(statement, operation):
    assert operation_of(statement) == operation


def test_statements_by_operation_are_those_that_the_driver_executed(engine, pool, driver):
    with engine.begin() as connection:
        connection.exec_driver_sql("create table t (a)")
        connection.exec_driver_sql("insert into t values (?)", [(1,), (2,)])
        connection.execute(sa.text("update t set a = 3"))
        connection.execute(sa.text("select * from t")).all()
        connection.execute(sa.text("delete from t"))
    totals = pool().totals
    assert totals["statements"] == 5
    for operation in ("insert", "update", "select", "delete", "ddl"):
        assert totals[f"statements_{operation}"] == 1
    assert driver.counts["executed select"] == 1


def test_commits_and_rollbacks_are_those_that_the_program_made(engine, pool, driver):
    for _ in range(3):
        with engine.begin() as connection:
            connection.exec_driver_sql("select 1")
    with engine.connect() as connection:
        connection.exec_driver_sql("select 1")
        connection.rollback()
        connection.exec_driver_sql("select 1")
    totals = pool().totals
    assert totals["commits"] == driver.counts["commits"] == 3
    assert totals["rollbacks"] == 2  # the driver saw more: the pool resets what comes back


def test_a_commit_that_the_database_refuses_is_a_rollback(engine, pool, driver):
    driver.commits_fail = True
    with pytest.raises(sa.exc.OperationalError), engine.begin() as connection:
        connection.exec_driver_sql("select 1")
    driver.commits_fail = False
    totals = pool().totals
    assert (totals["commits"], totals["rollbacks"], driver.counts["failed commits"]) == (0, 1, 1)
    assert pool().numbers["transaction|rollback"][-1] > 0
    assert pool().numbers.get("transaction|commit", [0])[-1] == 0


@pytest.mark.parametrize("fails", [True, False])
def test_a_commit_is_not_counted_before_the_database_has_taken_it(engine, pool, driver, fails):
    seen = []

    def look():
        seen.append(pool().totals["commits"])

    driver.before_commit = look
    driver.commits_fail = fails
    with nullcontext() if not fails else pytest.raises(sa.exc.OperationalError), engine.begin():
        pass
    assert seen == [0]
    assert pool().totals["commits"] == driver.counts["commits"] == (not fails)


def test_a_commit_counts_while_its_connection_is_still_out(engine, pool):
    with engine.connect() as connection:
        for number in range(3):
            connection.exec_driver_sql("select 1")
            connection.commit()
            assert [pool().totals["commits"] for _ in range(2)] == [number + 1] * 2
    assert pool().totals["commits"] == 3


def test_a_connection_that_takes_another_one_after_its_loss_has_transactions_all_the_same(engine, pool, read):
    faults = read().faults
    with engine.connect() as connection:
        connection.invalidate()
        for _ in range(2):
            connection.exec_driver_sql("select 1")
            connection.commit()
        assert (pool().totals["commits"], pool().totals["statements"]) == (2, 2)
    assert pool().totals["commits"] == 2
    assert read().faults == faults


def test_a_rollback_that_only_ends_a_reading_is_released(engine, pool):
    with engine.connect() as connection:
        connection.exec_driver_sql("select 1")
        connection.info[RELEASING] = True
        connection.rollback()
        del connection.info[RELEASING]
        connection.exec_driver_sql("select 1")
    totals = pool().totals
    assert (totals["released"], totals["rollbacks"]) == (1, 1)


def test_the_transaction_of_an_invalidated_connection_is_a_rollback(engine, pool):
    with engine.connect() as connection:
        connection.exec_driver_sql("select 1")
        connection.invalidate()
        connection.rollback()
        assert (pool().totals["rollbacks"], pool().totals["abandoned"]) == (1, 0)


def test_a_detached_connection_has_transactions_all_the_same(engine, pool):
    connection = engine.connect()
    connection.exec_driver_sql("select 1")
    connection.detach()
    connection.commit()
    connection.exec_driver_sql("select 1")
    connection.commit()
    connection.close()
    assert (pool().totals["commits"], pool().totals["statements"]) == (2, 2)


def test_a_failed_statement_counts_by_the_class_of_its_error(engine, pool):
    with engine.connect() as connection:
        for _ in range(2):
            with pytest.raises(sa.exc.OperationalError):
                connection.exec_driver_sql("select * from nowhere")
        reading = pool()
    assert reading.numbers["statement errors|OperationalError"] == 2
    assert reading.numbers["connection errors|execute|false"] == 2
    assert reading.totals["statements"] == 0
    assert reading.holders[0].running_statement_seconds is None


def test_names_of_errors_are_bounded(engine, pool):
    watch_of_pool = engine.pool.__dict__["_poolhouse"]
    for number in range(40):
        watch_of_pool.count_error(f"Error{number}")
    watch_of_pool.count_error("Error1")
    names = {name: count for name, count in pool().numbers.items() if name.startswith("statement errors|")}
    assert (len(names), names["statement errors|__other__"], names["statement errors|Error1"]) == (31, 10, 2)


def test_a_statement_is_running_while_the_driver_executes_it(engine, pool):
    running = []

    def look() -> int:
        running.append(pool())
        return 1

    def add_function(connection, record):
        connection.create_function("look", 0, look)

    sa.event.listen(engine, "connect", add_function)
    with engine.connect() as connection:
        connection.exec_driver_sql("select look()").scalar()
    sa.event.remove(engine, "connect", add_function)
    holder = running[0].holders[0]
    assert holder.statement == "select look()"
    assert holder.running_statement_seconds is not None
    assert holder.idle_in_transaction_seconds is None
    assert running[0].workers[0].numbers["idle_in_transaction"] == 0


def test_the_statement_cache_is_told_from_hits_and_misses(engine, pool):
    query = sa.select(sa.literal_column("1"))
    with engine.connect() as connection:
        for _ in range(3):
            connection.execute(query)
        connection.exec_driver_sql("select 1")
    numbers = pool().numbers
    assert (numbers["cache|miss"], numbers["cache|hit"], numbers["cache|no_key"]) == (1, 2, 1)


@pytest.mark.parametrize("how", ["an option of the connection", "an option of a copy", "the engine itself"])
def test_with_autocommit_there_is_no_transaction_and_nothing_idles_in_one(make_engine, name, pool, how):
    level = {"isolation_level": "AUTOCOMMIT"}
    engine = make_engine(**(level if how == "the engine itself" else {}))
    watch(engine, name=name)
    copy = engine.execution_options(**level) if how == "an option of a copy" else engine
    connection = copy.connect()
    if how == "an option of the connection":
        connection = connection.execution_options(**level)
    connection.execute(sa.text("select 1"))
    (holder,) = pool().holders
    assert (holder.in_transaction, holder.idle_in_transaction_seconds) == (False, None)
    connection.commit()
    connection.execute(sa.text("select 2"))
    connection.close()
    totals = pool().totals
    assert (totals["statements"], totals["commits"], totals["rollbacks"]) == (2, 0, 0)
    with engine.connect().execution_options(isolation_level="SERIALIZABLE") as connection:
        connection.execute(sa.text("select 3"))
        assert pool().holders[0].in_transaction
    assert pool().totals["rollbacks"] == 1


def test_a_savepoint_is_no_transaction_of_its_own(engine, pool):
    with engine.begin() as connection, connection.begin_nested():
        connection.exec_driver_sql("select 1")
    assert pool().totals["commits"] == 1


def test_an_execution_options_copy_counts_once(engine, pool):
    with engine.execution_options(shard="one").begin() as connection:
        connection.exec_driver_sql("select 1")
    assert (pool().totals["statements"], pool().totals["commits"], pool().totals["checkouts"]) == (1, 1, 1)


def test_engines_that_share_a_dialect_count_their_own_errors_only(engine, pool, driver):
    twin = sa.Engine(sa.QueuePool(driver.connect, dialect=engine.dialect), engine.dialect, engine.url)
    with twin.connect() as connection, pytest.raises(sa.exc.OperationalError):
        connection.exec_driver_sql("select * from nowhere")
    twin.dispose()
    assert "statement errors|OperationalError" not in pool().numbers


def test_a_fault_in_a_listener_is_counted_and_never_reaches_the_program(engine, pool, read, caplog):
    engine.connect().close()
    watch = engine.pool.__dict__["_poolhouse"]
    before, watch.held = watch.held, None
    with engine.begin() as connection:
        connection.exec_driver_sql("select 1")
    watch.held = before
    faults = read().faults
    assert faults["checkout"] >= 1
    assert faults["begin"] >= 1
    assert "the program is not affected" in caplog.text


def test_an_orm_flush_is_counted_by_its_statements(maker, pool, driver):
    before = driver.counts["executed insert"]
    with maker() as session:
        session.add_all(User(name=name) for name in "abc")
        session.commit()
    assert pool().totals["statements_insert"] == driver.counts["executed insert"] - before


def test_the_drivers_own_number_of_a_connection_is_known(postgresql_url, name, pool):
    engine = sa.create_engine(postgresql_url)
    watch(engine, name=name)
    with engine.connect() as connection:
        asked = connection.scalar(sa.text("select pg_backend_pid()"))
        assert pool().holders[0].server_process == asked
    with sa_orm.Session(engine) as session:
        session.connection()
        assert pool().holders[0].server_process is not None
    unwatch(engine)
    engine.dispose()
