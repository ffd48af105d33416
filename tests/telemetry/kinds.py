"""How is each kind of pool made, used and spoilt in the same words? By whom each connection is counted: its driver."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy import pool as sa_pool
from sqlalchemy.ext.asyncio import create_async_engine

from dashboard.telemetry.watches import records_of

from .async_drivers import CountedAiosqlite, CountedPsycopg
from .driver import Driver


class Kind:
    """An Engine with a pool of one class, on the counting driver.

    keeps_any: a connection outlives its hold. survives_dispose: who has a connection may go on with it. is_queued: one
    can wait for it.
    """

    class_: type[sa_pool.Pool] = sa_pool.QueuePool
    needs_server = False
    keeps_any = survives_dispose = True
    is_queued = has_engine = True

    def __init__(self, folder):
        self.driver = Driver(folder / f"{type(self).__name__}.db")
        self.make()

    def make(self, **options):
        self.end()
        self.target = self._made(**options)

    def _made(self, **options):
        return sa.create_engine("sqlite://", creator=self.driver.connect, poolclass=self.class_, **options)

    def options(self, **options):
        """The pool's own options, as its maker names them."""
        return {f"pool_{name}": value for name, value in options.items()}

    @property
    def pool(self):
        return self.target.pool

    def begin(self, watch, *names):
        """Watches it, or unwatches it; what the driver sees counts from now on."""
        self.earlier = self._counted()
        watch(self.target, **dict(zip(("name",), names, strict=False)))

    def opened_and_closed(self):
        return tuple(now - then for now, then in zip(self._counted(), self.earlier, strict=True))

    def _counted(self):
        return self.driver.counts["connects"], self.driver.counts["closes"]

    @contextmanager
    def connection(self):
        connection = self.take()
        try:
            yield connection
        finally:
            self.give_back(connection)

    def use(self):
        with self.connection() as connection:
            self.execute(connection)

    def take(self):
        return self.target.connect()

    def give_back(self, connection):
        connection.close()

    def execute(self, connection):
        connection.exec_driver_sql("select 1").scalar()

    def invalidate(self, connection):
        connection.invalidate()

    def detach(self, connection):
        connection.detach()

    def record(self, connection):
        return connection.connection._connection_record

    def dispose(self, close=True):
        self.target.dispose(close=close)

    def lose_all(self):
        self.driver.drop_all()

    def age(self):
        for record in records_of(self.pool):
            record.starttime -= 60

    def end(self):
        if getattr(self, "target", None) is not None:
            self.dispose()

    def close(self):
        self.end()


class Null(Kind):
    class_ = sa_pool.NullPool
    keeps_any = is_queued = False


class Static(Kind):
    class_ = sa_pool.StaticPool
    survives_dispose = is_queued = False


class SingletonThread(Kind):
    class_ = sa_pool.SingletonThreadPool
    survives_dispose = is_queued = False


class Assertion(Kind):
    class_ = sa_pool.AssertionPool
    survives_dispose = is_queued = False


class Bare(Kind):
    """A pool around a driver, without an Engine: nobody can tell a statement, nor whether an error is a disconnect."""

    has_engine = False

    def _made(self, **options):
        return sa_pool.QueuePool(self.driver.connect, **options)

    def options(self, **options):
        return options

    @property
    def pool(self):
        return self.target

    def execute(self, connection):
        connection.cursor().execute("select 1").fetchall()

    def record(self, connection):
        return connection._connection_record

    def dispose(self, close=True):
        if close:
            self.target.dispose()
        self.target = self.target.recreate()


class AsyncSqlite(Kind):
    """An AsyncEngine, each of whose steps is run on one event loop."""

    class_ = sa_pool.AsyncAdaptedQueuePool
    url = "sqlite+aiosqlite://"

    def __init__(self, folder):
        self.path = folder / "asynchronous.db"
        self.counts = Counter()
        self.known = []
        self.loop = asyncio.Runner()
        self.run = self.loop.run
        self.make()

    def _made(self, **options):
        return create_async_engine(self.url, poolclass=self.class_, async_creator=self._connect, **options)

    async def _connect(self, *_, **__):
        connection = await self._driver_connection()
        connection.counts = self.counts
        self.counts["connects"] += 1
        self.known.append(connection)
        return connection

    def _driver_connection(self):
        return CountedAiosqlite(self.path)

    @property
    def pool(self):
        return self.target.sync_engine.pool

    def _counted(self):
        return self.counts["connects"], self.counts["closes"]

    def take(self):
        return self.run(self._take())

    async def _take(self):
        return await self.target.connect()

    def give_back(self, connection):
        self.run(connection.close())

    def execute(self, connection):
        async def execute():
            return (await connection.exec_driver_sql("select 1")).scalar()

        self.run(execute())

    def invalidate(self, connection):
        self.run(connection.invalidate())

    def detach(self, connection):
        async def detach():
            await connection.get_raw_connection()
            connection.sync_connection.detach()

        self.run(detach())

    def record(self, connection):
        return connection.sync_connection.connection._connection_record

    def dispose(self, close=True):
        self.run(self.target.dispose(close=close))

    def lose_all(self):
        for connection in self.known:
            self.run(connection.die())

    def end(self):
        super().end()
        if getattr(self, "target", None) is not None and self.known:
            self.lose_all()  # what the garbage collector could not close without the loop

    def close(self):
        super().close()
        self.loop.close()


class AsyncPostgresql(AsyncSqlite):
    needs_server = True

    def _driver_connection(self):
        url = sa.make_url(self.url).set(drivername="postgresql")
        return CountedPsycopg.connect(url.render_as_string(hide_password=False))


POOL_EVENTS = (
    "connect",
    "checkout",
    "checkin",
    "close",
    "close_detached",
    "detach",
    "invalidate",
    "soft_invalidate",
)
KINDS = (Kind, Null, Static, SingletonThread, Assertion, Bare, AsyncSqlite, AsyncPostgresql)


def traces(kind):
    """All that a watch might leave in a pool, its queue and its Engine."""
    pool = kind.pool
    queue = getattr(pool, "_pool", None)
    condition = getattr(queue, "not_empty", None)
    found = {
        "pool events": {name: len(getattr(pool.dispatch, name)) for name in POOL_EVENTS},
        "attributes": [sorted(vars(one)) for one in (pool, queue, condition) if one is not None],
        "classes": [type(one) for one in (pool, queue, condition)],
        "methods": [getattr(pool, name).__qualname__ for name in ("_do_get", "_close_connection", "recreate")],
    }
    engine = getattr(kind.target, "sync_engine", kind.target)
    if isinstance(engine, sa.Engine):
        for one in (engine, engine.dialect):
            heard = [collection.name for collection in one.dispatch._event_descriptors if collection]
            found[type(one).__name__] = (heard, one._has_events, sorted(vars(one)))
    for record in records_of(pool):
        found.setdefault("records", []).append(sorted(vars(record)))
    return found
