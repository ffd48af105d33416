"""Does what a host says of its models hold where their records are written, and does a role's scope?"""

from __future__ import annotations

import sqlalchemy as sa

from dashboard import Access, Dashboard, Person, Records
from tests.guests import script


def dearer(session, items):
    """Names them anew"""
    for item in items:
        item.name = f"dear {item.name}"


def broken(session, items):
    """Fails"""
    dearer(session, items)
    raise ValueError("the till is closed")


def furnished(host, shop, records):
    app = host(TESTING=True)
    db = shop(app)

    class Cup(db.Model):
        id = sa.Column(sa.Integer, primary_key=True)
        name = sa.Column(sa.String(50), nullable=False)
        code = sa.Column(sa.String(20), default="c")
        secret = sa.Column(sa.String(20))

    with app.app_context():
        db.create_all()
        db.session.add_all([Cup(name=f"cup {n}", secret="hush") for n in range(1, 5)])
        db.session.commit()
    return app, db, Cup, records(Cup)


def test_hidden_and_read_only_columns_are_not_written(host, shop):
    app, db, Cup, records = furnished(
        host, shop, lambda Cup: {Cup: Records(label="code", list=["name"], hide=["secret"], readonly=["code"])}
    )
    Dashboard(app, db, records=records, url_prefix="/ops")
    client, headers = app.test_client(), script(app)

    def ask(method, path, body=None):
        answer = getattr(client, method)(f"/ops/records/Cup/{path}", json=body, headers=headers)
        assert "hush" not in answer.text
        return answer

    assert ask("get", "").json["columns"] == ["name"]
    assert ask("get", "1").json["values"] == {"id": 1, "name": "cup 1", "code": "c"}
    assert ask("get", "1").json["label"] == "c"
    for values, status in (({"secret": "x"}, 422), ({"code": "x"}, 422), ({"name": "x", "code": "c"}, 200)):
        answer = ask("post", "1", {"values": values})
        assert (answer.status_code, status == 200 or list(answer.json["error"]["fields"])) == (
            status,
            status == 200 or list(values),
        )
    for path in ("1/edit", "~/new", "1/delete", "~/lookup", "?q=hush", "?columns=name"):
        ask("get", path)
    assert ask("get", "?f.secret.eq=hush").status_code == 400
    assert ask("post", "~/bulk", {"action": "edit", "keys": ["1"], "values": {"secret": "x"}}).status_code == 422
    with app.app_context():
        assert set(db.session.scalars(sa.select(Cup.secret))) == {"hush"}


def test_a_hosts_own_action_is_all_or_nothing(host, shop):
    app, db, Cup, records = furnished(host, shop, lambda Cup: {Cup: Records(actions=[dearer, broken])})
    Dashboard(app, db, records=records, url_prefix="/ops")
    client, headers = app.test_client(), script(app)
    for action, status in (("broken", 422), ("dearer", 200), ("unknown", 400)):
        body = {"action": action, "keys": ["1", "2"]}
        answer = client.post("/ops/records/Cup/~/bulk", json=body, headers=headers)
        assert answer.status_code == status, answer.text
    page = client.get("/ops/records/Cup/", headers={**headers, "Accept": "text/html"}).text
    assert "Names them anew" in page
    with app.app_context():
        found = db.session.scalars(sa.select(Cup.name).order_by(Cup.id)).all()
    assert found == ["dear cup 1", "dear cup 2", "cup 3", "cup 4"]


class OnlyTheFirstTwo(Access):
    def who(self, request):
        return Person("guest", "editor")

    def rows(self, person, model):
        return model.id <= 2

    def hidden_columns(self, person, model):
        return frozenset({"secret"})


