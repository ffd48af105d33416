"""The audit: what was done stands there, newest first, and an older store gets the table when it is upgraded."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from dashboard.refusal import Refusal
from dashboard.store import audit
from dashboard.store.audit import Audit, Deed

ADA = Deed(
    at="2026-11-29T10:00:00.000Z",
    who="ada",
    role="admin",
    address="127.0.0.1",
    act="pool.refresh",
    subject="default",
    details={"workers": 2},
)


def test_what_was_done_is_told_as_it_was_written_newest_first(store):
    kept = Audit(store, most=1_000)
    first = kept.add(ADA)
    second = kept.add(replace(ADA, who="", role="", act="sign_in", outcome=audit.REFUSED, details={}))
    assert kept.newest(most=10) == [
        replace(ADA, who="", role="", act="sign_in", outcome=audit.REFUSED, details={}, number=second),
        replace(ADA, number=first),
    ]
    assert [deed.number for deed in kept.newest(most=10, before=second)] == [first]
    assert [deed.number for deed in kept.newest(most=1)] == [second]


def test_it_is_asked_by_who_and_by_act(store):
    kept = Audit(store, most=1_000)
    for who, act in (("ada", "pool.refresh"), ("bob", "connection.cancel"), ("ada", "connection.end")):
        kept.add(replace(ADA, who=who, act=act))
    assert [deed.act for deed in kept.newest(most=10, who="ada")] == ["connection.end", "pool.refresh"]
    assert [deed.who for deed in kept.newest(most=10, act="connection.")] == ["ada", "bob"]
    assert [deed.who for deed in kept.newest(most=10, act="connection_")] == []


def test_a_text_that_is_too_long_is_cut_and_the_rest_is_kept(store):
    kept = Audit(store, most=1_000)
    kept.add(replace(ADA, subject="é" * 1_000))
    assert kept.newest(most=1)[0].subject == "é" * 255


def test_only_the_newest_are_kept(store):
    kept = Audit(store, most=10)
    numbers = [kept.add(ADA) for _ in range(audit.TRIM_EVERY)]
    assert [deed.number for deed in kept.newest(most=1_000)] == numbers[-10:][::-1]


def test_a_store_of_an_earlier_version_gets_the_table_by_its_upgrade_and_keeps_the_rest(store):
    with store.engine.begin() as connection:
        audit.audit_table.drop(connection)
    assert [table.name for table in store.missing()] == ["poolhouse_audit"]
    store.create()
    assert store.missing() == []
    assert Audit(store, most=10).add(ADA)
    assert sa.inspect(store.engine).has_table("poolhouse_workspace")


def test_nobody_gets_out_of_the_audit_by_a_character_that_its_database_does_not_keep(store):
    kept = Audit(store, most=1_000)
    kept.add(replace(ADA, subject="Book/\0", outcome=audit.REFUSED, details={"key": "\0"}))
    assert [deed.subject for deed in kept.newest(most=10)] == ["Book/\ufffd"]


def test_what_no_row_can_hold_is_not_found_or_refused_in_words(store):
    kept = Audit(store, most=1_000)
    if store.engine.dialect.name != "postgresql":
        assert kept.newest(most=10, who="\0") == []
        return
    with pytest.raises(Refusal) as refused:
        kept.newest(most=10, who="\0")
    assert refused.value.code == "not_understood"
