"""What does code look like that makes trouble? One function for each fault, as it is found in real programs.

Each runs until it is told to stop, and then takes back what it did. `shop.scope(endpoint)` is a request of that
endpoint."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import orm as sa_orm

from .models import Author, Book, Review, User

PAUSE = 0.3
CHILD_SECONDS = 3.0
LOCKER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
sys.stdin.read()
"""


@dataclass(frozen=True)
class Shop:
    """What a fault has to work with. scope: of one request, by its endpoint. publish: says what a forked child did."""

    engine: sa.Engine
    maker: Callable[[], sa_orm.Session]
    scope: Callable[[str], AbstractContextManager[None]]
    publish: Callable[[], None]


def run_at_once(run: Callable[[], None], number: int) -> None:
    """In so many threads, until all have ended."""
    threads = [threading.Thread(target=run, name=f"demo-{run.__name__}-{n}", daemon=True) for n in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def leak(shop: Shop, stop: threading.Event) -> None:
    """A report takes a connection and returns early: nobody gives it back."""
    with shop.scope("shop.report"):
        connection = shop.engine.connect()
        connection.execute(sa.select(sa.func.count()).select_from(Book))
        connection.rollback()
    stop.wait()
    connection.close()


def crowd(shop: Shop, stop: threading.Event) -> None:
    """More requests at once than the pool has connections, and each keeps its own while it waits for something else."""
    limit = getattr(shop.engine.pool, "size", lambda: 5)() + max(0, getattr(shop.engine.pool, "_max_overflow", 10))

    def checkout() -> None:
        while not stop.wait(PAUSE / 6):
            with suppress(sa.exc.TimeoutError), shop.scope("shop.checkout"), shop.engine.connect() as connection:
                connection.execute(sa.select(Book.id).limit(1))
                stop.wait(PAUSE)  # the payment service

    run_at_once(checkout, limit + 8)


def be_slow(shop: Shop, stop: threading.Event) -> None:
    """A statement that takes more than a second, asked for by four at once; a function of the database takes it."""

    def statistics() -> None:
        while not stop.wait(PAUSE / 3):
            with suppress(sa.exc.TimeoutError), shop.scope("shop.statistics"), shop.engine.connect() as connection:
                driver = connection.connection.driver_connection
                assert driver is not None
                driver.create_function("ponder", 1, time.sleep)
                connection.execute(sa.text("SELECT ponder(1.5) FROM book LIMIT 1")).all()

    run_at_once(statistics, 4)


def idle(shop: Shop, stop: threading.Event) -> None:
    """Reads, and then waits for something slow with its transaction open."""
    with shop.scope("shop.invoice"), shop.maker() as session:
        session.scalars(sa.select(User).limit(1)).all()
        stop.wait()


def load_one_by_one(shop: Shop, stop: threading.Event) -> None:
    """A list that asks for the books of each of its authors."""
    while not stop.wait(PAUSE):
        with shop.scope("shop.catalogue"), shop.maker() as session:
            authors = session.scalars(sa.select(Author).limit(12)).all()
            _ = [len(author.books) for author in authors]


def refresh(shop: Shop, stop: threading.Event) -> None:
    """Commits in the middle, which expires everything, and then goes on reading it."""
    while not stop.wait(PAUSE):
        with shop.scope("shop.pricelist"), shop.maker() as session:
            books = session.scalars(sa.select(Book).limit(40)).all()
            session.commit()
            _ = [book.title for book in books]


def survive(shop: Shop, stop: threading.Event) -> None:
    """Keeps Sessions after their request, for somebody may ask for them again."""
    kept: deque[tuple[sa_orm.Session, Book | None]] = deque()
    while not stop.wait(PAUSE):
        with shop.scope("shop.basket"):
            session = shop.maker()
            book = session.get(Book, 1)
            session.commit()
        kept.append((session, book))
        if len(kept) > 10:
            kept.popleft()[0].close()
    for session, _ in kept:
        session.close()


def roll_back(shop: Shop, stop: threading.Event) -> None:
    """Writes, finds only then that it may not, and takes all of it back."""
    while not stop.wait(PAUSE):
        with suppress(ValueError, sa.exc.OperationalError), shop.scope("shop.vote"), shop.maker() as session:
            session.add(Review(book_id=1, user_id=1, stars=1, words="never written"))
            session.flush()
            session.rollback()
            raise ValueError("this reader has voted already")


def detach(shop: Shop, stop: threading.Event) -> None:
    """Hands an object out of its Session, and asks it for something that was not loaded."""
    while not stop.wait(PAUSE):
        with suppress(sa_orm.exc.DetachedInstanceError), shop.scope("shop.preview"):
            with shop.maker() as session:
                book = session.scalars(sa.select(Book).limit(1)).one()
            _ = book.author


def churn(shop: Shop, stop: threading.Event) -> None:
    """Bursts that take more connections than the pool keeps."""
    while not stop.wait(PAUSE):
        with shop.scope("shop.newsletter"):
            burst = [shop.engine.connect() for _ in range(9)]
            for connection in burst:
                connection.close()


def go_away(shop: Shop, stop: threading.Event) -> None:
    """The database takes no new connection, and those that were open are gone."""

    def refuse(*_: object) -> None:
        raise sqlite3.OperationalError("the database refuses connections")

    sa.event.listen(shop.engine, "do_connect", refuse)
    try:
        shop.engine.dispose()
        while not stop.wait(PAUSE):
            with suppress(sa.exc.DBAPIError), shop.scope("shop.frontpage"), shop.engine.connect() as connection:
                connection.execute(sa.select(Book.id).limit(1))
    finally:
        sa.event.remove(shop.engine, "do_connect", refuse)


def flap(shop: Shop, stop: threading.Event) -> None:
    """Something between the program and its database cuts connections that are in use."""
    while not stop.wait(PAUSE):
        with suppress(sa.exc.DBAPIError), shop.scope("shop.search"), shop.engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert driver is not None
            driver.close()  # the firewall
            connection.execute(sa.select(Book.id).limit(1))


def share_over_fork(shop: Shop, stop: threading.Event) -> None:
    """Forks a process for an export, which goes on with the connections of the one before."""
    while not stop.wait(PAUSE):
        shop.engine.connect().close()  # so that there is one to inherit
        child = os.fork()
        if child:
            _end_of(child)
            continue
        try:
            with shop.scope("shop.export"), shop.engine.connect() as connection:
                connection.execute(sa.select(1))
            shop.publish()
        finally:
            os._exit(0)


def _end_of(child: int) -> None:
    """A child of a process with threads may hang in a lock that one of them had."""
    until = time.monotonic() + CHILD_SECONDS
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if time.monotonic() > until:
            os.kill(child, signal.SIGKILL)
        time.sleep(PAUSE / 30)


def wait_for_a_lock(shop: Shop, stop: threading.Event) -> None:
    """Writes while another program holds the database's lock."""
    command = [sys.executable, "-c", LOCKER, str(shop.engine.url.database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as other:

        def let_go() -> None:
            stop.wait()
            other.kill()

        threading.Thread(target=let_go, name="demo-let-go", daemon=True).start()  # who waits is not told to stop
        while not stop.wait(PAUSE):
            with suppress(sa.exc.OperationalError), shop.scope("shop.stock"), shop.engine.connect() as connection:
                connection.execute(sa.update(Book).where(Book.id == 1).values(title=Book.title))
                connection.rollback()
