"""The demo's traffic reads everything, writes to three tables only, stays small and survives its database."""

import logging
import time
from random import Random

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import sessionmaker

from dashboard.demo.models import Base, Book, Order, OrderLine, Review
from dashboard.demo.seed import seed
from dashboard.demo.traffic import MARK, OPERATIONS, WEIGHTS, Traffic
from dashboard.telemetry.scopes import current

ITS_TABLES = {"order", "order_line", "review"}


@pytest.fixture
def engine(tmp_path):
    engine = sa.create_engine(f"sqlite:///{tmp_path}/demo.db")
    seed(engine)
    yield engine
    engine.dispose()


def dump(engine, tables):
    with engine.connect() as connection:
        return {table.name: connection.execute(sa.select(table)).all() for table in tables}


def count(engine, statement):
    with engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(statement.subquery()))


def its_orders():
    return sa.select(Order.id).where(Order.note == MARK)


def its_reviews():
    return sa.select(Review.id).where(Review.words.endswith(MARK))


def until(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.01)


def test_it_writes_to_its_three_tables_and_there_to_its_own_rows_only(engine):
    others = [table for table in Base.metadata.sorted_tables if table.name not in ITS_TABLES]
    before, orders, reviews = dump(engine, others), count(engine, sa.select(Order)), count(engine, sa.select(Review))
    with engine.connect() as connection:
        kept = connection.execute(sa.select(Order.__table__)).all()
    traffic, chance, written = Traffic(sessionmaker(engine), kept=5), Random(1), set()

    def note(connection, cursor, statement, *rest):
        if not statement.startswith(("SELECT", "PRAGMA")):
            written.add(" ".join(statement.replace('"', "").replace("INTO ", "").replace("FROM ", "").split()[:2]))

    sa.event.listen(engine, "before_cursor_execute", note)
    for _ in range(30):
        for endpoint in OPERATIONS:
            assert traffic.once(endpoint, chance), endpoint
    assert dump(engine, others) == before
    assert written == {
        *("INSERT order", "UPDATE order", "DELETE order", "INSERT order_line", "DELETE order_line"),
        *("INSERT review", "DELETE review"),
    }
    assert count(engine, its_orders()) == count(engine, its_reviews()) == 5
    assert count(engine, sa.select(Order)) == orders + 5
    assert count(engine, sa.select(Review)) == reviews + 5
    with engine.connect() as connection:
        assert connection.execute(sa.select(Order.__table__).where(Order.note.is_distinct_from(MARK))).all() == kept
        orphans = sa.select(OrderLine).where(OrderLine.order_id.not_in(sa.select(Order.id)))
    assert count(engine, orphans) == 0


def test_rows_that_an_earlier_run_made_are_deleted_too(engine):
    for seed_ in (1, 2):
        traffic, chance = Traffic(sessionmaker(engine), kept=3, seed=seed_), Random(seed_)
        for _ in range(5):
            traffic.once("shop.order", chance)
    assert count(engine, its_orders()) == 3


def test_each_operation_runs_in_its_scope(engine):
    seen = set()
    sa.event.listen(engine, "before_cursor_execute", lambda *arguments: seen.add(current().endpoint))
    traffic = Traffic(sessionmaker(engine))
    for endpoint in OPERATIONS:
        traffic.once(endpoint, Random(1))
    assert seen == set(WEIGHTS) == set(traffic.done)


def test_it_starts_once_and_ends_when_it_is_told(engine):
    traffic = Traffic(sessionmaker(engine), rate=200.0)
    traffic.start()
    threads = list(traffic._threads)
    traffic.start()
    assert traffic._threads == threads
    assert all(thread.daemon for thread in threads)
    until(lambda: traffic.done.total() >= 10)
    traffic.stop()
    assert not any(thread.is_alive() for thread in threads)
    assert engine.pool.checkedout() == 0
    traffic.start()
    seen = traffic.done.total()
    until(lambda: traffic.done.total() > seen)
    traffic.stop()


def test_a_locked_database_is_counted_logged_once_and_survived(engine, caplog):
    impatient = sa.create_engine(engine.url, connect_args={"timeout": 0})
    traffic, chance = Traffic(sessionmaker(impatient)), Random(1)
    with caplog.at_level(logging.WARNING), engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        assert traffic.once("shop.browse", chance)
        for _ in range(3):
            assert not traffic.once("shop.order", chance)
        connection.rollback()
    assert traffic.failed == {"shop.order": 3}
    assert len(caplog.records) == 1
    assert traffic.once("shop.order", chance)
    impatient.dispose()


def test_an_absent_or_empty_database_is_survived(tmp_path):
    engine = sa.create_engine(f"sqlite:///{tmp_path}/none.db")
    traffic, chance = Traffic(sessionmaker(engine)), Random(1)
    assert not any(traffic.once(endpoint, chance) for endpoint in OPERATIONS)
    Base.metadata.create_all(engine)
    assert [endpoint for endpoint in OPERATIONS if not traffic.once(endpoint, chance)] == ["shop.order", "shop.review"]
    engine.dispose()


def test_it_waits_longer_after_each_failure_but_not_for_ever():
    traffic = Traffic(sessionmaker(), rate=4.0, threads=2, backoff_most=30.0)
    waits = [traffic._wait(failures) for failures in (0, 1, 2, 3, 1000)]
    assert waits == [0.5, 1.0, 2.0, 4.0, 30.0]


def test_each_operation_is_done_inside_what_is_around_it(engine):
    entered = []

    class Around:
        def __enter__(self):
            entered.append(1)

        def __exit__(self, *_):
            entered.append(-1)

    traffic = Traffic(sessionmaker(engine), around=Around)
    traffic.once("shop.book", Random(1))
    assert entered == [1, -1]


def test_a_deleted_book_or_user_does_not_stop_it(engine):
    with sessionmaker(engine).begin() as session:
        session.execute(sa.delete(Book).where(Book.id % 2 == 0))
    traffic, chance = Traffic(sessionmaker(engine)), Random(3)
    assert all(traffic.once("shop.book", chance) and traffic.once("shop.order", chance) for _ in range(20))
