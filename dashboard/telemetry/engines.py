"""How many Engines of the program lead to the same database? Two are mostly a mistake: each has a pool of its own."""

from __future__ import annotations

import hashlib
from functools import lru_cache

import sqlalchemy as sa

from ..masks import IN_URLS
from . import watching
from .ours import is_ours
from .watches import MARK, PoolWatch

DIGITS = 12


def engines() -> dict[str, int]:
    """Watched Engines by the hash of their URL. A database in memory is left out: each Engine has its own."""
    found = {
        id(engine): engine
        for watch in list(watching.active)
        if not is_ours(watch.name) and (engine := watch.root.engine()) is not None
    }
    counts: dict[str, int] = {}
    for engine in found.values():
        if not _is_in_memory(engine.url):
            database = hash_of(engine.url)
            counts[database] = counts.get(database, 0) + 1
    return counts


def name_of(engine: sa.Engine) -> str | None:
    """Under which name the pool of this Engine is watched."""
    known: PoolWatch | None = engine.pool.__dict__.get(MARK)
    return None if known is None else known.name


@lru_cache(maxsize=64)
def hash_of(url: sa.URL) -> str:
    """The same for every password: whoever reads it could try which one it was made of.

    >>> hash_of(sa.make_url("postgresql://ada:one@db/shop")) == hash_of(sa.make_url("postgresql://ada:two@db/shop"))
    True
    >>> hash_of(sa.make_url("mysql://db/shop?passwd=one")) == hash_of(sa.make_url("mysql://db/shop?passwd=two"))
    True
    """
    query = {name: value for name, value in url.query.items() if not IN_URLS.is_secret(name)}
    plain = sa.URL.create(url.drivername, url.username, None, url.host, url.port, url.database, query)
    return hashlib.sha256(plain.render_as_string(hide_password=False).encode()).hexdigest()[:DIGITS]


def _is_in_memory(url: sa.URL) -> bool:
    return url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:")
