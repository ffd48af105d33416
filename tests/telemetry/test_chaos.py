"""Does anything drift when eight threads lose connections in every way while the database flaps?"""

from __future__ import annotations

import gc
import random
import threading

import sqlalchemy as sa
from sqlalchemy import orm as sa_orm

from dashboard.telemetry import unwatch, watch, watch_sessions

from .conftest import Base, User

TURNS = 150


def plain(engine, connection, luck):
    connection.commit()
    connection.close()


def invalidate(engine, connection, luck):
    connection.invalidate()
    connection.close()


def invalidate_softly(engine, connection, luck):
    connection.connection._connection_record.invalidate(soft=True)
    connection.close()


def detach(engine, connection, luck):
    connection.detach()
    connection.close()


def drop(engine, connection, luck):
    del connection  # its caller holds no other reference: the garbage collector brings it back


def fail(engine, connection, luck):
    try:
        connection.exec_driver_sql("select * from nowhere")
    except sa.exc.DBAPIError:
        connection.close()


def dispose_while_out(engine, connection, luck):
    engine.dispose()
    connection.close()


WAYS = (*[plain] * 12, invalidate, invalidate_softly, detach, drop, fail, dispose_while_out)


def one_turn(engine, luck):
    connection = engine.connect()
    try:
        connection.exec_driver_sql("select 1")
    except sa.exc.DBAPIError:
        connection.close()
        return
    way = luck.choice(WAYS)
    arguments = [engine, connection, luck]
    del connection
    way(*arguments) if way is not drop else arguments.clear()


def worker(engine, driver, seed):
    luck = random.Random(seed)
    for _ in range(TURNS):
        if luck.random() < 0.03:
            driver.drop_all()
        if luck.random() < 0.03:
            driver.is_away = not driver.is_away
        try:
            one_turn(engine, luck)
        except (sa.exc.DBAPIError, sa.exc.TimeoutError):
            driver.is_away = False  # until the next flap


def storm(engine, driver):
    threads = [threading.Thread(target=worker, args=(engine, driver, seed)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    driver.is_away = False
    gc.collect()


def test_nothing_drifts_in_a_storm(make_engine, driver, name, pool, read):
    engine = make_engine(pool_size=3, max_overflow=2, pool_timeout=0.05, pool_pre_ping=True)
    watch(engine, name=name)
    before = read().faults
    storm(engine, driver)
    reading = pool()
    totals, numbers = reading.totals, reading.numbers
    assert (reading.counts.used, reading.counts.detached, reading.counts.waiters) == (0, 0, 0)
    assert (totals["opened"], totals["closed"]) == (driver.counts["connects"], driver.counts["closes"])
    assert reading.counts.idle == driver.open  # the old pools have gone, with the connections that came back to them
    assert sum(numbers["create|error"][:-1]) == driver.counts["failed connects"] > 0
    assert totals["commits"] == driver.counts["commits"]
    assert sum(numbers["hold"][:-1]) == totals["checkouts"]
    assert sum(numbers["wait|ok"][:-1]) == totals["checkouts"] + numbers.get("lost checkouts", 0)
    ends = ("commits", "rollbacks", "released", "abandoned")
    assert totals["checkouts"] > 100
    assert sum(totals[end] for end in ends) > 100
    assert read().faults == before


def test_sessions_in_eight_threads_lose_nothing(make_engine, driver, name, pool, read):
    engine = make_engine(pool_size=8)
    Base.metadata.create_all(engine)
    maker = sa_orm.sessionmaker(engine)
    watch(engine, name=name)
    watch_sessions(maker, registry=name)
    before = driver.counts["commits"]

    def work(engine, seed):
        for turn in range(20):
            with maker() as session:
                session.add(User(name=f"{seed}.{turn}"))
                session.commit()

    threads = [threading.Thread(target=work, args=(engine, seed)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    unwatch(maker)
    (registry,) = (found for found in read().sessions.registries if found.name == name)
    moves = {(t.from_, t.to): t.count for t in read().sessions.transitions if t.registry == name}
    assert registry.totals["transactions_commit"] == registry.totals["flushed_new"] == 160
    assert moves["transient", "pending"] == moves["pending", "persistent"] == 160
    assert pool().totals["commits"] == driver.counts["commits"] - before == 160
    assert pool().totals["statements_insert"] == driver.counts["executed insert"] == 160
