"""Does a host's rule about a class hold for its subclasses, for other names of a column, and for what leads to it?"""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from dashboard import Access, Dashboard, Person, Records
from tests.extension.staff import Base, Chief, Note, Office, Spy, Worker
from tests.extension.test_withheld import SECRET, Client


class Rules(Access):
    """Nobody but `admin` sees what anybody earns, in which office they sit, the second chief, or any spy."""

    def who(self, request):
        name = request.headers.get("X-Who", "clerk")
        return Person(name, "admin" if name == "admin" else "editor")

    def may(self, person, verb, model):
        return super().may(person, verb, model) and (person.name == "admin" or model is not Spy)

    def rows(self, person, model):
        return Chief.bonus == "small" if person.name != "admin" and model is Chief else None

    def hidden_columns(self, person, model):
        return frozenset({"salary", "office_id"} if model is Worker and person.name != "admin" else ())


def people():
    return (
        Office(id=1, town="Ulm"),
        Worker(id=1, name="Ann", salary=f"{SECRET} 1", office_id=1),
        Chief(id=2, name="Bo", salary=f"{SECRET} 2", bonus="small", office_id=1),
        Chief(id=3, name=f"{SECRET} Cy", salary=f"{SECRET} 3", bonus="large", office_id=1),
        Note(id=1, text="Of Ann", worker_id=1),
        Spy(id=4, name=f"{SECRET} Di", salary=f"{SECRET} 4", cover=SECRET, office_id=1),
    )


def made(folder, **options):
    from flask import Flask

    engine = sa.create_engine(f"sqlite:///{folder / 'staff.db'}")
    Base.metadata.create_all(engine)
    with sa_orm.Session(engine) as session:
        session.add_all(people())
        session.commit()
    app = Flask("staff", instance_path=str(folder))
    app.config.update(
        TESTING=True,
        SECRET_KEY="x",
        DASHBOARD_INSTANCE=str(folder / "poolhouse"),
        DASHBOARD_MODELS="tests.extension.staff",
    )
    Dashboard(app, sa_orm.sessionmaker(engine), url_prefix="/ops", **options)
    return SimpleNamespace(app=app, engine=engine)


@pytest.fixture
def house(tmp_path):
    house = made(tmp_path, access=Rules())
    yield house
    house.app.extensions["poolhouse"].close()
    house.engine.dispose()


@pytest.fixture
def clerk(house):
    clerk = Client(house.app, "clerk")
    clerk.post("/ops/workspaces/", {"name": "own"})
    return clerk


def kept(house):
    with house.engine.connect() as connection:
        return connection.execute(sa.select(Worker.__table__).order_by(Worker.__table__.c.id)).all()


def test_a_subclass_shows_no_row_and_no_column_that_its_base_hides_and_the_other_way_round(clerk):
    for model, keys in (("Worker", ["1", "2"]), ("Chief", ["2"])):
        listed = clerk.get(f"/ops/records/{model}/")
        assert [row["key"] for row in listed.json["rows"]] == keys, listed.text
        assert not {"salary", "pay", "wage", "office_id"} & {*listed.json["columns"]}
        assert SECRET not in listed.text
        for path in ("~/export?format=jsonl", "~/lookup?q=", "2", "2/edit", "2/delete", "2/history"):
            for accept in ("application/json", "text/html"):
                answer = clerk.get(f"/ops/records/{model}/{path}", accept)
                assert answer.status_code == 200
                assert SECRET not in answer.text, path
    for key in ("3", "4"):
        assert clerk.get(f"/ops/records/Worker/{key}").status_code == 404
    assert clerk.get("/ops/openapi.json").status_code == 200


def test_a_row_of_a_subclass_out_of_sight_is_neither_loaded_written_nor_deleted_as_one_of_its_base(house, clerk):
    before = kept(house)
    for key in ("3", "4"):
        for path, body in (
            ("workspaces/own/load", {"model": "Worker", "key": key}),
            ("workspaces/own/load-many", {"model": "Worker", "keys": [key]}),
            (f"records/Worker/{key}", {"values": {"name": "mine"}}),
            (f"records/Worker/{key}", {"values": {"name": "mine"}, "stage": "own"}),
            (f"records/Worker/{key}/delete", {}),
            ("records/Worker/~/bulk", {"action": "edit", "keys": [key], "values": {"name": "mine"}}),
            ("records/Worker/~/bulk", {"action": "delete", "keys": [key]}),
        ):
            answer = clerk.post(f"/ops/{path}", body)
            assert answer.status_code == 404, (path, answer.text)
            assert SECRET not in answer.text
    assert (
        clerk.post("/ops/records/Worker/~/bulk", {"action": "edit", "all": 1, "values": {"name": "us"}}).json["count"]
        == 2
    )
    assert [row.name for row in kept(house)] == ["us", "us", *(row.name for row in before[2:])]
    shown = clerk.get("/ops/workspaces/own/")
    assert shown.json["objects"] == []


