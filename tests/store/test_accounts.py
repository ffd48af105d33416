"""Accounts as they are kept: to the millisecond, each change for itself, on every database that may be a store."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from dashboard.store import accounts as rows
from dashboard.store import sign_ins, tokens
from dashboard.store.engine import metadata

NOW = 1_795_000_123.456
ADA = rows.Account("ada", "editor", "hash", NOW)


def kept(store):
    return rows.read_people(store, 0).accounts


def test_a_moment_is_kept_as_it_was(store):
    rows.save_account(store, ADA)
    assert kept(store) == {"ada": ADA}
    sign_ins.add_link(store, "link", "ada", NOW + 600)
    assert [sign_ins.link_is_good(store, "link", NOW + seconds) for seconds in (599, 601)] == [True, False]


def test_no_moment_is_a_number_of_seven_digits_in_any_store():
    """FLOAT of MySQL: a change of a password within three hours of the last one would end no sign-in."""
    kinds = [str(column.type.compile(mysql.dialect())) for table in metadata.tables.values() for column in table.c]
    assert [kind for kind in kinds if kind.startswith(("FLOAT", "REAL"))] == []
    assert "DOUBLE" in kinds


def test_an_account_is_made_once_and_what_was_left_of_an_earlier_one_does_not_act_for_it(store):
    tokens.add_token(store, tokens.Token("hash", "left", "editor", NOW, owner="ada"))
    assert rows.add_account(store, ADA)
    assert not rows.add_account(store, replace(ADA, role="admin"))
    people = rows.read_people(store, 0)
    assert (people.accounts, people.tokens) == ({"ada": ADA}, {})


def test_a_change_is_of_its_columns_alone_and_later_than_the_one_before_it(store):
    rows.save_account(store, ADA)
    changed = rows.change_account(store, "ada", NOW - 60, role="viewer")
    assert changed == replace(ADA, role="viewer", changed_at=pytest.approx(NOW + 0.001, abs=1e-6))
    assert kept(store) == {"ada": changed}
    assert rows.change_account(store, "ada", NOW + 5, as_of=NOW, password_hash="mine") is None
    assert rows.change_account(store, "eve", NOW, role="admin") is None
    assert kept(store) == {"ada": changed}
    assert rows.change_account(store, "ada", NOW + 5, as_of=changed.changed_at, password_hash="mine") is not None


def test_a_change_ends_the_sign_ins(store):
    rows.save_account(store, ADA)
    sign_ins.add_sign_in(store, sign_ins.Begun("id", "ada", NOW, NOW, "", None), idle_before=0, ended_before=0)
    rows.change_account(store, "ada", NOW + 1)
    with store.reading() as connection:
        assert connection.scalar(sa.select(sign_ins.sign_in_table.c.ended_at)) == NOW + 1
