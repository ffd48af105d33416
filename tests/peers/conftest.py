"""Two workers of one dashboard: two apps on one instance folder, each with a holder of its own."""

from __future__ import annotations

import pytest

from tests.pages.conftest import Script, demo_file, make_app

__all__ = ["demo_file", "make_app"]


@pytest.fixture
def workers(make_app):
    """Two scripts of one editor; the first one has opened the workspace `w`, with a flushed change in it."""
    first, second = Script(make_app(), "editor"), Script(make_app(), "editor")
    assert first.post("/workspaces/", {"name": "w"}).status_code == 201
    for path, data in (
        ("load", {"model": "Book", "key": "3"}),
        ("objects/Book:3/values", {"values": {"title": "Staged"}}),
        ("flush", {}),
    ):
        assert first.post(f"/workspaces/w/{path}", data).status_code == 200
    return first, second
