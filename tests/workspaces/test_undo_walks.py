"""Whatever was committed over the demo's models: does its undo leave every row as it was?"""

from __future__ import annotations

import os
from collections import Counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dashboard.demo import models as demo
from dashboard.refusal import Refusal
from dashboard.workspaces.history import History
from dashboard.workspaces.reading import Readers
from dashboard.workspaces.registry import EVERYTHING
from tests.workspaces.archive import rows_of
from tests.workspaces.test_review_walks import STEPS, Shop

SOAK = bool(os.environ.get("SOAK"))
WALKS = 1_000 if SOAK else 10


class Past(Shop):
    """A shop with its history."""

    def __init__(self, *urls):
        super().__init__(*urls)
        self.readers = Readers(self.databases, self.workspaces, self.config)
        self.history = History(self.databases, self.store, self.workspaces, self.readers, self.config)

    def __exit__(self, *error):
        self.readers.close()
        super().__exit__(*error)

    def undo(self, number):
        """By a commit, whose number it answers."""
        name = self.history.undo(number, EVERYTHING, "ada").name
        try:
            return self.workspaces.act(name, "commit", {}, actor="ada").view.change_set
        finally:
            self.workspaces.discard(name, actor="ada")

    def table(self):
        return rows_of(self.engine, demo.Base.metadata)


@pytest.fixture
def past(tmp_path):
    with Past(f"sqlite:///{tmp_path / 'shop.db'}", f"sqlite:///{tmp_path / 'store.db'}") as made:
        yield made


@pytest.mark.soak
def test_an_undo_leaves_every_row_as_it_was(past):
    ended = Counter()

    @settings(max_examples=WALKS, deadline=None, derandomize=not SOAK)
    @example([("Author", "1", 2), ("delete", "Book", "1")])  # the commit takes two flushes
    @given(st.lists(STEPS, min_size=1, max_size=9))
    def walk(steps):
        ended[_walked_and_undone(past, steps)] += 1

    walk()
    assert ended["undone"] >= 0.5 * ended.total(), ended


def _walked_and_undone(past, steps):
    past.lay()
    before = past.table()
    for step in steps:
        past.step(step)
    number = _committed(past)
    after = past.table()
    if number is None:
        assert after == before
        return "nothing to undo"
    again = past.undo(number)
    assert past.table() == before
    past.undo(again)
    assert past.table() == after
    return "undone"


def _committed(past):
    """As much of what was staged as the database takes."""
    while True:
        try:
            return past.do("commit").view.change_set
        except Refusal:
            past.do("undo")
