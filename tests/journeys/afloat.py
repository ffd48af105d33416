"""What must hold in every fault: what a person reads, whom it lets in, and what it says of what it refuses."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from tests.journeys.person import PASSWORD, Person

LIVE = ("/", "/pools/", "/pools/default", "/sessions/", "/statements/", "/incidents/", "/monitoring/", "/metrics")


def staff(server):
    """The tokens of an editor and of an admin, and a viewer who has signed in."""
    admin = server.token("admin")
    made = server.request("POST", "/accounts/tokens/", token=admin, data={"name": "editor", "role": "editor"})
    vera = {"name": "vera", "role": "viewer", "password": PASSWORD}
    assert server.request("POST", "/accounts/", token=admin, data=vera).status in (200, 201)
    return made.json["token"], admin, Person(server, "vera")


def must_be_live(person, *more, paths=LIVE):
    for path in (*paths, *more):
        answer = person.get(path)
        assert answer.status == 200, (path, answer.text[:300])


def refused(answer, *codes):
    """A 503 in the contract's words, with a remedy."""
    assert answer.status == 503, answer.text
    error = answer.json["error"]
    assert error["code"] in codes, error
    assert error["remedy"], error
    assert "Traceback" not in answer.text
    return error


def no_mistake_of_ours(server):
    said = server.output()
    assert "Traceback" not in said, said
    assert "made a mistake" not in said


def authors(file):
    with closing(sqlite3.connect(file)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM author")}


def must_let_in(server, *more):
    """Somebody whose browser was never here signs in, and reads the live pages."""
    person = Person(server, "vera")
    must_be_live(person, *more)
    return person
