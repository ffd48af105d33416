"""Are records of a class at hand whose table lies in another database, by the Session's `binds`?"""

from __future__ import annotations

import sys
import types

import pytest
import sqlalchemy as sa
from sqlalchemy import orm as sa_orm

from dashboard import Dashboard
from dashboard.records.models import Models
from dashboard.records.reading import Stopped, limited
from tests.guests import script


class Base(sa_orm.DeclarativeBase):
    pass


class Maker(Base):
    __tablename__ = "maker"
    id = sa_orm.mapped_column(sa.Integer, primary_key=True)
    name = sa_orm.mapped_column(sa.String(50), nullable=False, unique=True)


class Clock(Base):
    __tablename__ = "clock"
    id = sa_orm.mapped_column(sa.Integer, primary_key=True)
    name = sa_orm.mapped_column(sa.String(50), nullable=False)
    maker_id = sa_orm.mapped_column(sa.ForeignKey("maker.id"))
    maker = sa_orm.relationship(Maker)


@pytest.fixture(params=["sqlite", "postgresql"])
def ask(request, host, new_database, monkeypatch):
    """`ask(method, path, body)`: the clocks lie in this database, their makers in a SQLite file."""
    here, elsewhere = sa.create_engine(new_database("sqlite")), sa.create_engine(new_database(request.param))
    Maker.__table__.create(here)
    elsewhere_metadata = sa.MetaData()
    sa.Table("maker", elsewhere_metadata, sa.Column("id", sa.Integer, primary_key=True))
    Clock.__table__.to_metadata(elsewhere_metadata)
    elsewhere_metadata.create_all(elsewhere)
    maker = sa_orm.sessionmaker(bind=here, binds={Clock: elsewhere})
    with elsewhere.begin() as connection:
        connection.execute(sa.text("INSERT INTO maker VALUES (1), (2)"))
    with maker() as session:
        session.add_all([Maker(name="Harrison"), Maker(name="Breguet")])
        session.add_all([Clock(name=f"clock {n}", maker_id=1) for n in range(1, 8)])
        session.commit()
    module = types.ModuleType("clocks_of_the_test")
    module.Base = Base
    monkeypatch.setitem(sys.modules, module.__name__, module)
    app = host(TESTING=True, DASHBOARD_MODELS=module.__name__)
    Dashboard(app, maker, url_prefix="/ops")
    client, headers = app.test_client(), script(app)

    def ask(method, path, body=None, accept="application/json"):
        answer = getattr(client, method)(f"/ops/{path}", json=body, headers={**headers, "Accept": accept})
        assert answer.status_code in (200, 201), (path, answer.text)
        return answer

    yield ask
    here.dispose()
    elsewhere.dispose()


def test_records_bound_elsewhere_are_listed_edited_and_picked_like_any(ask):
    first = ask("get", "records/Clock/?size=5&sort=-id&q=clock").json
    assert [row["key"] for row in first["rows"]] == ["7", "6", "5", "4", "3"]
    assert "Harrison" in ask("get", "records/Clock/", accept="text/html").text
    following = ask("get", first["next"].removeprefix("/ops/")).json
    assert [row["key"] for row in following["rows"]] == ["2", "1"]
    assert "Harrison" in ask("get", "records/Clock/1/edit", accept="text/html").text
    assert ask("post", "records/Clock/1", {"values": {"maker_id": 2, "name": "marine"}}).json["values"] == {
        "id": 1,
        "name": "marine",
        "maker_id": 2,
    }
    assert [each["label"] for each in ask("get", "records/Maker/~/lookup?q=bre").json["results"]] == ["Breguet"]
    assert [each["label"] for each in ask("get", "records/Clock/~/lookup?q=mar").json["results"]]
    made = ask("post", "records/Clock/", {"values": {"name": "pocket", "maker": "2"}}).json
    assert made["values"]["maker_id"] == 2
    assert len(ask("get", "records/Clock/~/export?format=jsonl").text.splitlines()) == 8
    assert ask("post", "records/Clock/~/bulk", {"action": "edit", "keys": ["2", "3"], "values": {"name": "x"}}).json
    assert ask("get", f"records/Clock/{made['key']}/delete").json
    ask("post", "workspaces/", {"name": "w"})
    for model, key, name in (("Clock", "4", "tall"), ("Maker", "1", "John Harrison")):
        ref = ask("post", "workspaces/w/load", {"model": model, "key": key}).json["ref"]
        ask("post", f"workspaces/w/objects/{ref}/values", {"values": {"name": name}})
    ask("post", "workspaces/w/commit", {"note": "both"})
    assert ask("get", "records/Clock/4").json["values"]["name"] == "tall"
    assert ask("get", "records/Maker/1").json["values"]["name"] == "John Harrison"
    assert ask("get", "records/Clock/1").json["history"]


def test_a_query_is_stopped_in_time_where_its_class_is_bound():
    engines = sa.create_engine("sqlite://"), sa.create_engine("sqlite://")
    model = Models.of_registry(Base, dialect=engines[0].dialect).find("Clock")
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    session = sa_orm.Session(engines[0], binds={Clock: engines[1]})
    with session, pytest.raises(Stopped), limited(session, 0.05, model):
        session.execute(sa.text(endless), bind_arguments={"mapper": Clock})
    for engine in engines:
        engine.dispose()
