"""Is what a role may not see absent from every route? All of them are walked, with whatever could lead to it."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from dashboard import Access, Dashboard, Person
from tests.extension.teams import Base, Member, Skill, Team, Vault, member_skill

SECRET = "UNSEEN"
"""In every value that the restricted person may not see: of hidden rows, of hidden columns, of a hidden model."""


class OwnTeam(Access):
    """`admin` sees all. Others see the first team and its members, nobody's salary, and no vault."""

    def who(self, request):
        name = request.headers.get("X-Who", "clerk")
        return Person(name, "admin" if name == "admin" else "editor")

    def may(self, person, verb, model):
        return super().may(person, verb, model) and (person.name == "admin" or model is not Vault)

    def rows(self, person, model):
        if person.name == "admin":
            return None
        return {Team: Team.id == 1, Member: Member.team_id == 1, Skill: Skill.id == 1}.get(model)

    def hidden_columns(self, person, model):
        return frozenset({"salary", "photo"} if model is Member and person.name != "admin" else ())


ROWS = {
    Team: [{"id": 1, "name": "Own"}, {"id": 2, "name": f"{SECRET} team"}],
    Member: [
        {"id": 1, "name": "Ann", "salary": f"{SECRET} salary", "photo": SECRET.encode(), "team_id": 1},
        {"id": 2, "name": f"{SECRET} Bob", "salary": f"{SECRET} salary", "photo": SECRET.encode(), "team_id": 2},
    ],
    Skill: [{"id": 1, "name": "Cooking"}, {"id": 2, "name": f"{SECRET} skill"}],
    Vault: [{"id": 1, "content": f"{SECRET} content", "member_id": 1}],
}


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    from flask import Flask

    folder = tmp_path_factory.mktemp("withheld")
    engine = sa.create_engine(f"sqlite:///{folder / 'teams.db'}")
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        for class_, rows in ROWS.items():
            connection.execute(sa.insert(class_), rows)
        connection.execute(member_skill.insert(), [{"member_id": 1, "skill_id": n} for n in (1, 2)])
    app = Flask("teams", instance_path=str(folder))
    app.config.update(
        TESTING=True,
        SECRET_KEY="x",
        DASHBOARD_INSTANCE=str(folder / "poolhouse"),
        DASHBOARD_MODELS="tests.extension.teams",
    )
    Dashboard(app, sa_orm.sessionmaker(engine), access=OwnTeam(), url_prefix="/ops")
    yield SimpleNamespace(app=app, engine=engine)
    app.extensions["poolhouse"].close()
    engine.dispose()


class Client:
    """Sends JSON and forms with the token of its own browser."""

    def __init__(self, app, who):
        self.client, self.headers = app.test_client(), {"X-Who": who}
        page = self.client.get("/ops/workspaces/", headers=self.headers).text
        self.csrf = page.partition('name="csrf" value="')[2].partition('"')[0]

    def get(self, path, accept="application/json", **more):
        return self.client.get(path, headers={**self.headers, "Accept": accept, **more})

    def post(self, path, data, accept="application/json"):
        headers = {**self.headers, "Accept": accept, "X-CSRF-Token": self.csrf}
        return self.client.post(path, json=data, headers=headers)

    def form(self, path, data):
        headers = {**self.headers, "Accept": "text/html"}
        return self.client.post(path, data={"csrf": self.csrf, **data}, headers=headers)


@pytest.fixture(scope="module")
def clerk(house):
    """The restricted person, after an admin has left traces of everything: history, and a workspace full of it."""
    admin = Client(house.app, "admin")
    for model, values in (
        ("Member", {"salary": f"{SECRET} raise", "skills": ["1", "2"]}),
        ("Team", {"name": "Own"}),
        ("Vault", {"content": f"{SECRET} more"}),
    ):
        done = admin.post(f"/ops/records/{model}/1", {"values": values})
        assert done.status_code == 200, done.text
    for model in ("Member", "Team"):
        done = admin.post(f"/ops/records/{model}/2", {"values": {"name": f"{SECRET} {model} two"}})
        assert done.status_code == 200, done.text
    admin.post("/ops/workspaces/", {"name": "theirs"})
    for model, key in (("Member", "1"), ("Member", "2"), ("Team", "2"), ("Vault", "1")):
        assert admin.post("/ops/workspaces/theirs/load", {"model": model, "key": key}).status_code == 200
    admin.post("/ops/workspaces/theirs/objects/Member:2/values", {"values": {"name": f"{SECRET} staged"}})
    clerk = Client(house.app, "clerk")
    clerk.post("/ops/workspaces/", {"name": "own"})
    assert clerk.post("/ops/workspaces/own/load", {"model": "Member", "key": "1"}).status_code == 200
    assert clerk.post("/ops/records/Member/1", {"values": {"name": "Ann A."}}).status_code == 200
    return clerk


