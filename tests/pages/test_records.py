"""Are the models, a list and a record shown as contract.md says, with JavaScript or without?"""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import quote

import pytest

MANY = "/records/Book/"


def rows(answer):
    assert answer.status_code == 200, answer.text
    return answer.json["rows"]


def test_the_models_are_listed_with_bounded_counts(script):
    found = {each["name"]: each for each in script("viewer").get("/records/").json["models"]}
    assert found["Tag"]["count"]["exact"]
    assert found["Book"]["count"] == {"value": 10_000, "exact": True}
    assert found["Book"]["database"] == "default"


def test_more_than_the_bound_is_said_to_be_more(make_app):
    from tests.pages.conftest import Script

    viewer = Script(make_app(DASHBOARD_RECORDS_COUNT="7"), "viewer")
    assert viewer.get(MANY).json["count"] == {"value": 7, "exact": False}
    assert "7+" in viewer.client.get(MANY, headers={**viewer.headers, "Accept": "text/html"}).text


def test_a_list_is_the_json_of_the_contract(script):
    found = script("viewer").get(f"{MANY}?size=2&sort=-price,title&columns=title,price,author_id").json
    assert (found["model"], found["columns"]) == ("Book", ["title", "price", "author_id"])
    first = found["rows"][0]
    assert set(first) == {"key", "label", "values", "badge", "references"}
    assert set(first["values"]) == {"title", "price", "author_id"}
    assert first["references"]["author_id"]["model"] == "Author"
    assert first["references"]["author_id"]["label"]
    assert (found["previous"], first["badge"]) == (None, None)
    assert "after=" in found["next"]


def test_the_pages_follow_each_other_and_lead_back(script):
    viewer = script("viewer")
    first = viewer.get(f"{MANY}?size=3&sort=title").json
    second = viewer.get(first["next"]).json
    back = viewer.get(second["previous"]).json
    assert [each["key"] for each in back["rows"]] == [each["key"] for each in first["rows"]]
    assert back["previous"] is None
    assert {each["key"] for each in first["rows"]}.isdisjoint(each["key"] for each in second["rows"])


@pytest.mark.parametrize(
    "query, status",
    [
        ("sort=nothing", 400),
        ("sort=details", 400),
        ("sort=title,title", 400),
        ("size=many", 400),
        ("size=501", 400),
        ("size=-1", 400),
        ("after=forged", 400),
        ("after=" + "A" * 40, 400),
        ("before=%00", 400),
        ("after=a&before=b", 400),
        ("f.title=x", 400),
        ("f.title.like=x", 400),
        ("f.nothing.eq=x", 400),
        ("f.details.eq=x", 400),
        ("f.price.gt=dear", 422),
        ("f.id.eq=99999999999999999999", 422),
        ("f.id.between=1", 422),
        ("f.published.isnull=perhaps", 422),
        ("f.binding.eq=stone", 422),
        ("f.title.eq=%00", 422),
        ("f.id.in=" + ",".join("1" * 200), 422),
        ("q=%00", 422),
        ("q=" + "a" * 201, 422),
        ("where=[", 400),
        ("where=[]", 400),
        ("where={}", 400),
        ('where={"and": []}', 400),
        ('where={"or": 1}', 400),
        ('where={"title": 1}', 400),
        ('where={"title.eq": {}}', 422),
        ("where=" + '{"not": ' * 20 + '{"id.eq": 1}' + "}" * 20, 400),
        ("where=" + "[" * 5000, 400),
        ("columns=nothing", 400),
        ("frobnicate=1", 400),
    ],
)
def test_what_is_wrong_is_refused_in_the_contracts_words(script, query, status):
    answer = script("viewer").get(MANY + "?" + quote(query, safe="=&%"))
    assert answer.status_code == status, answer.text
    assert answer.json["error"]["fields"] or query.startswith(("after", "before"))


def test_a_cursor_of_another_sort_is_outdated(script):
    viewer = script("viewer")
    following = viewer.get(f"{MANY}?size=3&sort=title").json["next"]
    assert viewer.get(following.replace("sort=title", "sort=price")).status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        "f.title.contains=the",
        "f.title.starts=The",
        "f.id.in=1,2,3",
        "f.id.in=1&f.id.in=2",
        "f.id.between=5,9",
        "f.price.ge=5&f.price.lt=9.50",
        "f.binding.eq=paperback",
        "f.in_print.eq=true",
        "f.published.isnull=0&f.published.gt=1990-01-01",
        "f.details.isnull=1",
        'where={"or":[{"id.eq":3},{"and":[{"id.gt":5},{"not":{"id.ge":8}}]}]}',
        "q=the",
    ],
)
def test_every_filter_finds_rows(script, query):
    assert rows(script("viewer").get(MANY + "?" + quote(query, safe="=&%")))


