"""A loop of tasks, as a Celery worker has it: no web in it, and a process for each pair of hands, forked when the watch
has begun.

`python -m tests.journeys.task_loop FOLDER` publishes into the Poolhouse of this folder until its input ends. Each line
of its input is the name of a task; its parent never touches the database itself."""

import gc
import os
import sys

import sqlalchemy as sa
from sqlalchemy import orm as sa_orm

from dashboard.telemetry import scope, watch, watch_sessions

FOLDER = sys.argv[1]
engine = sa.create_engine(f"sqlite:///{FOLDER}/tasks.db", pool_size=2, max_overflow=0)
Session = sa_orm.sessionmaker(engine)


def send_invoices():
    with Session() as session:
        session.execute(sa.text("SELECT 'an invoice'"))
        session.commit()


def forget_a_report():
    report = engine.connect()  # the leak
    report.execute(sa.text("SELECT 'a report'"))


def keep_an_export():
    kept.append(engine.connect())  # the holder


kept = []
TASKS = {task.__name__: task for task in (send_invoices, forget_a_report, keep_an_export)}


def say(words):
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


watch(engine, name="tasks", publish=FOLDER)  # once, before any fork, as a program does at its import
watch_sessions(Session, registry="tasks")


def work_on():
    """What a worker does from its fork to its end."""
    engine.dispose(close=False)
    say(f"ready {sorted({'flask', 'werkzeug'} & set(sys.modules))}")
    for line in sys.stdin:
        with scope(line.strip()):
            TASKS[line.strip()]()
        gc.collect()
        say(f"done {line.strip()}")


if __name__ == "__main__":
    child = os.fork()
    if child == 0:
        work_on()
    else:
        os.waitpid(child, 0)
