"""What the store keeps of people: their accounts, and all that signing in needs, read in one go. Secrets are kept as
hashes only."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from .engine import Store, metadata
from .sign_ins import link_table, sign_in_table
from .tokens import Token, token_table

account_table = sa.Table(
    "poolhouse_account",
    metadata,
    sa.Column("name", sa.String(100), primary_key=True),
    sa.Column("role", sa.String(20), nullable=False),
    sa.Column("password_hash", sa.String(300)),
    sa.Column("changed_at", sa.Float, nullable=False),
)


@dataclass(frozen=True)
class Account:
    """One account. changed_at: seconds since 1970 of the last change of its password or role, later than that of each
    change before; a sign-in holds for the one that it was made under."""

    name: str
    role: str
    password_hash: str | None
    changed_at: float


@dataclass(frozen=True)
class People:
    """Everything that signing in needs."""

    accounts: dict[str, Account]
    tokens: dict[str, Token]
    ended_sign_ins: frozenset[str]


def read_people(store: Store, ended_since: float) -> People:
    """Accounts, tokens, and the sign-ins that were ended after `ended_since` (seconds since 1970): older ones have
    run out by themselves, however much they were used: one process hears later than another that they were ended."""
    with store.reading() as connection:
        # first: an ended sign-in is forgotten only after its account was changed, and never is neither known
        ended = connection.scalars(sa.select(sign_in_table.c.id).where(sign_in_table.c.ended_at > ended_since)).all()
        accounts = [Account(*row) for row in connection.execute(sa.select(account_table))]
        tokens = [Token(**row._mapping) for row in connection.execute(sa.select(token_table))]
        return People({a.name: a for a in accounts}, {t.hash: t for t in tokens}, frozenset(ended))


def save_account(store: Store, account: Account) -> None:
    """Its sign-ins end. Whatever the clock says, its `changed_at` is later than before."""
    table, mine = account_table, sign_in_table.c.account == account.name
    with store.writing() as connection:
        before = connection.scalar(sa.select(table.c.changed_at).where(table.c.name == account.name))
        connection.execute(table.delete().where(table.c.name == account.name))
        at = account.changed_at if before is None else max(account.changed_at, before + 0.001)
        connection.execute(table.insert().values(**{**vars(account), "changed_at": at}))
        ended = sign_in_table.update().where(mine, sign_in_table.c.ended_at.is_(None))
        connection.execute(ended.values(ended_at=account.changed_at))


def add_account_if_missing(store: Store, account: Account) -> None:
    there = sa.select(account_table.c.name).where(account_table.c.name == account.name)
    with store.reading() as connection:
        if connection.scalar(there) is not None:
            return  # nothing is written where nothing can be
    with store.writing() as connection:
        if connection.scalar(there) is None:
            connection.execute(account_table.insert().values(**vars(account)))


def remove_account(store: Store, name: str) -> None:
    """With the tokens, links and sign-ins that it had."""
    with store.writing() as connection:
        connection.execute(token_table.delete().where(token_table.c.owner == name))
        connection.execute(link_table.delete().where(link_table.c.account == name))
        connection.execute(sign_in_table.delete().where(sign_in_table.c.account == name))
        connection.execute(account_table.delete().where(account_table.c.name == name))
