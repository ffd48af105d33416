"""Which database does a URL of the settings mean, and is there a driver for it?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from .config import Config, WrongSetting
from .workspaces.engine import SYNC_DRIVERS

SIDECAR = "none"
"""In place of a URL: no database is looked at."""

DRIVERS = {
    "postgresql": ("postgresql+psycopg",),
    "mysql": ("mysql+pymysql",),
    "mariadb": ("mariadb+pymysql",),
}
"""The drivers of our extras, by what a URL without a driver begins with."""


def with_drivers(config: Config) -> Config:
    """The settings with URLs for which a driver is there. Raises WrongSetting where one is none, or has no driver."""
    url = config.database_url
    if url and url != SIDECAR:
        url = _with_driver("DATABASE_URL", url)
    databases = {name: _with_driver("DASHBOARD_DATABASES", each) for name, each in (config.databases or {}).items()}
    store = config.store_url and _with_driver("DASHBOARD_STORE_URL", config.store_url)
    return replace(config, database_url=url, databases=databases, store_url=store)


def _with_driver(key: str, text: str) -> str:
    """The URL with a synchronous driver that is installed. A URL may leave its driver open (`postgresql://`, or
    `postgres://` as platforms write it): where SQLAlchemy's own choice is missing, that of our extras counts."""
    try:
        url = sa.make_url(re.sub(r"^postgres(?=[:+])", "postgresql", text))
    except (sa.exc.ArgumentError, ValueError):
        raise WrongSetting(f"{key} is (hidden); allowed: a URL like postgresql+psycopg://user@host/name") from None
    missing: str | None = None
    for name in (url.drivername, *DRIVERS.get(url.drivername, ())):
        try:
            dialect = url.set(drivername=name).get_dialect()
            if dialect.is_async:
                name = f"{url.get_backend_name()}+{SYNC_DRIVERS.get(dialect.driver, dialect.driver)}"
                dialect = url.set(drivername=name).get_dialect()
            dialect.import_dbapi()
            return _in_full(url.set(drivername=name)).render_as_string(hide_password=False)
        except sa.exc.NoSuchModuleError:
            allowed = "sqlite, postgresql, mysql, mariadb, or the name of an installed dialect"
            raise WrongSetting(f"{key} begins with {name!r}; allowed: {allowed}") from None
        except ImportError as error:
            missing = error.name
    raise WrongSetting(f"{key} begins with {url.drivername!r}; allowed: a driver that is installed ({missing} is not)")


def _in_full(url: sa.URL) -> sa.URL:
    """A relative SQLite file is meant as SQLAlchemy means it; Flask-SQLAlchemy would look in Flask's own folder."""
    if url.get_backend_name() != "sqlite" or _is_no_file(url.database):
        return url
    return url.set(database=str(Path(str(url.database)).absolute()))


def _is_no_file(database: str | None) -> bool:
    return not database or database == ":memory:" or database.startswith("file:")


def must_be_there(dialect: sa.Dialect, record: object, arguments: Sequence[Any], options: object) -> None:
    """SQLite would make an empty database where none is: a wrong path, or a volume that is not mounted yet."""
    if not _is_no_file(arguments[0]) and not Path(arguments[0]).is_file():
        raise dialect.loaded_dbapi.OperationalError("unable to open database file")
