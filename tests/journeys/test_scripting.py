"""A thousand strings that are to run a script, in every text column of the demo, in names of tables, columns, accounts
and tokens: on no page does one run, and the policy of the pages has nothing to report."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from itertools import islice

import pytest

from tests.journeys.desk import Desk
from tests.journeys.scripting import strings

pytestmark = pytest.mark.soak

SOAK = bool(os.environ.get("SOAK"))
TEXTS = strings() if SOAK else strings()[::27]
RECORDS = len(TEXTS) if SOAK else 1
MODELS = ("User", "Author", "Book", "Tag", "Order", "Review")
WATCH = """
window.ran = [];
window.xss = (what) => window.ran.push(String(what));
for (const name of ["alert", "confirm", "prompt"]) window[name] = window.xss;
document.addEventListener("securitypolicyviolation", (event) => window.ran.push(
  `policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile} ${event.lineNumber}`));
"""
FIRST = 100_000
"""Keys of what is laid here begin with it."""


def lay(file, texts):
    """Each string in each text column of each table; SQLite itself keeps no length."""
    with closing(sqlite3.connect(file)) as data:
        for number, text in enumerate(texts, FIRST):
            said = json.dumps(text)
            data.execute(
                "INSERT INTO user (id, name, email, role, newsletter, points, joined_at, member, settings) "
                "VALUES (?, ?, ?, 'reader', 0, 0, '2026-01-01 00:00:00', ?, ?)",
                (number, text, f"{text}{number}", f"{number:032x}", said),
            )
            data.execute(
                "INSERT INTO author (id, name, country, biography) VALUES (?, ?, ?, ?)", (number, text, text, text)
            )
            data.execute(
                "INSERT INTO book (id, title, author_id, isbn, price, stock, binding, in_print, catalogue, details, "
                "summary, cover, added_at, version) "
                "VALUES (?, ?, ?, ?, 1, 1, 'paperback', 1, ?, ?, ?, ?, '2026-01-01 00:00:00', 1)",
                (
                    number,
                    text,
                    number,
                    f"{text}{number}",
                    f"{number:032x}",
                    said,
                    text,
                    text.encode("utf-8", "replace"),
                ),
            )
            data.execute("INSERT INTO tag (id, name) VALUES (?, ?)", (number, f"{text}{number}"))
            data.execute(
                'INSERT INTO "order" (id, user_id, status, placed_at, gift, note) '
                "VALUES (?, ?, 'placed', '2026-01-01 00:00:00', 0, ?)",
                (number, number, text),
            )
            data.execute(
                "INSERT INTO review (id, book_id, user_id, stars, words, written_at) "
                "VALUES (?, ?, ?, 5, ?, '2026-01-01 00:00:00')",
                (number, number, number, text),
            )
        data.commit()


def lay_names(file):
    """Tables and columns that are called so."""
    with closing(sqlite3.connect(file)) as data:
        for number, text in enumerate(
            text for text in islice(strings(), 0, 60, 3) if '"' not in text and "\0" not in text
        ):
            data.execute(f'CREATE TABLE "{text} {number}" (id INTEGER PRIMARY KEY, "{text}" TEXT DEFAULT \'x\')')
            data.execute(f'INSERT INTO "{text} {number}" VALUES (1, ?)', (text,))
        data.commit()


@pytest.fixture
def server(poolhouse_server, tmp_path):
    names = tmp_path / "names.db"
    lay_names(names)
    settings = {"DASHBOARD_DEMO": "off", "DASHBOARD_DATABASES": json.dumps({"named": f"sqlite:///{names}"})}
    server = poolhouse_server("-w 2", settings=settings)
    lay(server.instance / "demo.db", TEXTS)
    return server


def pages_of(server, token):
    """Every page on which any of it is shown."""

    def listed(path):
        answer = server.request("GET", path, token=token)
        assert answer.status == 200, answer.text
        return answer.json

    desk = Desk(server, token)
    for model in MODELS:
        desk.do("load-many", model=model, **{"f.id.ge": str(FIRST), "limit": 40})
    text = TEXTS[0]
    desk.do("values", f"Author:{FIRST}", values={"name": text + " ", "biography": text})
    desk.do("commit", note=text)
    desk.do("values", f"Author:{FIRST}", values={"name": text + "  "})
    server.request("POST", "/accounts/", token=token, data={"name": text, "role": "viewer", "password": "long enough"})
    server.request("POST", "/accounts/tokens/", token=token, data={"name": text, "role": "viewer"})
    yield from ("/records/", "/audit/", "/accounts/", "/history/", "/history/1", "/statements/", "/pools/", "/")
    yield f"/workspaces/{desk.name}/"
    yield f"/workspaces/{desk.name}/review"
    yield "/search?q=author+%3Cscript"
    yield "/nowhere/%3Cscript%3Exss(1)%3C/script%3E"
    yield "/records/%3Cimg%20src=x%20onerror=xss(1)%3E/"
    yield "/login?next=%22%3E%3Cscript%3Exss(1)%3C/script%3E"
    yield "/records/Author/?q=%3Cscript%3E&f.name.contains=%22%3E%3Cimg%20src=x%20onerror=xss(1)%3E"
    yield '/records/Author/?where={"<img src=x onerror=xss(1)>":1}'
    for model in MODELS:
        start = f"/records/{model}/?f.id.ge={FIRST}&size=500"
        while start:
            yield start
            start = listed(start)["next"]
        for number in range(FIRST, FIRST + RECORDS):
            yield f"/records/{model}/{number}"
            if number % len(MODELS) == MODELS.index(model) or not SOAK:  # each string on both, each model's by turns
                yield from (f"/records/{model}/{number}/edit", f"/records/{model}/{number}/delete")
    named = [each["name"] for each in listed("/records/")["models"] if each["database"] == "named"]
    assert len(named) >= 10
    for name in named if SOAK else named[:2]:
        yield from (f"/records/{name}/", f"/records/{name}/1", f"/records/{name}/1/edit")


def test_no_page_runs_what_is_stored_anywhere(server, browser):
    assert len(strings()) >= 1_000
    token = server.token("admin")
    with browser.new_context(user_agent=f"Evil {strings()[3]}") as context:
        context.add_init_script(WATCH)
        page = context.new_page()
        page.goto(server.link())
        page.get_by_role("button", name="Sign in").click()
        seen = 0
        for path in pages_of(server, token):
            answer = page.goto(server.url + path.replace("<", "%3C").replace("#", "%23"), wait_until="load")
            assert answer is not None
            assert answer.status in (200, 400, 404, 422), (path, answer.status)
            assert page.evaluate("window.ran") == [], path
            seen += "xss(1)" in page.content()
        assert seen > 15, seen
    assert "Traceback" not in server.output()
