"""A workspace with something of every sort in it, for what happens to a transaction that is open."""

from __future__ import annotations

import time

TITLES = "select title, name from book join author on author.id = author_id order by book.id"
TAGS = "select title, name from book join book_tag on book_id = book.id join tag on tag.id = tag_id order by 1, 2"


def until(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def stage(desk):
    """Something of every sort, flushed, and then changed again."""
    desk.open()
    author = desk.make("Author", name="New")
    desk.make("Book", title="First", author=author, tags=["1"])
    desk.load("Book", 1)
    desk.set("Book:1", title="Staged", author=author)
    desk.load("Book", 2)
    desk.do("read", "Book:2", attribute="tags")
    desk.set("Book:2", tags=["2"])
    desk.load("User", 1)
    desk.do("delete", "User:1")
    return author


def shown(view):
    return list(view.objects)
