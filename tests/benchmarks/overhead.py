"""What does watching cost? CPU time of four SQLAlchemy workloads, each variant in its own process, rounds interleaved.

usage: python -m tests.benchmarks.overhead [variant ...]
variants: bare; noop (empty listeners on the same events, the floor); poolhouse; naive (prometheus_client called in each
listener); mp (the same in multiprocess mode); otel (needs opentelemetry-instrumentation-sqlalchemy and
opentelemetry-exporter-prometheus); any other NAME executes snippet_NAME.py beside this file. ROUNDS: 9 unless said.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks import machine

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
WORKLOADS = {
    "checkout": "checkout",
    "core": "one-row SELECT",
    "orm": "add, commit, reload",
    "load": "load 100 objects",
}
CHILD = r"""
import json, os, sys, time
variant, = sys.argv[1:]
from sqlalchemy import create_engine, select, text, String
from sqlalchemy.pool import QueuePool
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, Session, sessionmaker
class B(DeclarativeBase): pass
class U(B):
    __tablename__ = "u"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50))
    city: Mapped[str] = mapped_column(String(50))
engine = create_engine("sqlite:///" + os.environ["FOLDER"] + "/overhead.db", poolclass=QueuePool)
Maker = sessionmaker(engine)
if variant == "otel":
    from opentelemetry import metrics, trace
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.exporter.prometheus import PrometheusMetricReader
    metrics.set_meter_provider(MeterProvider(metric_readers=[PrometheusMetricReader()]))
    trace.set_tracer_provider(TracerProvider())
    from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
    SQLAlchemyInstrumentor().instrument(engine=engine, skip_dep_check=True)
elif variant != "bare":
    exec(open(os.environ["SNIPPET"]).read())        # instruments `engine` and `Maker`
with engine.begin() as c:
    c.exec_driver_sql("PRAGMA journal_mode=MEMORY"); c.exec_driver_sql("PRAGMA synchronous=OFF")
B.metadata.drop_all(engine); B.metadata.create_all(engine)
with Maker() as s: s.add_all(U(name=f"n{i}", city="x") for i in range(100)); s.commit()
def checkout(n):
    for _ in range(n): engine.raw_connection().close()
q = select(U.id, U.name).where(U.id == 5)
def core(n):
    for _ in range(n):
        with engine.connect() as c: c.execute(q).all()
def orm(n):
    for i in range(n):
        with Maker() as s:
            u = U(name="a", city="b"); s.add(u); s.commit()
            u.name; s.commit()
def load(n):
    qq = select(U).limit(100)
    for i in range(n):
        with Maker() as s: s.scalars(qq).all()
out = {}
for name, f, n in (("checkout", checkout, 20000), ("core", core, 3000), ("orm", orm, 600), ("load", load, 300)):
    f(max(10, n // 10)); t = time.process_time(); f(n); out[name] = (time.process_time() - t) / n * 1e6
print(json.dumps(out))
"""


def microseconds(variant: str) -> dict[str, float]:
    """CPU time of each workload in one new process."""
    with tempfile.TemporaryDirectory() as folder:
        snippet = HERE / f"snippet_{'naive' if variant == 'mp' else variant}.py"
        env = {**os.environ, "SNIPPET": str(snippet), "FOLDER": folder, "PYTHONPATH": str(ROOT)}
        if variant == "mp":
            env["PROMETHEUS_MULTIPROC_DIR"] = folder
        done = subprocess.run([sys.executable, "-c", CHILD, variant], capture_output=True, text=True, env=env, cwd=ROOT)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def table(rounds: list[dict[str, dict[str, float]]], base: str) -> str:
    """Each variant as a ratio to `base` of its own round, so that a slower minute of the machine hits both."""
    heads = [f"{title} ({statistics.median(r[base][key] for r in rounds):.1f} µs)" for key, title in WORKLOADS.items()]
    lines = ["| against " + " | ".join([base, *heads]) + " |", "|" + " --- |" * (len(heads) + 1)]
    for variant in rounds[0]:
        ratios = (statistics.median(r[variant][key] / r[base][key] for r in rounds) for key in WORKLOADS)
        lines.append(f"| {variant} | " + " | ".join(f"{ratio:.2f}" for ratio in ratios) + " |")
    return "\n".join(lines)


def main() -> None:
    variants = sys.argv[1:] or ["bare", "noop", "poolhouse"]
    count = int(os.environ.get("ROUNDS") or 9)
    rounds = [{variant: microseconds(variant) for variant in variants} for _ in range(count)]
    print(f"CPU time, SQLite, median of {count} interleaved rounds; {machine.line()}\n")
    for base in variants:
        if base in ("bare", "noop"):
            print(table(rounds, base) + "\n")


if __name__ == "__main__":
    main()
