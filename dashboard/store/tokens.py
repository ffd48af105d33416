"""What the store keeps of bearer tokens: their hash, what they may do, until when, and when they were last used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from .engine import Store, metadata

token_table = sa.Table(
    "poolhouse_token",
    metadata,
    sa.Column("hash", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("role", sa.String(20), nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("owner", sa.String(100), doc="the account that it acts for; NULL: for itself"),
    sa.Column("scope", sa.String(20), doc="NULL: all that its role may"),
    sa.Column("expires_at", sa.Double),
    sa.Column("last_used_at", sa.Double),
)


@dataclass(frozen=True)
class Token:
    """One token. Times are seconds since 1970. owner: the account that it acts for, None where it acts under its own
    name. scope: None for all that its role may."""

    hash: str
    name: str
    role: str
    created_at: float = 0.0
    owner: str | None = None
    scope: str | None = None
    expires_at: float | None = None
    last_used_at: float | None = None

    @property
    def reads_metrics_only(self) -> bool:
        return self.scope == "metrics"

    @property
    def id(self) -> str:
        """What it is called by; nobody can guess a token from it."""
        return self.hash[:16]


def add_token(store: Store, token: Token) -> None:
    with store.writing() as connection:
        connection.execute(token_table.insert().values(**vars(token)))


def revoke_token(store: Store, token_hash: str) -> None:
    with store.writing() as connection:
        connection.execute(token_table.delete().where(token_table.c.hash == token_hash))


def note_uses(store: Store, uses: Mapping[str, float]) -> None:
    """uses: by a token's hash the moment of its last use."""
    with store.writing() as connection:
        for token_hash, at in uses.items():
            connection.execute(token_table.update().where(token_table.c.hash == token_hash).values(last_used_at=at))
