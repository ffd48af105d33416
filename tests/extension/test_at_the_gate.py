"""Where is somebody sent who is signed out of the host, and is it written down whom its Access refuses?"""

from __future__ import annotations

import io

import pytest

from dashboard import Access, Dashboard, Person


class Reader(Access):
    """Whoever says a name is an editor, who edits no record."""

    def who(self, request):
        name = request.headers.get("X-Who")
        return Person(name, "editor") if name else None

    def sign_in_url(self, next):
        return f"/sign-in?next={next}"

    def may(self, person, verb, model):
        return super().may(person, verb, model) and (verb == "read" or model is None)


@pytest.fixture
def client(host, engine):
    app = host(TESTING=True)
    Dashboard(app, engine, access=Reader(), url_prefix="/ops")
    return app.test_client()


@pytest.mark.parametrize(
    "path, next_",
    [
        ("/ops/records/x%0d%0aSet-Cookie:a=b/", "/ops/records/x%0D%0ASet-Cookie%3Aa%3Db/"),
        ("/ops/records/item/?q=caf%C3%A9%26x&size=5", "/ops/records/item/?q=caf%C3%A9%26x&size=5"),
    ],
)
def test_a_host_is_told_where_somebody_wanted_to_go_as_an_address(client, path, next_):
    answer = client.get(path)
    assert (answer.status_code, answer.headers.get("Location")) == (303, f"/sign-in?next={next_}")
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "path, form",
    [
        ("/ops/records/item/~/import", {"file": (io.BytesIO(b"name\na plate\n"), "items.csv")}),
        ("/ops/records/item/~/bulk", {"action": "edit", "keys": "1", "values.name": "x", "confirmed": "1"}),
        ("/ops/records/item/1", {"values.name": "x"}),
        ("/ops/records/item/1/delete", {}),
        ("/ops/workspaces/w/objects/", {"model": "item", "values.name": "x"}),
    ],
)
def test_who_may_not_write_a_model_is_written_down_also_where_a_form_is_drawn_again(client, path, form):
    headers = {"X-Who": "ann"}
    page = client.get("/ops/workspaces/", headers=headers).text
    csrf = page.partition('name="csrf" value="')[2].partition('"')[0]
    client.post("/ops/workspaces/", data={"csrf": csrf, "name": "w"}, headers=headers)
    answer = client.post(path, data={"csrf": csrf, **form}, headers=headers)
    assert answer.status_code == 403, answer.text
    newest = client.application.extensions["poolhouse"].audit.newest(most=1)[0]
    assert (newest.outcome, newest.who, newest.details["code"]) == ("refused", "ann", "forbidden")
