"""What is stored comes back as text, wherever a page writes it: between elements, in attributes, as JSON."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

HOSTILE = '"><script>x</script><b onclick="x" style=\'x\' '


class Handlers(HTMLParser):
    """Collects what nobody of ours has written: handlers, styles and scripts without a file."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if any(name.startswith("on") or name == "style" for name in given) or (tag == "script" and "src" not in given):
            self.found.append((tag, attributes))


@pytest.fixture
def book(script):
    values = {"title": HOSTILE, "author_id": 1, "details": {"json": {HOSTILE: [HOSTILE, {"a": HOSTILE}]}}}
    made = script("editor").post("/records/Book/", {"values": values})
    assert made.status_code == 201, made.text
    return made.json["key"]


def test_a_json_column_writes_no_attribute_of_its_own(script, browser_client, book):
    editor = script("editor")
    editor.post("/workspaces/", {"name": "w"})
    editor.post("/workspaces/w/load", {"model": "Book", "key": book})
    editor.post(f"/workspaces/w/objects/Book:{book}/values", {"values": {"details": {"json": [HOSTILE]}}})
    editor.post("/workspaces/w/flush", {})
    for path in (
        f"/records/Book/?f.id.eq={book}",
        f"/records/Book/{book}",
        f"/records/Book/{book}/edit",
        "/workspaces/w/",
        "/workspaces/w/review",
    ):
        page = browser_client.get(path)
        assert page.status_code == 200
        handlers = Handlers()
        handlers.feed(page.text)
        assert handlers.found == [], path
        assert "onclick" in page.text
