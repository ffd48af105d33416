"""Can somebody see how far a long action is, while it runs, and nobody else?"""

from __future__ import annotations

import io
import re

import pytest
import sqlalchemy as sa

from dashboard.demo import models
from dashboard.pages import progress


@pytest.fixture
def looks(monkeypatch, script):
    """What an editor is told of the job `mine`, each time that a row of Tag or Book is about to be written."""
    monkeypatch.setattr(progress, "SAID_SECONDS", 0.0)
    other, seen = script("editor"), []

    def look(mapper, connection, target):
        seen.append(other.get("/records/~/progress/mine").json)

    for class_, event in ((models.Tag, "before_insert"), (models.Book, "before_update")):
        sa.event.listen(class_, event, look)
    yield seen
    for class_, event in ((models.Tag, "before_insert"), (models.Book, "before_update")):
        sa.event.remove(class_, event, look)


def test_an_import_says_how_many_rows_it_has_looked_at(script, looks):
    editor = script("editor")
    text = "name\n" + "".join(f"tag number {number}\n" for number in range(500))
    file = (io.BytesIO(text.encode()), "tags.csv")
    answer = editor.client.post("/records/Tag/~/import", data={"file": file, "job": "mine"}, headers=editor.headers)
    assert answer.status_code == 200, answer.text
    done = [each["done"] for each in looks]
    assert done[0] == 0  # nothing is said before the first rows
    assert done == sorted(done)
    assert 201 in done
    assert not any(each["over"] for each in looks)
    assert editor.get("/records/~/progress/mine").json["over"] is True


def test_a_bulk_edit_says_how_many_of_how_many(script, looks):
    editor = script("editor")
    keys = [row["key"] for row in editor.get("/records/Book/?size=20").json["rows"]]
    body = {"action": "edit", "keys": keys, "values": {"stock": 99}, "job": "mine"}
    assert editor.post("/records/Book/~/bulk", body).status_code == 200
    assert (looks[0]["done"], looks[0]["total"]) == (20, 20)  # it is written at the end, together
    assert script("admin").get("/records/~/progress/mine").json["words"] == progress.WAITING


def test_the_forms_name_their_job_and_lead_to_it_without_javascript(browser_client):
    page = browser_client.get("/records/Tag/~/import").text
    job = re.search(r'name="job" value="([0-9a-f]+)"', page).group(1)
    assert f'href="/records/~/progress/{job}"' in page
    shown = browser_client.get(f"/records/~/progress/{job}").text
    assert progress.WAITING in shown
    part = browser_client.get(f"/records/~/progress/{job}", **{"HX-Request": "true", "HX-Target": "progress"}).text
    assert part.lstrip().startswith('<div id="progress"')
    assert 'hx-trigger="every 1s"' in part


@pytest.mark.parametrize("job", ["a b", "x" * 65, "ä"])
def test_what_is_no_name_is_not_found(script, job):
    assert script("editor").get(f"/records/~/progress/{job}").status_code == 404
