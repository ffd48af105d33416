"""A program that watches its pool and knows nothing of the web: one connection is taken and never given back.

`python -m tests.journeys.leaking_program FOLDER` publishes into the Poolhouse of this folder until its input ends."""

import sys

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from dashboard.telemetry import watch, watch_sessions

engine = sa.create_engine("sqlite:///" + sys.argv[1] + "/program.db", pool_size=2, max_overflow=1)
watch(engine, name="billing", publish=sys.argv[1])
watch_sessions(sa_orm.Session, registry="billing")


def forget_to_give_it_back():
    return engine.connect()  # the leak


leaked = forget_to_give_it_back()
leaked.execute(sa.text("SELECT 'who pays for this'"))
with sa_orm.Session(engine) as session:
    session.execute(sa.text("CREATE TABLE invoice (id INTEGER)"))
    session.commit()
web = sorted(name for name in sys.modules if name.partition(".")[0] in ("flask", "werkzeug", "prometheus_client"))
sys.stdout.write(f"ready {web}\n")
sys.stdout.flush()
sys.stdin.read()
