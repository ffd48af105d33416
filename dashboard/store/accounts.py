"""What the store keeps of people: accounts, tokens, sign-ins and one-time links, as plain rows. Secrets are kept as
hashes only."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from .engine import Store, metadata

account_table = sa.Table(
    "poolhouse_account",
    metadata,
    sa.Column("name", sa.String(100), primary_key=True),
    sa.Column("role", sa.String(20), nullable=False),
    sa.Column("password_hash", sa.String(300)),
    sa.Column("changed_at", sa.Float, nullable=False),
)
token_table = sa.Table(
    "poolhouse_token",
    metadata,
    sa.Column("hash", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("role", sa.String(20), nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
)
sign_in_table = sa.Table(
    "poolhouse_sign_in",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("account", sa.String(100), nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("ended_at", sa.Float, index=True),
)
link_table = sa.Table(
    "poolhouse_link",
    metadata,
    sa.Column("hash", sa.String(64), primary_key=True),
    sa.Column("account", sa.String(100), nullable=False),
    sa.Column("expires_at", sa.Float, nullable=False),
)
failed_sign_in_table = sa.Table(
    "poolhouse_failed_sign_in",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("subject", sa.String(140), nullable=False, index=True),
    sa.Column("at", sa.Float, nullable=False),
)


@dataclass(frozen=True)
class Account:
    """One account. changed_at: seconds since 1970 of the last change of its password or role; an older sign-in is
    void."""

    name: str
    role: str
    password_hash: str | None
    changed_at: float


@dataclass(frozen=True)
class Token:
    hash: str
    name: str
    role: str


@dataclass(frozen=True)
class People:
    """Everything that signing in needs, read in one go."""

    accounts: dict[str, Account]
    tokens: dict[str, Token]
    ended_sign_ins: frozenset[str]


def read_people(store: Store, ended_since: float) -> People:
    """Accounts, tokens, and the sign-ins that were ended after `ended_since` (seconds since 1970): older ones have
    run out by themselves."""
    with store.reading() as connection:
        accounts = [Account(*row) for row in connection.execute(sa.select(account_table))]
        tokens = [Token(*row[:3]) for row in connection.execute(sa.select(token_table))]
        ended = connection.scalars(sa.select(sign_in_table.c.id).where(sign_in_table.c.ended_at > ended_since))
        return People({a.name: a for a in accounts}, {t.hash: t for t in tokens}, frozenset(ended))


def save_account(store: Store, account: Account) -> None:
    with store.writing() as connection:
        connection.execute(account_table.delete().where(account_table.c.name == account.name))
        connection.execute(account_table.insert().values(**vars(account)))


def add_account_if_missing(store: Store, account: Account) -> None:
    with store.writing() as connection:
        if connection.scalar(sa.select(account_table.c.name).where(account_table.c.name == account.name)) is None:
            connection.execute(account_table.insert().values(**vars(account)))


def add_token(store: Store, token: Token, at: float) -> None:
    with store.writing() as connection:
        connection.execute(
            token_table.insert().values(hash=token.hash, name=token.name, role=token.role, created_at=at)
        )


def add_sign_in(store: Store, sign_in: str, account: str, at: float) -> None:
    with store.writing() as connection:
        connection.execute(sign_in_table.insert().values(id=sign_in, account=account, at=at))


def end_sign_in(store: Store, sign_in: str, account: str, at: float) -> None:
    """Ends it even when its beginning could not be written down (the store was away)."""
    with store.writing() as connection:
        changed = connection.execute(sign_in_table.update().where(sign_in_table.c.id == sign_in).values(ended_at=at))
        if not changed.rowcount:
            connection.execute(sign_in_table.insert().values(id=sign_in, account=account, at=at, ended_at=at))


def add_link(store: Store, link_hash: str, account: str, expires_at: float) -> None:
    with store.writing() as connection:
        connection.execute(link_table.insert().values(hash=link_hash, account=account, expires_at=expires_at))


def link_is_good(store: Store, link_hash: str, now: float) -> bool:
    with store.reading() as connection:
        good = sa.select(link_table.c.hash).where(link_table.c.hash == link_hash, link_table.c.expires_at > now)
        return connection.scalar(good) is not None


def use_link(store: Store, link_hash: str, now: float) -> str | None:
    """The account that the link signs in, once: the row is deleted in the same transaction. None when it is unknown,
    used or too old."""
    with store.writing() as connection:
        good = sa.select(link_table.c.account).where(link_table.c.hash == link_hash, link_table.c.expires_at > now)
        account = connection.scalar(good)
        connection.execute(
            link_table.delete().where((link_table.c.hash == link_hash) | (link_table.c.expires_at <= now))
        )
        return account


def count_failed_sign_ins(store: Store, subjects: tuple[str, ...], since: float) -> int:
    """The most failures that any one of the subjects (a name, an address) had since then."""
    with store.reading() as connection:
        table = failed_sign_in_table
        counts = (
            sa.select(sa.func.count())
            .where(table.c.subject.in_(subjects), table.c.at > since)
            .group_by(table.c.subject)
        )
        return max(connection.scalars(counts), default=0)


def add_failed_sign_in(store: Store, subjects: tuple[str, ...], at: float, forget_before: float) -> None:
    with store.writing() as connection:
        connection.execute(failed_sign_in_table.delete().where(failed_sign_in_table.c.at < forget_before))
        connection.execute(failed_sign_in_table.insert(), [{"subject": subject, "at": at} for subject in subjects])
