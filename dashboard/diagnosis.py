"""What is wrong here, and what is the remedy? The same answer for `doctor` and for an admin who asks /readyz."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from .first_start import KEY_CHARACTERS, KEY_FILE, STORE_FILE
from .records.models import Database
from .refusal import Refusal
from .runtime import Runtime
from .store.engine import SCHEMA_VERSION, Store
from .telemetry.ledger_file import FILE as LEDGER_FILE
from .writable import disk_trouble

REACHED = "See that it runs, and that its URL is right."


@dataclass(frozen=True)
class Trouble:
    """what: a sentence without a password or an address. remedy: what to do now."""

    what: str
    remedy: str = ""


def troubles(runtime: Runtime, tell: Callable[[str], object] = lambda line: None) -> list[Trouble]:
    """tell: takes a line about each thing that is well."""
    return [
        *_of_ledger(runtime),
        *_of_store(runtime.store),
        *(trouble for each in runtime.databases.values() for trouble in _of_database(runtime, each, tell)),
        *_of_settings(runtime),
        *_of_files(runtime),
    ]


def lacking(store: Store) -> str:
    """The tables and columns that the store lacks, by name."""
    if store.schema_version() is None:
        return ""
    return ", ".join(str(each) for each in (*store.missing(), *store.missing_columns()))


def _of_ledger(runtime: Runtime) -> Iterator[Trouble]:
    problem = runtime.ledger.read().problem
    if problem:
        yield Trouble(
            problem, "Each worker shows its own numbers until the file can be used; a new one may take its place."
        )


def _of_store(store: Store) -> Iterator[Trouble]:
    try:
        version, missing = store.schema_version(), lacking(store)
        if version == SCHEMA_VERSION:
            store.must_be_written()  # what can be read may be on a full disk, or on a standby
    except Refusal as refusal:
        yield Trouble(f"Store: {refusal}", refusal.remedy)
        return
    if version is None:
        yield Trouble("The store has no tables yet.", "`flask dashboard store create` makes them.")
    elif version > SCHEMA_VERSION:
        yield Trouble(f"The store was made by a newer Poolhouse (version {version}).", "Start the newer one.")
    elif missing:
        yield Trouble(f"The store lacks {missing}.", "`flask dashboard store upgrade` makes that.")


def _of_database(runtime: Runtime, database: Database, tell: Callable[[str], object]) -> Iterator[Trouble]:
    """Over a pool of our own: the watched one may be what is exhausted."""
    try:
        assert runtime.workspaces is not None
        engine = runtime.workspaces.engine(database.name)
        with engine.connect() as connection:
            connection.execute(sa.select(1))
        tell(f"Database {database.name}: {engine.dialect.name} answers; {len(database.models)} models.")
    except Refusal as refusal:
        yield Trouble(f"Database {database.name}: {refusal}", refusal.remedy)
    except Exception as error:  # a driver may be missing, a dialect may raise what it likes
        disk = disk_trouble(getattr(error, "orig", None))
        why, remedy = (disk.sentence, disk.remedy) if disk else (type(error).__name__, REACHED)
        yield Trouble(f"Database {database.name} does not answer ({why}).", remedy)


def _of_settings(runtime: Runtime) -> Iterator[Trouble]:
    config = runtime.config
    if 0 < len(config.secret_key) < KEY_CHARACTERS:
        yield Trouble(
            "DASHBOARD_SECRET_KEY is so short that it can be guessed, and with it every cookie.",
            f"Give it {KEY_CHARACTERS} characters by chance or more, or none: then one is made.",
        )
    if runtime.accounts is not None and config.auth == "proxy" and not config.proxy_addresses:
        yield Trouble(
            "Nobody can sign in: no proxy is believed.", "Set DASHBOARD_PROXY_ADDRESSES to the proxy's address."
        )

    if config.metrics_token and config.metrics_public is None and runtime.metrics_are_public:
        yield Trouble(
            "/metrics takes a token (DASHBOARD_METRICS_TOKEN), and is open to everybody without one.",
            "DASHBOARD_METRICS_PUBLIC=off closes it; on says that this is meant.",
        )


def _of_files(runtime: Runtime) -> Iterator[Trouble]:
    """Nobody but this account may read the secret key, the store and the ledger, or put others in their place."""
    folder = runtime.config.instance
    if (_mode(folder) or 0) & stat.S_IWOTH:
        what = f"Everybody on this machine may write in {folder}, and could put a secret key of their own there."
        yield Trouble(what, f"chmod o-w {folder}")
    for path in (folder / KEY_FILE, folder / STORE_FILE, folder / LEDGER_FILE, folder / "peers"):
        mode = _mode(path)
        if mode is not None and mode & (stat.S_IRWXG | stat.S_IRWXO):
            yield Trouble(f"Others may read {path}.", f"chmod go-rwx {path}")
    if _mode(folder) is not None and not os.access(folder, os.W_OK):
        yield Trouble(f"Nothing can be written in {folder}.", "Give DASHBOARD_INSTANCE a folder of this account's own.")


def _mode(path: Path) -> int | None:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return None