def test_a_workspace_hides_of_a_subclass_what_is_hidden_of_its_base(house, clerk):
    assert clerk.post("/ops/workspaces/own/load", {"model": "Worker", "key": "2"}).status_code == 200
    shown = clerk.get("/ops/workspaces/own/")
    (chief,) = shown.json["objects"]
    assert chief["model"] == "Chief"
    assert not {"salary", "wage", "office_id"} & {*chief["values"], *chief["unloaded"]}
    assert "office" not in chief["relationships"]
    assert SECRET not in shown.text
    before = kept(house)
    for name in ("salary", "wage", "office_id", "office"):
        for path, body in (
            ("workspaces/own/objects/Chief:2/values", {"values": {name: "1"}}),
            ("workspaces/own/objects/Chief:2/read", {"attribute": name}),
            ("records/Chief/2", {"values": {name: "1"}}),
            ("records/Worker/1", {"values": {name: "1"}}),
        ):
            assert clerk.post(f"/ops/{path}", body).status_code == 422, (name, path)
    assert kept(house) == before


def test_who_may_not_see_a_foreign_key_is_not_led_along_it_from_the_other_side(house, clerk):
    office = clerk.get("/ops/records/Office/1")
    assert office.json["related"] == []
    assert clerk.get("/ops/records/Office/1/related/people").status_code == 404
    assert clerk.get("/ops/records/Office/1/delete").json["effects"] == []
    assert clerk.post("/ops/records/Office/1", {"values": {"people": ["1"]}}).status_code == 422
    assert clerk.post("/ops/workspaces/own/load", {"model": "Office", "key": "1"}).status_code == 200
    read = clerk.post("/ops/workspaces/own/objects/Office:1/read", {"attribute": "people"})
    assert read.status_code == 422
    seen = Client(house.app, "admin").get("/ops/records/Office/1").json["related"]
    assert [(each["name"], each["count"]["value"]) for each in seen] == [("people", 4)]


def test_a_name_that_tells_of_another_record_what_is_hidden_of_it_is_told_nowhere(house, clerk):
    admin = Client(house.app, "admin")
    admin.post("/ops/workspaces/", {"name": "theirs"})
    for path, body in (
        ("load", {"model": "Note", "key": "1"}),
        ("objects/Note:1/read", {"attribute": "worker"}),
        ("objects/Note:1/values", {"values": {"text": "Of her"}}),
    ):
        assert admin.post(f"/ops/workspaces/theirs/{path}", body).status_code == 200
    assert f"who earns {SECRET} 1" in admin.get("/ops/workspaces/theirs/").text
    number = admin.post("/ops/workspaces/theirs/commit", {}).json["change_set"]
    assert f"who earns {SECRET} 1" in admin.get(f"/ops/history/{number}").text
    for path in (
        f"history/{number}",
        "history/",
        "records/Note/1",
        "records/Note/",
        "records/Note/1/history",
        "search?q=note of",
    ):
        answer = clerk.get(f"/ops/{path}")
        assert answer.status_code == 200
        assert SECRET not in answer.text, path


class OnlyTheSecondChiefIsHidden(Rules):
    def may(self, person, verb, model):
        return Access.may(self, person, verb, model)

    def hidden_columns(self, person, model):
        return frozenset()


def test_a_collection_with_a_row_of_a_subclass_out_of_sight_is_not_read(tmp_path):
    house = made(tmp_path, access=OnlyTheSecondChiefIsHidden())
    clerk = Client(house.app, "clerk")
    clerk.post("/ops/workspaces/", {"name": "own"})
    assert clerk.post("/ops/workspaces/own/load", {"model": "Office", "key": "1"}).status_code == 200
    read = clerk.post("/ops/workspaces/own/objects/Office:1/read", {"attribute": "people"})
    assert read.status_code == 403, read.text
    assert f"{SECRET} Cy" not in clerk.get("/ops/workspaces/own/").text
    house.app.extensions["poolhouse"].close()
    house.engine.dispose()


def test_what_a_host_hides_of_records_is_hidden_along_too(tmp_path):
    house = made(tmp_path, records={Worker: Records(hide=["salary", "office_id"])})
    token = house.app.extensions["poolhouse"].accounts.new_token("ann", "editor")
    client, headers = house.app.test_client(), {"Authorization": f"Bearer {token}", "Accept": "application/json"}

    def get(path):
        return client.get(f"/ops/{path}", headers=headers)

    assert {*get("records/Chief/2").json["values"]} == {"id", "kind", "name", "bonus"}
    assert get("records/Office/1").json["related"] == []
    client.post("/ops/workspaces/", json={"name": "own"}, headers=headers)
    client.post("/ops/workspaces/own/load", json={"model": "Chief", "key": "2"}, headers=headers)
    assert f"{SECRET} 2" not in get("workspaces/own/").text
    house.app.extensions["poolhouse"].close()
    house.engine.dispose()


class TheKeyIsHidden(Access):
    def who(self, request):
        return Person("guest", "viewer")

    def hidden_columns(self, person, model):
        return frozenset({"id"} if model is Office else ())


def test_a_model_whose_key_is_hidden_keeps_nothing_else_from_being_described(tmp_path):
    house = made(tmp_path, access=TheKeyIsHidden())
    described = house.app.test_client().get("/ops/openapi.json")
    assert described.status_code == 200, described.text
    schemas = described.json["components"]["schemas"]
    assert "record.Worker" in schemas
    assert "record.Office" not in schemas
    house.app.extensions["poolhouse"].close()
    house.engine.dispose()
