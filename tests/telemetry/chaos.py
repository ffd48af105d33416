"""What can befall a connection, and eight threads that do all of it at once until somebody says that it is enough."""

from __future__ import annotations

import gc
import random
import threading
from collections import Counter

import sqlalchemy as sa

THREADS = 8


def plain(storm, connection):
    connection.commit()
    connection.close()


def invalidate(storm, connection):
    connection.invalidate()
    connection.close()


def invalidate_softly(storm, connection):
    connection.connection._connection_record.invalidate(soft=True)
    connection.close()


def detach(storm, connection):
    connection.detach()
    connection.close()


def drop(storm, connection):
    """Its caller holds no other reference: the garbage collector brings it back."""


def fail(storm, connection):
    try:
        connection.exec_driver_sql("select * from nowhere")
    except sa.exc.DBAPIError:
        connection.close()


def dispose_while_out(storm, connection):
    storm.engine.dispose()
    connection.close()


def take_another(storm, connection):
    """A Connection that has lost the driver's connection takes another one as soon as it is used again."""
    with connection:
        connection.invalidate()
        connection.rollback()
        storm.select(connection)
        connection.commit()


WAYS = (*[plain] * 12, invalidate, invalidate_softly, detach, drop, fail, dispose_while_out, take_another)


class Storm:
    """Threads that use one engine in every way. seen: what they noticed themselves.

    before_turn: called with the thread's luck before each turn; after_loss: after a turn that failed.
    """

    def __init__(self, engine, before_turn=lambda luck: None, after_loss=lambda: None):
        self.engine, self.before_turn, self.after_loss = engine, before_turn, after_loss
        self.seen: Counter[str] = Counter()
        self.over = threading.Event()
        self._lock = threading.Lock()
        self._lucks = [random.Random(seed) for seed in range(THREADS)]

    def rage(self, until):
        """All threads work while `until()` runs; afterwards nothing is out."""
        self.over.clear()
        threads = [threading.Thread(target=self._work, args=(luck,)) for luck in self._lucks]
        for thread in threads:
            thread.start()
        try:
            until()
        finally:
            self.over.set()
            for thread in threads:
                thread.join()
        gc.collect()

    def turns(self, number):
        """For `rage`: until so many turns are done."""
        enough = self.seen["turns"] + number
        while self.seen["turns"] < enough:
            self.over.wait(0.01)

    def _note(self, what):
        with self._lock:
            self.seen[what] += 1

    def _work(self, luck):
        while not self.over.is_set():
            self.before_turn(luck)
            try:
                self._turn(luck)
            except sa.exc.TimeoutError:
                self._note("timeouts")
            except sa.exc.DBAPIError:
                self._note("losses")
                self.after_loss()
            self._note("turns")

    def _turn(self, luck):
        connection = self.engine.connect()
        try:
            self.select(connection)
        except sa.exc.DBAPIError:
            self._note("losses")
            connection.close()
            return
        way = luck.choice(WAYS)
        self._note(way.__name__)
        way(self, connection)

    def select(self, connection):
        connection.begin()
        self._note("begun")
        connection.exec_driver_sql("select 1")
        self._note("statements")