def secrets(house):
    """What the restricted person may not touch, as it is kept."""
    with house.engine.connect() as connection:
        return [
            connection.execute(sa.select(Team.__table__).where(Team.id == 2)).all(),
            connection.execute(sa.select(Member.__table__).where(Member.id == 2)).all(),
            connection.execute(sa.select(Member.salary, Member.photo).where(Member.id == 1)).all(),
            connection.execute(sa.select(Skill.__table__).where(Skill.id == 2)).all(),
            connection.execute(sa.select(Vault.__table__)).all(),
            connection.execute(sa.select(member_skill).where(member_skill.c.skill_id == 2)).all(),
        ]


PARTS = {
    "model": ("Member", "Team", "Skill", "Vault"),
    "key": ("1", "2"),
    "column": ("photo", "name"),
    "number": ("1", "2", "3", "4", "5", "6"),
    "ref": ("Member:1", "Member:2"),
}
QUERIES = {
    "show_list": ("", "?q=UNSEEN", "?q=2", "?sort=salary", "?columns=salary", "?f.salary.contains=UNSEEN",
                  "?sort=-team_id", '?where={"or":[{"salary.isnull":false},{"id.gt":0}]}', "?f.id.in=1,2"),
    "export_records": ("", "?format=jsonl", "?format=json&columns=salary", "?q=UNSEEN", "?sort=salary"),
    "show_lookup": ("", "?q=UNSEEN", "?q=2"),
    "new": ("", "?from=1", "?from=2", "?values.team_id=2"),
    "edit": ("", "?values.team_id=2"),
    "now": ("?topics=overview",),
    "show_related": ("", "?q=UNSEEN", "?columns=salary"),
}  # fmt: skip
VALUES = {
    "values": {"salary": "changed", "name": "Ann the second", "team_id": 2, "skills": ["2"], "content": "changed"}
}
ANY = ({}, VALUES)
OF_A_RECORD = (
    VALUES,
    {"values": {"name": "changed"}},
    {"values": {"salary": "changed"}},
    {"values": {"team_id": 2}},
    {"values": {"team": "2"}},
    {"values": {"members": ["1", "2"]}},
    {"values": {"skills": ["2"]}},
    {"values": {"skills": []}},
    {"base": {"salary": "guess", "name": "guess"}, **VALUES},
    {"stage": "own", "values": {"salary": "changed"}},
    {"stage": "theirs", "values": {"name": "changed"}},
)
OF_MANY = (
    {"action": "edit", "all": 1, "values": {"salary": "changed"}},
    {"action": "edit", "all": 1, "values": {"name": "changed"}},
    {"action": "edit", "keys": ["2"], "values": {"name": "changed"}},
    {"action": "delete", "keys": ["2"]},
    {"action": "stage", "all": 1, "stage": "own"},
)
OF_A_WORKSPACE = (
    {"model": "Member", "key": "2", "name": "own", "workspace": "own"},
    {"model": "Vault", "key": "1", "values": {"content": "changed"}},
    {"model": "Member", "q": "UNSEEN", "f.salary.contains": "UNSEEN"},
    {"model": "Member", "keys": ["1", "2"]},
    {"attribute": "team"},
    {"attribute": "skills"},
)
BODIES = {
    "create_record": OF_A_RECORD,
    "save_record": OF_A_RECORD,
    "act_on_many": OF_MANY,
    "act": OF_A_WORKSPACE,
    "act_on_object": (VALUES, {"attribute": "team"}, {"attribute": "skills"}, {"values": {"skills": []}}),
    "create_object": (*OF_A_RECORD[:4], {"model": "Member", **VALUES}, {"model": "Vault", **VALUES}),
}
VERBS = ("values", "read", "refresh", "expire", "merge", "revert", "expunge", "add", "delete", "load", "load-many",
         "flush", "undo", "redo", "rollback", "resolve", "savepoint", "expire-all", "commit", "take-over")  # fmt: skip


def paths(rule):
    """Every address of a route that could lead to something withheld."""
    parts = {**PARTS, "name": _names(rule), "verb": VERBS}
    found = [str(rule)]
    for argument in sorted(rule.arguments):
        values = parts.get(argument, ("x",))
        converters = (f"<{argument}>", f"<path:{argument}>")
        found = [_put(path, converters, value) for path in found for value in values]
    return [path + query for path in found for query in QUERIES.get(rule.endpoint.rpartition(".")[2], ("",))]


def _put(path, converters, value):
    for converter in converters:
        path = path.replace(converter, value)
    return path


