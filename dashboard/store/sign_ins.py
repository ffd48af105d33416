"""What the store keeps of signing in: who is signed in from where, the links that do it once, and the tries that
failed."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from .engine import Store, metadata

sign_in_table = sa.Table(
    "poolhouse_sign_in",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("account", sa.String(100), nullable=False),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("ended_at", sa.Double, index=True),
    sa.Column("seen_at", sa.Double),
    sa.Column("address", sa.String(100)),
    sa.Column("browser", sa.String(200)),
)
link_table = sa.Table(
    "poolhouse_link",
    metadata,
    sa.Column("hash", sa.String(64), primary_key=True),
    sa.Column("account", sa.String(100), nullable=False),
    sa.Column("expires_at", sa.Double, nullable=False),
)
failed_sign_in_table = sa.Table(
    "poolhouse_failed_sign_in",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("subject", sa.String(140), nullable=False, index=True),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("trial", sa.String(32), doc="the one try of which these rows are"),
)


@dataclass(frozen=True)
class Begun:
    """A sign-in as it is listed. Times are seconds since 1970. browser: what it calls itself."""

    id: str
    account: str
    at: float
    seen_at: float | None
    address: str | None
    browser: str | None


def add_sign_in(store: Store, begun: Begun, *, idle_before: float, ended_before: float) -> None:
    """Those that nobody was seen with since idle_before, or that were ended before ended_before, are thrown away."""
    table = sign_in_table
    idle = sa.and_(table.c.ended_at.is_(None), table.c.seen_at < idle_before)
    with store.writing() as connection:
        connection.execute(table.delete().where(sa.or_(table.c.ended_at < ended_before, idle)))
        connection.execute(table.insert().values(**vars(begun)))


def count_sign_ins(store: Store, account: str) -> int:
    """Live and ended ones."""
    mine = sa.select(sa.func.count()).select_from(sign_in_table).where(sign_in_table.c.account == account)
    with store.reading() as connection:
        return connection.scalar(mine) or 0


def forget_sign_ins(store: Store, account: str) -> None:
    """Of an account that was changed since, which voids them all."""
    with store.writing() as connection:
        connection.execute(sign_in_table.delete().where(sign_in_table.c.account == account))


def see_sign_in(store: Store, begun: Begun) -> None:
    """Notes that it is still used; also one whose beginning could not be written down (the store was away)."""
    table = sign_in_table
    with store.writing() as connection:
        changed = connection.execute(table.update().where(table.c.id == begun.id).values(seen_at=begun.seen_at))
        if not changed.rowcount:
            connection.execute(table.insert().values(**vars(begun)))


def end_sign_in(store: Store, sign_in: str, account: str, at: float) -> None:
    """Ends it even when its beginning could not be written down (the store was away)."""
    table = sign_in_table
    with store.writing() as connection:
        mine = (table.c.id == sign_in, table.c.account == account)
        changed = connection.execute(table.update().where(*mine).values(ended_at=at))
        if not changed.rowcount:
            connection.execute(table.insert().values(id=sign_in, account=account, at=at, ended_at=at))


def live_sign_ins(store: Store, account: str | None, seen_since: float) -> list[Begun]:
    """The latest first. account: None for everybody's."""
    table = sign_in_table
    columns = [table.c[name] for name in Begun.__dataclass_fields__]
    asked = sa.select(*columns).where(table.c.ended_at.is_(None), table.c.seen_at > seen_since)
    if account is not None:
        asked = asked.where(table.c.account == account)
    with store.reading() as connection:
        return [Begun(*row) for row in connection.execute(asked.order_by(table.c.seen_at.desc(), table.c.id))]


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
        gone = connection.execute(link_table.delete().where(link_table.c.hash == link_hash))
        connection.execute(link_table.delete().where(link_table.c.expires_at <= now))
        return account if gone.rowcount else None  # somebody else may have used it since it was read


def add_trial(store: Store, trial: str, subjects: tuple[str, ...], at: float, forget_before: float) -> int:
    """Notes a try of these subjects (a name, an address) before it is known how it ends. The most tries that any of
    them had since `forget_before`, this one counted: of many at once, each sees those that were noted before it."""
    table = failed_sign_in_table
    with store.writing() as connection:
        connection.execute(table.delete().where((table.c.at < forget_before) | (table.c.at > 2 * at - forget_before)))
        connection.execute(table.insert(), [{"subject": each, "at": at, "trial": trial} for each in subjects])
    with store.reading() as connection:
        counts = sa.select(sa.func.count()).where(table.c.subject.in_(subjects)).group_by(table.c.subject)
        return max(connection.scalars(counts), default=0)


def forget_trial(store: Store, trial: str) -> None:
    """It did not fail, or was not let through."""
    with store.writing() as connection:
        connection.execute(failed_sign_in_table.delete().where(failed_sign_in_table.c.trial == trial))
