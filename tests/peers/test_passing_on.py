"""An action on a workspace whose transaction another worker holds is done there, as if it had been asked itself."""

from __future__ import annotations

import re
import threading

import pytest

from dashboard.peers.sending import Unreached, send
from dashboard.workspaces import pins
from tests.pages.conftest import Script

WHEN = re.compile(r'"\d{4}-\d\d-\d\dT[^"]*"|"milliseconds":[0-9.e-]+|"seconds":\d+')


def threads():
    return sorted(thread.name for thread in threading.enumerate() if thread.name.startswith("poolhouse-peers"))


def test_another_worker_passes_an_action_on_to_the_one_that_holds_the_transaction(workers):
    first, second = workers
    answer = second.post("/workspaces/w/objects/Book:3/values", {"values": {"title": "From the second"}})
    assert answer.status_code == 200
    assert answer.json["transaction"]["connection"] == 1
    assert answer.json == {**first.get("/workspaces/w/").json, "ref": "Book:3"}
    committed = second.post("/workspaces/w/commit")
    assert (committed.status_code, committed.json["transaction"]) == (200, None)
    assert second.get("/records/Book/3").json["values"]["title"] == "From the second"


def test_what_it_answers_is_what_the_holder_itself_answers(workers):
    first, second = workers
    here = first.post("/workspaces/w/objects/", {"model": "Author", "values": {"name": "Ann"}})
    there = second.post("/workspaces/w/objects/", {"model": "Author", "values": {"name": "Ann"}})
    assert (here.status_code, here.json["ref"]) == (201, "Author:new-1")
    assert (there.status_code, there.json["ref"]) == (201, "Author:new-2")
    assert here.headers["Content-Type"] == there.headers["Content-Type"]
    assert here.json.keys() == there.json.keys()


def test_a_review_is_told_by_the_one_that_holds_the_transaction(workers):
    first, second = workers
    first.post("/workspaces/w/objects/Book:3/values", {"values": {"title": "Again"}})
    first.post("/workspaces/w/load", {"model": "Author", "key": "1"})
    first.post("/workspaces/w/objects/Author:1/delete")
    here, there = (each.get("/workspaces/w/review") for each in workers)
    assert (here.status_code, there.status_code) == (200, 200)
    assert WHEN.sub("", here.text) == WHEN.sub("", there.text)
    assert len(here.json["sent"]) == 1
    assert here.json["statements"]
    assert second.get("/workspaces/w/review", Accept="text/html").status_code == 200
    assert first.get("/workspaces/w/").json["transaction"] is not None


def test_a_refusal_comes_back_as_it_is(workers):
    for path, data in (
        ("objects/Book:3/add", {}),
        ("objects/", {"model": "Book", "values": {"price": "much"}}),
        ("objects/Book:9/expire", {}),
        ("load", {"model": "Nothing", "key": "1"}),
        ("commit", {"version": 1}),
    ):
        here, there = (each.post(f"/workspaces/w/{path}", data) for each in workers)
        assert here.status_code == there.status_code >= 400, path
        assert WHEN.sub("", here.text) == WHEN.sub("", there.text), path


def test_a_browser_is_sent_on_as_ever(workers):
    _, second = workers
    answer = second.post("/workspaces/w/rollback", Accept="text/html")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/workspaces/w/")
    assert second.get("/workspaces/w/").json["transaction"] is None


def test_a_discarded_workspace_is_gone_for_both(workers):
    first, second = workers
    assert second.post("/workspaces/w/discard").status_code == 200
    assert first.get("/workspaces/w/").status_code == 404


def test_a_worker_listens_from_its_first_transaction_on(make_app):
    app = make_app()
    script = Script(app, "editor")
    script.post("/workspaces/", {"name": "w"})
    script.post("/workspaces/w/load", {"model": "Book", "key": "3"})
    folder = app.extensions["poolhouse"].config.instance / "peers"
    assert (threads(), folder.exists()) == ([], False)
    script.post("/workspaces/w/objects/Book:3/values", {"values": {"title": "X"}})
    script.post("/workspaces/w/flush")
    assert threads()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [each.stat().st_mode & 0o777 for each in folder.iterdir()] == [0o600]
    app.extensions["poolhouse"].close()
    assert (threads(), list(folder.iterdir())) == ([], [])


def test_an_action_that_was_made_against_no_version_is_done_to_the_one_there_is(workers):
    for number in range(4):
        loaded = workers[number % 2].post("/workspaces/w/load", {"model": "Author", "key": str(number + 1)})
        assert loaded.status_code == 200
    assert len(workers[0].get("/workspaces/w/").json["objects"]) == 5


def test_where_the_holder_does_not_listen_the_action_is_told_who_has_it(workers):
    first, second = workers
    first.client.application.extensions["poolhouse"].services.items[-1].stop()
    answer = second.post("/workspaces/w/commit")
    error = answer.json["error"]
    assert (answer.status_code, error["code"], error["actor"]) == (423, "pinned", "test-editor")
    assert error["ends_at"] in error["remedy"]
    assert first.post("/workspaces/w/commit").status_code == 200


@pytest.mark.parametrize("said", [b"", b"{}", b"x" * 100_000, b'{"to": ""}.a.b'])
def test_what_is_not_signed_is_not_read(workers, said):
    first, _ = workers
    path = pins.address(first.client.application.extensions["poolhouse"].workspaces.transactions.pin())
    with pytest.raises(Unreached):
        send(path, said, 5)


def test_what_a_records_page_stages_is_passed_on_as_well(workers):
    first, second = workers
    staged = second.post("/records/Book/4", {"values": {"title": "Through a record"}, "stage": "w"})
    assert staged.status_code == 200, staged.text
    many = second.post("/records/Book/~/bulk", {"action": "stage", "keys": ["5", "6"], "stage": "w"})
    assert many.status_code == 200, many.text
    books = {each["ref"]: each["values"]["title"] for each in first.get("/workspaces/w/").json["objects"]}
    assert (books["Book:3"], books["Book:4"]) == ("Staged", "Through a record")
    assert {"Book:5", "Book:6"} <= books.keys()


def test_what_was_signed_once_is_not_done_twice(workers, monkeypatch):
    """Whoever could listen at the socket and sends the same bytes again, at once or later, changes nothing."""
    from dashboard.peers import asking

    first, second = workers
    heard = []
    really = asking.send
    monkeypatch.setattr(asking, "send", lambda *said: (heard.append(said), really(*said))[1])
    for path, data in (
        ("objects/", {"model": "Author", "values": {"name": "Once"}}),
        ("objects/Book:3/values", {"values": {"title": "Twice"}}),
        ("flush", {}),
    ):
        assert second.post(f"/workspaces/w/{path}", data).status_code in (200, 201)
    before = first.get("/workspaces/w/").json
    for said in heard:
        assert b'"refusal"' in really(*said)
    after = first.get("/workspaces/w/").json
    for key in ("transaction", "tape"):  # being asked, it has all its time again
        before.pop(key), after.pop(key)
    assert after == before
    assert second.post("/workspaces/w/commit", {}).status_code == 200
    assert heard[-1] not in heard[:-1]
    assert b'"already_committed"' in really(*heard[-1])
