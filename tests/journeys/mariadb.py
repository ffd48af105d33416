"""Where does a test get a real MariaDB? One server for the test run; a new database for each asker."""

from __future__ import annotations

import getpass
import itertools
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

import sqlalchemy as sa

from tests.journeys.waiting import free_port, until

NUMBERS = itertools.count(1)


class MariaDB:
    """A running server on a free port of 127.0.0.1. A context manager: leaving it ends it and its data go."""

    def __init__(self, server: Path) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="maria-"))  # short: a socket's path has at most 107 bytes
        self.port = free_port()
        self.url = sa.make_url(f"mariadb+pymysql://root@127.0.0.1:{self.port}/mysql?charset=utf8mb4&ssl_disabled=1")
        self.log = self.folder / "log"
        own = ("--no-defaults", f"--datadir={self.folder / 'data'}", f"--user={getpass.getuser()}")
        options = ("--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve")
        with self.log.open("wb") as log:
            subprocess.run(
                ("mariadb-install-db", *own, *options), check=True, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        self.command = (
            *(server, *own, f"--port={self.port}", "--bind-address=127.0.0.1", f"--socket={self.folder / 'socket'}"),
            *("--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=0", "--skip-name-resolve"),
            "--character-set-server=utf8mb4",
        )
        self.start()

    def new_database(self) -> str:
        """The SQLAlchemy URL of a database that was made just now."""
        name = f"test_{next(NUMBERS)}"
        engine = sa.create_engine(self.url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        engine.dispose()
        return self.url.set(database=name).render_as_string(hide_password=False)

    def drop_database(self, url: str) -> None:
        """What a test is through with: whoever reflects all schemas would read it with the others, again and again."""
        engine = sa.create_engine(self.url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection, suppress(sa.exc.OperationalError):  # somebody's transaction is still open
            connection.exec_driver_sql("SET lock_wait_timeout = 1")
            connection.exec_driver_sql(f"DROP DATABASE {sa.make_url(url).database}")

    def stop(self) -> None:
        """It goes away: whoever is connected is cut off. Its data stay."""
        self.process.terminate()
        self.process.wait(30)

    def start(self) -> None:
        """It comes back, on the same data and the same port."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        until(self._answers, seconds=30, what="MariaDB answers")

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.log.read_text(errors="replace")[-2000:]
        engine = sa.create_engine(self.url, poolclass=sa.NullPool)
        try:
            engine.connect().close()
        except sa.exc.OperationalError:
            return False
        return True

    def __enter__(self) -> MariaDB:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()  # its data go: nothing is to be written back first
        self.process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)
