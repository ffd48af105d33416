"""What must be there before the first request: the instance folder, the secret key, the store, the admin. Eight
processes at once do it once."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .access.accounts import Accounts
from .config import Config
from .refusal import Refusal
from .store.engine import SCHEMA_VERSION, Store

STORE_FILE = "store.db"


@contextmanager
def lock(config: Config) -> Iterator[None]:
    """Held by one process at a time; the kernel gives it back when its holder dies."""
    config.instance.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (config.instance / "first-start.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def open_store(config: Config) -> Store:
    """The store of the settings; made at once where it is a file of ours, by `store create` only on a server
    database."""
    store = Store(config.store_url or f"sqlite:///{(config.instance / STORE_FILE).absolute()}")
    if store.engine.dialect.name == "sqlite":
        store.create()
    version = store.schema_version()
    if version is None:
        raise Refusal("store_away", "The store has no tables yet.", remedy="Run `flask dashboard store create`.")
    if version > SCHEMA_VERSION:
        raise Refusal(
            "store_away",
            f"The store was made by a newer Poolhouse (version {version}, this one knows {SCHEMA_VERSION}).",
            remedy="Start the newer one.",
        )
    return store


def open_accounts(store: Store, config: Config) -> Accounts:
    accounts = Accounts(store, config)
    accounts.ensure_admin()
    if config.admin_password:
        accounts.set_admin_password(config.admin_password)
    return accounts


def secret_key(config: Config) -> str:
    """The key of the settings, else the one kept in the instance folder, made on first use with mode 0600."""
    return config.secret_key or _kept_key(config.instance / "secret_key")


def _kept_key(path: Path) -> str:
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
    return path.read_text()
