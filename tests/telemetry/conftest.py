"""What do the tests of telemetry start with? Engines on a counting driver, and what this process would publish."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import orm as sa_orm

from dashboard.config import Config
from dashboard.telemetry import unwatch, watch, watch_sessions
from dashboard.telemetry.ledger import Ledger
from dashboard.telemetry.merging import alone
from dashboard.telemetry.reading import PoolReading, Reading
from dashboard.telemetry.snapshot import own

from .driver import Driver
from .library import Library, shelf
from .programs import Program

_names = itertools.count(1)


@pytest.fixture
def driver(tmp_path: Path) -> Driver:
    return Driver(tmp_path / "counted.db")


@pytest.fixture
def name() -> str:
    """A pool's or registry's name that no other test has: counts outlive what was watched."""
    return f"test-{next(_names)}"


@pytest.fixture
def make_engine(driver: Driver) -> Iterator[Callable[..., sa.Engine]]:
    """`make_engine(pool_size=1)`: an Engine on the counting driver, disposed of at the end."""
    made: list[sa.Engine] = []

    def make(**options: Any) -> sa.Engine:
        engine = sa.create_engine("sqlite://", creator=driver.connect, **{"poolclass": sa.QueuePool, **options})
        made.append(engine)
        return engine

    yield make
    for engine in made:
        unwatch(engine)
        engine.dispose()


@pytest.fixture
def engine(make_engine: Callable[..., sa.Engine], name: str) -> sa.Engine:
    """A watched Engine; its pool has the name of the fixture `name`."""
    engine = make_engine(pool_size=2, max_overflow=1, pool_timeout=0.05)
    watch(engine, name=name)
    return engine


@pytest.fixture
def read() -> Callable[[], Reading]:
    """This process's own reading, as no ledger has changed it."""
    return lambda: alone(own(Config()), Config(), 0.0, None)


@pytest.fixture
def pool(read: Callable[[], Reading], name: str) -> Callable[[], PoolReading]:
    """The reading of the pool `name`, now."""

    def now() -> PoolReading:
        found = read().pool(name)
        assert found is not None
        return found

    return now


class Base(sa_orm.DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "user"
    id: sa_orm.Mapped[int] = sa_orm.mapped_column(primary_key=True)
    name: sa_orm.Mapped[str] = sa_orm.mapped_column(unique=True)
    age: sa_orm.Mapped[int | None]


@pytest.fixture
def maker(engine: sa.Engine) -> sa_orm.sessionmaker[sa_orm.Session]:
    Base.metadata.create_all(engine)
    return sa_orm.sessionmaker(engine)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., list[Program]]]:
    """`start(3)`: three programs at once, all of them ready."""
    started: list[Program] = []

    def now(number: int = 1) -> list[Program]:
        programs = [Program(tmp_path) for _ in range(number)]
        started.extend(programs)
        for program in programs:
            assert program.answer() == "ready"
        return programs

    yield now
    for program in started:
        if program.process.poll() is None:
            program.close()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """The ledger of the programs, read from outside as a sidecar does; this process is not joined."""
    ledger = Ledger(tmp_path / "ledger", Config.read({"DASHBOARD_STALE_SECONDS": "0.5"}))
    yield ledger
    ledger.leave()
    ledger._member.rows.close()


@pytest.fixture
def watched(engine, name):
    """A sessionmaker of the library, with its shelf filled, watched as registry `name`."""
    Library.metadata.create_all(engine)
    maker = sa_orm.sessionmaker(engine)
    with maker() as session:
        shelf(session)
    watch_sessions(maker, registry=name)
    yield maker
    unwatch(maker)


@pytest.fixture
def loaded(read):
    """Loads since the last question: {kind or (kind, path): count}."""
    seen = {}

    def ask():
        now = {(one.kind, one.path) if one.path else one.kind: one.count for one in read().sessions.loads}
        new = {key: count - seen.get(key, 0) for key, count in now.items() if count != seen.get(key, 0)}
        seen.update(now)
        return new

    ask()
    return ask
