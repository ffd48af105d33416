"""What keeps workspaces: versions compared and set, a row for each object and version, and bounds."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa

from dashboard.refusal import Refusal
from dashboard.store.workspace_rows import Change, Row, object_table, tape_table, version_table
from dashboard.store.workspaces import KeptWorkspaces

AT = "2026-11-22T10:00:00Z"


@pytest.fixture
def kept(store):
    return KeptWorkspaces(store, tape=10)


def opened(kept, name="w"):
    return kept.open(
        Row(0, name, "ada", "default", {"autoflush": False}, 1, 0, 0, None, None, None, AT), {"schema": 1}, most=3
    )


def change(images=None, at=AT, **options):
    return Change(
        at, "ada", "values", {"schema": 1, **options.pop("header", {})}, images or {}, {"action": "values"}, **options
    )


def test_a_workspace_is_found_again_as_it_was_kept(kept):
    row = opened(kept)
    row = kept.save(row, change({1: {"ref": "Book:1"}, 2: {"ref": "Book:2"}}, objects=2, header={"new": ["a"]}))
    assert kept.row("w") == row
    assert (row.version, row.tape, row.objects) == (2, 1, 2)
    found = kept.load(row)
    assert found.images == {1: {"ref": "Book:1"}, 2: {"ref": "Book:2"}}
    assert found.header == {"schema": 1, "new": ["a"]}
    assert kept.tape(row) == ({"number": 1, "action": "values"},)


def test_an_image_holds_until_the_next_one_and_none_after_the_object_left(kept):
    row = kept.save(opened(kept), change({1: {"v": 1}, 2: {"v": 1}}))
    second = kept.save(row, change({1: {"v": 2}}))
    third = kept.save(second, change({2: None}))
    assert [kept.load(each).images for each in (row, second, third)] == [
        {1: {"v": 1}, 2: {"v": 1}},
        {1: {"v": 2}, 2: {"v": 1}},
        {1: {"v": 2}},
    ]


def test_an_earlier_version_is_read_as_far_as_it_differs_from_the_one_that_is_known(kept):
    row = kept.save(opened(kept), change({1: {"v": 1}, 2: {"v": 1}, 3: {"v": 1}}))
    now = kept.save(kept.save(row, change({1: {"v": 2}, 3: None})), change({4: {"v": 1}}))
    known = {1: {"v": 2}, 2: {"v": "known"}, 4: {"v": 1}}
    assert kept.earlier(now, 2, known).images == {1: {"v": 1}, 2: {"v": "known"}, 3: {"v": 1}}
    with pytest.raises(Refusal):
        kept.earlier(now, 9, known)


def test_the_action_that_made_a_version_is_found_on_the_tape(kept):
    row = opened(kept)
    for version in (2, 3):
        row = kept.save(row, replace(change(), entry={"action": "values", "version": version}))
    assert (kept.entry_of(row, 3)["version"], kept.entry_of(row, 4)) == (3, {})


def test_of_two_writers_one_is_told_that_it_lost(kept):
    row = opened(kept)
    assert kept.save(row, change()) is not None
    assert kept.save(row, change()) is None
    assert len(kept.tape(kept.row("w"))) == 1


def test_an_action_that_failed_grows_the_tape_only_and_stops_nobody(kept):
    row = opened(kept)
    failed = kept.save(row, Change("2026-11-22T10:00:01Z", "bob", "flush", entry={"action": "flush"}))
    assert (failed.version, failed.tape, failed.updated_at) == (1, 1, AT)
    after = kept.save(row, change(at="2026-11-22T10:00:02Z"))
    assert (after.version, after.tape, after.updated_at) == (2, 2, "2026-11-22T10:00:02Z")


def test_nobody_writes_between_an_intent_and_its_outcome(kept):
    row = opened(kept)
    intended = kept.intend(row, {"process": "p"})
    assert kept.save(row, change()) is None
    assert kept.intend(row, {"process": "q"}) is None
    assert kept.row("w").intent == {"process": "p"}
    assert kept.save(intended, change()).intent is None


def test_a_pin_is_compared_too(kept):
    row = kept.save(opened(kept), change(pin="p", transaction={"since": AT}))
    assert (row.pin, row.transaction) == ("p", {"since": AT})
    freed = kept.save(row, change())
    assert (freed.pin, freed.transaction) == (None, None)
    assert kept.save(row, change()) is None


def test_names_are_taken_once_and_their_number_is_bounded(kept):
    opened(kept)
    with pytest.raises(Refusal) as refused:
        opened(kept)
    assert refused.value.code == "taken"
    opened(kept, "x")
    opened(kept, "W")
    assert kept.row("w").name == "w"
    with pytest.raises(Refusal) as refused:
        opened(kept, "y")
    assert refused.value.code == "too_large"
    assert {row.name for row in kept.rows()} == {"w", "x", "W"}


def test_what_is_discarded_leaves_no_row(kept, store):
    row = kept.save(opened(kept), change({1: {"v": 1}}))
    assert kept.discard(row)
    assert kept.row("w") is None
    with store.reading() as connection:
        assert [
            connection.scalar(sa.select(sa.func.count()).select_from(table))
            for table in (object_table, version_table, tape_table)
        ] == [0, 0, 0]
    with pytest.raises(Refusal):
        kept.load(row)


def test_only_versions_that_can_be_gone_to_and_so_many_actions_are_kept(kept, store):
    row = opened(kept)
    header = {"undo": [[5, 6], [30, 31]], "redo": [[40, 40]]}
    for number in range(80):
        row = kept.save(row, change({1: {"v": number}, **({} if number else {2: {"v": 0}})}, header=header))
    row = kept.save(row, change({2: None}, header=header))
    while row.version % 16:
        row = kept.save(row, change({1: {"v": row.version}}, header=header))
    assert len(kept.tape(row)) == 10
    with store.reading() as connection:
        versions = connection.scalars(sa.select(version_table.c.version).order_by(version_table.c.version)).all()
        images = connection.scalar(sa.select(sa.func.count()).select_from(object_table))
    assert versions == [5, 30, 40, *range(row.version - 16, row.version + 1)]
    assert images <= 24
    assert kept.load(row).images == {1: {"v": row.version - 1}}
    earlier = [kept.load(replace(row, version=version)).images for version in (5, 30, 40)]
    assert earlier == [{1: {"v": version - 2}, 2: {"v": 0}} for version in (5, 30, 40)]


def test_the_images_of_an_object_that_left_go_with_the_last_version_that_had_it(kept, store):
    row = kept.save(opened(kept), change({1: {"v": 1}, 2: {"v": 1}}))
    row = kept.save(row, change({1: None}))
    while row.version < 33 or row.version % 16:
        row = kept.save(row, change({2: {"v": row.version}}))
    with store.reading() as connection:
        assert connection.scalars(sa.select(object_table.c.number).distinct()).all() == [2]
