"""The workspaces' connections are their own, set up as the host set up its own, and counted as theirs."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa
import sqlalchemy.orm as sa_orm
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from dashboard.config import Config
from dashboard.records.models import Database, Models
from dashboard.refusal import Refusal
from dashboard.store.engine import Store
from dashboard.telemetry import watch
from dashboard.telemetry.ledger import Ledger
from dashboard.workspaces.engine import WorkspaceEngine
from dashboard.workspaces.registry import Workspaces
from tests.workspaces import shop
from tests.workspaces.desk import Desk


def workspaces(engine, tmp_path, maker=None):
    models = Models.of_registry(shop.Base, dialect=engine.dialect)
    store = Store(f"sqlite:///{tmp_path / 'store.db'}")
    store.create()
    database = Database("default", engine, maker or sa_orm.sessionmaker(engine), models)
    return Workspaces({"default": database}, store, Config()), store


def test_a_workspace_takes_no_connection_of_the_hosts_pool(tmp_path):
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    with Desk(url, f"sqlite:///{tmp_path / 'store.db'}", pool_size=1, max_overflow=0, pool_timeout=0.1) as desk:
        desk.open()
        with desk.engine.connect():
            desk.load("Book", 1)
            desk.set("Book:1", title="New")
            desk.do("commit")


def test_an_error_that_is_logged_holds_no_value_of_a_record(tmp_path):
    host = sa.create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    made, store = workspaces(host, tmp_path)
    with made.engine("default").connect() as connection, pytest.raises(sa.exc.DBAPIError) as failed:
        connection.execute(sa.text("SELECT :password FROM nowhere"), {"password": "hunter2"})
    assert "hunter2" not in str(failed.value)
    made.close()
    store.engine.dispose()


def test_telemetry_counts_the_pool_workspaces_and_not_the_hosts(tmp_path):
    ledger = Ledger(tmp_path / "ledger")
    with Desk(f"sqlite:///{tmp_path / 'shop.db'}", f"sqlite:///{tmp_path / 'store.db'}") as desk:
        watched = watch(desk.engine, name="host")
        try:
            ledger.join()
            desk.open()
            desk.load("Tag", 1)
            before, ours = ledger.read().pool("host").totals, ledger.read().pool("workspaces").totals
            desk.load("Book", 1)
            desk.set("Book:1", title="New")
            desk.do("commit")
            reading = ledger.read()
            assert reading.pool("host").totals == before
            counted = {name: total - ours[name] for name, total in reading.pool("workspaces").totals.items()}
            assert (counted["checkouts"], counted["commits"], counted["statements"]) == (2, 1, 4)  # with the check
        finally:
            watched.stop()
            ledger.leave()


def test_what_the_host_listens_to_holds_for_workspaces(tmp_path):
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    seen = []
    sa.event.listen(
        engine, "connect", lambda connection, record: connection.create_function("twice", 1, lambda value: 2 * value)
    )
    sa.event.listen(engine, "begin", lambda connection: seen.append("begin"))
    sa.event.listen(engine, "before_cursor_execute", lambda *arguments: seen.append("execute"))
    twin = WorkspaceEngine(engine, connections=2, seconds=1)
    with twin.engine.connect() as connection:
        assert connection.exec_driver_sql("select twice(3)").scalar() == 6
        assert twin.number(connection) == 1
    assert seen == ["begin", "execute"]
    assert twin.engine.pool is not engine.pool
    assert twin.engine.pool.size() == 2
    twin.close()
    engine.dispose()


def test_a_session_class_and_its_arguments_are_the_hosts(tmp_path):
    class HostSession(sa_orm.Session):
        said = []

        def flush(self, *arguments, **options):
            self.said.append(self.info["tenant"])
            return super().flush(*arguments, **options)

    engine = sa.create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    shop.make(engine)
    made, store = workspaces(
        engine, tmp_path, sa_orm.sessionmaker(engine, class_=HostSession, info={"tenant": "north"}, autobegin=False)
    )
    made.open("w", "ada")
    made.act("w", "objects", {"model": "Author", "values": {"name": "New"}}, actor="ada")
    made.act("w", "flush", {}, actor="ada")
    assert HostSession.said == ["north"]
    made.close()
    store.engine.dispose()
    engine.dispose()


def test_several_binds_go_to_an_engine_each(tmp_path):
    engines = [sa.create_engine(f"sqlite:///{tmp_path / name}") for name in ("a.db", "b.db")]
    for engine in engines:
        shop.make(engine)
    made, store = workspaces(
        engines[0], tmp_path, sa_orm.sessionmaker(binds={shop.User: engines[1], shop.Base: engines[0]})
    )
    made.open("w", "ada")
    made.act("w", "objects", {"model": "Author", "values": {"name": "New"}}, actor="ada")
    made.act("w", "objects", {"model": "User", "values": {"name": "New", "email": "new@x"}}, actor="ada")
    made.act("w", "commit", {}, actor="ada")
    with engines[1].connect() as connection:
        assert connection.exec_driver_sql("select count(*) from user_account").scalar() == 3
        assert connection.exec_driver_sql("select count(*) from author").scalar() == 2
    made.close()
    store.engine.dispose()
    for engine in engines:
        assert engine.pool.checkedout() == 0
        engine.dispose()


def test_a_database_in_memory_is_shared_one_workspace_at_a_time(tmp_path):
    engine = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool, connect_args={"check_same_thread": False})
    shop.make(engine)
    made, store = workspaces(engine, tmp_path)
    made.open("w", "ada")
    made.open("other", "bob")
    made.act("w", "objects", {"model": "Author", "values": {"name": "New"}}, actor="ada")
    made.act("w", "flush", {}, actor="ada")
    with pytest.raises(Refusal) as refused:
        made.act("other", "load", {"model": "Author", "key": "1"}, actor="bob")
    assert refused.value.code == "busy"
    made.act("w", "commit", {}, actor="ada")
    made.act("other", "load", {"model": "Author", "key": "3"}, actor="bob")
    made.close()
    store.engine.dispose()
    with engine.connect() as connection:
        assert connection.exec_driver_sql("select count(*) from author").scalar() == 3
    engine.dispose()


def test_an_asynchronous_engine_gets_a_synchronous_one_beside_it(tmp_path):
    host = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'shop.db'}")
    plain = sa.create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    shop.make(plain)
    made, store = workspaces(host.sync_engine, tmp_path, async_sessionmaker(host))
    made.open("w", "ada")
    made.act("w", "load", {"model": "Author", "key": "1"}, actor="ada")
    made.act("w", "values", {"ref": "Author:1", "values": {"name": "New"}}, actor="ada")
    made.act("w", "commit", {}, actor="ada")
    with plain.connect() as connection:
        assert connection.exec_driver_sql("select name from author where id = 1").scalar() == "New"
    made.close()
    store.engine.dispose()
    plain.dispose()
    asyncio.run(host.dispose())


@pytest.mark.parametrize("pool", [sa.pool.NullPool, sa.pool.AssertionPool, sa.pool.QueuePool])
def test_the_pools_class_is_the_hosts(tmp_path, pool):
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'shop.db'}", poolclass=pool)
    twin = WorkspaceEngine(engine, connections=3, seconds=1)
    assert type(twin.engine.pool) is pool
    assert twin.engine.pool is not engine.pool
    twin.close()
    engine.dispose()