def _names(rule):
    if ".workspaces." in rule.endpoint:
        return ("own", "theirs")
    return ("members", "team", "skills") if rule.endpoint.endswith("show_related") else ("default", "records")


def routes(house, method):
    rules = [rule for rule in house.app.url_map.iter_rules() if rule.endpoint.startswith("poolhouse.")]
    return [
        rule
        for rule in rules
        if method in rule.methods and not rule.endpoint.endswith((".static", ".unknown", ".stream", ".logout"))
    ]


SWAPPED = {"accept": "text/html", "HX-Request": "true", "HX-Target": "x"}
NOT_SHOWN = {
    *("account.link", "account.login", "account.show"),  # the host signs in
    *("accounts.index", "audit.index", "audit.export"),  # for administrators
    *("pools.show", "pools.server", "statements.show", "incidents.show", "incidents.text", "monitoring.charts"),
    "records.download",  # the one file there is stands in a hidden column
}
"""What the walk never sees: of telemetry nothing is published here, and it has no value of a record."""


def test_no_page_shows_what_its_person_may_not_see(house, clerk):
    refused = {rule.endpoint.removeprefix("poolhouse.") for rule in routes(house, "GET")}
    for rule in routes(house, "GET"):
        for path in paths(rule):
            for headers in ({}, {"accept": "text/html"}, SWAPPED):
                answer = clerk.get(path, **headers)
                assert answer.status_code != 500, (path, answer.text)
                if answer.status_code == 200:
                    refused.discard(rule.endpoint.removeprefix("poolhouse."))
                body, secret = answer.text, SECRET
                if SECRET in path:  # the page quotes the search itself: in its field, in its links
                    body, secret = body.replace("UNSEEN+", ""), "UNSEEN "
                assert secret not in body, (path, body)
    assert refused == NOT_SHOWN


def test_no_action_shows_or_changes_what_its_person_may_not_see(house, clerk):
    before = secrets(house)
    for rule in routes(house, "POST"):
        for path in paths(rule):
            if path.endswith(("/1/delete", "Member:1/delete")):  # a member of their own goes with all that it has
                continue
            for body in BODIES.get(rule.endpoint.rpartition(".")[2], ANY):
                answer = clerk.post(path, body)
                assert answer.status_code != 500, (path, body, answer.text)
                assert '"csrf"' not in answer.text, path
                assert f"{SECRET} " not in answer.text, (path, body, answer.text)
                assert secrets(house) == before, (path, body, answer.text)
    assert f"{SECRET} " not in clerk.get("/ops/workspaces/own/", "text/html").text
    assert f"{SECRET} " not in clerk.get("/ops/workspaces/own/review").text


def test_an_import_neither_writes_nor_tells_what_its_person_may_not_see(house, clerk):
    before = secrets(house)
    for model, text in (
        ("Member", "id,name\n2,mine now\n"),
        ("Member", "id,salary\n1,5\n"),
        ("Member", "id,team_id\n1,2\n"),
        ("Team", "id,name\n2,mine now\n"),
        ("Vault", "id,content\n1,mine now\n"),
    ):
        for mode in ("insert", "upsert"):
            for dry in ("0", "1"):
                file = (io.BytesIO(text.encode()), "rows.csv")
                fields = {"csrf": clerk.csrf, "mode": mode, "dry_run": dry, "file": file}
                headers = {**clerk.headers, "Accept": "application/json"}
                answer = clerk.client.post(f"/ops/records/{model}/~/import", data=fields, headers=headers)
                told = 403 if model == "Vault" else 200 if dry == "1" else 422
                assert answer.status_code == told, (text, mode, dry, answer.text)
                assert answer.json.get("errors") or told != 200, (text, mode, answer.text)
                assert SECRET not in answer.text
                assert secrets(house) == before, (text, mode, answer.text)


def test_nothing_that_is_withheld_is_counted(house, clerk):
    counts = {each["name"]: each["count"]["value"] for each in clerk.get("/ops/records/").json["models"]}
    assert counts == {"Member": 1, "Skill": 1, "Team": 1}
    assert clerk.get("/ops/records/Member/").json["count"]["value"] == 1
    related = {each["name"]: each["count"]["value"] for each in clerk.get("/ops/records/Member/1").json["related"]}
    with house.engine.connect() as connection:
        held = connection.execute(sa.select(member_skill).where(member_skill.c.skill_id == 1)).all()
    assert related == {"skills": len(held)}
    effects = clerk.get("/ops/records/Member/1/delete").json["effects"]
    assert "Vault" not in [each["model"] for each in effects]
    found = clerk.get("/ops/records/Member/1").json
    assert "salary" not in found["values"]
    assert all("salary" not in each["changes"] for each in found["history"])
