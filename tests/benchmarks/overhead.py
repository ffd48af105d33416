"""What does watching cost? CPU time of four SQLAlchemy workloads, each variant in its own process, rounds interleaved.

usage: python -m tests.benchmarks.overhead [variant ...]
variants: bare; noop (empty listeners on the same events, the floor); poolhouse; naive (prometheus_client called in each
listener); mp (the same in multiprocess mode); otel (OpenTelemetry's instrumentation, in the environment that `make
bench` makes of requirements.txt beside this file); any other NAME executes snippet_NAME.py beside this file.
ROUNDS: 9 unless said. THREADS: so many do the same work at once, 1 unless said.
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
OTEL = ROOT / ".tools" / "bench" / "bin" / "python"
WORKLOADS = {
    "checkout": "checkout",
    "core": "one-row SELECT",
    "orm": "add, commit, reload",
    "load": "load 100 objects",
}
CHILD = r"""
import json, os, sys, threading, time
variant, = sys.argv[1:]
threads = int(os.environ.get("THREADS") or 1)
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
def spread(f, n):
    if threads == 1: return f(n)
    at_once = [threading.Thread(target=f, args=(n // threads,)) for _ in range(threads)]
    for thread in at_once: thread.start()
    for thread in at_once: thread.join()
out = {}
for name, f, n in (("checkout", checkout, 20000), ("core", core, 3000), ("orm", orm, 600), ("load", load, 300)):
    spread(f, max(10 * threads, n // 10)); t = time.process_time(); spread(f, n)
    out[name] = (time.process_time() - t) / n * 1e6
print(json.dumps(out))
"""


def microseconds(variant: str) -> dict[str, float]:
    """CPU time of each workload in one new process."""
    with tempfile.TemporaryDirectory() as folder:
        snippet = HERE / f"snippet_{'naive' if variant == 'mp' else variant}.py"
        env = {**os.environ, "SNIPPET": str(snippet), "FOLDER": folder, "PYTHONPATH": str(ROOT)}
        if variant == "mp":
            env["PROMETHEUS_MULTIPROC_DIR"] = folder
        python = str(OTEL) if variant == "otel" else sys.executable
        done = subprocess.run([python, "-c", CHILD, variant], capture_output=True, text=True, env=env, cwd=ROOT)
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


def added(rounds: list[dict[str, dict[str, float]]]) -> str:
    """What Poolhouse adds to bare, as a part of what OpenTelemetry adds."""
    parts = (
        statistics.median(
            (each["poolhouse"][key] - each["bare"][key]) / (each["otel"][key] - each["bare"][key]) for each in rounds
        )
        for key in WORKLOADS
    )
    told = ", ".join(f"{title} {part:.2f}" for title, part in zip(WORKLOADS.values(), parts, strict=True))
    return f"Of what OpenTelemetry adds to bare, Poolhouse adds (aim: at most 0.50): {told}."


def main() -> None:
    variants = sys.argv[1:] or ["bare", "noop", "poolhouse"]
    count = int(os.environ.get("ROUNDS") or 9)
    if "otel" in variants and not OTEL.exists():
        sys.exit(
            "The environment of the variant otel is missing: make bench makes it of tests/benchmarks/requirements.txt"
        )
    rounds = [{variant: microseconds(variant) for variant in variants} for _ in range(count)]
    threads = os.environ.get("THREADS") or "1"
    print(f"CPU time, SQLite, {threads} thread(s), median of {count} interleaved rounds; {machine.line()}\n")
    for base in variants:
        if base in ("bare", "noop"):
            print(table(rounds, base) + "\n")
    if {"bare", "poolhouse", "otel"} <= set(variants):
        print(added(rounds) + "\n")


if __name__ == "__main__":
    main()
