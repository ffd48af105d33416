"""What must be there before the first request: the instance folder, the secret key, the store, the admin. Eight
processes at once do it once."""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import sqlalchemy as sa

from .access.accounts import Accounts
from .config import Config
from .refusal import Refusal
from .store.engine import SCHEMA_VERSION, Store
from .store.late import LateStore

log = logging.getLogger("poolhouse")
STORE_FILE = "store.db"
KEY_FILE = "poolhouse_secret_key"  # a Flask host may well keep a `secret_key` of its own in its `instance` folder
KEY_CHARACTERS = 16
"""That a secret key has at least."""
LOOK_AGAIN_SECONDS = 0.02


@contextmanager
def lock(config: Config) -> Iterator[None]:
    """Held by one process at a time; the kernel gives it back when its holder dies.

    Raises Refusal("unavailable") where the instance folder cannot be used, or somebody holds the lock for too long.
    """
    path = config.instance / "first-start.lock"
    try:
        config.instance.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = _opened(path)
    except OSError as error:
        raise Refusal(
            "unavailable",
            f"Nothing can be kept in the folder {config.instance} ({error.strerror}).",
            remedy="Give DASHBOARD_INSTANCE a folder in which this program may write.",
        ) from error
    with file:
        _wait_for(file, config.first_start_seconds)
        yield


def _opened(path: Path) -> IO[str]:
    """To be written where it can be, for then it is made: to hold it, reading is enough."""
    try:
        return path.open("w")
    except OSError:
        return path.open()


def _wait_for(file: IO[str], seconds: float) -> None:
    """A host's start must not hang on whoever hangs in ours."""
    until = time.monotonic() + seconds
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                message = f"Another process has been in its first start for {seconds:g} s ({file.name})."
                raise Refusal("unavailable", message, remedy="See what it waits for, and start again.") from None
            time.sleep(LOOK_AGAIN_SECONDS)


def store_url(config: Config) -> str:
    return config.store_url or f"sqlite:///{(config.instance / STORE_FILE).absolute()}"


def open_store(config: Config) -> Store:
    """The store of the settings; made at once where it is a file of ours, by `store create` only on a server
    database. Raises Refusal: "store_away" for one that does not answer, "unavailable" for one without the tables that
    this version knows."""
    store = Store(store_url(config), config.store_seconds)
    try:
        if store.engine.dialect.name == "sqlite":
            store.create()
        _must_be_known(store.schema_version())
    except BaseException:
        store.engine.dispose()
        raise
    return store


def begin_store(config: Config, *, people: bool) -> tuple[Store, Accounts | None]:
    """The store, and the accounts in it where people are asked for, for a process that serves. One that is away is
    begun by whoever uses it when it is back. Raises as `open_store` does for one that will not come back."""
    store = LateStore(store_url(config), config.store_seconds)
    accounts = Accounts(store, config) if people else None

    def begin() -> None:
        if is_ours(config):
            store.create()
        _must_be_known(store.schema_version())
        if accounts is not None:
            _prepare(accounts, config)

    def begin_late() -> None:
        if not is_ours(config):  # before the lock: nobody shall queue for it while the store is away
            _must_be_known(store.schema_version())
        with lock(config):
            begin()
        log.warning("poolhouse: the store is back, and has begun")

    try:
        begin()
    except Refusal as refusal:
        if not may_come_back(refusal):
            store.engine.dispose()
            raise
        log.error("poolhouse starts without its store, and tries again with each request: %s", refusal)
        store.put_off(begin_late)
    except BaseException:
        store.engine.dispose()
        raise
    return store, accounts


def is_ours(config: Config) -> bool:
    """A file of our own, which we make; the tables on a server are made by a command only."""
    return sa.make_url(store_url(config)).get_backend_name() == "sqlite"


def may_come_back(refusal: Refusal) -> bool:
    """Whether the store is only away: its server may answer in a moment, or its disk have room."""
    return refusal.code == "store_away"


def _must_be_known(version: int | None) -> None:
    if version is None:
        raise Refusal("unavailable", "The store has no tables yet.", remedy="Run `flask dashboard store create`.")
    if version > SCHEMA_VERSION:
        raise Refusal(
            "unavailable",
            f"The store was made by a newer Poolhouse (version {version}, this one knows {SCHEMA_VERSION}).",
            remedy="Start the newer one.",
        )


def open_accounts(store: Store, config: Config) -> Accounts:
    accounts = Accounts(store, config)
    _prepare(accounts, config)
    return accounts


def _prepare(accounts: Accounts, config: Config) -> None:
    accounts.ensure_admin()
    if config.admin_password:
        accounts.set_admin_password(config.admin_password)


def secret_key(config: Config) -> str:
    """The key of the settings, else the one kept in the instance folder, made on first use with mode 0600."""
    return config.secret_key or _kept_key(config.instance / KEY_FILE)


def _kept_key(path: Path) -> str:
    """Written whole or not at all: whoever dies in the middle must not leave an empty key behind."""
    if not path.exists():
        unfinished = path.with_suffix(".new")
        unfinished.unlink(missing_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
            file.flush()
            os.fsync(file.fileno())  # a power cut must not leave an empty one either
        unfinished.replace(path)
    key = path.read_text()
    if len(key.strip()) < KEY_CHARACTERS:
        message = f"The secret key in {path} is too short: anybody could sign a cookie with it."
        raise Refusal(
            "unavailable", message, remedy="Remove the file: a new one is made, and everybody signs in again."
        )
    return key
