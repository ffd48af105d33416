"""A program with a pool of two connections: two threads hold them, twenty wait, each with 30 s of patience.

`python -m tests.journeys.exhausted_program FOLDER` publishes into the Poolhouse of this folder until its input ends."""

import sys
import threading

import sqlalchemy as sa

from dashboard.telemetry import watch

HOLDERS, WAITERS = 2, 20
over = threading.Event()
taken = threading.Barrier(HOLDERS + 1)


def hold(engine):
    with engine.connect() as connection:  # the holder
        connection.execute(sa.text("SELECT 1"))
        taken.wait()
        over.wait()


def want(engine):
    while not over.is_set():
        try:
            engine.connect().close()  # the waiter
        except sa.exc.TimeoutError:
            pass


def main():
    url = "sqlite:///" + sys.argv[1] + "/exhausted.db"
    engine = sa.create_engine(url, pool_size=2, max_overflow=0, pool_timeout=30)
    watch(engine, name="exhausted", publish=sys.argv[1])
    threads = [threading.Thread(target=hold, args=(engine,), name=f"holder {n}") for n in range(HOLDERS)]
    for thread in threads:
        thread.start()
    taken.wait()
    threads += [threading.Thread(target=want, args=(engine,), name=f"waiter {n}") for n in range(WAITERS)]
    for thread in threads[HOLDERS:]:
        thread.start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()
    over.set()
    for thread in threads:
        thread.join()
    engine.dispose()


if __name__ == "__main__":
    main()