def test_a_role_writes_only_what_it_may_see(host, shop):
    app, db, Cup, _ = furnished(host, shop, lambda Cup: {})
    Dashboard(app, db, access=OnlyTheFirstTwo(), url_prefix="/ops")
    client = app.test_client()
    token = None

    def ask(method, path, body=None):
        nonlocal token
        if token is None:
            page = client.get("/ops/records/Cup/1/edit").text
            token = page.split('name="csrf" value="')[1].split('"')[0]
        headers = {"Accept": "application/json", "X-CSRF-Token": token}
        answer = getattr(client, method)(f"/ops/records/Cup/{path}", json=body, headers=headers)
        assert "hush" not in answer.text
        assert "cup 3" not in answer.text
        return answer

    answers = {
        "read": ask("get", "3/edit"),
        "file": ask("get", "3/file/secret"),
        "copied": ask("get", "~/new?from=3"),
        "what goes along": ask("get", "3/delete"),
        "saved": ask("post", "3", {"values": {"name": "x"}}),
        "deleted": ask("post", "3/delete"),
        "edited": ask("post", "~/bulk", {"action": "edit", "keys": ["1", "3"], "values": {"name": "x"}}),
        "taken along": ask("post", "~/bulk", {"action": "delete", "keys": ["3"]}),
    }
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(answers, 404)
    assert [each["key"] for each in ask("get", "~/lookup?q=cup").json["results"]] == ["1", "2"]
    moved = ask("post", "1", {"values": {"id": 9}})
    made = ask("post", "", {"values": {"id": 8, "name": "x"}})
    assert (moved.status_code, made.status_code) == (403, 403), (moved.text, made.text)
    assert ask("post", "~/bulk", {"action": "edit", "all": 1, "values": {"name": "x"}}).json["count"] == 2
    with app.app_context():
        found = db.session.execute(sa.select(Cup.id, Cup.name).order_by(Cup.id)).all()
    assert [tuple(each) for each in found] == [(1, "x"), (2, "x"), (3, "cup 3"), (4, "cup 4")]


class NotTheCode(Access):
    def who(self, request):
        return Person("guest", "editor")

    def hidden_columns(self, person, model):
        return frozenset({"code", "purse"})


def test_an_error_names_nothing_that_is_hidden(host, shop):
    app = host(TESTING=True)
    db = shop(app)

    class Purse(db.Model):
        id = sa.Column(sa.Integer, primary_key=True)
        name = sa.Column(sa.String(50))
        code = sa.Column(sa.String(20), nullable=False, unique=True)
        kind = sa.Column(sa.String(20), nullable=False)

    with app.app_context():
        db.create_all()
    Dashboard(app, db, access=NotTheCode(), url_prefix="/ops")
    client = app.test_client()
    token = client.get("/ops/records/Purse/~/new").text.split('name="csrf" value="')[1].split('"')[0]
    headers = {"Accept": "application/json", "X-CSRF-Token": token}
    hidden = client.post("/ops/records/Purse/", json={"values": {"name": "x", "kind": "y"}}, headers=headers)
    assert hidden.status_code == 422
    assert "code" not in str(hidden.json["error"]).replace("'code'", "")
    seen = client.post("/ops/records/Purse/", json={"values": {"name": "x"}}, headers=headers)
    assert seen.status_code == 422
    assert "purse" not in str(seen.json["error"]["fields"])


def test_a_host_says_how_values_are_shown_and_which_filters_are_offered(host, shop):
    def formats(Cup):
        return {
            Cup: Records(
                list=["name", "code", "secret"],
                filters=["name"],
                formats={"name": lambda name: f"<{name.upper()}>", "code": lambda code: code.nothing, "secret": str},
            )
        }

    app, db, _, records = furnished(host, shop, formats)
    Dashboard(app, db, records=records, url_prefix="/ops")
    client, headers = app.test_client(), script(app)
    shown = client.get("/ops/records/Cup/", headers=headers | {"Accept": "text/html"}).text
    assert '<td data-column="name">&lt;CUP 1&gt;</td>' in shown
    assert '<td data-column="code">c</td>' in shown  # its own function failed
    offered = shown.partition('name="filter-column"')[2].partition("</select>")[0]
    assert (offered.count("<option"), "name" in offered) == (1, True)
    record = client.get("/ops/records/Cup/1", headers=headers | {"Accept": "text/html"}).text
    assert "&lt;CUP 1&gt;" in record
    assert client.get("/ops/records/Cup/1", headers=headers).json["values"]["name"] == "cup 1"
    assert "CUP" not in client.get("/ops/records/Cup/1/edit", headers=headers | {"Accept": "text/html"}).text
    assert "CUP" not in client.get("/ops/records/Cup/~/export", headers=headers).text


def test_a_host_that_formats_what_is_not_there_is_told_so(host, shop):
    app, db, _, records = furnished(host, shop, lambda Cup: {Cup: Records(formats={"colour": str})})
    Dashboard(app, db, records=records, url_prefix="/ops")
    answer = app.test_client().get("/ops/records/Cup/", headers=script(app))
    assert answer.status_code == 503
    assert "colour" in answer.json["error"]["message"], answer.text
