"""Who uses the example shop, so that its pages live? Gentle real traffic, through the program's own Sessions."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from random import Random
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import orm as sa_orm

from . import words
from .models import Author, Book, Order, OrderLine, Review, Status, Tag, User

MARK = "(demo traffic)"
"""Stands in each order's note and each review's words that the traffic made: it changes and deletes only such rows."""
Thing = TypeVar("Thing", Book, User)
log = logging.getLogger(__name__)


class Traffic:
    """Threads that browse, order and review, `rate` operations a second in all. They write Order, OrderLine and Review.

    maker: makes a Session. around: entered for each operation; a Flask-SQLAlchemy Session needs its app's context.
    kept: rows of its own in each table before the oldest are deleted again. done, failed: operations by endpoint.
    """

    def __init__(
        self,
        maker: Callable[[], sa_orm.Session],
        *,
        around: Callable[[], AbstractContextManager[object]] = nullcontext,
        rate: float = 4.0,
        threads: int = 2,
        kept: int = 500,
        seed: int = 1,
        backoff_most: float = 30.0,
        log_seconds: float = 60.0,
    ) -> None:
        self.done: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self._maker, self._around = maker, around
        self._pause = threads / rate
        self._chances = [Random(seed * 1000 + number) for number in range(threads)]
        self._kept, self._backoff_most, self._log_seconds = kept, backoff_most, log_seconds
        self._logged_at = float("-inf")
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Starts the threads now; does nothing where they run. Call it after a fork, never before."""
        if any(thread.is_alive() for thread in self._threads):
            return
        self._stopping.clear()
        self._threads = [
            threading.Thread(target=self._run, args=(chance,), name=f"demo-traffic-{number}", daemon=True)
            for number, chance in enumerate(self._chances, 1)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self, seconds: float = 10.0) -> None:
        """Ends the threads and waits for them, at most so long."""
        self._stopping.set()
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def once(self, endpoint: str, chance: Random) -> bool:
        """One operation, in its own Session; False when it failed, which is counted and logged, never raised."""
        from ..telemetry import scope  # on first use: the models must be importable without telemetry

        try:
            with self._around(), scope(endpoint), self._maker() as session:
                OPERATIONS[endpoint](session, chance, self._kept)
        except Exception as error:  # an absent or locked database is the demo's ordinary weather
            self._count(self.failed, endpoint)
            self._log(endpoint, error)
            return False
        self._count(self.done, endpoint)
        return True

    def _run(self, chance: Random) -> None:
        failures = 0
        while not self._stopping.wait(self._wait(failures) * chance.uniform(0.5, 1.5)):
            endpoint = chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
            failures = 0 if self.once(endpoint, chance) else failures + 1

    def _wait(self, failures: int) -> float:
        return self._pause if not failures else min(self._backoff_most, self._pause * 2 ** min(failures, 16))

    def _count(self, counter: Counter[str], endpoint: str) -> None:
        with self._lock:
            counter[endpoint] += 1

    def _log(self, endpoint: str, error: Exception) -> None:
        with self._lock:
            silent = time.monotonic() - self._logged_at < self._log_seconds
            self._logged_at = self._logged_at if silent else time.monotonic()
        if not silent:
            log.warning("The demo's traffic (%s) failed; it goes on, more slowly.", endpoint, exc_info=error)


def browse(session: sa_orm.Session, chance: Random, kept: int) -> None:
    """A page of books with their authors and tags."""
    start = chance.randint(1, _most(session, Book.id))
    page = sa.select(Book).where(Book.id >= start).order_by(Book.id).limit(20)
    books = session.scalars(page.options(sa_orm.joinedload(Book.author), sa_orm.selectinload(Book.tags))).all()
    _ = [(book.title, book.author.name, len(book.tags)) for book in books]


def look(session: sa_orm.Session, chance: Random, kept: int) -> None:
    """One book with its summary and its reviews, each loaded when it is asked for."""
    book = session.get(Book, chance.randint(1, _most(session, Book.id)))
    if book is not None:
        _ = (book.author.name, book.summary, [(review.stars, review.user.name) for review in book.reviews])


