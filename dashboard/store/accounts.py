"""What the store keeps of people: their accounts, and all that signing in needs, read in one go. Secrets are kept as
hashes only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from .engine import Store, metadata
from .list_views import list_view_table
from .sign_ins import link_table, sign_in_table
from .tokens import Token, token_table

account_table = sa.Table(
    "poolhouse_account",
    metadata,
    sa.Column("name", sa.String(100), primary_key=True),
    sa.Column("role", sa.String(20), nullable=False),
    sa.Column("password_hash", sa.String(300)),
    sa.Column("changed_at", sa.Double, nullable=False),
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
    """Makes it, or changes it, whoever changed it meanwhile. Its sign-ins end."""
    while not add_account(store, account):
        now: dict[str, Any] = {"role": account.role, "password_hash": account.password_hash}
        if change_account(store, account.name, account.changed_at, **now) is not None:
            return


def add_account(store: Store, account: Account) -> bool:
    """False where there is one of that name. What is left of an earlier one (a token that was made while it was
    removed) does not act for it."""
    there = sa.select(account_table.c.name).where(account_table.c.name == account.name)
    with store.reading() as connection:
        if connection.scalar(there) is not None:
            return False  # nothing is written where nothing can be
    try:
        with store.writing() as connection:
            if connection.scalar(there) is None:
                connection.execute(token_table.delete().where(token_table.c.owner == account.name))
                connection.execute(account_table.insert().values(**vars(account)))
                return True
    except sa.exc.IntegrityError:  # somebody has made it just now
        pass
    return False


def change_account(store: Store, name: str, at: float, *, as_of: float | None = None, **values: Any) -> Account | None:
    """Changes these columns alone; its sign-ins end. The account as it is then: whatever the clock says (`at`), its
    `changed_at` is later than before. as_of: the `changed_at` of the account that is meant. None where there is none,
    or another one by now: whoever asks to change their own does not undo what was done to it meanwhile."""
    table = account_table
    with store.writing() as connection:
        found = connection.execute(sa.select(table).where(table.c.name == name).with_for_update()).first()
        if found is None or as_of not in (None, found.changed_at):
            return None
        changed = replace(Account(*found), changed_at=max(at, found.changed_at + 0.001), **values)
        connection.execute(table.update().where(table.c.name == name).values(**vars(changed)))
        mine = (sign_in_table.c.account == name, sign_in_table.c.ended_at.is_(None))
        connection.execute(sign_in_table.update().where(*mine).values(ended_at=at))
        return changed


def remove_account(store: Store, name: str) -> None:
    """With the tokens, links, sign-ins and views of lists that it had: a later account of that name is another's."""
    with store.writing() as connection:
        connection.execute(token_table.delete().where(token_table.c.owner == name))
        connection.execute(link_table.delete().where(link_table.c.account == name))
        connection.execute(sign_in_table.delete().where(sign_in_table.c.account == name))
        connection.execute(list_view_table.delete().where(list_view_table.c.owner == name))
        connection.execute(account_table.delete().where(account_table.c.name == name))
