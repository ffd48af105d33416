"""Do a record's related rows stand on its page, with pages of their own, bounded, and with a way to add one?"""

from __future__ import annotations

import html
import re

import pytest
import sqlalchemy as sa

from dashboard.demo import models


@pytest.fixture
def prolific(runtime):
    """An author with 120 books, whose key is answered."""
    books = [{"title": f"Volume {number:03}", "author_id": 900, "version": 1} for number in range(120)]
    with runtime.databases["default"].engine.begin() as connection:
        connection.execute(sa.insert(models.Author), {"id": 900, "name": "Prolific"})
        connection.execute(sa.insert(models.Book), books)
    return "900"


def test_the_first_rows_stand_beside_their_record_and_all_on_pages_of_their_own(script, browser_client, prolific):
    page = browser_client.get(f"/records/Author/{prolific}").text
    assert page.count("<tr data-key=") == 5
    related = next(
        each for each in script("editor").get(f"/records/Author/{prolific}").json["related"] if each["name"] == "books"
    )
    assert related["count"] == {"value": 120, "exact": True}
    seen, href, last = [], f"{related['rows']}?size=50&sort=title", None
    while href:
        answer = script("editor").get(href)
        assert answer.status_code == 200, answer.text
        seen += [row["label"] for row in answer.json["rows"]]
        assert answer.json["of"] == {"model": "Author", "key": prolific, "relationship": "books"}
        href, last = answer.json["next"], answer.json
    assert seen == [f"Volume {number:03}" for number in range(120)]
    assert "author_id" not in last["columns"]
    back = script("editor").get(last["previous"]).json
    assert [row["label"] for row in back["rows"]] == seen[50:100]


def test_a_page_swaps_into_the_record_and_works_without_javascript(browser_client, prolific):
    page = browser_client.get(f"/records/Author/{prolific}").text
    more = html.unescape(re.search(r'rel="next" href="([^"]+related/books[^"]*)" hx-get="\1"', page).group(1))
    answer = browser_client.get(more).text
    assert 'id="related-books"' in page
    assert 'id="related-books"' in answer
    assert answer.count("<tr data-key=") == 50


def test_a_new_one_points_to_the_record_and_leads_back(browser_client, prolific):
    page = browser_client.get(f"/records/Author/{prolific}").text
    new = html.unescape(re.search(r'href="(/records/Book/~/new[^"]*)"', page).group(1))
    form = browser_client.get(new).text
    assert re.search(r'<option value="900" selected>', form)
    answer = browser_client.post(
        "/records/Book/",
        **{"values.title": "One more", "values.author_id": "900", "back": f"/records/Author/{prolific}"},
    )
    assert (answer.status_code, answer.location) == (303, f"/records/Author/{prolific}")


@pytest.mark.parametrize(
    "path,status",
    [
        ("Author/900/related/nothing", 404),
        ("Author/900/related/books?after=x", 400),
        ("Author/77777/related/books", 404),
        ("Author/900/related/books?f.title.eq=Volume+007", 200),
        ("Author/900/related/books?sort=nothing", 400),
        ("Book/1/related/author", 404),
        ("Tag/1/related/books", 200),
    ],
)
def test_what_cannot_be_listed_is_refused(script, prolific, path, status):
    answer = script("viewer").get(f"/records/{path}")
    assert answer.status_code == status, answer.text
    if "f.title" in path:
        assert [row["label"] for row in answer.json["rows"]] == ["Volume 007"]


def test_a_form_leads_to_what_points_to_its_record_and_loads_none_of_it(browser_client, prolific):
    page = browser_client.get(f"/records/Author/{prolific}/edit").text
    assert "Volume" not in page
    assert f'<a href="/records/Author/{prolific}/related/books">books</a>' in page
    assert f'hx-get="/records/Author/{prolific}/related/books?size=5"' in page