def test_nested_filters_mean_what_they_say(script):
    where = '{"or":[{"id.eq":3},{"and":[{"id.gt":5},{"not":{"id.ge":8}}]}]}'
    assert [each["key"] for each in rows(script("viewer").get(MANY + "?where=" + quote(where)))] == ["3", "6", "7"]


def test_a_record_shows_its_fields_and_what_is_around_it(script):
    found = script("viewer").get("/records/Author/1").json
    assert (found["model"], found["key"], found["badge"]) == ("Author", "1", None)
    assert found["label"] == found["values"]["name"]
    books = next(each for each in found["related"] if each["name"] == "books")
    listed = script("viewer").get(books["list"]).json
    assert listed["count"] == books["count"]


@pytest.mark.parametrize("path", ["/records/Nothing/", "/records/Book/0", "/records/Book/~", "/records/Book/1,2"])
def test_what_is_not_there_is_not_found(script, path):
    assert script("viewer").get(path).status_code == 404


def test_a_list_works_without_javascript(browser_client):
    page = browser_client.get(f"{MANY}?size=2&sort=title&f.id.gt=5").text
    following = unescape(re.search(r'rel="next" href="([^"]+)"', page)[1])
    assert 'aria-sort="ascending"' in page
    without = unescape(re.search(r'data-chip href="([^"]+)"', page)[1])
    assert "f.id.gt" not in without
    assert browser_client.get(following).status_code == 200
    chosen = browser_client.get(f"{MANY}?size=2&filter-column=id&filter-operator=lt&filter-value=3")
    assert (chosen.status_code, chosen.location) == (303, f"{MANY}?size=2&f.id.lt=3")


def test_what_a_record_is_called_stands_in_a_list_once(browser_client):
    page = browser_client.get("/records/Book/?f.id.eq=3").text
    row = page.partition("<tbody>")[2].partition("</tbody>")[0]
    assert '<th scope="row" class="record" data-column="title"><div><a href="/records/Book/3">Emma</a>' in row
    assert row.count("Emma") == 2  # once to select it
    head = page.partition('<table id="rows"')[2].partition("</thead>")[0]
    assert re.findall(r'data-also="[^"]+">(\w+)', head)[:2] == ["title", "id"]
    without = browser_client.get("/records/Book/?f.id.eq=3&columns=price").text
    assert '<th scope="col" class="record">Record</th>' in without


def test_no_rows_and_no_match_are_two_things(browser_client, runtime):
    assert 'data-empty="no-match"' in browser_client.get(f"{MANY}?q=qqqqqqqqqqqq").text
    with runtime.databases["default"].engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM review")
    assert 'data-empty="no-rows"' in browser_client.get("/records/Review/").text


def test_null_and_empty_text_are_two_sights(browser_client, runtime):
    with runtime.databases["default"].engine.begin() as connection:
        connection.exec_driver_sql("UPDATE author SET country = NULL, biography = '' WHERE id = 1")
    page = browser_client.get("/records/Author/1").text
    assert "NULL" in page
    assert "empty text" in page


def test_an_editor_opens_a_record_in_a_workspace(browser_client):
    assert "Open in a workspace" in browser_client.get("/records/Book/7").text
    answer = browser_client.post("/records/Book/7/open", new="prices")
    assert answer.status_code == 303, answer.text
    assert 'data-ref="Book:7"' in browser_client.get("/workspaces/prices/").text
    assert browser_client.post("/records/Book/8/open", workspace="prices").status_code == 303
    assert 'data-ref="Book:8"' in browser_client.get("/workspaces/prices/").text


def test_a_viewer_opens_nothing(script):
    assert script("viewer").post("/records/Book/7/open", {"new": "prices"}).status_code == 403


def test_a_list_gives_its_connection_back(script, runtime):
    viewer = script("viewer")
    for _ in range(10):
        rows(viewer.get(f"{MANY}?size=1"))
        viewer.get(f"{MANY}?sort=nothing")
        viewer.get("/records/Book/1")
    reader = runtime.readers._readers["default"]
    assert reader.main.engine.pool.checkedout() == 0
