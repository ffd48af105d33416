"""Is what a host's `db` brings what Poolhouse shows and works on? Each kind of db: its pools, Sessions and models."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import orm as sa_orm
from sqlalchemy.ext import asyncio as sa_asyncio

from dashboard import Dashboard
from dashboard.runtime import Runtime
from tests.guests import JSON, runtime_of, script, worked


class Base(sa_orm.DeclarativeBase):
    pass


class Thing(Base):
    __tablename__ = "thing"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.String(50), nullable=False)


@pytest.fixture
def app(tmp_path):
    app = Flask("shop", instance_path=str(tmp_path))
    app.config.update(DASHBOARD_INSTANCE=str(tmp_path / "poolhouse"), SQLALCHEMY_DATABASE_URI="sqlite:///shop.db")
    yield app
    for entry in app.extensions.values():
        if isinstance(entry, Runtime):
            entry.close()
    if "sqlalchemy" in app.extensions:
        with app.app_context():
            for engine in app.extensions["sqlalchemy"].engines.values():
                engine.dispose()


@pytest.fixture
def engine(tmp_path):
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'plain.db'}")
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


def pools(app):
    answer = app.test_client().get("/dashboard/pools/", headers=script(app, "viewer"))
    return {pool["name"]: pool for pool in answer.json["pools"]}


def transactions(app):
    """How many root transactions the Sessions of the host have committed."""
    numbers = app.test_client().get("/dashboard/sessions/", headers=script(app, "viewer")).json
    return sum(t["count"] for t in numbers["transitions"] if t["registry"] == "default" and t["to"] == "pending")


def test_the_models_pool_and_sessions_of_flask_sqlalchemy_are_shown(app):
    db = SQLAlchemy()
    db.init_app(app)
    Dashboard(app, db)

    class Late(db.Model):  # an app factory imports its models when it likes
        id = sa.Column(sa.Integer, primary_key=True)
        name = sa.Column(sa.String(50))

    with app.app_context():
        db.create_all()
        checkouts, pending = pools(app)["default"]["totals"]["checkouts"], transactions(app)
        db.session.add(Late(name="of the host"))
        db.session.commit()
        assert pools(app)["default"]["totals"]["checkouts"] == checkouts + 1
        assert transactions(app) == pending + 1
    worked(app.test_client(), "/dashboard", script(app), "Late", {"name": "of a workspace"})
    with app.app_context():
        assert sorted(db.session.scalars(sa.select(Late.name))) == ["of a workspace", "of the host"]
        db.session.remove()


@pytest.mark.parametrize("kind", ["Engine", "sessionmaker", "scoped_session"])
@pytest.mark.parametrize("models", ["reflected", "declared"])
def test_every_kind_of_db_shows_its_pool_and_sessions_and_takes_work(kind, models, app, engine):
    made = sa_orm.sessionmaker(engine)
    db = {"Engine": engine, "sessionmaker": made, "scoped_session": sa_orm.scoped_session(made)}[kind]
    if models == "declared":
        app.config["DASHBOARD_MODELS"] = __name__
    Dashboard(app, db)
    before, pending = pools(app)["default"]["totals"]["checkouts"], transactions(app)
    with made() as session:
        session.add(Thing(name="of the host"))
        session.commit()
    assert pools(app)["default"]["totals"]["checkouts"] == before + 1
    assert transactions(app) == pending + 1
    model = "thing" if models == "reflected" else "Thing"
    worked(app.test_client(), "/dashboard", script(app), model, {"name": "of a workspace"})
    with engine.connect() as connection:
        names = connection.scalars(sa.select(Thing.name).order_by(Thing.id)).all()
    assert names == ["of the host", "of a workspace"]
    assert transactions(app) == pending + 1  # a workspace's Sessions are not the host's


@pytest.mark.parametrize("kind", ["AsyncEngine", "async_sessionmaker", "async_scoped_session"])
def test_an_asynchronous_db_is_watched_and_worked_on_by_the_matching_driver(kind, app, tmp_path, engine):
    asynchronous = sa_asyncio.create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'plain.db'}")
    maker = sa_asyncio.async_sessionmaker(asynchronous)
    scoped = sa_asyncio.async_scoped_session(maker, scopefunc=lambda: 1)
    db = {"AsyncEngine": asynchronous, "async_sessionmaker": maker, "async_scoped_session": scoped}[kind]
    app.config["DASHBOARD_MODELS"] = __name__
    Dashboard(app, db)
    before = pools(app)["default"]["totals"]["checkouts"]

    async def of_the_host():
        async with maker() as session:
            session.add(Thing(name="of the host"))
            await session.commit()
        await asynchronous.dispose()

    asyncio.run(of_the_host())
    assert pools(app)["default"]["totals"]["checkouts"] == before + 1
    worked(app.test_client(), "/dashboard", script(app), "Thing", {"name": "of a workspace"})
    with engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(Thing)) == 2


def test_the_tables_of_an_asynchronous_db_take_their_models(app, tmp_path):
    Dashboard(app, sa_asyncio.create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'plain.db'}"))
    client, editor = app.test_client(), script(app)
    client.post("/dashboard/workspaces/", json={"name": "w"}, headers=editor)
    answer = client.post("/dashboard/workspaces/w/load", json={"model": "thing", "key": "1"}, headers=editor)
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "unavailable")
    assert "DASHBOARD_MODELS" in answer.json["error"]["remedy"]


@pytest.mark.parametrize("default", [True, False])
def test_each_bind_has_its_pool_under_its_key_and_its_models_in_a_database_of_its_own(default, app, tmp_path):
    app.config["SQLALCHEMY_BINDS"] = {"archive": f"sqlite:///{tmp_path / 'archive.db'}", "default": "sqlite:///d.db"}
    if not default:
        del app.config["SQLALCHEMY_DATABASE_URI"]
    db = SQLAlchemy()
    db.init_app(app)
    Dashboard(app, db)
    if default:

        class Order(db.Model):
            id = sa.Column(sa.Integer, primary_key=True)

    class Paper(db.Model):
        __bind_key__ = "archive"
        id = sa.Column(sa.Integer, primary_key=True)
        name = sa.Column(sa.String(50))

    with app.app_context():
        db.create_all(["archive"] if not default else "__all__")
        assert ({"default"} if default else set()) | {"archive", "default-bind"} <= set(pools(app))
        before = pools(app)["archive"]["totals"]["checkouts"]
        assert list(db.session.scalars(sa.select(Paper))) == []
        db.session.remove()
        assert pools(app)["archive"]["totals"]["checkouts"] == before + 1
    client, editor = app.test_client(), script(app)
    shown = {name: [model.name for model in found.models] for name, found in runtime_of(app).databases.items()}
    assert shown == {**({"default": ["Order"]} if default else {}), "archive": ["Paper"], "default-bind": []}
    done = worked(client, "/dashboard", editor, "Paper", {"name": "found"}, database="archive")
    assert done["database"] == "archive"
    with sa.create_engine(f"sqlite:///{tmp_path / 'archive.db'}", poolclass=sa.NullPool).connect() as connection:
        assert connection.exec_driver_sql("SELECT name FROM paper").scalars().all() == ["found"]
    answer = client.post("/dashboard/workspaces/", json={"name": "v"}, headers=editor)
    assert answer.json["database"] == ("default" if default else "archive")


def test_a_bind_without_models_shows_its_tables_and_a_shared_name_tells_them_apart(app, tmp_path):
    other = f"sqlite:///{tmp_path / 'other.db'}"
    with sa.create_engine(other, poolclass=sa.NullPool).begin() as connection:
        connection.exec_driver_sql("CREATE TABLE paper (id INTEGER PRIMARY KEY, name VARCHAR(50))")
    app.config["SQLALCHEMY_BINDS"] = {"other": other}
    db = SQLAlchemy()
    db.init_app(app)
    Dashboard(app, db)

    class paper(db.Model):
        id = sa.Column(sa.Integer, primary_key=True)

    with app.app_context():
        db.create_all()
    worked(app.test_client(), "/dashboard", script(app), "other.paper", {"name": "found"}, database="other")
    with sa.create_engine(other, poolclass=sa.NullPool).connect() as connection:
        assert connection.exec_driver_sql("SELECT name FROM paper").scalars().all() == ["found"]


def test_a_database_in_memory_is_shared_with_the_host(app):
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
    db = SQLAlchemy()

    class Note(db.Model):
        id = sa.Column(sa.Integer, primary_key=True)
        name = sa.Column(sa.String(50))

    db.init_app(app)
    Dashboard(app, db)
    with app.app_context():
        db.create_all()
    worked(app.test_client(), "/dashboard", script(app), "Note", {"name": "found"})
    with app.app_context():
        assert db.session.scalars(sa.select(Note.name)).all() == ["found"]
        db.session.remove()


def test_listeners_of_the_hosts_sessions_hear_workspaces_and_what_they_hear_is_counted_once(app, engine):
    class Audited(sa_orm.Session):
        pass

    heard = []
    listeners = {class_: lambda *_, by=class_.__name__: heard.append(by) for class_ in (sa_orm.Session, Audited)}
    for class_, listener in listeners.items():
        sa.event.listen(class_, "before_flush", listener)
    maker = sa_orm.sessionmaker(engine, class_=Audited)
    try:
        Dashboard(app, maker)
        pending = transactions(app)
        with maker() as session:
            session.add(Thing(name="of the host"))
            session.commit()
        assert (heard, transactions(app)) == (["Session", "Audited"], pending + 1)
        heard.clear()
        worked(app.test_client(), "/dashboard", script(app), "thing", {"name": "of a workspace"})
        assert sorted(set(heard)) == ["Audited", "Session"]
        assert transactions(app) == pending + 1
    finally:
        for class_, listener in listeners.items():
            sa.event.remove(class_, "before_flush", listener)


def test_the_store_and_our_tables_are_never_among_the_hosts(app, engine):
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE poolhouse_account (name TEXT PRIMARY KEY)")
    Dashboard(app, engine)
    assert [model.name for model in runtime_of(app).databases["default"].models] == ["thing"]


def test_without_a_db_there_is_telemetry_and_no_workspaces(app):
    Dashboard(app)
    client, editor = app.test_client(), script(app)
    assert client.get("/dashboard/", headers=editor).status_code == 200
    answer = client.get("/dashboard/workspaces/", headers={**editor, **JSON})
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "unavailable")
