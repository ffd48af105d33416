"""Which real parts does a test get by naming them? Servers, databases, browsers; a missing one fails in words."""

from __future__ import annotations

import gc
import itertools
import os
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from dashboard.telemetry import snapshot
from tests import parts
from tests.journeys.mariadb import MariaDB
from tests.journeys.postgresql import PostgreSQL
from tests.journeys.prometheus import Prometheus
from tests.journeys.server import Server
from tests.journeys.waiting import free_port
from tests.journeys.ways import WAYS
from tests.journeys.wheel import built, environment_with

collect_ignore = [
    "benchmarks",
    "journeys/foreign",
    "compat",
    "journeys/exhausted_guest.py",
    "journeys/leaking_program.py",
    "journeys/task_loop.py",
    "telemetry/program.py",
]  # programs: importing one runs it, or needs its own environment
if not os.environ.get("SOAK"):
    collect_ignore.append("journeys/test_scanners.py")  # it has no short form: scanners take minutes to find nothing

CHROMIUM_ARGUMENTS = [  # it neither draws on a screen nor talks to anybody but the page's own server
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


KINDS = {"sqlite", "postgresql", "mariadb", *WAYS}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of a test that is written for several databases, or for several ways of walking a journey, `make test` runs one,
    by turns; `make soak` the rest too. A file, or a test, that is named on the command line runs in all."""
    for item in items:
        if "screenshot" in getattr(item, "fixturenames", ()):
            item.add_marker("screenshots")
    groups: dict[str, list[pytest.Item]] = {}
    for item in items:
        words = re.split(r"([-\[\]])", item.nodeid)
        if KINDS.intersection(words):
            groups.setdefault("".join(word for word in words if word not in KINDS), []).append(item)
    others = {
        id(item): item
        for name, group in groups.items()
        for place, item in enumerate(group)
        if place != zlib.crc32(name.encode()) % len(group)
    }
    for item in others.values():
        item.add_marker("soak")
    if not os.environ.get("SOAK") and config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.hook.pytest_deselected(items=list(others.values()))
        items[:] = [item for item in items if id(item) not in others]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """A skip is a failure here: what cannot run has not been seen to work."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"nothing is skipped in this house: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """doctest walks through linecache, from which SQLAlchemy takes its entry of a class that is collected meanwhile."""
    if not isinstance(item, pytest.DoctestItem):
        return (yield)
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


@pytest.fixture(scope="module", autouse=True)
def nothing_counted_before() -> Iterator[None]:
    """What was watched keeps its counts as long as the process lives: some thousand tests' pools would be in every
    reading of the last ones."""
    yield
    gc.collect()
    with snapshot._lock:
        snapshot._bury()
        for ended in (*snapshot._ended.values(), snapshot._ended_leaks):
            ended.clear()


def part(wanted: parts.Part) -> Path:
    found = wanted.find()
    if found is None:
        pytest.fail(wanted.missing(), pytrace=False)
    return found


@pytest.fixture(name="free_port")
def a_free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    return free_port()


@pytest.fixture(scope="module")
def poolhouse_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """`poolhouse_server("-w 4", settings={...})` starts gunicorn and answers when it is ready; it ends with the module.

    What it takes is what Server takes after its folder; `folder=` gives one that another server had before.
    """
    numbers = itertools.count(1)
    with ExitStack() as running:

        def start(arguments: str = "", *, folder: Path | None = None, **options: Any) -> Server:
            folder = folder or tmp_path_factory.mktemp(f"poolhouse-{next(numbers)}")
            return running.enter_context(Server(folder, arguments, **options))

        yield start


@pytest.fixture(scope="session")
def chromium() -> Path:
    return part(parts.CHROMIUM)


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    """The system's Chromium on a new profile. Not longer than a module: while Playwright runs, its thread has a running
    event loop, and a test that calls asyncio.run() there fails."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A window of its own: no cookie of another test."""
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        yield context.new_page()


@pytest.fixture
def page_without_javascript(browser: Browser) -> Iterator[Page]:
    with browser.new_context(viewport={"width": 1280, "height": 800}, java_script_enabled=False) as context:
        yield context.new_page()


@pytest.fixture
def screenshot(tmp_path: Path) -> Callable[..., Path]:
    """`screenshot(page, "board")` leaves board.png in the folder of `make screenshots`, else in the test's own;
    full_page: all of it, however long."""
    folder = Path(os.environ.get("SCREENSHOTS") or tmp_path).resolve()

    def take(page: Page, name: str, *, full_page: bool = False) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=folder / f"{name}.png", animations="disabled", full_page=full_page)
        return folder / f"{name}.png"

    return take


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A real PostgreSQL; `postgresql.new_database()` gives the URL of an empty database."""
    with PostgreSQL() as server:
        yield server


@pytest.fixture
def postgresql_url(postgresql: PostgreSQL) -> str:
    """The SQLAlchemy URL (driver psycopg) of a database of this test's own."""
    return postgresql.new_database()


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    """A real MariaDB; `mariadb.new_database()` gives the URL of an empty database."""
    part(parts.MARIADB_CLIENT)
    with MariaDB(part(parts.MARIADB)) as server:
        yield server


@pytest.fixture
def mariadb_url(new_database: Callable[[str], str]) -> str:
    """The SQLAlchemy URL (driver PyMySQL) of a database of this test's own."""
    return new_database("mariadb")


@pytest.fixture
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """`new_database("mariadb")` is the SQLAlchemy URL of an empty database: sqlite, postgresql or mariadb."""
    numbers = itertools.count(1)

    with ExitStack() as over:

        def made(kind: str) -> str:
            if kind == "sqlite":
                return f"sqlite:///{tmp_path / f'database-{next(numbers)}.db'}"
            server = request.getfixturevalue(kind)
            url = str(server.new_database())
            if kind == "mariadb":
                over.callback(server.drop_database, url)
            return url

        yield made


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Prometheus]]:
    """`prometheus("127.0.0.1:8000")` starts a Prometheus that scrapes /metrics there; it ends with the module."""
    program = part(parts.PROMETHEUS)
    with ExitStack() as running:

        def start(target: str, **options: Any) -> Prometheus:
            folder = tmp_path_factory.mktemp("prometheus")
            return running.enter_context(Prometheus(program, folder, target, **options))

        yield start


@pytest.fixture(scope="session")
def promtool() -> Path:
    return part(parts.PROMTOOL)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built now."""
    return built("wheel", parts.ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a new environment in another folder, in which the wheel is installed as `poolhouse`."""
    return environment_with(wheel, tmp_path_factory.mktemp("elsewhere") / "environment")
