"""Bad input gets its own answer and changes nothing at all: no version, no tape."""

from __future__ import annotations

import pytest

from dashboard.config import Config
from dashboard.refusal import Refusal
from tests.workspaces.desk import Desk

CASES = [
    ("objects", {"model": "Nothing", "values": {}}, "not_found"),
    ("objects", {"values": {}}, "not_understood"),
    ("objects", {"model": 3, "values": {}}, "not_understood"),
    ("objects", {"model": "User", "values": []}, "not_understood"),
    ("objects", {"model": "User", "values": {"nothing": 1}}, "invalid"),
    ("objects", {"model": "User", "values": {"points": "many"}}, "invalid"),
    ("objects", {"model": "User", "values": {"name": None}}, "invalid"),
    ("objects", {"model": "User", "values": {"name": "x" * 10_000}}, "invalid"),
    ("objects", {"model": "User", "values": {"name": "a\0b"}}, "invalid"),
    ("objects", {"model": "Book", "values": {"author": "99,1"}}, "invalid"),
    ("objects", {"model": "Book", "values": {"author": "Author:7"}}, "invalid"),
    ("objects", {"model": "Book", "values": {"author": "Book:1"}}, "invalid"),
    ("objects", {"model": "Book", "values": {"author": ["1"]}}, "invalid"),
    ("objects", {"model": "Book", "values": {"tags": {"1": 2}}}, "invalid"),
    ("objects", {"model": "Book", "values": {"tags": [[1]]}}, "invalid"),
    ("objects", {"model": "User", "values": {}, "add": "perhaps"}, "not_understood"),
    ("load", {"model": "User"}, "not_understood"),
    ("load", {"model": "User", "key": "../../etc/passwd"}, "not_found"),
    ("load", {"model": "User", "key": "x" * 10_000}, "not_found"),
    ("load", {"model": "User", "key": "a\0"}, "not_found"),
    ("load", {"model": "User", "key": "one"}, "not_found"),
    ("load", {"model": "Line", "key": "1"}, "not_found"),
    ("values", {"ref": "Book:1", "values": {"version": 7}}, "invalid"),
    ("values", {"ref": "Book:1", "values": {"title": 3}}, "invalid"),
    ("values", {"ref": "Book:9", "values": {}}, "not_found"),
    ("values", {"ref": ["Book:1"], "values": {}}, "not_understood"),
    ("values", {"ref": "Book:1", "values": {"title": "New"}, "base": {"title": "Other"}}, "conflict"),
    ("values", {"ref": "Book:1", "values": {"title": "New"}, "base": "title"}, "not_understood"),
    ("read", {"ref": "Book:1"}, "not_understood"),
    ("read", {"ref": "Book:1", "attribute": "__class__"}, "invalid"),
    ("add", {"ref": "Book:1"}, "wrong_state"),
    ("drop", {"ref": "Book:1"}, "wrong_state"),
    ("make-transient", {"ref": "Book:1"}, "wrong_state"),
    ("expire", {"ref": "User:new-1"}, "wrong_state"),
    ("drop", {"ref": "Author:new-1"}, "wrong_state"),
    ("settings", {}, "not_understood"),
    ("settings", {"autoflush": "x"}, "not_understood"),
    ("redo", {}, "wrong_state"),
    ("rollback-to-savepoint", {}, "wrong_state"),
    ("__init__", {}, "not_found"),
    ("", {}, "not_found"),
    ("commit", {"force": "1"}, "wrong_state"),
]


@pytest.fixture
def board(desk):
    desk.open()
    desk.load("Book", 1)
    desk.make("User", name="Ann", email="ann@x")
    desk.make("Author", name="Held", add=False)
    desk.make("Book", title="Holder", author="Author:new-1", add=False)
    return desk


@pytest.mark.parametrize("verb, arguments, code", CASES)
def test_bad_input(board, verb, arguments, code):
    before = board.view()
    with pytest.raises(Refusal) as refused:
        board.workspaces.act("w", verb, arguments, actor="ada")
    assert refused.value.code == code
    assert len(refused.value.message) < 500
    assert board.view() == before


@pytest.mark.parametrize("name", ["", "../x", "a/b", "a\0b", "x" * 65, "-x", "é", "a\n", None, 3])
def test_a_name_that_is_none(board, name):
    with pytest.raises(Refusal) as refused:
        board.workspaces.open(name, "ada")
    assert refused.value.code == "invalid"
    for ask in (lambda: board.workspaces.view(name), lambda: board.workspaces.act(name, "flush", {}, actor="ada")):
        with pytest.raises(Refusal) as refused:
            ask()
        assert refused.value.code == "not_found"


def test_a_name_is_taken_once(board):
    with pytest.raises(Refusal) as refused:
        board.open()
    assert refused.value.code == "taken"
    board.do("discard")
    assert board.workspaces.summaries() == ()
    board.open()
    assert board.view().objects == ()


def test_an_unknown_database(board):
    with pytest.raises(Refusal) as refused:
        board.workspaces.open("x", "ada", database="elsewhere")
    assert refused.value.code == "not_found"


def test_bounds(tmp_path):
    config = Config(workspace_objects=3, workspaces_kept=2, workspace_bytes=20_000)
    with Desk(f"sqlite:///{tmp_path / 'shop.db'}", f"sqlite:///{tmp_path / 'store.db'}", config=config) as desk:
        desk.open()
        desk.workspaces.open("second", "ada")
        with pytest.raises(Refusal) as refused:
            desk.workspaces.open("third", "ada")
        assert refused.value.code == "too_large"
        desk.load("Book", 1)
        desk.load("Author", 2)
        before = desk.view()
        with pytest.raises(Refusal) as refused:
            desk.do("read", "Book:1", attribute="tags")
        assert refused.value.code == "too_large"
        assert desk.view().objects == before.objects
        with pytest.raises(Refusal) as refused:
            desk.do("values", "Book:1", values={"summary": "x" * 20_000})
        assert refused.value.code == "too_large"
        assert desk.view().objects == before.objects
        desk.set("Book:1", title="Still works")


def test_who_may_not(board):
    from dashboard.workspaces.registry import Sight

    sight = Sight(may=lambda verb, model: verb != "delete" and model.name != "Tag")
    before = board.view()
    for verb, arguments in (("delete", {"ref": "Book:1"}), ("load", {"model": "Tag", "key": "1"})):
        with pytest.raises(Refusal) as refused:
            board.workspaces.act("w", verb, arguments, actor="ada", sight=sight)
        assert refused.value.code == "forbidden"
    assert board.view() == before
    assert "delete" not in board.workspaces.view("w", sight).object("Book:1")["actions"]
