"""What goes along with a delete, is it said before, and what does a picker find?"""

from __future__ import annotations

import sqlalchemy as sa


def test_a_delete_shows_what_goes_along_and_takes_it(script, browser_client, runtime):
    editor, engine = script("editor"), runtime.databases["default"].engine
    with engine.begin() as connection:
        book = connection.scalar(
            sa.text(
                "select book_id from review group by 1 having book_id not in (select book_id from order_line) limit 1"
            )
        )
        reviews = connection.scalar(sa.text("select count(*) from review where book_id = :b"), {"b": book})
    if book is None:
        with engine.begin() as connection:
            book, reviews = 1, connection.scalar(sa.text("select count(*) from review where book_id = 1"))
            connection.execute(sa.text("delete from order_line where book_id = 1"))
    shown = editor.get(f"/records/Book/{book}/delete").json
    effects = {each["model"]: (each["how"], each["count"]["value"]) for each in shown["effects"]}
    assert effects.get("Review") == (("orm", reviews) if reviews else None)
    assert 'data-action="delete"' in browser_client.get(f"/records/Book/{book}/delete").text
    assert editor.post(f"/records/Book/{book}/delete").json == {"model": "Book", "deleted": [str(book)]}
    assert editor.get(f"/records/Book/{book}").status_code == 404
    assert editor.get(f"/records/Book/{book}/delete").status_code == 404


def test_what_forbids_a_delete_is_said_before_and_after(script):
    editor = script("editor")
    shown = editor.get("/records/Author/1/delete").json
    assert shown["forbidden"]
    assert {each["how"] for each in shown["effects"]} == {"forbids"}
    answer = editor.post("/records/Author/1/delete")
    assert answer.status_code == 422, answer.text
    assert editor.get("/records/Author/1").status_code == 200


def test_what_goes_along_is_a_link_to_the_list_of_these_rows(script, browser_client):
    editor = script("editor")
    (books,) = editor.get("/records/Author/1/delete").json["effects"]
    assert books["list"] == "/records/Book/?f.author_id.eq=1"
    assert editor.get(books["list"]).json["count"]["value"] == books["count"]["value"]
    assert f'<a href="{books["list"]}" aria-label="' in browser_client.get("/records/Author/1/delete").text


def test_what_no_filter_of_a_list_can_say_is_no_link(script, runtime):
    with runtime.databases["default"].engine.connect() as connection:
        book = connection.scalar(sa.text("select book_id from book_tag limit 1"))
    effects = script("editor").get(f"/records/Book/{book}/delete").json["effects"]
    assert {each["list"] for each in effects if each["how"] == "link"} == {None}


def test_a_lookup_answers_json_a_page_and_options(script, browser_client):
    found = script("viewer").get("/records/Author/~/lookup?q=1").json
    assert set(found) == {"model", "results", "more"}
    assert set(found["results"][0]) == {"key", "label", "value"}
    assert "<ul id=" in browser_client.get("/records/Author/~/lookup?q=1").text
    options = browser_client.get("/records/Author/~/lookup?q.author_id=1", **{"HX-Request": "true"}).text
    assert options.count("<option") == len(found["results"])
    assert "<html" not in options