def search(session: sa_orm.Session, chance: Random, kept: int) -> None:
    """Books by a word of the title, and the most used tags."""
    word = chance.choice(words.NOUNS)
    session.scalars(sa.select(Book).where(Book.title.contains(word)).order_by(Book.title).limit(10)).all()
    counted = sa.select(Tag.name, sa.func.count()).join(Tag.books).group_by(Tag.name)
    session.execute(counted.order_by(sa.func.count().desc()).limit(5)).all()


def author(session: sa_orm.Session, chance: Random, kept: int) -> None:
    """An author and what they wrote."""
    found = session.get(Author, chance.randint(1, _most(session, Author.id)))
    _ = [book.title for book in found.books] if found is not None else []


def account(session: sa_orm.Session, chance: Random, kept: int) -> None:
    """A reader's orders, with their lines and books."""
    lines = sa_orm.selectinload(User.orders).selectinload(Order.lines).joinedload(OrderLine.book)
    found = session.get(User, chance.randint(1, _most(session, User.id)), options=[lines])
    _ = [(line.book.title, line.quantity) for order in found.orders for line in order.lines] if found else []


def order(session: sa_orm.Session, chance: Random, kept: int) -> None:
    """A new order of some books; one that was made before goes on its way; the oldest go."""
    made = sa.select(Order).where(Order.note == MARK).order_by(Order.id)
    session.add(_new_order(session, chance))
    waiting = session.scalars(made.where(Order.status == Status.placed).limit(1)).first()
    if waiting is not None and chance.random() < 0.7:
        waiting.status = chance.choice((Status.packed, Status.sent, Status.cancelled))
    session.flush()
    _delete_oldest(session, made, kept)
    session.commit()


def review(session: sa_orm.Session, chance: Random, kept: int) -> None:
    """A new review; the oldest go."""
    book, user = _some(session, chance, Book), _some(session, chance, User)
    session.add(
        Review(book=book, user=user, stars=chance.randint(1, 5), words=f"{chance.choice(words.SENTENCES)} {MARK}")
    )
    session.flush()
    _delete_oldest(session, sa.select(Review).where(Review.words.endswith(MARK)).order_by(Review.id), kept)
    session.commit()


WEIGHTS = {
    "shop.browse": 30,
    "shop.book": 25,
    "shop.search": 10,
    "shop.author": 10,
    "shop.account": 10,
    "shop.order": 9,
    "shop.review": 6,
}
OPERATIONS: dict[str, Callable[[sa_orm.Session, Random, int], None]] = {
    "shop.browse": browse,
    "shop.book": look,
    "shop.search": search,
    "shop.author": author,
    "shop.account": account,
    "shop.order": order,
    "shop.review": review,
}


def _most(session: sa_orm.Session, column: sa_orm.InstrumentedAttribute[int]) -> int:
    return session.scalar(sa.select(sa.func.max(column))) or 1


def _some(session: sa_orm.Session, chance: Random, model: type[Thing]) -> Thing:
    """One at or after a number by chance: persons may have deleted some."""
    start = chance.randint(1, _most(session, model.id))
    return session.scalars(sa.select(model).where(model.id >= start).order_by(model.id).limit(1)).one()


def _new_order(session: sa_orm.Session, chance: Random) -> Order:
    """Everything is read first: a query between would flush what is half made."""
    user = _some(session, chance, User)
    books = [_some(session, chance, Book) for _ in range(chance.randint(1, 3))]
    lines = [
        OrderLine(number=number, book=book, price=book.price, quantity=chance.randint(1, 3))
        for number, book in enumerate(books, 1)
    ]
    return Order(note=MARK, gift=chance.random() < 0.1, user=user, lines=lines)


def _delete_oldest(session: sa_orm.Session, made: sa.Select[Any], kept: int) -> None:
    surplus = session.scalar(sa.select(sa.func.count()).select_from(made.order_by(None).subquery())) or 0
    for old in session.scalars(made.limit(max(0, min(surplus - kept, 20)))).all():
        session.delete(old)
